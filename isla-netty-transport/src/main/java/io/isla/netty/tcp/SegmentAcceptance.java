/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.wire.TcpHeader;

/**
 * Whether a segment that arrives for a synchronized connection may belong to it: the first step of RFC 9293 §3.10.7.4, with PAWS (RFC 7323
 * §5.3) before it. What is acceptable is cut to the window; what is not is answered, at a limited rate. One object per shard.
 */
final class SegmentAcceptance {
    /** Timestamps older than this are no longer compared (RFC 7323 §5.5). */
    private static final long TIMESTAMP_LIFE = 24L * 24 * 3600 * 1_000_000_000L;

    /** A tick of the clock: segments that the path reorders within one are no replay. */
    private static final int TIMESTAMP_SLACK = 1;

    /** By how much a segment's timestamp may be older if it was overtaken, in ticks of the peer's clock: milliseconds, usually. */
    private static final int MAX_OVERTAKEN = 200;
    /** How long a time a peer's clock is measured over, at least, in nanoseconds. */
    private static final long MIN_TICK_SAMPLE = 8_000_000L;

    private final TcpStack stack;

    SegmentAcceptance(TcpStack stack) {
        this.stack = stack;
    }

    /** PAWS (RFC 7323 §5.3 R1): drops and answers a segment with a timestamp from before the last one. Resets are exempt. */
    boolean isTimely(TcpConnection c, TcpSegment segment, long now) {
        if (!c.timestampsOn || !segment.hasTimestamps) {
            return true;
        }
        boolean old = c.tsRecentValid && segment.timestampValue - c.tsRecent < -TIMESTAMP_SLACK;
        if (old && now - c.tsRecentAt > TIMESTAMP_LIFE) {
            c.tsRecentValid = false;
            old = false;
        }
        if (!old || segment.has(TcpHeader.RST) || isOvertaken(c, segment)) {
            return true;
        }
        if (segment.length() == 0 && SequenceNumber.lessThan(segment.sequence, c.rcvNxt)) {
            // The path has reordered it: nothing that its sender would have to be told.
            stack.counters.increment(TcpCounter.PAWS_OLD_ACK);
            return false;
        }
        stack.counters.increment(TcpCounter.PAWS_ESTAB);
        refuse(c, segment, TcpCounter.TCP_ACK_SKIPPED_PAWS, now);
        return false;
    }

    /**
     * Whether a segment with an old timestamp was merely overtaken by a later one, on a path that reorders: data that is still missing, overtaken by what was sent
     * again and moved the edge; or an acknowledgement, whose report of what has arrived (SACK) is still true. To drop them would look like loss. Taken only
     * within so short a time that sequence numbers cannot have come round: 200 ms at most, or a single tick, which Linux allows as well, where the peer's clock
     * has not been seen to count milliseconds. RFC 7323 §5.3 would have all of it dropped.
     */
    private static boolean isOvertaken(TcpConnection c, TcpSegment segment) {
        boolean useful = segment.length() == 0
                ? segment.sequence == c.rcvNxt && SequenceNumber.lessOrEqual(segment.acknowledgment, c.sndUna)
                : !segment.has(TcpHeader.SYN) && SequenceNumber.greaterThan(segment.end(), c.rcvNxt);
        return useful
                && segment.has(TcpHeader.ACK)
                && c.tsRecent - segment.timestampValue
                        <= (c.tsCountsMillis ? Math.min(MAX_OVERTAKEN, c.rtt.rto() / 1_000_000) : 1);
    }

    /**
     * Whether a reset lies in the window. What it carries is a message for people (RFC 9293 SHLD-2), no part of the stream: its own sequence number
     * alone counts, as it must be exact (RFC 5961 §3.2), and it counts while the window is closed (MUST-66).
     */
    boolean isResetInWindow(TcpConnection c, TcpSegment segment) {
        return SequenceNumber.between(c.rcvNxt, segment.sequence, c.rcvNxt + c.rcvWnd());
    }

