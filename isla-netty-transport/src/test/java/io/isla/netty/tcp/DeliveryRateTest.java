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
import org.junit.jupiter.api.Test;

class DeliveryRateTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long RATE = 8_000_000;
    /** What a packet's 1448 bytes of data are of what it takes of the path. */
    private static final double SHARE = 1448.0 / 1538;

    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
    private final VirtualTime time = new VirtualTime();
    private final VirtualWire wire = new VirtualWire(time, 5, 1500, false);
    private final SimHost sender = new SimHost(time, wire.a(), "10.0.0.1", new TcpParameters(), 1, allocator);
    private final SimHost receiver = new SimHost(time, wire.b(), "10.0.0.2", new TcpParameters(), 2, allocator);
    private SimSocket socket;

    private void connect() {
        for (LinkConditions conditions : List.of(wire.aToB(), wire.bToA())) {
            conditions.latency(Duration.ofMillis(20)).rate(RATE, 60_000);
        }
        receiver.listen(80, 10, new TcpSettings());
        socket = sender.connect(receiver, 80, new TcpSettings());
        time.runFor(SECOND);
        receiver.accepted.get(0).counting();
    }

    @AfterEach
    void close() {
        sender.close();
        receiver.close();
        time.runFor(SECOND);
    }

    private TcpInfo info() {
        return socket.connection.info(time.nanoTime());
    }

    @Test
    void isThatOfThePathWhenThereIsAlwaysMoreToSend() {
        connect();
        assertThat(info().deliveryRate()).isZero();
        socket.endless();
        time.runFor(SECOND);
        double sum = 0;
        for (int i = 0; i < 100; i++) {
            time.runFor(SECOND / 10);
            // Less while a loss is being repaired: the queue is short.
            double ofThePath = info().deliveryRate() * 8 / (RATE * SHARE);
            assertThat(ofThePath).isBetween(0.6, 1.02);
            sum += ofThePath;
            assertThat(info().deliveryRateLimitedByApplication()).isFalse();
        }
        assertThat(sum / 100).as("on average").isBetween(0.95, 1.01);
        assertThat(info().pathMtu()).isEqualTo(1500);
    }

    @Test
    void tellsThePaceOfTheApplicationFromThatOfThePath() {
        connect();
        for (int i = 0; i < 50; i++) {
            socket.write(new byte[1000]);
            time.runFor(SECOND / 20);
        }
        assertThat(info().deliveryRateLimitedByApplication()).isTrue();
        assertThat(info().deliveryRate()).as("1000 bytes in a round trip").isBetween(20_000L, 25_000L);
        socket.write(new byte[2_000_000]);
        time.runFor(SECOND);
        assertThat(info().deliveryRateLimitedByApplication()).isFalse();
        long path = info().deliveryRate();
        assertThat(path * 8 / (RATE * SHARE)).isBetween(0.9, 1.02);
        time.runFor(3 * SECOND);
        for (int i = 0; i < 10; i++) {
            socket.write(new byte[1000]);
            time.runFor(SECOND / 20);
        }
        assertThat(info().deliveryRate()).as("what was known of the path stays").isGreaterThan(path / 2);
    }
}
