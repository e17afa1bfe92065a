/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.host.IslaHost;
import io.isla.netty.host.IslaHostAddress;
import io.isla.netty.host.IslaHostListener;
import io.isla.netty.link.MemoryLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.SocketProtocolFamily;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Channels over IPv6, and sockets that serve both families. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class DualStackTest {
    private final MemoryLink.Pair link = MemoryLink.pair("client", "server");
    private final IslaHost clientHost = IslaHost.builder()
            .link(link.first())
            .address("10.0.0.1/24")
            .address("fd00::1/64")
            .address("2001:db8::1/64")
            .build();
    private final IslaHost serverHost = IslaHost.builder()
            .link(link.second())
            .address("10.0.0.2/24")
            .address("fd00::2/64")
            .address("2001:db8::2/64")
            .build();
    private final EventLoopGroup clientGroup = new IslaEventLoopGroup(2, clientHost);
    private final EventLoopGroup serverGroup = new IslaEventLoopGroup(2, serverHost);
    private final BlockingQueue<Object> log = new LinkedBlockingQueue<>();

    @AfterEach
    void close() throws Exception {
        clientGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        serverGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        clientHost.close();
        serverHost.close();
    }

    /** Sends back what it gets. */
    @ChannelHandler.Sharable
    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof DatagramPacket packet) {
                context.writeAndFlush(new DatagramPacket(packet.content(), packet.sender()));
            } else {
                context.writeAndFlush(message);
            }
        }
    }

    /** Notes what it gets. */
    @ChannelHandler.Sharable
    private final class Log extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf content = message instanceof DatagramPacket packet ? packet.content() : (ByteBuf) message;
            log.add(content.toString(StandardCharsets.US_ASCII));
            content.release();
        }
    }

    private Channel serve(String address, int port, boolean v6Only) throws Exception {
        return new ServerBootstrap()
                .group(serverGroup)
                .channel(IslaServerSocketChannel.class)
                .option(IslaChannelOption.IPV6_V6ONLY, v6Only)
                .childHandler(new Echo())
                .bind(address, port)
                .sync()
                .channel();
    }

    private Bootstrap client() {
        return new Bootstrap()
                .group(clientGroup)
                .channel(IslaSocketChannel.class)
                .handler(new Log());
    }

    private static int port(Channel channel) {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    private static ByteBuf bytes(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
    }

    private String next() throws InterruptedException {
        return (String) log.poll(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @CsvSource({
        "::, 10.0.0.2, 10.0.0.1",
        "::, fd00::2, fd00::1",
        "::, ::ffff:10.0.0.2, 10.0.0.1",
        "0.0.0.0, 2001:db8::2, 2001:db8::1",
        "fd00::2, fd00::2, fd00::1"
    })
    void aStreamTalksToAServerOfItsFamilyOrOfBoth(String bound, String to, String from) throws Exception {
        Channel server = serve(bound, 0, false);

        Channel channel =
                client().connect(new InetSocketAddress(to, port(server))).sync().channel();
        channel.writeAndFlush(bytes("hello")).sync();

        assertThat(next()).isEqualTo("hello");
        // The source of the destination's kind (RFC 6724 §5).
        assertThat(((InetSocketAddress) channel.localAddress()).getAddress()).isEqualTo(InetAddress.getByName(from));
        channel.close().sync();
    }

    @Test
    void aServerForIpv6OnlyLeavesIpv4Alone() throws Exception {
        Channel server = serve("::", 0, true);

        client().connect(new InetSocketAddress("fd00::2", port(server)))
                .sync()
                .channel()
                .close()
                .sync();

        assertThatThrownBy(() -> client().connect(new InetSocketAddress("10.0.0.2", port(server)))
                        .sync())
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void aServerForEachFamilyMayListenOnTheSamePort() throws Exception {
        Channel six = serve("::", 0, true);
        ServerBootstrap four = new ServerBootstrap()
                .group(serverGroup)
                .channelFactory(() -> new IslaServerSocketChannel(SocketProtocolFamily.INET))
                .childHandler(new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelActive(ChannelHandlerContext context) {
                        context.writeAndFlush(bytes("four"));
                    }
                });

        Channel server = four.bind("0.0.0.0", port(six)).sync().channel();

        client().connect(new InetSocketAddress("10.0.0.2", port(six))).sync();
        assertThat(next()).isEqualTo("four");
        client().connect(new InetSocketAddress("fd00::2", port(six)))
                .sync()
                .channel()
                .writeAndFlush(bytes("six"));
        assertThat(next()).isEqualTo("six");
        assertThatThrownBy(() -> four.clone().bind("0.0.0.0", port(six)).sync()).isInstanceOf(BindException.class);
        assertThatThrownBy(() -> four.clone().bind("fd00::2", 0).sync())
                .isInstanceOf(UnsupportedAddressTypeException.class);

        six.close().sync();
        assertThatThrownBy(() -> client().connect(new InetSocketAddress("fd00::2", port(server)))
                        .sync())
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void aChannelConnectsFromTheAddressItIsToldTo() throws Exception {
        Channel server = serve("::", 0, false);

        Channel channel = client().connect(
                        new InetSocketAddress("fd00::2", port(server)), new InetSocketAddress("2001:db8::1", 0))
                .sync()
                .channel();

        assertThat(((InetSocketAddress) channel.localAddress()).getAddress())
                .isEqualTo(InetAddress.getByName("2001:db8::1"));
        channel.close().sync();
    }

    @ParameterizedTest
    @CsvSource({"::, 10.0.0.2", "::, fd00::2", "0.0.0.0, 2001:db8::2", "2001:db8::2, 2001:db8::2"})
    void datagramsGoBothWays(String bound, String to) throws Exception {
        Channel server = new Bootstrap()
                .group(serverGroup)
                .channel(IslaDatagramChannel.class)
                .handler(new Echo())
                .bind(bound, 0)
                .sync()
                .channel();
        Channel channel = new Bootstrap()
                .group(clientGroup)
                .channel(IslaDatagramChannel.class)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new io.netty.channel.FixedRecvByteBufAllocator(65_536))
                .handler(new Log())
                .bind(0)
                .sync()
                .channel();
        // In fragments, too.
        for (int size : new int[] {1, 1000, 9000}) {
            channel.writeAndFlush(new DatagramPacket(bytes("x".repeat(size)), new InetSocketAddress(to, port(server))))
                    .sync();
            if (size <= 1000) {
                assertThat(next()).hasSize(size);
            }
        }
    }

    @Test
    void addressesComeAndGoOnTheLiveHost() throws Exception {
        serverHost.addListener(new IslaHostListener() {
            @Override
            public void addressAdded(IslaHost host, IslaHostAddress address) {
                log.add("added " + address);
            }

            @Override
            public void addressRemoved(IslaHost host, IslaHostAddress address) {
                log.add("removed " + address);
            }
        });
        // The group's loops are to run.
        Channel server = serve("::", 0, false);
        log.removeIf(event -> event.toString().contains("fe80"));

        serverHost.addAddress("fd00::3/64").sync();

        assertThat(serverHost.addresses()).contains(InetAddress.getByName("fd00::3"));
        Channel channel = client().connect(new InetSocketAddress("fd00::3", port(server)))
                .sync()
                .channel();
        channel.writeAndFlush(bytes("hello")).sync();
        assertThat(nextButLinkLocal()).isEqualTo("added fd00:0:0:0:0:0:0:3/64");
        assertThat(nextButLinkLocal()).isEqualTo("hello");
        Channel second = serve("fd00::3", 0, false);
        assertThatThrownBy(() -> serverHost.addAddress("fd00::3/64")).isInstanceOf(IllegalArgumentException.class);
        channel.close().sync();

        serverHost.removeAddress(InetAddress.getByName("fd00::3")).sync();

        assertThat(nextButLinkLocal()).isEqualTo("removed fd00:0:0:0:0:0:0:3/64");
        assertThat(second.isOpen()).isTrue();
        assertThatThrownBy(() -> serve("fd00::3", 0, false)).isInstanceOf(BindException.class);
        assertThatThrownBy(() -> serverHost.removeAddress(InetAddress.getByName("fd00::3")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private String nextButLinkLocal() throws InterruptedException {
        String event = next();
        return event != null && event.contains("fe80:") ? nextButLinkLocal() : event;
    }

    @Test
    void routesComeAndGoOnTheLiveHost() throws Exception {
        Channel server = serve("::", 0, false);
        serverHost.addAddress("2001:db8:5::2/128").sync();
        InetSocketAddress far = new InetSocketAddress("2001:db8:5::2", port(server));
        assertThatThrownBy(() -> client().connect(far).sync()).isInstanceOf(java.net.NoRouteToHostException.class);

        clientHost.addRoute("2001:db8:5::/64", InetAddress.getByName("fd00::2")).sync();

        client().connect(far).sync().channel().close().sync();
        assertThat(clientHost.routes()).hasSize(1);
        clientHost
                .removeRoute("2001:db8:5::/64", InetAddress.getByName("fd00::2"))
                .sync();
        assertThatThrownBy(() -> client().connect(far).sync()).isInstanceOf(java.net.NoRouteToHostException.class);
    }
}
