/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.ChannelLink;
import io.isla.netty.link.ChannelLinkHandler;
import io.isla.netty.link.Link;
import io.isla.netty.testing.Commands;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.NetworkNamespace;
import io.isla.netty.testing.RequiresProgram;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A VPN: socat in another namespace has a TUN and a UDP socket, the host a UDP channel and nothing else. */
@KernelTest
@RequiresProgram({"socat", "ping", "curl"})
@Timeout(60)
class TunnelToKernelTest {
    @Test
    void aHostBehindAUdpChannelIsReachedByWayOfATunDevice() throws Exception {
        ChannelLink link = ChannelLink.builder("vpn0", Link.Medium.IP).mtu(1400).build();
        EventLoopGroup carriers = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        EventLoopGroup group = new IslaEventLoopGroup(
                1,
                IslaHost.builder()
                        .link(link)
                        .address("10.87.0.2/24")
                        .closeWhenUnused(true)
                        .build());
        try (NetworkNamespace other = new NetworkNamespace()) {
            other.connect("tunnel0", "eth0");
            Commands.run(20, "ip address add 10.86.0.1/24 dev tunnel0");
            other.run("ip address add 10.86.0.2/24 dev eth0");
            Channel carrier = new Bootstrap()
                    .group(carriers)
                    .channel(NioDatagramChannel.class)
                    .handler(new ChannelLinkHandler(link))
                    .bind("10.86.0.1", 5555)
                    .sync()
                    .channel();
            carrier.connect(new InetSocketAddress("10.86.0.2", 5556)).sync();
            link.whenUp().sync();
            Process socat = other.start("socat UDP4:10.86.0.1:5555,bind=10.86.0.2:5556"
                    + " TUN:10.87.0.1/24,tun-type=tun,tun-name=tun0,iff-no-pi,iff-up");
            try {
                awaitDevice(other);
                other.run("ip link set dev tun0 mtu 1400");
                new ServerBootstrap()
                        .group(group)
                        .channel(IslaServerSocketChannel.class)
                        .childHandler(new Http())
                        .bind(80)
                        .sync();

                assertThat(other.run(30, "ping -n -c 3 -i 0.05 -w 20 -s 3000 10.87.0.2"))
                        .containsPattern("[3-9] received");
                assertThat(other.run(30, "curl --silent --show-error --max-time 20 http://10.87.0.2/"))
                        .hasSize(Http.BYTES);
            } finally {
                socat.destroy();
                socat.waitFor();
            }
        } finally {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
            carriers.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
    }

    private static void awaitDevice(NetworkNamespace namespace) throws Exception {
        long start = System.nanoTime();
        while (!namespace.run("ip address show").contains("10.87.0.1/24")) {
            assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    /** Answers whatever comes with a page of a megabyte. */
    private static final class Http extends ChannelInboundHandlerAdapter {
        static final int BYTES = 1_000_000;

        @Override
        public boolean isSharable() {
            return true;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
            context.write(Unpooled.copiedBuffer(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + BYTES + "\r\n\r\n",
                    StandardCharsets.US_ASCII));
            byte[] page = new byte[BYTES];
            Arrays.fill(page, (byte) 'x');
            context.writeAndFlush(Unpooled.wrappedBuffer(page)).addListener(ChannelFutureListener.CLOSE);
        }
    }
}
