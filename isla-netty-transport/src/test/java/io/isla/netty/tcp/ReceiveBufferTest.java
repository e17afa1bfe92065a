/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ReceiveBufferTest {
    private static final int MSS = 1448;
    private static final long MICRO = 1_000;
    private static final long MILLI = 1_000_000;

    private final TcpParameters parameters = new TcpParameters();
    private final ReceiveBuffer buffer = new ReceiveBuffer(parameters, 0);
    private int timestamp;
    private long now = 1;

    private void roundTrip(long nanos) {
        buffer.timestampSent(++timestamp, now);
        now += nanos;
        buffer.timestampEchoed(timestamp, now);
    }

    /** One round trip of the shortest kind, and then so many of another that it is what they take on average. */
    private void roundTrips(long shortest, long usual) {
        roundTrip(shortest);
        for (int i = 0; i < 100; i++) {
            roundTrip(usual);
        }
    }

    /** The user reads at a constant rate. */
    private void reads(long bytesPerMilli, int millis) {
        buffer.adjust(0, MSS, now);
        for (int i = 0; i < millis; i++) {
            buffer.read((int) bytesPerMilli);
            now += MILLI;
            buffer.adjust(0, MSS, now);
        }
    }

    @Test
    void holdsTwiceWhatARoundTripBrings() {
        roundTrips(20 * MILLI, 20 * MILLI);
        reads(125_000, 100);

        assertThat(buffer.limit()).isBetween(2 * 20 * 125_000, 3 * 20 * 125_000);
    }

    /** A window as long as a queue in a router would keep it full, and the data would be no earlier there. */
    @Test
    void doesNotGrowWithAQueueInThePath() {
        roundTrips(MILLI, 50 * MILLI);
        reads(125_000, 2_000);

        assertThat(buffer.limit()).isBetween(2 * 8 * 125_000, 3 * 8 * 125_000);
    }

    @Test
    void holdsWhatAPeerOnTheSameMachineSendsWhileTheUserIsBusy() {
        roundTrips(10 * MICRO, 400 * MICRO);
        reads(7_000_000, 50);

        // Of a round trip of 400 µs, and not of 8 times 10.
        assertThat(buffer.limit()).isBetween(2 * 4 * 700_000, 3 * 4 * 700_000);
    }

    @Test
    void doesNotGrowWithAQueueOnTheSameMachine() {
        roundTrips(10 * MICRO, 5 * MILLI);
        reads(7_000_000, 50);

        assertThat(buffer.limit()).isBetween(2 * 500 * 7_000, 3 * 500 * 7_000);
    }

    @Test
    void staysWhatTheUserHasChosen() {
        buffer.limit(100_000);
        roundTrips(20 * MILLI, 20 * MILLI);
        reads(125_000, 100);

        assertThat(buffer.limit()).isEqualTo(100_000);
        assertThat(buffer.ceiling()).isEqualTo(100_000);
    }

    @Test
    void growsNoLargerThanTheCeiling() {
        roundTrips(200 * MILLI, 200 * MILLI);
        reads(1_250_000, 2_000);

        assertThat(buffer.limit()).isEqualTo(parameters.maxReceiveBuffer);
    }
}
