/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.tcp.AckClock.MILLIS;
import static io.isla.netty.tcp.AckClock.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CUBIC on a simulated clock of acknowledgements, against the closed forms of RFC 9438. Windows are in segments here. */
class CubicTest {
    private static final int MSS = 1448;
    private static final double C = 0.4;
    private static final double ALPHA = 3 * 0.3 / 1.7;

    /** A sender in congestion avoidance whose window is so many segments, on a path that has room for much more. */
    private static AckClock steady(CongestionControl control, double rttMillis, double segments) {
        AckClock clock = new AckClock(control, (long) (rttMillis * MILLIS), MSS, (long) (segments * MSS));
        clock.window.ssthresh = clock.window.cwnd;
        clock.rate = 8.0 * clock.window.cwnd / (rttMillis / 1000);
        clock.unit = (int) Math.max(1, Math.min(45, segments / 50)) * MSS;
        clock.send();
        return clock;
    }

    private static CongestionWindow huge(int cwnd) {
        CongestionWindow window = new CongestionWindow();
        window.mss = MSS;
        window.cwnd = cwnd;
        return window;
    }

    /** W_cubic(t) of a stage that began at {@code start} and has its plateau at {@code plateau}. */
    private static double cubic(double seconds, double start, double plateau) {
        double k = Math.cbrt((plateau - start) / C);
        return C * Math.pow(seconds - k, 3) + plateau;
    }

    /** W_est(t): Reno's window after so many round trips, with its own pace from {@code prior} on. */
    private static double reno(double roundTrips, double start, double prior) {
        double until = (prior - start) / ALPHA;
        return roundTrips <= until ? start + ALPHA * roundTrips : prior + roundTrips - until;
    }

    @ParameterizedTest(name = "{0} ms, {1} segments")
    @CsvSource({
        "0.1, 20",
        "0.1, 200",
        "1, 10",
        "1, 100",
        "1, 1000",
        "10, 10",
        "10, 100",
        "10, 1000",
        "10, 10000",
        "50, 10",
        "50, 100",
        "50, 1000",
        "50, 10000",
        "100, 10",
        "100, 100",
        "100, 1000",
        "100, 50000",
        "300, 10",
        "300, 100",
        "300, 1000",
        "300, 10000",
        "600, 1000",
        "600, 100000"
    })
    void growsAsTheRfcHasIt(double rttMillis, int segments) {
        AckClock clock = steady(new Cubic(), rttMillis, segments);
        clock.lose();
        double start = clock.segments();
        assertThat(start).isCloseTo(Math.max(2, 0.7 * segments), within(0.01));

        double rtt = rttMillis / 1000;
        clock.acknowledge();
        long begin = clock.time;
        while (clock.segments() < 1.4 * segments) {
            clock.acknowledge();
            double t = (clock.time - begin) / 1e9;
            // The window follows the function with a lag of less than a round trip, and aims a round trip ahead.
            double least = Math.max(
                    cubic(Math.max(0, t - 1.5 * rtt), start, segments), reno(t / rtt, start, segments) * 0.99 - 1);
            double most = Math.max(cubic(t + 1.5 * rtt, start, segments), reno(t / rtt, start, segments) * 1.01 + 1);
            assertThat(clock.segments())
                    .as("after %.3f s", t)
                    .isBetween(Math.min(least, 1.4 * segments) * 0.995 - 1, most * 1.005 + 1);
        }
    }

    /** The tables of RFC 9438 §5.1, for C = 0.4: the average window where every so many segments one is lost. */
    @ParameterizedTest(name = "{0} ms, every {1} segments: {2}")
    @CsvSource({
        "100, 100, 12", "100, 1000, 38", "100, 10000, 187", "100, 100000, 1054", "100, 1000000, 5926",
        "10, 100, 12", "10, 1000, 38", "10, 10000, 120", "10, 100000, 379", "10, 1000000, 1200"
    })
    void averagesTheWindowThatTheRfcComputes(double rttMillis, int segmentsPerLoss, double expected) {
        assertThat(averageWindow(new Cubic(), rttMillis, segmentsPerLoss, expected))
                .isCloseTo(expected, within(0.15 * expected));
    }

