/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.MemoryLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.ManualIoEventLoop;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Loops that the test itself turns, with a clock of its own. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class ManualLoopTest {
    private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final MemoryLink.Pair link = MemoryLink.pair("left", "right");
    private final MockTicker ticker = Ticker.newMockTicker();
    private final ManualIoEventLoop left = loop(link.first(), "10.0.0.1/24");
    private final ManualIoEventLoop right = loop(link.second(), "10.0.0.2/24");

    private ManualIoEventLoop loop(MemoryLink end, String address) {
        IslaHost host = IslaHost.builder()
                .link(end)
                .address(address)
                .closeWhenUnused(true)
                .build();
        return new ManualIoEventLoop(null, Thread.currentThread(), IslaIoHandler.newFactory(host), ticker);
    }

    @AfterEach
    void end() {
        left.shutdownGracefully(0, 0, TimeUnit.SECONDS);
        right.shutdownGracefully(0, 0, TimeUnit.SECONDS);
        assertThat(turnUntil(() -> left.isTerminated() && right.isTerminated(), 1000))
                .isTrue();
    }

    /** Turns both loops, and when they have nothing to do lets time pass; returns whether the condition came to hold. */
    private boolean turnUntil(BooleanSupplier condition, int millis) {
        int steps = 0;
        while (!condition.getAsBoolean()) {
            if (left.runNow() + right.runNow() == 0) {
                if (steps++ == millis) {
                    return false;
                }
                ticker.advance(STEP_NANOS, TimeUnit.NANOSECONDS);
            }
        }
        return true;
    }

    private static void register(EventLoop loop, Channel channel) {
        loop.register(channel);
    }

    private IslaServerSocketChannel serve(EventLog childLog) {
        IslaServerSocketChannel server = new IslaServerSocketChannel();
        server.pipeline().addLast(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                Channel child = (Channel) message;
                child.pipeline().addLast(childLog);
                register(right, child);
            }
        });
        register(right, server);
        ChannelFuture bound = server.bind(new InetSocketAddress("10.0.0.2", 80));
        assertThat(turnUntil(bound::isDone, 10)).isTrue();
        assertThat(bound.isSuccess()).isTrue();
        return server;
    }

    @Test
    void bytesComeAcrossWhenTheLoopsAreTurned() {
        EventLog log = new EventLog();
        IslaServerSocketChannel server = serve(log);
        IslaSocketChannel client = new IslaSocketChannel();
        client.pipeline().addLast(new EventLog());
        register(left, client);

        ChannelFuture connect = client.connect(server.localAddress());
        assertThat(turnUntil(connect::isDone, 10)).isTrue();
        client.writeAndFlush(Unpooled.wrappedBuffer(new byte[50_000]));

        assertThat(turnUntil(() -> log.bytes().length == 50_000, 1000)).isTrue();
        client.close();
        assertThat(turnUntil(() -> log.events().contains("inactive"), 1000)).isTrue();
        server.close();
    }

    @Test
    void timeoutsFollowTheTestsClock() {
        IslaSocketChannel client = new IslaSocketChannel();
        client.pipeline().addLast(new EventLog());
        register(left, client);
        long start = System.nanoTime();

        ChannelFuture connect = client.connect(new InetSocketAddress("10.0.0.77", 80));

        assertThat(turnUntil(connect::isDone, 60_000)).isTrue();
        // ARP asks three times, a second each: that took no time at all.
        assertThat(connect.cause()).isInstanceOf(NoRouteToHostException.class);
        assertThat(ticker.nanoTime()).isGreaterThanOrEqualTo(TimeUnit.SECONDS.toNanos(2));
        assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(15));
    }

    @Test
    void aBlockingTurnEndsWhenAFrameArrives() throws Exception {
        MemoryLink.Pair wire = MemoryLink.pair("a", "b");
        IslaHost hostA =
                IslaHost.builder().link(wire.first()).address("10.2.0.1/24").build();
        IslaHost hostB =
                IslaHost.builder().link(wire.second()).address("10.2.0.2/24").build();
        IslaEventLoopGroup group = new IslaEventLoopGroup(1, hostA);
        ManualIoEventLoop blocked = new ManualIoEventLoop(Thread.currentThread(), IslaIoHandler.newFactory(hostB));
        blocked.runNow();
        ChannelFuture connect = new Bootstrap()
                .group(group)
                .channel(IslaSocketChannel.class)
                .handler(new EventLog())
                .connect("10.2.0.2", 80);

        // Only frames wake it: an ARP request, then a SYN.
        while (!connect.isDone()) {
            blocked.run(TimeUnit.SECONDS.toNanos(TwoHosts.DEADLINE_SECONDS));
        }

        assertThat(connect.cause()).hasMessageContaining("refused");
        group.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
        blocked.shutdownGracefully(0, 0, TimeUnit.SECONDS);
        while (!blocked.isTerminated()) {
            blocked.runNow();
        }
        hostA.close();
        hostB.close();
    }
}
