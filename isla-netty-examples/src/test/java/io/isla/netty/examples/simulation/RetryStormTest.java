/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.sim.VirtualHost;
import io.isla.netty.sim.VirtualNetwork;
import io.isla.netty.sim.junit.VirtualNetworkTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.IntToLongFunction;

/**
 * A partition heals, and all clients come back. If they have lost their connections at the same moment and retry at fixed times, they come at the same moment, again and again. With
 * exponential backoff and full jitter they spread.
 */
class RetryStormTest {
    private static final int CLIENTS = 60;

    private final List<Duration> accepted = new ArrayList<>();
    private final List<Channel> connected = new ArrayList<>();

    /** Connects, and connects again, a while after it has failed or the connection has ended. */
    private final class Client {
        private final VirtualHost host;
        private final VirtualHost server;
        private final IntToLongFunction delayMillis;
        private int failures;

        Client(VirtualHost host, VirtualHost server, IntToLongFunction delayMillis) {
            this.host = host;
            this.server = server;
            this.delayMillis = delayMillis;
        }

        void connect() {
            ChannelFuture attempt = new Bootstrap()
                    .group(host.group())
                    .channel(IslaSocketChannel.class)
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 1000)
                    .handler(new ChannelInboundHandlerAdapter() {
                        @Override
                        public void channelActive(ChannelHandlerContext context) {
                            failures = 0;
                            connected.add(context.channel());
                        }

                        @Override
                        public void channelInactive(ChannelHandlerContext context) {
                            connected.remove(context.channel());
                            retry(context.channel());
                        }
                    })
                    .connect(server.address(), 80);
            attempt.addListener(future -> {
                if (!future.isSuccess()) {
                    retry(attempt.channel());
                }
            });
        }

        private void retry(Channel channel) {
            channel.eventLoop().schedule(this::connect, delayMillis.applyAsLong(failures++), TimeUnit.MILLISECONDS);
        }
    }

    /** Lets the network be partitioned for a while; returns the most connections that the server has had to accept within 100 ms after that. */
    private int worstMomentAfterAPartition(VirtualNetwork network, IntToLongFunction delayMillis) {
        VirtualHost server = network.host("10.0.0.1");
        List<VirtualHost> hosts = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            hosts.add(network.host("10.0.0." + (10 + i)));
        }
        network.lan("lan", network.hosts().toArray(VirtualHost[]::new));
        network.links().forEach(link -> link.latency(Duration.ofMillis(5)));
        network.await(Peers.serve(server, 80, channel -> accepted.add(network.elapsed())));
        hosts.forEach(host -> new Client(host, server, delayMillis).connect());
        assertThat(network.runUntil(() -> connected.size() == CLIENTS, Duration.ofMinutes(1)))
                .isTrue();

        network.isolate(server);
        // Everybody's application notices at once.
        List.copyOf(connected).forEach(Channel::close);
        network.runFor(Duration.ofMinutes(2));
        accepted.clear();
        network.heal();
        assertThat(network.runUntil(
                        () -> connected.size() == CLIENTS && accepted.size() >= CLIENTS, Duration.ofMinutes(5)))
                .as(network::report)
                .isTrue();

        int worst = 0;
        for (Duration from : accepted) {
            worst = Math.max(worst, (int) accepted.stream()
                    .filter(at -> at.compareTo(from) >= 0 && at.compareTo(from.plusMillis(100)) < 0)
                    .count());
        }
        return worst;
    }

    @VirtualNetworkTest
    void fixedTimesMakeAStorm(VirtualNetwork network) {
        assertThat(worstMomentAfterAPartition(network, failures -> 2000)).isEqualTo(CLIENTS);
    }

    @VirtualNetworkTest
    void backoffAloneMakesTheSameStormLater(VirtualNetwork network) {
        assertThat(worstMomentAfterAPartition(network, failures -> Math.min(30_000, 500L << Math.min(failures, 10))))
                .isEqualTo(CLIENTS);
    }

    @VirtualNetworkTest(seeds = 3)
    void backoffWithJitterSpreadsThem(VirtualNetwork network, SplittableRandom random) {
        int worst = worstMomentAfterAPartition(
                network, failures -> random.nextLong(1, Math.min(30_000, 500L << Math.min(failures, 10))));

        assertThat(worst).isLessThan(CLIENTS / 4);
    }
}
