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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Connections that live for longer than sequence numbers last: what one remembers of its first bytes must not be taken for the future (RFC 9293 §3.4). */
class TcpSequenceWrapTest {
    private static final long SECOND = 1_000_000_000L;
    /** More than once around: what was behind is ahead after half of it, and behind again after the whole. */
    private static final long BYTES = (1L << 32) + (1L << 30);

    private final VirtualTime time = new VirtualTime();
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
    private final VirtualWire wire = new VirtualWire(time, 7, 1500, true);
    private SimHost client;
    private SimHost server;
    private SimSocket here;
    private SimSocket there;

    @BeforeEach
    void connect() {
        for (LinkConditions conditions : List.of(wire.aToB(), wire.bToA())) {
            conditions.latency(Duration.ofMillis(1));
        }
        client = new SimHost(time, wire.a(), "10.0.0.1", new TcpParameters(), 1, allocator);
        server = new SimHost(time, wire.b(), "10.0.0.2", new TcpParameters(), 2, allocator);
        server.listen(80, 10, new TcpSettings());
        here = client.connect(server, 80, new TcpSettings());
        assertThat(time.runUntil(() -> !server.accepted.isEmpty(), SECOND)).isTrue();
        there = server.accepted.get(0);
        here.counting();
        there.counting();
    }

    @AfterEach
    void close() {
        here.abort();
        there.abort();
        client.close();
        server.close();
        time.runFor(SECOND);
        assertThat(allocator.metric().usedDirectMemory()).isZero();
    }

    private void receives(SimSocket receiver) {
        long before = receiver.receivedTotal();
        assertThat(time.runUntil(() -> receiver.receivedTotal() - before > BYTES, 600 * SECOND))
                .as("stands still after %,d bytes", receiver.receivedTotal() - before)
                .isTrue();
    }

    @Test
    void oneEndSendsMoreThanSequenceNumbersGoAroundAndThenHearsTheOther() {
        here.endless();
        receives(there);
        // It has not said a byte so far: what is known of its sequence numbers is as old as the connection.
        there.endless();
        receives(here);
        receives(there);
    }

    @Test
    void windowsStillCloseAndOpenAfterwards() {
        here.endless();
        receives(there);
        there.reading(false);
        time.runFor(10 * SECOND);
        long stopped = there.receivedTotal();
        time.runFor(10 * SECOND);
        assertThat(there.receivedTotal()).isEqualTo(stopped);
        there.reading(true);
        receives(there);
    }

    @Test
    void lossIsStillRecoveredFromAfterwards() {
        here.endless();
        receives(there);
        wire.aToB().loss(0.001);
        long before = there.receivedTotal();
        time.runFor(60 * SECOND);
        assertThat(there.receivedTotal() - before).isGreaterThan(100_000_000);
    }
}
