/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * How fast a connection's data has arrived at the peer, by the acknowledgements (draft-ietf-ccwg-bbr §4.1, {@code tcpi_delivery_rate} of Linux): what was
 * delivered between the sending of a segment and its acknowledgement, by the longer of the times in which that was sent and acknowledged, so that neither bursts
 * nor compressed acknowledgements make it too high. Times in nanoseconds.
 */
final class DeliveryRate {
    private static final long SECOND = 1_000_000_000L;

    private final TcpConnection c;
    /** When the first segment was sent of those whose delivery is being measured. */
    private long firstSentAt;
    /** What {@link TcpConnection#delivered} will be when all is delivered that was sent when the application had no more to send; 0 if it has. */
    private long limitedUntil;

    private long rate;
    private boolean limited;

    DeliveryRate(TcpConnection connection) {
        c = connection;
    }

    /** Bytes per second; 0 before the first measurement. */
    long rate() {
        return rate;
    }

    /** Whether {@link #rate()} was the application's pace, and not the path's. */
    boolean isLimitedByApplication() {
        return limited;
    }

    /** A segment is about to be counted as sent, for the first time or again. */
    void onSent(SentSegment segment, boolean nothingInFlight, long now) {
        if (nothingInFlight) {
            firstSentAt = now;
            c.deliveredAt = now;
        }
        segment.firstSentAt = firstSentAt;
        segment.deliveredBefore = c.delivered;
        segment.deliveredTime = c.deliveredAt;
        segment.flags =
                limitedUntil > 0 ? segment.flags | SentSegment.APP_LIMITED : segment.flags & ~SentSegment.APP_LIMITED;
    }

    /** All that was written has been sent, and the congestion window has room for more. */
    void onNothingToSend() {
        limitedUntil = Math.max(1, c.delivered + c.inFlight());
    }

    /** A segment is delivered by the present acknowledgement. */
    void onDelivered(SentSegment segment, AckSample s) {
        if (!s.rateSampled || segment.deliveredBefore >= s.priorDelivered) {
            s.rateSampled = true;
            s.priorDelivered = segment.deliveredBefore;
            s.priorDeliveredTime = segment.deliveredTime;
            s.sendElapsed = segment.sentAt - segment.firstSentAt;
            s.rateLimited = segment.has(SentSegment.APP_LIMITED);
            firstSentAt = segment.sentAt;
        }
    }

    /** The acknowledgement has been applied, and what it delivered is counted. */
    void onAck(AckSample s, long now) {
        if (limitedUntil > 0 && c.delivered > limitedUntil) {
            limitedUntil = 0;
        }
        if (!s.rateSampled) {
            return;
        }
        long interval = Math.max(s.sendElapsed, now - s.priorDeliveredTime);
        long minRtt = c.rtt.minRtt();
        if (interval <= 0 || minRtt != Long.MAX_VALUE && interval < minRtt) {
            // Faster than light: an acknowledgement of something that had been delivered before it was sent again.
            return;
        }
        double measured = (double) (c.delivered - s.priorDelivered) * SECOND / interval;
        // An application that sends little shows that the path is no slower, and not that it is no faster.
        if (!s.rateLimited || measured >= rate) {
            rate = (long) measured;
            limited = s.rateLimited;
        }
    }
}
