/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.Programs;
import io.isla.netty.testing.RequiresProgram;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * iperf3 with a host between its two ends: what the client in one namespace sends to the host, the host sends on to the server at its router, and back.
 * Both of iperf3's ends count, and find out what has been lost, doubled or put out of order.
 */
@KernelTest
@RequiresProgram("iperf3")
@Timeout(120)
class Iperf3RelayTest {
    private static final int PORT = 5201;

    /** Where the server is: the router. */
    private static InetSocketAddress server(String isla) {
        return new InetSocketAddress(isla.equals(RoutedHost.ISLA) ? "10.90.0.1" : "fd90::1", PORT);
    }

    private static void relay(RoutedHost host, InetSocketAddress server) throws Exception {
        new ServerBootstrap()
                .group(host.group)
                .channel(IslaServerSocketChannel.class)
                .childOption(ChannelOption.AUTO_READ, false)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel accepted) {
                        new Bootstrap()
                                .group(accepted.eventLoop())
                                .channel(IslaSocketChannel.class)
                                .handler(new PassOn(accepted))
                                .connect(server)
                                .addListener((ChannelFutureListener) connected -> {
                                    if (connected.isSuccess()) {
                                        accepted.pipeline().addLast(new PassOn(connected.channel()));
                                        accepted.config().setAutoRead(true);
                                    } else {
                                        accepted.close();
                                    }
                                });
                    }
                })
                .bind(PORT)
                .sync();
        new Bootstrap()
                .group(host.group)
                .channel(IslaDatagramChannel.class)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(2048))
                .option(ChannelOption.SO_RCVBUF, 4 << 20)
                .handler(new PassDatagramsOn(host.group, server))
                .bind(PORT)
                .sync();
    }

    private static final class PassOn extends ChannelInboundHandlerAdapter {
        private final Channel to;

        PassOn(Channel to) {
            this.to = to;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            to.writeAndFlush(message);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            to.close();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            // iperf3 is done and closes with bytes that it has not read: a reset.
            context.close();
        }
    }

    /** Has a socket of its own for each client, connected to the server. */
    private static final class PassDatagramsOn extends SimpleChannelInboundHandler<DatagramPacket> {
        private final EventLoopGroup group;
        private final InetSocketAddress server;
        private final Map<InetSocketAddress, ChannelFuture> clients = new HashMap<>();

        PassDatagramsOn(EventLoopGroup group, InetSocketAddress server) {
            this.group = group;
            this.server = server;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
            ByteBuf content = packet.content().retain();
            // At once, or when it is connected.
            clients.computeIfAbsent(packet.sender(), client -> connect(context.channel(), client))
                    .addListener((ChannelFutureListener)
                            connected -> connected.channel().writeAndFlush(content));
        }

        private ChannelFuture connect(Channel back, InetSocketAddress client) {
            return new Bootstrap()
                    .group(back.eventLoop())
                    .channel(IslaDatagramChannel.class)
                    .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(2048))
                    .option(ChannelOption.SO_RCVBUF, 4 << 20)
                    .handler(new SimpleChannelInboundHandler<DatagramPacket>() {
                        @Override
                        protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
                            back.writeAndFlush(
                                    new DatagramPacket(packet.content().retain(), client));
                        }

                        @Override
                        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                            // The server has closed its socket: the test is over.
                            context.close();
                        }
                    })
                    .connect(server);
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({
        RoutedHost.ISLA + ", --udp",
        RoutedHost.ISLA + ", --udp --reverse",
        RoutedHost.ISLA6 + ", --udp",
        RoutedHost.ISLA6 + ", --udp --bidir",
        RoutedHost.ISLA6 + ", --bidir"
    })
    void iperf3CountsWhatGoesThroughIt(String address, String options) throws Exception {
        RoutedHost isla = new RoutedHost(true);
        try {
            relay(isla, server(address));
            try (Programs.Running server = Programs.start(
                    line -> line.contains("listening"), "iperf3", "--server", "--one-off", "--forceflush")) {
                String output = isla.world.run(
                        60, "iperf3 --client " + address + " --time 2 --bitrate 5M --length 1200 --json " + options);

                assertThat(output).as(server.output()).doesNotContain("\"error\"");
                if (options.contains("udp")) {
                    // Of some 1,000 datagrams, as the end that receives them tells.
                    Matcher sums = Pattern.compile(
                                    "\"sum[a-z_]*received[a-z_]*\":\\s*\\{[^}]*\"bytes\":\\s*(\\d+)[^}]*\"lost_packets\":\\s*(\\d+)[^}]*\"packets\":\\s*(\\d+)")
                            .matcher(output);
                    int found = 0;
                    while (sums.find()) {
                        found++;
                        long packets = Long.parseLong(sums.group(3));
                        assertThat(packets).as(output).isGreaterThan(500);
                        assertThat(Long.parseLong(sums.group(2)))
                                .as("datagrams lost of " + packets)
                                .isLessThan(packets / 10);
                    }
                    assertThat(found).as("sums in " + output).isEqualTo(options.contains("bidir") ? 2 : 1);
                }
            }
            isla.expectNoWarnings();
        } finally {
            isla.close();
        }
    }
}
