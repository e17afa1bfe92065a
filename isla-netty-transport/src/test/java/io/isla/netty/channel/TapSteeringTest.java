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
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the kernel's own steering of a TAP with several queues leaves to Isla's. */
@KernelTest
@Timeout(TwoHosts.DEADLINE_SECONDS)
class TapSteeringTest {
    private static final int PORT = 7;
    private static final int LOOPS = 2;
    /** More than the kernel's table of flows has room for. */
    private static final int CONNECTIONS = 5000;

    private final Map<EventLoop, AtomicInteger> accepted = new ConcurrentHashMap<>();
    private IslaHost host;
    private EventLoopGroup group;

    @BeforeEach
    void open() throws Exception {
        host = IslaHost.builder()
                .link(TapLink.builder("steered0")
                        .hostAddress(InetAddress.getByName("10.9.0.1"), 24)
                        .queues(LOOPS)
                        .open())
                .address("10.9.0.2/24")
                .closeWhenUnused(true)
                .build();
        group = new IslaEventLoopGroup(LOOPS, host);
    }

    @AfterEach
    void close() throws Exception {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        assertThat(host.isClosed()).isTrue();
    }

    private static void request() throws IOException {
        try (Socket socket = new Socket("10.9.0.2", PORT)) {
            socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
            assertThat(socket.getInputStream().readAllBytes()).hasSize(1);
        }
    }

    @Test
    void noSegmentOfAShortConnectionCrossesFromLoopToLoop() throws Exception {
        new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        accepted.computeIfAbsent(channel.eventLoop(), loop -> new AtomicInteger())
                                .incrementAndGet();
                        channel.writeAndFlush(Unpooled.buffer().writeByte(1)).addListener(ChannelFutureListener.CLOSE);
                    }
                })
                .bind(PORT)
                .sync();
        // Until both loops have their share.
        for (int i = 0; i < 20; i++) {
            request();
        }
        long before = host.counters().get("IslaHandedOver");

        for (int i = 0; i < CONNECTIONS; i++) {
            request();
        }

        assertThat(host.counters()).containsEntry("IslaHandedOver", before);
        assertThat(accepted).hasSize(LOOPS);
        assertThat(accepted.values())
                .allSatisfy(count -> assertThat(count.get()).isGreaterThan(CONNECTIONS / 4));
    }
}
