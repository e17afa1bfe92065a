/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * CUBIC (RFC 9438). After congestion the window comes back along a cubic function of time: fast at first, flat near where the congestion was,
 * then ever faster. Where Reno would be faster, it follows Reno. The first slow start is that of {@link HyStartPlusPlus}.
 *
 * <p>Windows are in bytes. Growth is computed for the bytes that an acknowledgement covers, be they one segment or a super-segment, and its
 * fraction of a byte is kept, so that very large windows grow as they should. The arithmetic is that of Java's {@code double}, and of
 * {@link StrictMath} for the cube root, once in each stage of congestion avoidance: the same on every machine.
 */
final class Cubic implements CongestionControl {
    static final String NAME = "cubic";

    /** The multiplicative decrease, in tenths: 0.7 (RFC 9438 §4.6). */
    private static final int BETA_TENTHS = 7;

    private static final double BETA = BETA_TENTHS / 10.0;
    /** Segments per window that make Reno's average window at CUBIC's decrease (RFC 9438 §4.3). */
    private static final double ALPHA = 3 * (1 - BETA) / (1 + BETA);

    private final HyStartPlusPlus hyStart = new HyStartPlusPlus();
    private final CubicState state = new CubicState();
    /** What {@link #state} was before the latest reaction to congestion (RFC 9438 §4.9.2); {@code null} if there was none. */
    private CubicState undo;
    /** The window before the latest reaction to congestion; 0 if there was none. */
    private int undoCwnd;
    /** The part of a byte by which the window has yet to grow. */
    private double fraction;
    /** The latest round-trip time in nanoseconds, or 0. */
    private long latestRtt;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void onAcked(CongestionWindow window, int ackedBytes, long now) {
        int remaining = ackedBytes;
        if (window.inSlowStart()) {
            // RFC 9438 §4.10. What follows is another stage of congestion avoidance.
            state.inAvoidance = false;
            int wanted = hyStart.applies(window)
                    ? hyStart.growth(ackedBytes)
                    : Math.min(ackedBytes, HyStartPlusPlus.GROWTH_LIMIT);
            int grown = Math.min(wanted, window.ssthresh - window.cwnd);
            window.set((long) window.cwnd + grown);
            remaining -= grown;
            if (window.inSlowStart()) {
                return;
            }
        }
        if (remaining > 0) {
            avoidCongestion(window, remaining, now);
        }
    }

    @Override
    public void onRttSample(CongestionWindow window, long rtt, long now) {
        latestRtt = rtt;
        if (hyStart.applies(window) && hyStart.onRttSample(window, rtt)) {
            // RFC 9438 §4.10: slow start has ended without a loss.
            state.priorCwnd = window.cwnd;
        }
    }

    @Override
    public int ssthresh(CongestionWindow window, long now) {
        if (undo == null) {
            undo = new CubicState();
        }
        undo.copyFrom(state);
        undoCwnd = window.cwnd;
        int cwnd = window.cwnd;
        // Fast convergence (RFC 9438 §4.7): a window that did not come back to where it was leaves room for others.
        state.maxWindow = cwnd < state.maxWindow ? cwnd * (1 + BETA) / 2 : cwnd;
        state.priorCwnd = cwnd;
        state.inAvoidance = false;
        fraction = 0;
        hyStart.reset();
        // With cwnd for FlightSize, which RFC 9438 §4.6 allows where a window that is not used does not grow.
        return (int) Math.max((long) cwnd * BETA_TENTHS / 10, 2L * window.mss);
    }

    @Override
    public void onTimeout(CongestionWindow window, long now) {
        // RFC 9438 §4.8: where the window was is forgotten, and the next stage begins on the plateau.
        state.maxWindow = 0;
        state.inAvoidance = false;
        fraction = 0;
    }

    @Override
    public void onUndo(CongestionWindow window, long now) {
        // RFC 9438 §4.9.2: a window that has outgrown the one before stays, and so does what belongs to it.
        if (undo != null && window.cwnd <= undoCwnd) {
            state.copyFrom(undo);
            fraction = 0;
        }
    }

    @Override
    public void onRecovered(CongestionWindow window, long now) {
        // The next stage of congestion avoidance begins with the first acknowledgement that lets the window grow.
    }

    @Override
    public void onIdleRestart(CongestionWindow window, long idleNanos, long now) {
        // The window has been cut to what RFC 5681 §4.1 lets it go on from. From there it is another slow start and
        // another stage; the delay measured before says little about the path now.
        state.inAvoidance = false;
        fraction = 0;
        hyStart.reset();
    }

    private void avoidCongestion(CongestionWindow window, int ackedBytes, long now) {
        if (!state.inAvoidance) {
            state.beginAvoidance(window, now);
            fraction = 0;
        } else {
            state.advance(now, Math.max(window.srtt, latestRtt));
        }
        double cwnd = window.cwnd;
        // An acknowledgement of more than a window (it was cut meanwhile) counts as one of a window.
        double windows = Math.min(1, ackedBytes / cwnd);
        // RFC 9438 §4.3: Reno's window, and Reno's own pace once it is back where the congestion was.
        double alpha = state.renoWindow >= state.priorCwnd ? 1 : ALPHA;
        state.renoWindow += alpha * window.mss * windows;

        if (state.cubicWindow(0) < state.renoWindow && state.renoWindow > cwnd) {
            window.set((long) state.renoWindow);
            fraction = 0;
        } else {
            // RFC 9438 §4.2, §4.4, §4.5: a round trip brings the window to where the function will be by then.
            double target = Math.max(cwnd, Math.min(state.cubicWindow(window.srtt), 1.5 * cwnd));
            double grown = (target - cwnd) * windows + fraction;
            long whole = (long) grown;
            fraction = grown - whole;
            window.set(window.cwnd + whole);
        }
    }
}
