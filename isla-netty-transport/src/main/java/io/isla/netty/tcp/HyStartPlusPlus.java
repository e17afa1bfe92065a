/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * HyStart++ (RFC 9406): ends the initial slow start before it overshoots. When the least round-trip time of a round is clearly above that of the
 * round before, a queue is likely to be building up; growth goes on at a quarter of the speed (Conservative Slow Start) for some rounds, to see
 * whether it was only jitter. If the delay goes back, slow start resumes; if not, congestion avoidance begins. Times are in nanoseconds.
 */
final class HyStartPlusPlus {
    /**
     * L * SMSS (RFC 9406 §4.2): the most by which one acknowledgement makes the window grow, in bytes. RFC 9406 §4.3 recommends an L of infinity
     * for a sender that paces, and of 8 for one that does not: a smaller one makes growth slow, a larger one makes bursts. That reckons with
     * segments that are sent, received and acknowledged one by one or two by two. Here the unit of all three is a super-segment of up to 64 KiB,
     * a burst in itself whatever L is; 8 segments of 1,460 bytes for its acknowledgement would make the window grow by less than a fifth in a
     * round trip, where slow start is to double it. So L counts super-segments. A burst is then at most twice what was acknowledged, and for an
     * acknowledgement of more than 8 super-segments less than that.
     */
    static final int GROWTH_LIMIT = 8 * 65536;

    private static final long MIN_RTT_THRESH = 4_000_000L;
    private static final long MAX_RTT_THRESH = 16_000_000L;
    private static final int MIN_RTT_DIVISOR = 8;
    private static final int N_RTT_SAMPLE = 8;
    private static final int CSS_GROWTH_DIVISOR = 4;
    private static final int CSS_ROUNDS = 5;
    /** No round-trip time; greater than all. */
    private static final long INFINITY = Long.MAX_VALUE;

    /** Whether {@link #windowEnd} is set. */
    private boolean inRound;
    /** The round ends when this sequence number is acknowledged. */
    private int windowEnd;

    private long lastRoundMinRtt;
    private long currentRoundMinRtt;
    private int rttSampleCount;
    /** The least round-trip time of the round in which Conservative Slow Start began, or {@link #INFINITY} outside of it. */
    private long cssBaselineMinRtt;
    /** Rounds of Conservative Slow Start that have ended. */
    private int cssRounds;
    /** Acknowledged bytes that did not yet make up one byte of growth. */
    private int cssCredit;

    HyStartPlusPlus() {
        reset();
    }

    /** Forgets what was measured. The next sample begins the first round. */
    void reset() {
        inRound = false;
        lastRoundMinRtt = INFINITY;
        currentRoundMinRtt = INFINITY;
        rttSampleCount = 0;
        leaveCss();
    }

    /**
     * Whether HyStart++ has a say: only in the slow start for which no threshold has been found yet (RFC 9406 §4.3). Later ones end at the
     * threshold that the first congestion has left.
     */
    boolean applies(CongestionWindow window) {
        return window.ssthresh >= CongestionWindow.INFINITE && window.inSlowStart();
    }

    boolean isInConservativeSlowStart() {
        return cssBaselineMinRtt != INFINITY;
    }

    /**
     * Takes a round-trip time while HyStart++ {@linkplain #applies applies}. If slow start is over, sets ssthresh to cwnd.
     *
     * @return whether slow start is over
     */
    boolean onRttSample(CongestionWindow window, long rtt) {
        if (!inRound) {
            inRound = true;
            windowEnd = window.sndNxt;
        }
        currentRoundMinRtt = Math.min(currentRoundMinRtt, rtt);
        rttSampleCount++;
        // A delay that grows while the window is not used is not of its making, and no reason to stop it (RFC 9406 is
        // written for a sender that always has data; RFC 7661 §4.1 tells the two apart).
        boolean limiting = window.isLimiting();
        if (rttSampleCount >= N_RTT_SAMPLE) {
            if (isInConservativeSlowStart()) {
                if (currentRoundMinRtt < cssBaselineMinRtt) {
                    leaveCss();
                }
            } else if (limiting && hasDelayIncreased()) {
                cssBaselineMinRtt = currentRoundMinRtt;
            }
        }
        return SequenceNumber.greaterOrEqual(window.sndUna, windowEnd) && endRound(window, limiting);
    }

    /**
     * By how much acknowledged bytes let cwnd grow while HyStart++ {@linkplain #applies applies}.
     *
     * @param ackedBytes bytes newly delivered by one acknowledgement
     */
    int growth(int ackedBytes) {
        int counted = Math.min(ackedBytes, GROWTH_LIMIT);
        if (!isInConservativeSlowStart()) {
            return counted;
        }
        cssCredit += counted;
        int grown = cssCredit / CSS_GROWTH_DIVISOR;
        cssCredit -= grown * CSS_GROWTH_DIVISOR;
        return grown;
    }

    private boolean hasDelayIncreased() {
        if (lastRoundMinRtt == INFINITY) {
            return false;
        }
        long threshold = Math.max(MIN_RTT_THRESH, Math.min(lastRoundMinRtt / MIN_RTT_DIVISOR, MAX_RTT_THRESH));
        return currentRoundMinRtt >= lastRoundMinRtt + threshold;
    }

    private boolean endRound(CongestionWindow window, boolean limiting) {
        // The next round ends with what is about to be sent for this acknowledgement: SND.NXT shows it when the next
        // one
        // comes. Taken now, it would make rounds shorter than a round trip by what a stretched acknowledgement covers.
        inRound = false;
        lastRoundMinRtt = currentRoundMinRtt;
        currentRoundMinRtt = INFINITY;
        rttSampleCount = 0;
        // The round in which it began counts as one (RFC 9406 §4.2).
        if (isInConservativeSlowStart() && limiting && ++cssRounds >= CSS_ROUNDS) {
            leaveCss();
            window.ssthresh = window.cwnd;
            return true;
        }
        return false;
    }

    private void leaveCss() {
        cssBaselineMinRtt = INFINITY;
        cssRounds = 0;
        cssCredit = 0;
    }
}
