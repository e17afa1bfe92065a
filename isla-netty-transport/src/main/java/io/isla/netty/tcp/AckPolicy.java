/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * When a connection acknowledges: at once, or with a delay in the hope of data to carry it (RFC 1122 §4.2.3.2, RFC 5681 §4.2,
 * RFC 9293 MUST-58). Quick while the peer is likely to be in slow start; delayed once the exchange has become a dialogue.
 */
final class AckPolicy {
    private static final int MAX_QUICK_ACKS = 16;

    private static final int NONE = 0;
    private static final int DELAYED = 1;
    private static final int NOW = 2;

    private int pending = NONE;
    private int quickAcks;
    /** The connection answers what it receives: acknowledgements are likely to find data to ride on. */
    private boolean interactive;

    /** The estimated size of the peer's full segments, in bytes. */
    int rcvMss = 536;
    /** The present delay, adapted to the time between arrivals; nanoseconds. */
    long delay;

    private long lastArrival;
    /** Data has arrived at all. */
    private boolean begun;

    private boolean first;

    /** Whether the last arrival was the first that the next acknowledgement is for. */
    boolean isFirst() {
        return first;
    }

    /** Whether an acknowledgement is owed. */
    boolean isPending() {
        return pending != NONE;
    }

    /** Whether an acknowledgement is owed that must go out in this turn. */
    boolean isDue() {
        return pending == NOW;
    }

    void ackNow() {
        pending = NOW;
    }

    /** An acknowledgement has gone out. */
    void acked() {
        pending = NONE;
        if (quickAcks > 0) {
            quickAcks--;
        }
    }

    /** Enters the quick mode of the start of a connection, or after something that the peer should learn of soon. */
    void quick(int rcvWnd) {
        quickAcks = Math.max(quickAcks, Math.min(MAX_QUICK_ACKS, Math.max(2, rcvWnd / (2 * rcvMss))));
    }

    /** Data was sent soon after data was received: a dialogue. */
    void dataSent(long now, long maxAckDelay) {
        if (begun && now - lastArrival < maxAckDelay) {
            interactive = true;
        }
    }

    void leaveInteractive() {
        interactive = false;
    }

    /**
     * Data has arrived in order.
     *
     * @param unacked bytes received since the last acknowledgement
     * @param quickAckOption whether the user asked for quick acknowledgements
     * @return whether the acknowledgement may be delayed, by {@link #delay}
     */
    boolean arrived(
            int segmentSize, int unacked, boolean quickAckOption, TcpParameters parameters, int rcvWnd, long now) {
        if (segmentSize >= rcvMss) {
            rcvMss = segmentSize;
        } else if (segmentSize >= 536 && segmentSize > rcvMss / 2) {
            // A sender that uses options, or that fell back to a smaller MTU, fills its segments a little less.
            rcvMss = segmentSize;
        }
        long gap = now - lastArrival;
        if (delay == 0) {
            quick(rcvWnd);
            delay = parameters.minAckDelay;
        } else if (gap <= parameters.minAckDelay / 2) {
            delay = Math.max(parameters.minAckDelay, delay / 2 + parameters.minAckDelay / 2);
        } else if (gap < delay) {
            delay = Math.min(parameters.maxAckDelay, delay / 2 + gap);
        } else if (gap > parameters.maxRto) {
            quick(rcvWnd);
        }
        lastArrival = now;
        begun = true;
        first = pending == NONE;
        if (unacked >= 2 * rcvMss || quickAckOption || quickAcks > 0 && !interactive) {
            pending = NOW;
            return false;
        }
        if (pending == NONE) {
            pending = DELAYED;
        }
        return pending == DELAYED;
    }
}
