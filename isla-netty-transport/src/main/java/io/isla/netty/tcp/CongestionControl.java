/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * A congestion control algorithm for one connection. Loss detection and recovery are done elsewhere; this decides how the window grows and how far
 * it falls. Called on the shard's thread; {@code now} is in nanoseconds.
 */
interface CongestionControl {
    /** Its name, as {@code TCP_CONGESTION} takes it. */
    String name();

    /**
     * New data was acknowledged, and the window was what limited the sender. Grow.
     *
     * @param ackedBytes bytes newly delivered, cumulatively or selectively
     */
    void onAcked(CongestionWindow window, int ackedBytes, long now);

    /**
     * A round-trip time was measured, whether or not the window may grow.
     *
     * @param rtt nanoseconds
     */
    void onRttSample(CongestionWindow window, long rtt, long now);

    /** Congestion (a loss, an ECN echo, or a timeout): the new slow start threshold in bytes; cwnd is set by the caller. */
    int ssthresh(CongestionWindow window, long now);

    /** A retransmission timeout has happened, after {@link #ssthresh}. */
    void onTimeout(CongestionWindow window, long now);

    /** The reaction to congestion was undone: it was none. cwnd and ssthresh are already back. */
    void onUndo(CongestionWindow window, long now);

    /** Recovery has ended and cwnd stands where it will go on from. */
    void onRecovered(CongestionWindow window, long now);

    /** Sending resumes after the application was idle; cwnd is already what it will go on from. */
    void onIdleRestart(CongestionWindow window, long idleNanos, long now);

    /** The rate at which to pace in bytes per second, or 0 for no pacing. */
    default long pacingRate(CongestionWindow window) {
        return 0;
    }
}
