/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** Applies the SACK blocks of an acknowledgement to what is outstanding (RFC 2018, RFC 6675 §3, RFC 2883). Stateless. */
final class SackScoreboard {
    private SackScoreboard() {}

    static void apply(TcpConnection c, TcpSegment segment, AckSample sample, long now) {
        int ack = segment.acknowledgment;
        int from = 0;
        if (isDsack(segment, ack)) {
            from = 1;
            sample.dsack = true;
            c.statistics.dsacks++;
            c.stack.counters.increment(
                    SequenceNumber.lessThan(segment.sackStart[0], ack)
                            ? TcpCounter.TCP_DSACK_RECV
                            : TcpCounter.TCP_DSACK_OFO_RECV);
            c.recovery.onDsack(segment.sackStart[0], segment.sackEnd[0]);
        }
        sort(segment, from);
        for (int i = from; i < segment.sackCount; i++) {
            int start = segment.sackStart[i];
            int end = segment.sackEnd[i];
            if (SequenceNumber.greaterOrEqual(start, end)
                    || SequenceNumber.greaterThan(end, c.sndNxt)
                    || SequenceNumber.lessThan(start, c.sndUna)) {
                if (SequenceNumber.greaterThan(end, c.sndUna)) {
                    c.stack.counters.increment(TcpCounter.TCP_SACK_DISCARD);
                }
                continue;
            }
            mark(c, SequenceNumber.max(start, ack), end, sample, now);
        }
    }

    /** Brings blocks into the order of their data: the latest comes first on the wire, which is no sign of reordering. */
    private static void sort(TcpSegment segment, int from) {
        int[] starts = segment.sackStart;
        int[] ends = segment.sackEnd;
        for (int i = from + 1; i < segment.sackCount; i++) {
            int start = starts[i];
            int end = ends[i];
            int j = i - 1;
            while (j >= from && SequenceNumber.greaterThan(starts[j], start)) {
                starts[j + 1] = starts[j];
                ends[j + 1] = ends[j];
                j--;
            }
            starts[j + 1] = start;
            ends[j + 1] = end;
        }
    }

    /** The first block reports a duplicate if the cumulative acknowledgement or the second block covers it (RFC 2883 §4). */
    private static boolean isDsack(TcpSegment segment, int ack) {
        if (segment.sackCount == 0 || SequenceNumber.greaterOrEqual(segment.sackStart[0], segment.sackEnd[0])) {
            return false;
        }
        if (SequenceNumber.lessThan(segment.sackStart[0], ack)) {
            return SequenceNumber.lessOrEqual(segment.sackEnd[0], ack);
        }
        return segment.sackCount > 1
                && SequenceNumber.lessOrEqual(segment.sackEnd[0], segment.sackEnd[1])
                && SequenceNumber.greaterOrEqual(segment.sackStart[0], segment.sackStart[1]);
    }

    /**
     * Marks what lies whole in a block. What was sent in several packets is divided only between them: a receiver takes packets whole, and a peer that
     * reports single octets must not make the scoreboard grow.
     */
    private static void mark(TcpConnection c, int start, int end, AckSample sample, long now) {
        SentSegments sent = c.sent;
        for (int i = sent.indexOf(start); i < sent.count(); i++) {
            SentSegment segment = sent.get(i);
            if (SequenceNumber.greaterOrEqual(segment.start, end)) {
                break;
            }
            if (segment.has(SentSegment.SACKED)) {
                continue;
            }
            int size = segment.packetSize;
            int from = Math.max(0, start - segment.start + size - 1) / size * size;
            int to = SequenceNumber.lessThan(end, segment.end) ? (end - segment.start) / size * size : segment.length();
            if (from >= to) {
                continue;
            }
            if (to < segment.length()) {
                sent.split(i, segment.start + to);
            }
            if (from > 0) {
                sent.split(i, segment.start + from);
                segment = sent.get(++i);
            }
            int length = segment.length();
            sample.newlySacked = true;
            sample.deliveredBytes += length;
            if (!segment.has(SentSegment.EVER_RETRANSMITTED)) {
                long rtt = now - segment.sentAt;
                sample.sackRtt = sample.sackRtt == AckSample.NONE ? rtt : Math.min(sample.sackRtt, rtt);
                if (c.recovery.wasOutstandingAtEntry(segment.end)) {
                    sample.originalDelivered = true;
                }
            }
            c.deliveryRate.onDelivered(segment, sample);
            c.recovery.rack.onDelivered(segment, segment.end, sample, now);
            sent.delivered(segment);
            sent.setFlags(
                    segment, segment.flags & ~(SentSegment.LOST | SentSegment.RETRANSMITTED) | SentSegment.SACKED);
        }
    }
}
