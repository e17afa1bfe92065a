/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** What a connection counts for {@link TcpInfo}. */
final class TcpStatistics {
    long bytesSent;
    long bytesAcked;
    long bytesRetransmitted;
    long bytesReceived;
    long bytesRead;
    long segmentsOut;
    long segmentsIn;
    long dataSegmentsOut;
    long dataSegmentsIn;
    long totalRetransmits;
    long outOfOrderSegmentsIn;
    /** Bytes delivered that acknowledgements with ECN-Echo were of. */
    long deliveredMarked;

    long dsacks;
    long reorderings;
    /** Time with unacknowledged data, and shares of it in which the peer's window or the send buffer was the limit; nanoseconds. */
    long busyNanos;

    long windowLimitedNanos;
    long sendBufferLimitedNanos;
    private int phase;
    private long phaseSince;

    static final int IDLE = 0;
    static final int BUSY = 1;
    static final int WINDOW_LIMITED = 2;
    static final int SEND_BUFFER_LIMITED = 3;

    /** Enters a phase of sending. */
    void phase(int next, long now) {
        if (next != phase) {
            account(now);
            phase = next;
        }
    }

    /** Brings the times up to the present. */
    void account(long now) {
        long elapsed = now - phaseSince;
        phaseSince = now;
        if (phase != IDLE) {
            busyNanos += elapsed;
            if (phase == WINDOW_LIMITED) {
                windowLimitedNanos += elapsed;
            } else if (phase == SEND_BUFFER_LIMITED) {
                sendBufferLimitedNanos += elapsed;
            }
        }
    }
}
