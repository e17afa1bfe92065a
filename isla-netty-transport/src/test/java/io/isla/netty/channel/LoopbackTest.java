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
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.DatagramPacket;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A host that talks to itself, on one loop and across loops. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class LoopbackTest {
    private static final int BYTES = 1 << 20;

    private MemoryLink.Pair link;
    private IslaHost host;
    private EventLoopGroup clients;
    private EventLoopGroup servers;

    /** What the clients have received: numbers of bytes, exceptions. */
    private final BlockingQueue<Object> log = new LinkedBlockingQueue<>();

    private void open(Link.Medium medium, int loops) {
        link = MemoryLink.builder().medium(medium).pair("loop", "nobody");
        host = IslaHost.builder()
                .link(link.first())
                .address("10.0.0.1/24")
                .address("fd00::1/64")
                .build();
        servers = new IslaEventLoopGroup(loops, host);
        clients = loops == 1 ? servers : new IslaEventLoopGroup(loops, host);
    }

    @AfterEach
    void close() throws Exception {
        clients.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        servers.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        host.close();
        link.close();
    }

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

    private final class Counting extends ChannelInboundHandlerAdapter {
        private int received;

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf content = message instanceof DatagramPacket packet ? packet.content() : (ByteBuf) message;
            received += content.readableBytes();
            content.release();
            if (received == BYTES || message instanceof DatagramPacket) {
                log.add(received);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            log.add(cause);
        }
    }

    private Object next() throws InterruptedException {
        return log.poll(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    private static int port(Channel channel) {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    @ParameterizedTest
    @CsvSource({
        "ETHERNET, 1, ::, 127.0.0.1",
        "ETHERNET, 3, ::, 127.0.0.1",
        "ETHERNET, 3, 127.1.2.3, 127.1.2.3",
        "ETHERNET, 1, ::, ::1",
        "ETHERNET, 3, ::1, ::1",
        "ETHERNET, 3, 0.0.0.0, 10.0.0.1",
        "ETHERNET, 3, fd00::1, fd00::1",
        "ETHERNET, 3, ::, 0.0.0.0",
        "ETHERNET, 3, ::, ::",
        "IP, 2, ::, 10.0.0.1",
        "IP, 2, ::, ::1"
    })
    void streamsReachTheHostItself(Link.Medium medium, int loops, String bound, String to) throws Exception {
        open(medium, loops);
        Channel server = new ServerBootstrap()
                .group(servers)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new Echo())
                .bind(bound, 0)
                .sync()
                .channel();
        Set<Object> loopsOfClients = new HashSet<>();
        for (int i = 0; i < 2 * loops; i++) {
            Channel channel = new Bootstrap()
                    .group(clients)
                    .channel(IslaSocketChannel.class)
                    .handler(new Counting())
                    .connect(new InetSocketAddress(to, port(server)))
                    .sync()
                    .channel();
            loopsOfClients.add(channel.eventLoop());
            InetSocketAddress local = (InetSocketAddress) channel.localAddress();
            InetSocketAddress remote = (InetSocketAddress) channel.remoteAddress();
            assertThat(local.getAddress().isLoopbackAddress())
                    .isEqualTo(remote.getAddress().isLoopbackAddress());
            channel.writeAndFlush(Unpooled.directBuffer(BYTES).writeZero(BYTES));
            assertThat(next()).isEqualTo(BYTES);
            channel.close().sync();
        }
        assertThat(loopsOfClients).hasSize(loops);
        // Nothing of it went out.
        assertThat(host.counters().get("LinkTX_BYTES")).isLessThan(10_000L);
    }

    @ParameterizedTest
    @CsvSource({
        "1, ::, 127.0.0.1",
        "3, ::, 127.0.0.1",
        "3, 127.1.2.3, 127.1.2.3",
        "3, ::1, ::1",
        "3, 0.0.0.0, 10.0.0.1",
        "3, ::, fd00::1",
        "3, ::, 0.0.0.0"
    })
    void datagramsReachTheHostItself(int loops, String bound, String to) throws Exception {
        open(Link.Medium.ETHERNET, loops);
        Bootstrap bootstrap = new Bootstrap()
                .channel(IslaDatagramChannel.class)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(65_536));
        Channel server = bootstrap
                .clone()
                .group(servers)
                .handler(new Echo())
                .bind(bound, 0)
                .sync()
                .channel();
        for (int i = 0; i < 2 * loops; i++) {
            Channel channel = bootstrap
                    .clone()
                    .group(clients)
                    .handler(new Counting())
                    .connect(new InetSocketAddress(to, port(server)))
                    .sync()
                    .channel();
            int size = 1 + i * 12_000;
            channel.writeAndFlush(Unpooled.directBuffer(size).writeZero(size)).sync();
            assertThat(next()).isEqualTo(size);
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 127.0.0.1", "3, ::1", "3, 10.0.0.1"})
    void thatNobodyListensIsSaidAtOnce(int loops, String to) throws Exception {
        open(Link.Medium.ETHERNET, loops);
        for (int i = 0; i < loops; i++) {
            assertThatThrownBy(() -> new Bootstrap()
                            .group(clients)
                            .channel(IslaSocketChannel.class)
                            .handler(new Counting())
                            .connect(to, 9)
                            .sync())
                    .isInstanceOf(ConnectException.class);
            Channel channel = new Bootstrap()
                    .group(clients)
                    .channel(IslaDatagramChannel.class)
                    .handler(new Counting())
                    .connect(to, 9)
                    .sync()
                    .channel();
            channel.writeAndFlush(Unpooled.directBuffer(1).writeZero(1)).sync();
            assertThat(next()).isInstanceOf(PortUnreachableException.class);
            channel.close().sync();
        }
    }
}
