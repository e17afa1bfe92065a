/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.sim.VirtualHost;
import io.isla.netty.sim.VirtualNetwork;
import io.isla.netty.sim.junit.VirtualNetworkTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.handler.codec.FixedLengthFrameDecoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A protocol of requests and responses under 5 % loss: what its users wait for is a distribution, and here it is measured in virtual time. */
class LossyRequestsTest {
    private static final int REQUESTS = 1000;
    private static final int BYTES = 200;
    private static final Duration ROUND_TRIP = Duration.ofMillis(40);

    private final List<Duration> latencies = new ArrayList<>();
    private Duration sent;

    private void run(VirtualNetwork network, double loss) {
        VirtualHost server = network.host("10.0.0.1");
        VirtualHost client = network.host("10.0.0.2");
        network.link(client, server).latency(ROUND_TRIP.dividedBy(2)).loss(loss);
        network.await(Peers.serve(
                server,
                80,
                channel -> channel.pipeline()
                        .addLast(new FixedLengthFrameDecoder(BYTES))
                        .addLast(Peers.on(
                                ByteBuf.class, (context, request) -> context.writeAndFlush(request.retain())))));
        Channel channel = network.await(Peers.connect(
                        client,
                        server,
                        80,
                        c -> c.pipeline()
                                .addLast(new FixedLengthFrameDecoder(BYTES))
                                .addLast(Peers.on(ByteBuf.class, (context, response) -> {
                                    latencies.add(network.elapsed().minus(sent));
                                    if (latencies.size() < REQUESTS) {
                                        send(network, context.channel());
                                    }
                                }))))
                .channel();
        send(network, channel);
        assertThat(network.runUntil(() -> latencies.size() == REQUESTS, Duration.ofHours(1)))
                .as(network::report)
                .isTrue();
        Collections.sort(latencies);
    }

    private void send(VirtualNetwork network, Channel channel) {
        sent = network.elapsed();
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[BYTES]));
    }

    private Duration percentile(double percent) {
        return latencies.get((int) Math.ceil(latencies.size() * percent / 100) - 1);
    }

    @VirtualNetworkTest
    void withoutLossEveryRequestTakesARoundTrip(VirtualNetwork network) {
        run(network, 0);

        assertThat(percentile(50)).isEqualTo(ROUND_TRIP);
        assertThat(percentile(100)).isEqualTo(ROUND_TRIP);
    }

    @VirtualNetworkTest(seeds = 3)
    void underLossTheMedianStaysAndTheTailIsRetransmissions(VirtualNetwork network) {
        run(network, 0.05);

        assertThat(percentile(50)).isEqualTo(ROUND_TRIP);
        // One in ten loses its request or its response, and a tail loss probe or a timeout makes it good.
        assertThat(percentile(95)).isBetween(Duration.ofMillis(80), Duration.ofMillis(400));
        assertThat(percentile(99)).isBetween(Duration.ofMillis(150), Duration.ofMillis(1000));
    }
}
