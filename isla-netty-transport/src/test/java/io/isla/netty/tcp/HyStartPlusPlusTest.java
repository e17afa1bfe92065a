/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.tcp.AckClock.MILLIS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** HyStart++ as RFC 9406 has it: round by round from a script, and as a part of CUBIC on a simulated path. */
class HyStartPlusPlusTest {
    private static final int MSS = 1448;

    /** Rounds of samples by hand: each round is 100 segments that are in flight at once. */
    @Nested
    class RoundByRound {
        private static final int ROUND = 100 * MSS;

        private final HyStartPlusPlus hyStart = new HyStartPlusPlus();
        private final CongestionWindow window = new CongestionWindow();

        RoundByRound() {
            window.mss = MSS;
            window.cwnd = ROUND;
            window.sndUna = Integer.MAX_VALUE - ROUND / 2;
            window.sndNxt = window.sndUna + ROUND;
            window.noteUsage(window.sndUna, window.sndNxt, ROUND, true);
        }

        /** A round in which the samples are all the same; returns whether slow start ended. */
        private boolean round(int samples, long rtt) {
            boolean over = false;
            for (int i = 1; i <= samples; i++) {
                over |= sample(i == samples ? ROUND - (samples - 1) * MSS : MSS, rtt);
            }
            return over;
        }

        /** An acknowledgement, for which as much is sent anew. */
        private boolean sample(int bytes, long rtt) {
            window.sndUna += bytes;
            boolean over = hyStart.onRttSample(window, rtt);
            window.sndNxt += bytes;
            return over;
        }

        @ParameterizedTest
        @CsvSource({
            // The threshold is an eighth of the round-trip time, but 4 ms at least and 16 ms at most.
            "1, 4",
            "32, 4",
            "40, 5",
            "80, 10",
            "128, 16",
            "200, 16"
        })
        void entersConservativeSlowStartWhenTheDelayHasGrownByTheThreshold(long rttMillis, long thresholdMillis) {
            round(8, rttMillis * MILLIS);
            round(8, (rttMillis + thresholdMillis) * MILLIS - 1);
            assertThat(hyStart.isInConservativeSlowStart()).isFalse();

            hyStart.reset();
            round(8, rttMillis * MILLIS);
            round(8, (rttMillis + thresholdMillis) * MILLIS);
            assertThat(hyStart.isInConservativeSlowStart()).isTrue();
            assertThat(window.ssthresh).isEqualTo(CongestionWindow.INFINITE);
        }

        @Test
        void judgesByTheLeastOfARound() {
            round(8, 20 * MILLIS);
            sample(MSS, 21 * MILLIS);
            round(9, 60 * MILLIS);
            assertThat(hyStart.isInConservativeSlowStart()).isFalse();
        }

        @Test
        void judgesNoRoundOfLessThanEightSamples() {
            round(8, 20 * MILLIS);
            round(7, 60 * MILLIS);
            assertThat(hyStart.isInConservativeSlowStart()).isFalse();
            round(8, 100 * MILLIS);
            assertThat(hyStart.isInConservativeSlowStart()).isTrue();
        }

        @Test
        void comparesWithTheRoundBeforeOnly() {
            // Slowly enough, the delay may grow (RFC 9406 §4.2: lastRoundMinRTT, not the least ever).
            for (int i = 0; i < 10; i++) {
                round(8, (20 + 3 * i) * MILLIS);
                assertThat(hyStart.isInConservativeSlowStart()).isFalse();
            }
        }

        @Test
        void endsSlowStartAfterFiveRoundsOfWhichTheFirstIsThatInWhichDelayGrew() {
            round(8, 20 * MILLIS);
            assertThat(round(8, 30 * MILLIS)).as("round 1").isFalse();
            for (int i = 2; i < 5; i++) {
                assertThat(round(8, 30 * MILLIS)).as("round " + i).isFalse();
                assertThat(hyStart.isInConservativeSlowStart()).isTrue();
            }
            assertThat(window.ssthresh).isEqualTo(CongestionWindow.INFINITE);
            assertThat(round(8, 30 * MILLIS)).as("round 5").isTrue();
            assertThat(window.ssthresh).isEqualTo(window.cwnd);
            assertThat(hyStart.applies(window)).isFalse();
        }

        @Test
        void resumesSlowStartWhenTheDelayFallsBelowWhatItWas() {
            round(8, 20 * MILLIS);
            round(8, 30 * MILLIS);
            round(8, 30 * MILLIS);
            assertThat(hyStart.isInConservativeSlowStart()).isTrue();
            round(8, 29 * MILLIS);
            assertThat(hyStart.isInConservativeSlowStart()).isFalse();

            // And may enter it once more, for five rounds of its own.
            round(8, 40 * MILLIS);
            assertThat(hyStart.isInConservativeSlowStart()).isTrue();
            for (int i = 2; i < 5; i++) {
                assertThat(round(8, 40 * MILLIS)).isFalse();
            }
            assertThat(round(8, 40 * MILLIS)).isTrue();
        }

