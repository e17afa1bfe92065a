/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.sim.LinkConditions;
import io.isla.netty.sim.VirtualTime;
import io.isla.netty.sim.VirtualWire;
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a path carries, in virtual time: buffers grow to its bandwidth-delay product, and recovery keeps it filled. */
class TcpThroughputTest {
    private static final long SECOND = 1_000_000_000L;

    private final VirtualTime time = new VirtualTime();
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);

    /** Goodput in bits per second, in the seconds after the first ones. */
    private double goodput(long rate, Duration rtt, double loss, double reorder, int skipSeconds, int seconds) {
        VirtualWire wire = new VirtualWire(time, 99, 1500, false);
        int queue = (int) Math.max(150_000, rate / 8 * rtt.toMillis() / 1000);
        for (LinkConditions conditions : List.of(wire.aToB(), wire.bToA())) {
            conditions.latency(rtt.dividedBy(2)).loss(loss).rate(rate, queue);
            conditions.reorder(reorder, rtt.dividedBy(8));
        }
        SimHost sender = new SimHost(time, wire.a(), "10.0.0.1", new TcpParameters(), 1, allocator);
        SimHost receiver = new SimHost(time, wire.b(), "10.0.0.2", new TcpParameters(), 2, allocator);
        receiver.listen(80, 10, new TcpSettings());
        SimSocket out = sender.connect(receiver, 80, new TcpSettings());
        assertThat(time.runUntil(() -> !receiver.accepted.isEmpty(), 10 * SECOND))
                .isTrue();
        SimSocket in = receiver.accepted.get(0);
        in.counting();
        out.endless();
        time.runFor(skipSeconds * SECOND);
        long before = in.receivedTotal();
        time.runFor(seconds * SECOND);
        long bytes = in.receivedTotal() - before;
        out.abort();
        in.abort();
        sender.close();
        receiver.close();
        time.runFor(SECOND);
        assertThat(allocator.metric().usedDirectMemory()).isZero();
        return bytes * 8.0 / seconds;
    }

    @Test
    void fillsALongFatPathByItself() {
        assertThat(goodput(1_000_000_000L, Duration.ofMillis(100), 0, 0, 10, 5)).isGreaterThan(0.9e9);
    }

    @Test
    void fillsAShortPath() {
        assertThat(goodput(100_000_000L, Duration.ofMillis(1), 0, 0, 1, 5)).isGreaterThan(0.93e8);
    }

    @Test
    void fillsAShortPathThatLosesOneInAThousand() {
        assertThat(goodput(100_000_000L, Duration.ofMillis(1), 0.001, 0, 1, 5)).isGreaterThan(0.9e8);
    }

    @Test
    void usesTheWindowThatLossesLeave() {
        // What Reno reaches there is 1.22 / sqrt(0.001) segments a round trip, 22.3 Mbit/s. A sender that waits for
        // acknowledgements
        // that are most of a round trip away, to send larger super-segments, has 19.
        assertThat(goodput(100_000_000L, Duration.ofMillis(20), 0.001, 0, 5, 120))
                .isGreaterThan(21.5e6);
    }

    @Test
    void isNotHeldUpByReordering() {
        assertThat(goodput(100_000_000L, Duration.ofMillis(20), 0, 0.05, 5, 10)).isGreaterThan(0.85e8);
    }
}
