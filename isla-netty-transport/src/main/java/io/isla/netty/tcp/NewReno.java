/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * Slow start and congestion avoidance with appropriate byte counting (RFC 5681, RFC 3465). The first slow start is that of {@link HyStartPlusPlus}, which is
 * for any controller that has one (RFC 9406 §1).
 */
class NewReno implements CongestionControl {
    static final String NAME = "reno";

    private final HyStartPlusPlus hyStart = new HyStartPlusPlus();
    /** Acknowledged bytes that have not yet made up a full window. */
    private int credit;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void onAcked(CongestionWindow window, int ackedBytes, long now) {
        int remaining = ackedBytes;
        if (window.inSlowStart()) {
            int wanted = hyStart.applies(window) ? hyStart.growth(ackedBytes) : ackedBytes;
            int grown = Math.min(wanted, window.ssthresh - window.cwnd);
            window.set((long) window.cwnd + grown);
            remaining -= grown;
            if (window.inSlowStart()) {
                return;
            }
        }
        if (remaining > 0) {
            // RFC 5681 §3.1, by bytes: one SMSS for each window that is acknowledged.
            credit += remaining;
            if (credit >= window.cwnd) {
                int segments = credit / window.cwnd;
                credit -= segments * window.cwnd;
                window.set((long) window.cwnd + (long) segments * window.mss);
            }
        }
    }

    @Override
    public void onRttSample(CongestionWindow window, long rtt, long now) {
        if (hyStart.applies(window)) {
            hyStart.onRttSample(window, rtt);
        }
    }

    @Override
    public int ssthresh(CongestionWindow window, long now) {
        credit = 0;
        hyStart.reset();
        // RFC 5681 equation 4, with cwnd for FlightSize as its window never grows while the application is the limit.
        return Math.max(window.cwnd / 2, 2 * window.mss);
    }

    @Override
    public void onTimeout(CongestionWindow window, long now) {
        credit = 0;
    }

    @Override
    public void onUndo(CongestionWindow window, long now) {
        credit = 0;
    }

    @Override
    public void onRecovered(CongestionWindow window, long now) {
        credit = 0;
    }

    @Override
    public void onIdleRestart(CongestionWindow window, long idleNanos, long now) {
        credit = 0;
        hyStart.reset();
    }
}