        @Test
        void doesNotBlameAWindowThatIsNotUsedForTheDelay() {
            round(8, 20 * MILLIS);
            window.noteUsage(window.sndNxt, window.sndNxt, ROUND / 4, false);
            round(8, 60 * MILLIS);
            assertThat(hyStart.isInConservativeSlowStart()).isFalse();
        }

        @Test
        void countsNoRoundInWhichTheWindowIsNotUsed() {
            round(8, 20 * MILLIS);
            round(8, 30 * MILLIS);
            window.noteUsage(window.sndNxt, window.sndNxt, ROUND / 4, false);
            for (int i = 0; i < 10; i++) {
                assertThat(round(8, 30 * MILLIS)).isFalse();
            }
            window.noteUsage(window.sndNxt, window.sndNxt, ROUND, true);
            for (int i = 2; i < 5; i++) {
                assertThat(round(8, 30 * MILLIS)).isFalse();
            }
            assertThat(round(8, 30 * MILLIS)).isTrue();
        }

        @Test
        void countsARoundForEachFlightEvenWhenOneAcknowledgementTakesAll() {
            // Nothing is in flight when the acknowledgement arrives: where the next round ends is not known yet.
            round(8, 20 * MILLIS);
            round(8, 30 * MILLIS);
            for (int i = 2; i < 5; i++) {
                window.sndUna = window.sndNxt;
                assertThat(hyStart.onRttSample(window, 30 * MILLIS)).isFalse();
                window.sndNxt += ROUND;
                window.sndUna += ROUND / 2;
                assertThat(hyStart.onRttSample(window, 30 * MILLIS)).isFalse();
            }
            window.sndUna = window.sndNxt;
            assertThat(hyStart.onRttSample(window, 30 * MILLIS)).isTrue();
        }

        @Test
        void growsByAQuarterInConservativeSlowStartAndLosesNoByte() {
            assertThat(hyStart.growth(1001)).isEqualTo(1001);
            round(8, 20 * MILLIS);
            round(8, 30 * MILLIS);
            int grown = 0;
            for (int i = 0; i < 4; i++) {
                grown += hyStart.growth(1001);
            }
            assertThat(grown).isEqualTo(1001);
        }

        @Test
        void countsASuperSegmentInFullAndEightOfThemAtMost() {
            assertThat(hyStart.growth(65536)).isEqualTo(65536);
            assertThat(hyStart.growth(8 * 65536)).isEqualTo(8 * 65536);
            assertThat(hyStart.growth(9 * 65536)).isEqualTo(8 * 65536);
            assertThat(hyStart.growth(Integer.MAX_VALUE)).isEqualTo(8 * 65536);
        }

        @Test
        void appliesToTheFirstSlowStartOnly() {
            assertThat(hyStart.applies(window)).isTrue();
            window.ssthresh = 2 * window.cwnd;
            assertThat(hyStart.applies(window)).isFalse();
        }
    }

    /** CUBIC from an initial window of 10 segments through a bottleneck. */
    private static AckClock path(CongestionControl control, long rttMillis, double megabits, int segments) {
        AckClock clock = new AckClock(control, rttMillis * MILLIS, MSS, 10 * MSS);
        clock.rate = megabits * 1e6 / 8;
        clock.unit = Math.min(segments, 45) * MSS;
        clock.ackEvery = Math.max(2, segments) * MSS;
        return clock;
    }

    /** Slow start as it was before HyStart++. */
    private static final class PlainSlowStart extends NewReno {
        @Override
        public void onRttSample(CongestionWindow window, long rtt, long now) {}
    }

    @ParameterizedTest(name = "{0} ms, {1} Mbit/s, {2} segments at once")
    @MethodSource("paths")
    void newRenoLeavesSlowStartAsCubicDoes(long rttMillis, double megabits, int segments) {
        AckClock cubic = path(new Cubic(), rttMillis, megabits, segments);
        AckClock reno = path(new NewReno(), rttMillis, megabits, segments);
        for (AckClock clock : List.of(cubic, reno)) {
            clock.queueLimit = 15 * clock.rate * rttMillis / 1000;
            clock.runUntil(() -> clock.window.ssthresh < CongestionWindow.INFINITE);
        }
        assertThat(reno.dropped).isZero();
        assertThat(reno.window.ssthresh).isEqualTo(cubic.window.ssthresh);
    }

