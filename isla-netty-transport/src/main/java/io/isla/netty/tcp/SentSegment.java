/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * What is remembered of a range of sequence numbers that is sent and not cumulatively acknowledged. A super-segment is one of these
 * until an acknowledgement or retransmission splits it. Recycled by {@link SentSegments}.
 */
final class SentSegment {
    /** Selectively acknowledged. */
    static final int SACKED = 1;
    /** Deemed lost and not retransmitted since. */
    static final int LOST = 1 << 1;
    /** Retransmitted, and that retransmission is deemed under way. */
    static final int RETRANSMITTED = 1 << 2;
    /** Retransmitted at least once: no round-trip sample by Karn's algorithm. */
    static final int EVER_RETRANSMITTED = 1 << 3;
    /** Ends with a SYN or FIN, which takes a sequence number but is no byte of the queue. */
    static final int CONTROL = 1 << 4;
    /** Sent when the application, not the window, was the limit. */
    static final int APP_LIMITED = 1 << 5;

    int start;
    int end;
    int flags;
    /** The payload of each packet that it was last sent in, but for the last packet of a super-segment. */
    int packetSize;
    /** When it was last sent, in nanoseconds. */
    long sentAt;
    /** {@link TcpConnection#delivered} and its time when this was last sent, for delivery rate samples. */
    long deliveredBefore;

    long deliveredTime;
    /** When the first segment of the flight that this belongs to was sent. */
    long firstSentAt;

    /** Neighbours in the order of sending, for RACK. */
    SentSegment earlier;

    SentSegment later;
    SentSegment nextFree;

    int length() {
        return end - start;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** Whether it was sent after a segment that was sent at {@code time} and ended at {@code otherEnd} (RFC 8985 §6.2). */
    boolean wasSentAfter(long time, int otherEnd) {
        return sentAt - time > 0 || sentAt == time && SequenceNumber.greaterThan(end, otherEnd);
    }
}
