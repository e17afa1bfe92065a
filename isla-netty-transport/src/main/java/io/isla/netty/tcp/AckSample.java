/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** What one acknowledgement told, gathered while it is processed. One object per shard. */
final class AckSample {
    static final long NONE = -1;

    int priorUna;
    int priorInFlight;
    /** SND.UNA moved. */
    boolean advanced;
    /** Bytes delivered that were not known to be, cumulatively or selectively. */
    int deliveredBytes;
    /** Sequence numbers newly acknowledged cumulatively. */
    int ackedBytes;
    /** Something was newly sacked. */
    boolean newlySacked;
    /** A duplicate acknowledgement in the sense of RFC 5681 §2. */
    boolean duplicate;
    /** The acknowledgement reports a duplicate (RFC 2883). */
    boolean dsack;
    /** Data that had been outstanding when recovery began was delivered by its first transmission. */
    boolean originalDelivered;
    /** A retransmitted segment was acknowledged cumulatively. */
    boolean retransmissionAcked;
    /** When the one of those that was sent last was, in nanoseconds. */
    long resentAt;
    /** The acknowledgement says that congestion was experienced. */
    boolean congestionEcho;
    /** Losses were newly detected. */
    boolean newlyLost;
    /** Neither data nor a window update came along. */
    boolean pure;
    /** Round-trip times in nanoseconds, or {@link #NONE}: of the segment acknowledged that was sent first, and of the one sent last. */
    long oldestRtt;

    long newestRtt;
    long sackRtt;

    /** Of the segment that was sent last among those delivered, for {@link DeliveryRate}; {@link #rateSampled} if there is one. */
    long priorDelivered;

    long priorDeliveredTime;
    long sendElapsed;
    boolean rateLimited;
    boolean rateSampled;

    boolean hasTimestamps;
    int timestampEcho;

    void reset() {
        advanced = false;
        deliveredBytes = 0;
        ackedBytes = 0;
        newlySacked = false;
        duplicate = false;
        dsack = false;
        originalDelivered = false;
        retransmissionAcked = false;
        congestionEcho = false;
        newlyLost = false;
        pure = false;
        oldestRtt = NONE;
        newestRtt = NONE;
        sackRtt = NONE;
        rateSampled = false;
    }
}
