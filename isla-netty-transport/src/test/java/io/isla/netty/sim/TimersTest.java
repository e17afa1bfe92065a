/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.channel.IslaChannelOption;
import io.isla.netty.channel.IslaSocketChannel;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.handler.timeout.ReadTimeoutException;
import io.netty.handler.timeout.ReadTimeoutHandler;
import io.netty.handler.timeout.WriteTimeoutException;
import io.netty.handler.timeout.WriteTimeoutHandler;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever an application does with time, it is the network's. */
class TimersTest {
    private final VirtualNetwork network = VirtualNetwork.create(5);
    private final VirtualHost server = network.host("10.0.0.1");
    private final VirtualHost client = network.host("10.0.0.2");
    private final VirtualLink link = network.link(client, server);

    @AfterEach
    void close() {
        network.close();
        assertThat(network.packetMemory()).isZero();
    }

    @Test
    void idleStateHandlerFollowsVirtualTime() {
        List<Duration> idle = new ArrayList<>();
        network.await(Echo.serve(server));
        network.await(Echo.connect(client, server, new ChannelInitializer<Channel>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new IdleStateHandler(30, 0, 0), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void userEventTriggered(ChannelHandlerContext context, Object event) {
                        if (event instanceof IdleStateEvent) {
                            idle.add(network.elapsed());
                        }
                    }
                });
            }
        }));

        network.runFor(Duration.ofSeconds(95));

        assertThat(idle).containsExactly(Duration.ofSeconds(30), Duration.ofSeconds(60), Duration.ofSeconds(90));
    }

    @Test
    void readTimeoutHandlerFollowsVirtualTime() {
        Echo.Counter counter = new Echo.Counter();
        network.await(Echo.serve(server));
        Channel channel = network.await(Echo.connect(client, server, new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new ReadTimeoutHandler(10), counter);
                    }
                }))
                .channel();
        network.runFor(Duration.ofSeconds(9));
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[1]));
        network.runFor(Duration.ofSeconds(9));
        assertThat(counter.cause).isNull();

        network.runFor(Duration.ofSeconds(2));

        assertThat(counter.cause).isInstanceOf(ReadTimeoutException.class);
    }

    @Test
    void writeTimeoutHandlerFollowsVirtualTime() {
        Echo.Counter counter = new Echo.Counter();
        network.await(Echo.serve(server));
        Channel channel = network.await(Echo.connect(client, server, new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.config().setOption(ChannelOption.SO_SNDBUF, 10_000);
                        channel.pipeline().addLast(new WriteTimeoutHandler(10), counter);
                    }
                }))
                .channel();
        link.cut();
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[1_000_000]));
        network.runFor(Duration.ofSeconds(9));
        assertThat(counter.cause).isNull();

        network.runFor(Duration.ofSeconds(2));

        assertThat(counter.cause).isInstanceOf(WriteTimeoutException.class);
    }

    @Test
    void connectTimeoutFollowsVirtualTime() {
        link.cut();
        ChannelFuture connect = new Bootstrap()
                .group(client.group())
                .channel(IslaSocketChannel.class)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 500)
                .handler(new Echo.Counter())
                .connect(server.address(), 80);

        network.runUntil(connect::isDone, Duration.ofMinutes(1));

        assertThat(connect.cause()).isInstanceOf(ConnectTimeoutException.class);
        assertThat(network.elapsed()).isEqualTo(Duration.ofMillis(500));
    }

    @Test
    void keepAlivesOfTheStackFindADeadPeer() {
        Echo.Counter counter = new Echo.Counter();
        network.await(Echo.serve(server));
        network.await(new Bootstrap()
                .group(client.group())
                .channel(IslaSocketChannel.class)
                .option(ChannelOption.SO_KEEPALIVE, true)
                .option(IslaChannelOption.TCP_KEEPIDLE, 60)
                .option(IslaChannelOption.TCP_KEEPINTVL, 10)
                .option(IslaChannelOption.TCP_KEEPCNT, 3)
                .handler(counter)
                .connect(server.address(), Echo.PORT));

        network.runFor(Duration.ofHours(1));
        assertThat(counter.inactive).isFalse();

        server.crash();
        network.runFor(Duration.ofSeconds(25));
        assertThat(counter.inactive).isFalse();
        network.runFor(Duration.ofSeconds(66));
        assertThat(counter.inactive).isTrue();
        assertThat(counter.cause).isNotNull();
    }

    /** Both say something every few seconds. */
    private Channel heartbeats(int seconds) {
        network.await(Echo.serve(server));
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        channel.eventLoop()
                .scheduleAtFixedRate(
                        () -> channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[1])), 1, seconds, TimeUnit.SECONDS);
        return channel;
    }

    @Test
    void anHourOfHeartbeatsIsAFewEventsEach() {
        heartbeats(1);
        long before = network.events();

        network.runFor(Duration.ofHours(1));

        assertThat(client.counters().get("OutSegs")).isGreaterThan(3600);
        // A beat: a timer, a packet there and back, an acknowledgement, and the turns and timers that come of them.
        assertThat((network.events() - before) / 3600.0).isLessThan(20);
    }

    /** In time of the processor: that of a busy machine says nothing. */
    @Test
    void anHourOfHeartbeatsTakesLessThanASecond() {
        heartbeats(10);
        network.runFor(Duration.ofHours(1));
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long start = threads.getCurrentThreadCpuTime();

        network.runFor(Duration.ofHours(1));

        assertThat(Duration.ofNanos(threads.getCurrentThreadCpuTime() - start)).isLessThan(Duration.ofSeconds(1));
    }
}