    private static double averageWindow(
            CongestionControl control, double rttMillis, int segmentsPerLoss, double guess) {
        AckClock clock = steady(control, rttMillis, Math.rint(guess));
        long from = 0;
        long begin = 0;
        for (int i = 1; i <= 60; i++) {
            long next = clock.acked + (long) segmentsPerLoss * MSS;
            clock.runUntil(() -> clock.acked >= next);
            clock.lose();
            if (i == 20) {
                from = clock.acked;
                begin = clock.time;
            }
        }
        return (double) (clock.acked - from) / MSS * (rttMillis * MILLIS) / (clock.time - begin);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8, 45, 90})
    void growsTheSameHoweverStretchedAcknowledgementsAre(int segments) {
        AckClock clock = steady(new Cubic(), 50, 1000);
        clock.unit = Math.min(segments, 45) * MSS;
        clock.ackEvery = segments * MSS;
        clock.lose();
        clock.runFor(3 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(3, 700, 1000), within(10.0));
        clock.runFor(9 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(12, 700, 1000), within(15.0));
    }

    @Test
    void growsByHalfInARoundTripAtMost() {
        // After 20 s beyond the plateau of 10 segments the function gains more than that in a round trip of a second.
        AckClock clock = steady(new Cubic(), 1000, 10);
        clock.rate = 1e11;
        boolean capped = false;
        for (int i = 0; i < 30; i++) {
            double before = clock.segments();
            clock.runFor(SECONDS);
            assertThat(clock.segments() / before).isLessThan(1.51);
            capped |= clock.segments() / before > 1.4;
        }
        assertThat(capped).as("the function was steeper at times").isTrue();
    }

    @Test
    void keepsFractionsOfABytePerAcknowledgement() {
        Cubic control = new Cubic();
        CongestionWindow window = huge(1_000_000_000);
        window.srtt = 10 * MILLIS;
        control.onRttSample(window, 10 * MILLIS, 0);
        window.ssthresh = control.ssthresh(window, 0);
        window.cwnd = window.ssthresh;
        // K is 90 s here: within a few milliseconds a segment at a time adds far less than a byte.
        int acks = window.cwnd / MSS;
        for (int i = 0; i <= acks; i++) {
            control.onAcked(window, MSS, 10 * MILLIS * i / acks);
        }
        double k = Math.cbrt(0.3e9 / MSS / C);
        double expected = MSS * C * (Math.pow(0.01 - k, 3) + Math.pow(k, 3));
        assertThat((double) window.cwnd - 700_000_000).isCloseTo(expected, within(0.02 * expected));
        assertThat(expected / acks).as("bytes per acknowledgement").isLessThan(0.5);
    }

    @Test
    void fallsToSevenTenthsAndNotBelowTwoSegments() {
        Cubic control = new Cubic();
        assertThat(control.ssthresh(huge(1_000_000), 0)).isEqualTo(700_000);
        assertThat(control.ssthresh(huge(CongestionWindow.INFINITE), 0)).isEqualTo(751_619_276);
        assertThat(control.ssthresh(huge(2 * MSS), 0)).isEqualTo(2 * MSS);
        assertThat(control.ssthresh(huge(MSS), 0)).isEqualTo(2 * MSS);
    }

    @Test
    void levelsOffEarlierAfterAWindowThatDidNotComeBack() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        clock.runUntil(() -> clock.segments() >= 900);
        clock.lose();
        double second = clock.segments();
        assertThat(second).isCloseTo(630, within(2.0));
        // Fast convergence: the plateau is at 0.85 * 900, not at 900.
        double k = Math.cbrt((765 - second) / C);
        clock.runFor((long) (k * SECONDS));
        assertThat(clock.segments()).isCloseTo(765, within(8.0));
        double on = clock.segments();
        clock.runFor(SECONDS);
        assertThat(clock.segments() - on).as("flat").isLessThan(3.5);
    }

    @Test
    void levelsOffWhereItWasAfterAWindowThatCameBack() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        clock.runUntil(() -> clock.segments() >= 1010);
        clock.lose();
        double second = clock.segments();
        clock.runFor((long) (Math.cbrt((1010 - second) / C) * SECONDS));
        assertThat(clock.segments()).isCloseTo(1010, within(8.0));
    }

    @Test
    void beginsOnThePlateauAfterATimeout() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.timeOut();
        assertThat(clock.window.ssthresh).isEqualTo(700 * MSS);
        clock.runUntil(() -> clock.segments() >= 700);
        double reached = clock.segments();
        assertThat(reached).as("slow start ends at the threshold").isLessThan(702);
        clock.runFor(4 * SECONDS);
        // RFC 9438 §4.8: K is 0 and W_max is where the stage began; 1,000 is forgotten.
        assertThat(clock.segments()).isCloseTo(Math.max(cubic(4, 700, 700), reno(40, 700, 1000)), within(6.0));
    }

    @Test
    void beginsOnThePlateauAfterASlowStartThatEndedWithoutALoss() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.runFor(10 * SECONDS);
        // RFC 9438 §4.10: K is 0, and cwnd_prior is cwnd, so that Reno's pace is Reno's own.
        assertThat(clock.segments()).isCloseTo(cubic(10, 1000, 1000), within(40.0));
        AckClock small = steady(new Cubic(), 10, 10);
        AckClock reno = steady(new NewReno(), 10, 10);
        small.runFor(SECONDS);
        reno.runFor(SECONDS);
        assertThat(small.segments()).isGreaterThan(90).isCloseTo(reno.segments(), within(2.0));
    }

    @Test
    void doesNotCountIdleTime() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        clock.runFor(2 * SECONDS);
        double before = clock.segments();
        assertThat(before).isCloseTo(cubic(2, 700, 1000), within(10.0));
        clock.idle(600 * SECONDS);
        clock.runFor(2 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(4, 700, 1000), within(12.0));
    }

    @Test
    void doesNotCountTimeInWhichTheApplicationSendsLittle() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        clock.runFor(2 * SECONDS);
        double before = clock.segments();
        // A hundred segments at a time, for a minute.
        clock.available = 0;
        clock.runFor(SECONDS);
        for (int i = 0; i < 600; i++) {
            clock.available = 100 * MSS;
            clock.runFor(100 * MILLIS);
        }
        assertThat(clock.segments()).as("unused, it stays").isCloseTo(before, within(15.0));
        clock.available = Long.MAX_VALUE;
        clock.runFor(2 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(4, 700, 1000), within(20.0));
    }

    @Test
    void beginsAnotherStageAfterAnIdleRestart() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        clock.runFor(4 * SECONDS);
        double before = clock.segments();
        clock.idle(60 * SECONDS);
        // As RFC 5681 §4.1 and RFC 2861 have the window cut.
        clock.window.ssthresh = clock.window.cwnd * 3 / 4;
        clock.window.cwnd = 10 * MSS;
        clock.control.onIdleRestart(clock.window, 60 * SECONDS, clock.now());
        clock.runUntil(() -> clock.segments() >= 0.75 * before);
        double start = clock.segments();
        clock.runFor(3 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(3, start, 1000), within(12.0));
    }

    @Test
    void goesOnAsIfNothingHadBeenAfterAnUndo() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        clock.runFor(3 * SECONDS);
        int cwnd = clock.window.cwnd;
        int ssthresh = clock.window.ssthresh;
        clock.lose();
        clock.window.cwnd = cwnd;
        clock.window.ssthresh = ssthresh;
        clock.control.onUndo(clock.window, clock.now());
        // 900 segments were no window that did not come back: the plateau is still at 1,000.
        clock.runFor(2 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(5, 700, 1000), within(12.0));
        clock.runFor(6 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(11, 700, 1000), within(20.0));
    }

    @Test
    void goesOnAsIfNothingHadBeenAfterAnUndoInTheNextStage() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        clock.runFor(3 * SECONDS);
        int cwnd = clock.window.cwnd;
        int ssthresh = clock.window.ssthresh;
        clock.lose();
        // Another stage begins, with another segment size, and lasts a second until a DSACK tells.
        clock.window.mss = 536;
        clock.runFor(SECONDS);
        clock.window.mss = MSS;
        clock.window.cwnd = cwnd;
        clock.window.ssthresh = ssthresh;
        clock.control.onUndo(clock.window, clock.now());
        clock.runFor(2 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(5, 700, 1000), within(8.0));
        clock.runFor(6 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(11, 700, 1000), within(15.0));
    }

    @Test
    void goesOnAsIfNothingHadBeenAfterAnUndoBeyondThePlateau() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        long begin = clock.time;
        clock.runUntil(() -> clock.segments() > 1100);
        double t = (clock.time - begin) / 1e9;
        int cwnd = clock.window.cwnd;
        int ssthresh = clock.window.ssthresh;
        clock.lose();
        clock.window.cwnd = cwnd;
        clock.window.ssthresh = ssthresh;
        clock.control.onUndo(clock.window, clock.now());
        clock.runFor(3 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(t + 3, 700, 1000), within(20.0));
    }

    @Test
    void goesOnAsRenoAfterAnUndoAtASmallWindow() {
        AckClock clock = steady(new Cubic(), 10, 100);
        clock.rate = 1e11;
        clock.lose();
        clock.runFor(400 * MILLIS);
        assertThat(clock.segments()).isCloseTo(reno(40, 70, 100), within(1.5));
        int cwnd = clock.window.cwnd;
        int ssthresh = clock.window.ssthresh;
        clock.lose();
        clock.runFor(100 * MILLIS);
        clock.window.cwnd = cwnd;
        clock.window.ssthresh = ssthresh;
        clock.control.onUndo(clock.window, clock.now());
        clock.runFor(400 * MILLIS);
        // The faster pace begins at 100 segments still, not at the 91 of the congestion that was none.
        assertThat(clock.segments()).isCloseTo(reno(80, 70, 100), within(2.0));
    }

    @Test
    void goesOnAsIfNothingHadBeenAfterTheUndoOfATimeout() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        clock.runFor(3 * SECONDS);
        int cwnd = clock.window.cwnd;
        int ssthresh = clock.window.ssthresh;
        clock.timeOut();
        clock.window.cwnd = cwnd;
        clock.window.ssthresh = ssthresh;
        clock.control.onUndo(clock.window, clock.now());
        clock.runFor(2 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(5, 700, 1000), within(12.0));
    }

    @Test
    void keepsAWindowThatHasOutgrownWhatAnUndoWouldRestore() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        long begin = clock.time;
        clock.runUntil(() -> clock.segments() > 1050);
        double t = (clock.time - begin) / 1e9;
        // RFC 9438 §4.9.2: the loss turns out to have been none when the window is larger than before it.
        clock.control.onUndo(clock.window, clock.now());
        clock.runFor(2 * SECONDS);
        assertThat(clock.segments()).isCloseTo(cubic(t + 2, 700, 1000), within(20.0));
    }

    @Test
    void resumesTheFirstSlowStartAfterAnUndo() {
        AckClock clock = new AckClock(new Cubic(), 50 * MILLIS, MSS, 10 * MSS);
        clock.runFor(200 * MILLIS);
        int cwnd = clock.window.cwnd;
        clock.lose();
        clock.window.cwnd = cwnd;
        clock.window.ssthresh = CongestionWindow.INFINITE;
        clock.control.onUndo(clock.window, clock.now());
        clock.runFor(200 * MILLIS);
        assertThat(clock.window.ssthresh).isEqualTo(CongestionWindow.INFINITE);
        assertThat(clock.window.cwnd).isGreaterThan(7 * cwnd);
    }

    @ParameterizedTest
    @CsvSource({"1448, 1448", "1448, 65160", "9000, 9000", "9000, 63000", "48, 48", "65495, 65495"})
    void doesNotOverflowAtAGigabyte(int mss, int acked) {
        Cubic control = new Cubic();
        CongestionWindow window = huge(1_000_000_000);
        window.mss = mss;
        window.srtt = 100 * MILLIS;
        long now = Long.MAX_VALUE - 10 * SECONDS;
        control.onRttSample(window, 100 * MILLIS, now);
        window.ssthresh = control.ssthresh(window, now);
        window.cwnd = window.ssthresh;
        control.onRecovered(window, now);
        int before = window.cwnd;
        for (int i = 0; i < 200_000; i++) {
            now += 10 * MILLIS;
            control.onAcked(window, acked, now);
            assertThat(window.cwnd).isBetween(before, window.clamp);
            before = window.cwnd;
        }
        assertThat(window.cwnd).as("it grows").isGreaterThan(700_000_000);
        control.onAcked(window, Integer.MAX_VALUE, now);
        assertThat(window.cwnd).isBetween(before, window.clamp);
        assertThat(control.ssthresh(window, now)).isBetween(before / 10 * 7, window.clamp);
    }

    @Test
    void slowStartStopsAtTheClampAndAtTheThreshold() {
        Cubic control = new Cubic();
        CongestionWindow window = huge(CongestionWindow.INFINITE - 1000);
        control.onAcked(window, 65_160, 0);
        assertThat(window.cwnd).isEqualTo(CongestionWindow.INFINITE);

        CongestionWindow low = huge(10 * MSS);
        low.ssthresh = 12 * MSS;
        low.srtt = 100 * MILLIS;
        new Cubic().onAcked(low, 10 * MSS, 0);
        assertThat(low.cwnd).as("the rest counts as congestion avoidance").isBetween(12 * MSS, 13 * MSS);
    }

    @Test
    void aSmallerSegmentInTheMiddleOfAStageChangesNoWindow() {
        AckClock clock = steady(new Cubic(), 100, 1000);
        clock.lose();
        clock.runFor(3 * SECONDS);
        int before = clock.window.cwnd;
        clock.window.mss = 536;
        clock.runFor(100 * MILLIS);
        assertThat((double) clock.window.cwnd / before).isBetween(1.0, 1.03);
    }

    @Test
    void isTheDefault() {
        assertThat(CongestionControls.create(new TcpParameters().congestionControl))
                .isInstanceOf(Cubic.class);
        assertThat(CongestionControls.isKnown("cubic")).isTrue();
        assertThat(CongestionControls.names()).isEqualTo("cubic, reno");
        assertThat(CongestionControls.create("cubic").name()).isEqualTo("cubic");
    }
}
