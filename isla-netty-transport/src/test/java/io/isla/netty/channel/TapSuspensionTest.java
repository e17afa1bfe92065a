/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Loops on a TAP device that are suspended and run again, with sockets of the kernel at the other end. */
@KernelTest
@Timeout(60)
class TapSuspensionTest {
    private static final int PORT = 7;
    private static final int ROUNDS = 10;
    private static final int CONNECTIONS = 8;

    @Test
    void theQueueOfASuspendedLoopLeavesNoHole() throws Exception {
        IslaHost host = IslaHost.builder()
                .link(TapLink.builder("suspend0")
                        .queues(2)
                        .hostAddress(InetAddress.getByName("10.12.0.1"), 24)
                        .open())
                .address("10.12.0.2/24")
                .closeWhenUnused(true)
                .build();
        EventLoopGroup group = new IslaEventLoopGroup(2, host);
        try {
            Suspension loops = Suspension.of(group);
            new ServerBootstrap()
                    .group(loops.leading(), group)
                    .channel(IslaServerSocketChannel.class)
                    .childHandler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                                @Override
                                public void channelRead(ChannelHandlerContext context, Object message) {
                                    context.writeAndFlush(message);
                                }
                            });
                        }
                    })
                    .bind(PORT)
                    .sync();
            for (int round = 0; round < ROUNDS; round++) {
                loops.suspend();
                echo();
                assertThat(loops.other().isSuspended()).isTrue();
                loops.thread();
                echo();
            }
        } finally {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
    }

    private static void echo() throws Exception {
        for (int i = 0; i < CONNECTIONS; i++) {
            try (Socket socket = new Socket()) {
                socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
                socket.connect(new InetSocketAddress("10.12.0.2", PORT), (int)
                        TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
                socket.getOutputStream().write(i);
                assertThat(socket.getInputStream().read()).isEqualTo(i);
                // The kernel closes first, and keeps what is left of the connection.
            }
        }
    }
}
