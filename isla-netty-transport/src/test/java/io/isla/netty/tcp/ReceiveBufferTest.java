/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How much may come: what a round trip brings, however large windows and buffers might become. */
class ReceiveBufferTest {
    private static final int MIB = 1 << 20;
    private static final int MSS = 1000;
    private static final long MICRO = TimeUnit.MICROSECONDS.toNanos(1);
    private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);

    private final TcpParameters parameters = new TcpParameters();
    private final ReceiveBuffer buffer = new ReceiveBuffer(parameters, 0);
    private long now = MILLI;
    private int clock = 1;

    /** So many round trips, each of so many bytes. */
    private void receive(int rounds, long rtt, int bytes) {
        for (int i = 0; i < rounds; i++) {
            clock = (int) (now / MILLI);
            buffer.timestampSent(clock, now);
            now += rtt;
            buffer.timestampEchoed(clock, now);
            buffer.read(bytes);
            buffer.adjust(0, MSS, now);
        }
    }

    /** A round trip that shows how short one can be, so many others that they are what one takes on average, and then a user who reads at a constant rate. */
    private void read(long shortestMicros, long usualMicros, int bytesPerMilli, int millis) {
        for (int i = 0; i <= 100; i++) {
            buffer.timestampSent(++clock, now);
            now += (i == 0 ? shortestMicros : usualMicros) * MICRO;
            buffer.timestampEchoed(clock, now);
        }
        for (int i = 0; i <= millis; i++) {
            buffer.adjust(0, MSS, now);
            buffer.read(bytesPerMilli);
            now += MILLI;
        }
    }

    @ParameterizedTest(name = "{4}")
    @CsvSource({
        "20000, 20000,   125000, 20000, a path",
        " 1000, 50000,   125000,  8000, a queue in the path: a window as long would keep it full",
        "   10,   400,  7000000,   400, a user who is busy with a window at a time on the same machine",
        "   10,  5000,  7000000,   500, a queue on the same machine",
    })
    void holdsTwiceToThriceWhatARoundTripBrings(
            long shortestMicros, long usualMicros, int bytesPerMilli, long counted, String of) {
        read(shortestMicros, usualMicros, bytesPerMilli, 2000);
        int brought = (int) (bytesPerMilli * counted / 1000);
        assertThat(buffer.limit()).as(of).isBetween(2 * brought, 3 * brought);
    }

    @Test
    void staysWhatTheUserHasChosen() {
        buffer.limit(100_000);
        read(20_000, 20_000, 125_000, 100);
        assertThat(buffer.limit()).isEqualTo(100_000);
        assertThat(buffer.ceiling()).isEqualTo(100_000);
    }

    @Test
    void growsNoLargerThanTheCeiling() {
        read(200_000, 200_000, 1_250_000, 2000);
        assertThat(buffer.limit()).isEqualTo(parameters.maxReceiveBuffer);
    }

    @Test
    void aRoundTripIsMeasuredMoreExactlyThanTimestampsCount() {
        receive(100, 50 * MICRO, 1000);
        assertThat(buffer.rtt()).isEqualTo(50 * MICRO);
    }

    @Test
    void onlyTheEchoOfTheFirstSegmentWithATimestampIsMeasured() {
        buffer.timestampSent(5, 10 * MILLI);
        buffer.timestampSent(5, 11 * MILLI);
        buffer.timestampEchoed(4, 12 * MILLI);
        assertThat(buffer.rtt()).as("an echo of what was sent before").isZero();
        buffer.timestampEchoed(5, 15 * MILLI);
        assertThat(buffer.rtt()).isEqualTo(5 * MILLI);
        buffer.timestampEchoed(5, 100 * MILLI);
        assertThat(buffer.rtt()).as("one sample for a timestamp").isEqualTo(5 * MILLI);
        // The one that was awaited was lost.
        buffer.timestampSent(6, 101 * MILLI);
        buffer.timestampEchoed(7, 300 * MILLI);
        assertThat(buffer.rtt()).isEqualTo(5 * MILLI);
    }

    @Test
    void aWindowOfAFastPathFollowsItsRateAndNotTheQueueBeforeTheLoop() {
        // 10 Gbit/s: 62,500 bytes in 50 µs.
        receive(2000, 50 * MICRO, 62_500);
        assertThat(buffer.limit()).isBetween(2 * 62_500, MIB);
        // The loop was held up, finds 2 MB in the queue, and goes on as before.
        receive(1, 2 * MILLI, 2 * MIB);
        receive(2000, 50 * MICRO, 62_500);
        assertThat(buffer.limit()).isLessThan(4 * MIB);
    }

    @Test
    void aWindowOfALongPathBecomesTwiceWhatItHolds() {
        // 1 Gbit/s: 12.5 MB in 100 ms; a sender in slow start doubles what it sends in each round trip.
        for (int bytes = 14_600; bytes < 12_500_000; bytes *= 2) {
            receive(1, 100 * MILLI, bytes);
            assertThat(buffer.limit())
                    .as("room for what the next round trip brings")
                    .isGreaterThanOrEqualTo(2 * bytes);
        }
        receive(5, 100 * MILLI, 12_500_000);
        assertThat(buffer.limit()).isGreaterThan(25_000_000);
    }
}
