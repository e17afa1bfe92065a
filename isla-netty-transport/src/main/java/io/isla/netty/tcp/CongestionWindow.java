/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** The congestion window of a connection and what goes with it: what a {@link CongestionControl} reads and sets. Sizes are in bytes. */
final class CongestionWindow {
    /** {@link #ssthresh} before the first congestion. */
    static final int INFINITE = Integer.MAX_VALUE / 2;

    /** cwnd: how much may be in flight. */
    int cwnd;
    /** The slow start threshold. */
    int ssthresh = INFINITE;
    /** The sender maximum segment size (SMSS). */
    int mss;
    /** The most that cwnd may become. */
    int clamp = INFINITE;
    /** The first unacknowledged sequence number. */
    int sndUna;
    /** The next sequence number to be sent. */
    int sndNxt;
    /** Bytes in flight before the present acknowledgement. */
    int priorInFlight;
    /** The smoothed round-trip time in nanoseconds; 0 if not known. */
    long srtt;
    /** The least round-trip time in nanoseconds; {@link Long#MAX_VALUE} if not known. */
    long minRtt;

    /** The most in flight since {@link #usageEnd} was set, and whether the window was the limit then. */
    private int maxInFlight;

    private boolean limited;
    private int usageEnd;

    /** Notes after sending how much of the window is in use (RFC 7661 §4.1: a window that is not used says nothing about the path). */
    void noteUsage(int una, int nxt, int inFlight, boolean byCwnd) {
        if (SequenceNumber.greaterOrEqual(una, usageEnd)
                || inFlight > maxInFlight
                || byCwnd && inFlight == maxInFlight) {
            maxInFlight = inFlight;
            limited = byCwnd;
            usageEnd = nxt;
        }
    }

    /** Whether the window, not the application or the peer, has limited the sender in the last round trip: only then may it grow. */
    boolean isLimiting() {
        return limited || inSlowStart() && cwnd < 2L * maxInFlight;
    }

    /** The most that was in flight in the last round trip. */
    int maxInFlight() {
        return maxInFlight;
    }

    boolean inSlowStart() {
        return cwnd < ssthresh;
    }

    /** Sets cwnd, within one segment and the clamp. */
    void set(long bytes) {
        cwnd = (int) Math.max(mss, Math.min(bytes, clamp));
    }
}
