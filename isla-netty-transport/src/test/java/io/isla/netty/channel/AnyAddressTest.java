/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.Link;
import io.isla.netty.link.MemoryLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.EventLoopGroup;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A server for whatever address and port a client may dial. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class AnyAddressTest {
    private MemoryLink.Pair link;
    private IslaHost clientHost;
    private IslaHost serverHost;
    private EventLoopGroup clientGroup;
    private EventLoopGroup serverGroup;
    private final BlockingQueue<Channel> accepted = new LinkedBlockingQueue<>();
    private final BlockingQueue<Object> log = new LinkedBlockingQueue<>();

    private void open(Link.Medium medium) {
        link = MemoryLink.builder().medium(medium).pair("client", "server");
        clientHost = IslaHost.builder()
                .link(link.first())
                .address("10.0.0.1/24")
                .address("fd00::1/64")
                .gateway("10.0.0.2")
                .gateway("fd00::2")
                .build();
        serverHost = IslaHost.builder()
                .link(link.second())
                .address("10.0.0.2/24")
                .address("fd00::2/64")
                .build();
        clientGroup = new IslaEventLoopGroup(2, clientHost);
        serverGroup = new IslaEventLoopGroup(2, serverHost);
    }

    @AfterEach
    void close() throws Exception {
        clientGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        serverGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        clientHost.close();
        serverHost.close();
        link.close();
    }

    @ChannelHandler.Sharable
    private final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            accepted.add(context.channel());
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message);
        }
    }

    private ServerBootstrap server() {
        return new ServerBootstrap()
                .group(serverGroup)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new Echo());
    }

    private ServerBootstrap any() {
        return server().option(IslaChannelOption.IP_TRANSPARENT, true).option(IslaChannelOption.ANY_PORT, true);
    }

    private ChannelFuture connect(String address, int port) throws Exception {
        return new Bootstrap()
                .group(clientGroup)
                .channel(IslaSocketChannel.class)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 5000)
                .handler(new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext context, Object message) {
                        log.add(((ByteBuf) message).toString(StandardCharsets.US_ASCII));
                        ((ByteBuf) message).release();
                    }
                })
                .connect(address, port)
                .await();
    }

    private void echo(Channel channel) throws Exception {
        channel.writeAndFlush(Unpooled.copiedBuffer("hello", StandardCharsets.US_ASCII))
                .sync();
        assertThat(log.poll(10, TimeUnit.SECONDS)).isEqualTo("hello");
    }

    @ParameterizedTest
    @EnumSource(Link.Medium.class)
    void anAcceptedChannelHasTheAddressThatTheClientHasDialled(Link.Medium medium) throws Exception {
        open(medium);
        Channel server = any().bind("::", 0).sync().channel();
        assertThat(((InetSocketAddress) server.localAddress()).getPort()).isZero();

        for (String to : new String[] {"203.0.113.9", "198.51.100.200", "2001:db8::9", "10.0.0.2"}) {
            for (int port : new int[] {1, 443, 65_535}) {
                ChannelFuture connected = connect(to, port);
                assertThat(connected.isSuccess())
                        .as(to + ":" + port + " " + connected.cause())
                        .isTrue();
                Channel channel = connected.channel();
                assertThat(accepted.poll(10, TimeUnit.SECONDS).localAddress())
                        .isEqualTo(new InetSocketAddress(to, port));
                echo(channel);
                channel.close().sync();
            }
        }
    }

    @Test
    void whoListensOnAPortOrAnAddressHasItsConnections() throws Exception {
        open(Link.Medium.ETHERNET);
        Channel any = any().bind("::", 0).sync().channel();
        Channel specific = server().bind("10.0.0.2", 80).sync().channel();

        connect("10.0.0.2", 80);
        assertThat(accepted.take().parent()).isSameAs(specific);
        connect("203.0.113.9", 80);
        assertThat(accepted.take().parent()).isSameAs(any);
        connect("10.0.0.2", 81);
        assertThat(accepted.take().parent()).isSameAs(any);
        // A connection of the host's own, in whose port range all ports are listened to.
        new ServerBootstrap()
                .group(clientGroup)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new Echo())
                .bind("::", 99)
                .sync();
        Channel out = new Bootstrap()
                .group(serverGroup)
                .channel(IslaSocketChannel.class)
                .handler(new ChannelInboundHandlerAdapter())
                .connect("10.0.0.1", 99)
                .sync()
                .channel();
        assertThat(accepted.take().remoteAddress()).isEqualTo(out.localAddress());

        assertThatThrownBy(() -> any().bind("0.0.0.0", 0).sync()).isInstanceOf(BindException.class);
        assertThatThrownBy(() -> any().bind("::", 7).sync()).isInstanceOf(BindException.class);
    }

    @Test
    void withoutAnyPortItIsOnePortOfAllAddresses() throws Exception {
        open(Link.Medium.ETHERNET);
        server().option(IslaChannelOption.IP_TRANSPARENT, true).bind("::", 80).sync();

        connect("203.0.113.9", 80);
        assertThat(accepted.take().localAddress()).isEqualTo(new InetSocketAddress("203.0.113.9", 80));
        assertThat(connect("203.0.113.9", 81).cause()).isInstanceOf(ConnectException.class);
    }

    @Test
    void withoutTransparencyItIsAllPortsOfTheHostsAddresses() throws Exception {
        open(Link.Medium.ETHERNET);
        server().option(IslaChannelOption.ANY_PORT, true).bind("::", 0).sync();

        connect("10.0.0.2", 12_345);
        assertThat(accepted.take().localAddress()).isEqualTo(new InetSocketAddress("10.0.0.2", 12_345));
        Bootstrap impatient = new Bootstrap()
                .group(clientGroup)
                .channel(IslaSocketChannel.class)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 200)
                .handler(new ChannelInboundHandlerAdapter());
        assertThat(impatient.connect("203.0.113.9", 80).await().cause()).isInstanceOf(ConnectTimeoutException.class);
    }

    @Test
    void acceptedConnectionsOutliveTheServerChannel() throws Exception {
        open(Link.Medium.ETHERNET);
        Channel server = any().bind("::", 0).sync().channel();
        Channel channel = connect("203.0.113.9", 80).channel();
        Channel child = accepted.take();

        server.close().sync();
        echo(channel);
        channel.close().sync();
        child.closeFuture().await();

        // And when the last has ended, nobody is there any more.
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        InetAddress foreign = InetAddress.getByName("203.0.113.9");
        while (clientHost.echo(foreign).await().isSuccess()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
        }
    }

    // ------------------------------------------------------------------------------------------------ looking first

    private void gated(IslaSynHandler handler) throws Exception {
        any().option(IslaChannelOption.SYN_HANDLER, handler).bind("::", 0).sync();
    }

    @Test
    void theApplicationAcceptsOrRejects() throws Exception {
        open(Link.Medium.ETHERNET);
        gated(request -> {
            log.add(request.localAddress());
            if (request.localAddress().getPort() == 80) {
                request.accept();
            } else {
                request.reject();
            }
            // Too late.
            request.drop();
        });

        Channel channel = connect("203.0.113.9", 80).sync().channel();
        assertThat(log.take()).isEqualTo(new InetSocketAddress("203.0.113.9", 80));
        assertThat(accepted.take().remoteAddress()).isEqualTo(channel.localAddress());
        echo(channel);

        assertThat(connect("203.0.113.9", 81).cause())
                .isInstanceOf(ConnectException.class)
                .hasMessageContaining("refused");
        assertThat(serverHost.counters().get("IslaSynGateRejects")).isEqualTo(1);
    }

    @Test
    void theApplicationMayTakeItsTime() throws Exception {
        open(Link.Medium.ETHERNET);
        BlockingQueue<IslaSynRequest> requests = new LinkedBlockingQueue<>();
        gated(requests::add);
        ChannelFuture connecting = new Bootstrap()
                .group(clientGroup)
                .channel(IslaSocketChannel.class)
                .handler(new ChannelInboundHandlerAdapter())
                .connect("2001:db8::9", 443);
        IslaSynRequest request = requests.poll(10, TimeUnit.SECONDS);
        assertThat(request.localAddress()).isEqualTo(new InetSocketAddress("2001:db8::9", 443));
        // Longer than it takes the client to send its SYN again, which is not asked about.
        assertThat(connecting.await(1200, TimeUnit.MILLISECONDS)).isFalse();
        assertThat(requests).isEmpty();

        request.accept();

        connecting.sync();
        assertThat(accepted.take().remoteAddress()).isEqualTo(request.remoteAddress());
    }

    @Test
    void whatIsDroppedIsAskedAboutAgain() throws Exception {
        open(Link.Medium.ETHERNET);
        gated(request -> {
            log.add(request);
            if (log.size() == 1) {
                request.drop();
            } else if (log.size() == 2) {
                throw new IllegalStateException("on purpose");
            } else {
                request.accept();
            }
        });

        assertThat(connect("203.0.113.9", 80).cause()).isNull();

        assertThat(log).hasSize(3);
        assertThat(serverHost.counters().get("IslaSynGateDrops")).isEqualTo(2);
    }
}
