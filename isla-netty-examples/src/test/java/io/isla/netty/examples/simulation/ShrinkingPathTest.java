/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.sim.VirtualHost;
import io.isla.netty.sim.VirtualLink;
import io.isla.netty.sim.VirtualNetwork;
import io.isla.netty.sim.VirtualRouter;
import io.isla.netty.sim.junit.VirtualNetworkTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import java.time.Duration;

/**
 * The path's MTU shrinks in the middle of an upload, as when a tunnel takes over. Where routers may say so, nobody notices. Where a firewall filters ICMP, large segments vanish
 * and small ones do not: the connection looks alive, handshake and heartbeats and all, and the upload stands still until the stack finds out by probing.
 */
class ShrinkingPathTest {
    private static final int BYTES = 4_000_000;

    private int received;

    private VirtualLink upload(VirtualNetwork network, boolean icmpFiltered) {
        VirtualHost client = network.namedHost("client", "10.1.0.1");
        VirtualHost server = network.namedHost("server", "10.2.0.1");
        VirtualRouter near = network.router("near");
        VirtualRouter far = network.router("far");
        network.link(client, near).filterIcmp(icmpFiltered);
        VirtualLink backbone =
                network.link(near, far).latency(Duration.ofMillis(10)).rate(20_000_000, 100_000);
        network.link(far, server);
        network.await(Peers.serve(
                server,
                80,
                channel -> channel.pipeline()
                        .addLast(Peers.on(ByteBuf.class, (context, bytes) -> received += bytes.readableBytes()))));
        Channel channel =
                network.await(Peers.connect(client, server, 80, c -> {})).channel();
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[BYTES]));
        network.after(Duration.ofMillis(500), () -> backbone.mtu(1280));
        return backbone;
    }

    /** How long the server gets nothing, at the worst. */
    private Duration longestSilence(VirtualNetwork network) {
        Duration longest = Duration.ZERO;
        while (received < BYTES) {
            int before = received;
            Duration start = network.elapsed();
            assertThat(network.runUntil(() -> received > before, Duration.ofMinutes(2)))
                    .as(network::report)
                    .isTrue();
            Duration silence = network.elapsed().minus(start);
            longest = silence.compareTo(longest) > 0 ? silence : longest;
        }
        return longest;
    }

    @VirtualNetworkTest(seeds = 3)
    void nobodyNoticesWhereRoutersMaySaySo(VirtualNetwork network) {
        upload(network, false);

        assertThat(longestSilence(network)).isLessThan(Duration.ofMillis(150));
        assertThat(network.hosts().get(0).counters().get("IcmpInDestUnreachs")).isPositive();
    }

    @VirtualNetworkTest(seeds = 3)
    void aBlackHoleIsFoundByProbing(VirtualNetwork network) {
        VirtualLink backbone = upload(network, true);

        Duration silence = longestSilence(network);

        assertThat(silence).as("a user would notice").isGreaterThan(Duration.ofMillis(200));
        assertThat(silence).as("a user would not give up").isLessThan(Duration.ofSeconds(10));
        assertThat(backbone.counters().get("packets")).isPositive();
        assertThat(network.hosts().get(0).counters().get("IcmpInDestUnreachs")).isZero();
    }
}
