/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.ForwardingLink;
import io.isla.netty.link.ForwardingQueue;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A link from which something comes at every look: the file descriptors of the loop, its tasks and its timers have their turns all the same. */
@KernelTest
@Timeout(TwoHosts.DEADLINE_SECONDS)
class BusyLinkTest {

    /** Says of each look that it has brought a frame. */
    private static final class BusyLink extends ForwardingLink {
        BusyLink(Link link) {
            super(link);
        }

        @Override
        public LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator)
                throws IOException {
            return new ForwardingQueue(link().openQueue(receiver, wakeup, allocator)) {
                @Override
                public int poll(int maxFrames) {
                    return Math.max(1, super.poll(maxFrames));
                }
            };
        }
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
    }

    private static void exchange(InetSocketAddress server) throws IOException {
        try (Socket socket = new Socket(server.getAddress(), server.getPort())) {
            for (int i = 0; i < 100; i++) {
                socket.getOutputStream().write(i);
                assertThat(socket.getInputStream().read()).isEqualTo(i);
            }
        }
    }

    @Test
    void leavesTurnsToOthers() throws Exception {
        TapLink tap = TapLink.builder("busy0")
                .hostAddress(InetAddress.getByName("10.8.0.1"), 24)
                .open();
        IslaHost host = IslaHost.builder()
                .link(new BusyLink(tap))
                .address("10.8.0.2/24")
                .closeWhenUnused(true)
                .build();
        EventLoopGroup group = new IslaEventLoopGroup(1, host);
        try {
            ServerBootstrap bootstrap = new ServerBootstrap().group(group).childHandler(new Echo());
            Channel isla = bootstrap
                    .clone()
                    .channel(IslaServerSocketChannel.class)
                    .bind("10.8.0.2", 0)
                    .sync()
                    .channel();
            Channel epoll = bootstrap
                    .clone()
                    .channel(EpollServerSocketChannel.class)
                    .bind("10.8.0.1", 0)
                    .sync()
                    .channel();

            exchange((InetSocketAddress) isla.localAddress());
            exchange((InetSocketAddress) epoll.localAddress());
            assertThat(group.next().submit(() -> "done").get()).isEqualTo("done");
            assertThat(group.next()
                            .schedule(() -> "later", 1, TimeUnit.MILLISECONDS)
                            .get())
                    .isEqualTo("later");
        } finally {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
    }
}