    /** The test of RFC 9293 §3.4 for a segment without RST and SYN; cuts it to the window, or answers it if nothing of it is in there. */
    boolean isAcceptable(TcpConnection c, TcpSegment segment, long now) {
        int edge = c.rcvNxt + c.rcvWnd();
        if (!isInWindow(c.rcvNxt, edge, segment)) {
            if (segment.length() > 0 && segment.end() == c.lastAckSent) {
                // The last of what was acknowledged, once more. Echoing this one, not the first, tells its sender how
                // long the
                // path takes, and not how long it waited for an acknowledgement that was lost. Linux does so, too.
                takeTimestamp(c, segment, now);
            }
            refuse(c, segment, TcpCounter.TCP_ACK_SKIPPED_SEQ, now);
            return false;
        }
        takeTimestamp(c, segment, now);
        if (SequenceNumber.lessThan(segment.sequence, c.rcvNxt)) {
            noteDuplicate(c, segment.sequence, SequenceNumber.min(segment.end(), c.rcvNxt));
            segment.trimFront(c.rcvNxt - segment.sequence);
            c.ackPolicy.ackNow();
            stack.ackSoon(c);
        }
        if (SequenceNumber.greaterThan(segment.sequence + segment.payloadLength, edge)) {
            if (edge == c.rcvNxt) {
                // Its acknowledgement counts even so: it may be a probe of our closed window.
                stack.counters.increment(TcpCounter.ZERO_WINDOW_DROP);
                c.ackPolicy.ackNow();
                stack.ackSoon(c);
            } else {
                stack.counters.increment(TcpCounter.OUT_OF_WINDOW_DATA);
            }
            segment.trimBack(edge);
        }
        return true;
    }

    /**
     * Whether something of a segment is between {@code rcvNxt} and the right edge of the window. More is let in than the table of RFC 9293 §3.4 does, as
     * Linux does: an acknowledgement at the edge itself, which is where a peer is that has filled the window; a FIN there, which takes no room; and
     * while the window is closed, what begins at or reaches beyond {@code rcvNxt}, for its acknowledgement.
     */
    static boolean isInWindow(int rcvNxt, int edge, TcpSegment segment) {
        int sequence = segment.sequence;
        if (segment.length() == 0) {
            return SequenceNumber.between(rcvNxt, sequence, edge);
        }
        boolean begins = SequenceNumber.lessThan(sequence, edge)
                || sequence == edge && (segment.payloadLength == 0 || edge == rcvNxt);
        return begins && SequenceNumber.greaterThan(segment.end(), rcvNxt);
    }

    /** RFC 7323 §4.3: the timestamp that is echoed is that of the segment at the edge of what was acknowledged. */
    private static void takeTimestamp(TcpConnection c, TcpSegment segment, long now) {
        if (c.timestampsOn
                && segment.hasTimestamps
                && SequenceNumber.lessOrEqual(segment.sequence, c.lastAckSent)
                && (segment.timestampValue - c.tsRecent >= 0 || !c.tsRecentValid)) {
            long elapsed = now - c.tsRecentAt;
            if (elapsed >= MIN_TICK_SAMPLE) {
                long ticks = segment.timestampValue - c.tsRecent;
                c.tsCountsMillis = ticks * 2_000_000 >= elapsed;
            }
            c.tsRecent = segment.timestampValue;
            c.tsRecentAt = now;
            c.tsRecentValid = true;
        }
    }

    private void refuse(TcpConnection c, TcpSegment segment, TcpCounter unlessSent, long now) {
        if (segment.length() > 0 && SequenceNumber.lessThan(segment.sequence, c.rcvNxt)) {
            stack.counters.increment(TcpCounter.DELAYED_ACK_LOST);
        }
        // Data and a FIN are always answered: their sender is not one that answers an acknowledgement with another.
        if (segment.length() > 0 && !segment.has(TcpHeader.SYN) || mayAnswer(c, unlessSent, now)) {
            noteDuplicate(c, segment.sequence, SequenceNumber.min(segment.end(), c.rcvNxt));
            stack.segments.sendAck(c, now);
        }
    }

    /** A challenge ACK (RFC 5961 §3 and §4), within its limits (§7). */
    void challenge(TcpConnection c, long now) {
        if (mayAnswer(c, TcpCounter.TCP_ACK_SKIPPED_CHALLENGE, now) && stack.challengeAcks.tryTake(now)) {
            stack.counters.increment(TcpCounter.TCP_CHALLENGE_ACK);
            stack.segments.sendAck(c, now);
        }
    }

    /** Limits the answers to segments that do not belong, so that two ends out of step do not answer each other for ever. */
    boolean mayAnswer(TcpConnection c, TcpCounter unlessSent, long now) {
        if (c.invalidAckSent && now - c.lastInvalidAckAt < stack.parameters.invalidAckInterval) {
            stack.counters.increment(unlessSent);
            return false;
        }
        c.invalidAckSent = true;
        c.lastInvalidAckAt = now;
        return true;
    }

    /** Has the next acknowledgement report octets that have come twice (RFC 2883). */
    static void noteDuplicate(TcpConnection c, int start, int end) {
        if (c.sackOn && SequenceNumber.lessThan(start, end)) {
            c.hasDsack = true;
            c.dsackStart = start;
            c.dsackEnd = end;
        }
    }
}
