/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.Commands;
import io.isla.netty.testing.LogWatch;
import io.isla.netty.testing.NetworkNamespace;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * A host on a TAP, with the kernel of the tests' namespace as its router, and another namespace behind that as the world:
 *
 * <pre>
 * world 10.91.0.2, fd91::2 --- 10.91.0.1, fd91::1 router 10.90.0.1, fd90::1 --- 10.90.0.2, fd90::2 Isla
 * </pre>
 */
final class RoutedHost {
    static final String ISLA = "10.90.0.2";
    static final String ISLA6 = "fd90::2";
    static final String WORLD = "10.91.0.2";
    static final String WORLD6 = "fd91::2";
    /** Where TCP and UDP are sent back. */
    static final int ECHO = 7;

    private static final Path FORWARD = Path.of("/proc/sys/net/ipv4/ip_forward");
    private static final Path FORWARD6 = Path.of("/proc/sys/net/ipv6/conf/all/forwarding");

    private static final Path ICMP_INTERVAL = Path.of("/proc/sys/net/ipv4/icmp_ratelimit");
    private static final Path ICMP6_INTERVAL = Path.of("/proc/sys/net/ipv6/icmp/ratelimit");

    final NetworkNamespace world;
    final IslaHost host;
    final EventLoopGroup group;
    private final LogWatch log = new LogWatch();

    RoutedHost(boolean offload) throws Exception {
        Files.writeString(FORWARD, "1");
        Files.writeString(FORWARD6, "1");
        // What the router has to say, it says each time.
        Files.writeString(ICMP_INTERVAL, "0");
        Files.writeString(ICMP6_INTERVAL, "0");
        world = new NetworkNamespace();
        world.connect("world0", "eth0");
        Commands.run(20, "ip address add 10.91.0.1/24 dev world0");
        Commands.run(20, "ip address add fd91::1/64 dev world0 nodad");
        world.run("ip address add 10.91.0.2/24 dev eth0");
        world.run("ip address add fd91::2/64 dev eth0 nodad");
        world.run("ip route add default via 10.91.0.1");
        world.run("ip -6 route add default via fd91::1");
        host = IslaHost.builder()
                .link(TapLink.builder("isla9")
                        .offload(offload)
                        .queues(2)
                        .hostAddress(InetAddress.getByName("10.90.0.1"), 24)
                        .hostAddress(InetAddress.getByName("fd90::1"), 64)
                        .open())
                .address(ISLA + "/24")
                .address(ISLA6 + "/64")
                .gateway("10.90.0.1")
                .gateway("fd90::1")
                .closeWhenUnused(true)
                .build();
        group = new IslaEventLoopGroup(2, host);
    }

    /** Sends back what comes to {@link #ECHO}. */
    void echo() throws Exception {
        new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new Echo())
                .bind(ECHO)
                .sync();
        new Bootstrap()
                .group(group)
                .channel(IslaDatagramChannel.class)
                .handler(new SimpleChannelInboundHandler<DatagramPacket>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
                        context.writeAndFlush(
                                new DatagramPacket(packet.content().retain(), packet.sender()));
                    }

                    @Override
                    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                        // Who has asked does not listen any more.
                    }
                })
                .bind(ECHO)
                .sync();
    }

    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public boolean isSharable() {
            return true;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    /** Fails if an event loop or a pipeline has complained. */
    void expectNoWarnings() {
        assertThat(log.warnings()).isEmpty();
    }

    void close() throws Exception {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        log.close();
        world.close();
        Files.writeString(FORWARD, "0");
        Files.writeString(FORWARD6, "0");
        Files.writeString(ICMP_INTERVAL, "1000");
        Files.writeString(ICMP6_INTERVAL, "1000");
    }
}
