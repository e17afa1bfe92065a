/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * RACK (RFC 8985 §6): a segment is lost when one that was sent later has been delivered and a reordering window has passed. Times in
 * nanoseconds.
 */
final class RackLossDetector {
    /** Sacked segments that make reordering unlikely enough to do without a window (RFC 8985 §6.2 step 4). */
    private static final int DUP_THRESH = 3;

    private static final int MAX_WINDOW_MULTIPLIER = 255;
    /** Recoveries after which a window that DSACKs had widened falls back (RFC 8985 §6.2 step 4). */
    private static final int WINDOW_PERSISTENCE = 16;

    private final TcpConnection c;
    private boolean active;
    /** When the segment that was sent last among the delivered was sent, where it ended, and its round-trip time. */
    private long xmitAt;

    private int endSequence;
    private long rtt;
    /** The highest sequence number delivered: RACK.fack. */
    private int highest;

    private boolean highestValid;
    /** The same before the present acknowledgement. */
    private int priorHighest;

    private boolean priorHighestValid;
    private boolean reorderingSeen;
    private short windowMultiplier = 1;
    private byte windowPersist;
    private int dsackRound;
    private boolean dsackRoundValid;
    /** The timestamp of the last retransmission. */
    private int lastStamp;

    private boolean stampValid;

    RackLossDetector(TcpConnection connection) {
        c = connection;
    }

    /** Whether the path has been seen to reorder. */
    boolean isReorderingSeen() {
        return reorderingSeen;
    }

    /**
     * An acknowledgement is about to be applied. What it tells of segments is told at once, so only what was known before shows whether they arrived out
     * of order.
     */
    void ackArrives() {
        priorHighest = highest;
        priorHighestValid = highestValid;
    }

    /**
     * A segment was delivered (RFC 8985 §6.2 steps 2 and 3).
     *
     * @param end where it ended
     */
    void onDelivered(SentSegment segment, int end, AckSample sample, long now) {
        long elapsed = now - segment.sentAt;
        if (segment.has(SentSegment.EVER_RETRANSMITTED)) {
            // The acknowledgement may be that of an earlier transmission: then its time says nothing of this one.
            if (sample.hasTimestamps
                    && c.timestampsOn
                    && sample.timestampEcho - (c.stack.timestamp(segment.sentAt) + c.timestampOffset - timestampAge())
                            < 0) {
                return;
            }
            if (c.rtt.minRtt() != Long.MAX_VALUE && elapsed < c.rtt.minRtt()) {
                return;
            }
        } else if (priorHighestValid && SequenceNumber.lessThan(end, priorHighest)) {
            noteReordering();
        }
        if (!highestValid || SequenceNumber.greaterThan(end, highest)) {
            highest = end;
            highestValid = true;
        }
        if (!active
                || segment.sentAt - xmitAt > 0
                || segment.sentAt == xmitAt && SequenceNumber.greaterThan(end, endSequence)) {
            active = true;
            xmitAt = segment.sentAt;
            endSequence = end;
            rtt = elapsed;
        }
    }

    void noteReordering() {
        if (!reorderingSeen) {
            reorderingSeen = true;
            c.stack.counters.increment(TcpCounter.TCP_SACK_REORDER);
        }
        c.statistics.reorderings++;
    }

    /**
     * A duplicate was reported: at most once a round trip, the reordering window widens (RFC 8985 §6.2 step 4). Not where the path has never
     * reordered: something else made the retransmission unnecessary then (Linux).
     */
    void onDsack(int sndUna, int sndNxt) {
        if (!reorderingSeen) {
            return;
        }
        boolean sameRound = dsackRoundValid
                && SequenceNumber.lessThan(sndUna, dsackRound)
                && SequenceNumber.lessOrEqual(dsackRound, sndNxt);
        if (!sameRound) {
            dsackRoundValid = true;
            dsackRound = sndNxt;
            windowMultiplier = (short) Math.min(MAX_WINDOW_MULTIPLIER, windowMultiplier + 1);
            windowPersist = WINDOW_PERSISTENCE;
        }
    }

    /** A recovery has ended. */
    void onRecovered() {
        if (windowPersist > 0 && --windowPersist == 0) {
            windowMultiplier = 1;
        }
    }

    /** The peer's clock of delivery is gone, after a timeout. */
    void reset() {
        active = false;
    }

    /** The reordering window. Three segments that have overtaken others close it at first, be they small, or parts of a super-segment. */
    long reorderingWindow() {
        if (!reorderingSeen) {
            if (c.recovery.isActive()
                    || c.sent.sackedCount() >= DUP_THRESH
                    || c.sent.sackedBytes() >= DUP_THRESH * c.sndMss) {
                return 0;
            }
        }
        long minRtt = c.rtt.minRtt();
        if (minRtt == Long.MAX_VALUE) {
            return 0;
        }
        return Math.min((long) windowMultiplier * minRtt / 4, c.rtt.srtt());
    }

    /**
     * How old a timestamp a retransmission is to carry, in ticks. PAWS (RFC 7323 §5) has the receiver refuse what is older than the segment at the edge of
     * what it has; on a path that reorders, a retransmission with the present time, once it has moved that edge, would have it refuse the segments
     * that were sent just before it and are yet to arrive. Each would look lost, and the next retransmission would do the same.
     */
    int timestampAge() {
        return reorderingSeen ? (int) (reorderingWindow() / 1_000_000) + 1 : 0;
    }

    /**
     * How old a timestamp the next retransmission bears: as {@link #timestampAge} says, but none that is older than that of a retransmission before, however the
     * window has grown meanwhile, as PAWS would refuse it.
     *
     * @param clock the present timestamp
     * @param elapsed ticks since the segment was last sent: it is to be newer than it was then
     */
    int takeTimestampAge(int clock, int elapsed) {
        int age = Math.min(timestampAge(), elapsed - 1);
        if (stampValid) {
            age = Math.min(age, clock - lastStamp);
        }
        age = Math.max(0, age);
        lastStamp = clock - age;
        stampValid = true;
        return age;
    }

    /**
     * Marks what is lost by now (RFC 8985 §6.2 step 5).
     *
     * @return how long until what is now in doubt will have to be looked at again; 0 if nothing is
     */
    long detectLoss(long now) {
        if (!active) {
            return 0;
        }
        long window = reorderingWindow();
        long timeout = 0;
        SentSegment segment = c.sent.earliestSent();
        while (segment != null) {
            SentSegment next = segment.later;
            boolean sentBefore = xmitAt - segment.sentAt > 0
                    || xmitAt == segment.sentAt && SequenceNumber.greaterThan(endSequence, segment.end);
            if (!sentBefore) {
                break;
            }
            long remaining = rtt + window - (now - segment.sentAt);
            if (remaining <= 0) {
                c.recovery.markLost(segment);
            } else {
                timeout = Math.max(timeout, remaining);
            }
            segment = next;
        }
        return timeout;
    }

    /** Whether a segment has been out for longer than RACK would wait, which a retransmission timeout takes for its loss. */
    boolean isOverdue(SentSegment segment, long now) {
        return !active || now - segment.sentAt >= rtt;
    }
}