    @ParameterizedTest(name = "{0} ms, {1} Mbit/s, {2} segments at once")
    @MethodSource("paths")
    void leavesSlowStartWithoutALossWhereTheQueueIsDeep(long rttMillis, double megabits, int segments) {
        AckClock clock = path(new Cubic(), rttMillis, megabits, segments);
        double bdp = clock.rate * rttMillis / 1000;
        // What was sent a round trip before the path is full shows it two round trips later: slow start ends at four to
        // five
        // times what the path holds, and Conservative Slow Start at thrice that.
        clock.queueLimit = 15 * bdp;
        clock.runUntil(() -> clock.window.ssthresh < CongestionWindow.INFINITE);
        assertThat(clock.dropped).isZero();
        assertThat((double) clock.window.ssthresh)
                .as("the path is full, and no more than it and its queue hold")
                .isBetween(bdp, 16 * bdp);

        AckClock reno = path(new PlainSlowStart(), rttMillis, megabits, segments);
        reno.queueLimit = clock.queueLimit;
        assertThat((double) reno.runUntilLossIsNoticed())
                .as("what slow start without it loses")
                .isGreaterThan(bdp);
    }

    @ParameterizedTest(name = "{0} ms, {1} Mbit/s, {2} segments at once")
    @MethodSource("paths")
    void losesLittleWhereTheQueueOverflowsInConservativeSlowStart(long rttMillis, double megabits, int segments) {
        AckClock clock = path(new Cubic(), rttMillis, megabits, segments);
        double bdp = clock.rate * rttMillis / 1000;
        clock.queueLimit = 4.5 * bdp;
        long lost = clock.runUntilLossIsNoticed();
        assertThat(lost / (5.5 * bdp)).as("of what the path and its queue hold").isLessThan(0.27);

        AckClock reno = path(new PlainSlowStart(), rttMillis, megabits, segments);
        reno.queueLimit = clock.queueLimit;
        assertThat(reno.runUntilLossIsNoticed() / (5.5 * bdp))
                .as("what slow start without it loses")
                .isGreaterThan(0.8);
    }

    static Stream<Arguments> paths() {
        return Stream.of(
                Arguments.of(20, 100, 1),
                Arguments.of(50, 20, 1),
                Arguments.of(50, 100, 1),
                Arguments.of(50, 500, 1),
                Arguments.of(100, 10, 1),
                Arguments.of(100, 200, 1),
                Arguments.of(200, 10, 1),
                Arguments.of(200, 100, 1),
                Arguments.of(50, 5000, 45),
                Arguments.of(100, 2000, 45),
                Arguments.of(200, 1000, 45));
    }

    @ParameterizedTest(name = "acknowledgements of {0} segments")
    @ValueSource(ints = {1, 2, 10, 45, 90})
    void doublesInARoundTripHoweverStretchedAcknowledgementsAre(int segments) {
        AckClock clock = path(new Cubic(), 50, 100_000, segments);
        clock.runFor(25 * MILLIS);
        for (int round = 1; round <= 10; round++) {
            long before = clock.window.cwnd;
            clock.runFor(50 * MILLIS);
            assertThat((double) clock.window.cwnd / before).as("round " + round).isBetween(1.85, 2.15);
        }
    }

    @Test
    void doesNotLeaveSlowStartForJitter() {
        // 40 to 70 ms from segment to segment, and a path that has room for all.
        AckClock clock = path(new Cubic(), 40, 40_000, 1);
        clock.extraDelay = at -> (at / 1000 * 2654435761L >>> 7) % 30 * MILLIS;
        clock.runUntil(() -> clock.window.cwnd > 20_000 * MSS);
        assertThat(clock.window.ssthresh).isEqualTo(CongestionWindow.INFINITE);
    }

    @Test
    void goesBackToSlowStartWhenADelayPasses() {
        // From 200 to 330 ms the path is 25 ms slower: a route flaps, or a radio sleeps.
        AckClock clock = path(new Cubic(), 50, 40_000, 1);
        clock.extraDelay = at -> at >= 200 * MILLIS && at < 330 * MILLIS ? 25 * MILLIS : 0;
        clock.runUntil(() -> clock.time >= 270 * MILLIS);
        long atEntry = clock.window.cwnd;
        clock.runUntil(() -> clock.time >= 340 * MILLIS);
        assertThat((double) clock.window.cwnd / atEntry).as("slower meanwhile").isLessThan(1.6);

        clock.runUntil(() -> clock.time >= 450 * MILLIS);
        assertThat(clock.window.ssthresh).isEqualTo(CongestionWindow.INFINITE);
        long resumed = clock.window.cwnd;
        clock.runFor(50 * MILLIS);
        assertThat((double) clock.window.cwnd / resumed).isBetween(1.85, 2.15);
    }
}
