/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import java.util.function.Supplier;

/** What holds of every connection between two turns, whatever has happened to it. Written for speed: it is looked at after each of many segments. */
final class TcpInvariants {
    private TcpInvariants() {}

    private static void that(boolean holds, Supplier<String> what) {
        if (!holds) {
            throw new AssertionError(what.get());
        }
    }

    private static void equal(long actual, long expected, TcpConnection c, String what) {
        if (actual != expected) {
            throw new AssertionError(what + ": " + actual + " instead of " + expected + ": " + c);
        }
    }

    static void check(TcpConnection c) {
        if (c.released) {
            equal(c.sent.count(), 0, c, "segments kept of a connection that is gone");
            equal(c.sendQueue.size(), 0, c, "bytes kept of a connection that is gone");
            that(
                    !c.retransmitTimer.isArmed() && !c.ackTimer.isArmed() && !c.lifeTimer.isArmed(),
                    () -> "timers of a connection that is gone: " + c);
            return;
        }
        if (c.state == TcpState.SYN_SENT || c.state == TcpState.SYN_RECEIVED && !c.fastOpenChild) {
            that(
                    isRetransmitTimerRunning(c) || c.state == TcpState.SYN_SENT && !c.synSent,
                    () -> "no timer for a SYN: " + c);
            return;
        }
        checkScoreboard(c);
        checkStatistics(c);
        checkTimers(c);
        that(c.sndMss > 0 && c.window.mss == c.sndMss, () -> "segment size " + c.sndMss + ", " + c.window.mss);
        that(c.window.cwnd >= c.sndMss, () -> "cwnd " + c.window.cwnd + " is less than a segment: " + c);
        long memory = c.receiveQueue.memory() + c.reassembly.memory();
        that(
                memory <= 2 * c.receiveBuffer.memoryBudget() + 65_536,
                () -> "memory of what was received: " + memory + " for " + c.receiveBuffer.limit() + ": " + c);
        that(
                SequenceNumber.greaterOrEqual(c.rcvAdv, c.rcvNxt)
                        || c.inputShut
                        || c.finReceived && c.rcvAdv == c.rcvNxt - 1,
                () -> "right edge " + (c.rcvAdv - c.rcvNxt) + " from RCV.NXT: " + c);
        that(c.sndWnd >= 0 && c.sndWnd <= 65_535 << 14, () -> "send window " + c.sndWnd);
    }

    private static boolean isRetransmitTimerRunning(TcpConnection c) {
        return c.retransmitTimer.isArmed() && c.retransmitTimer.purpose != TcpTimers.Purpose.NOTHING;
    }

    private static void checkTimers(TcpConnection c) {
        boolean waits = c.flightSize() > 0 || c.unsentBytes() > 0 || c.isFinDue();
        that(
                !waits || isRetransmitTimerRunning(c),
                () -> "no timer for what is outstanding or waits: " + c + ", flight " + c.flightSize() + ", unsent "
                        + c.unsentBytes());
        that(!c.ackPolicy.isDue(), () -> "acknowledgement left over: " + c);
        that(!c.ackPolicy.isPending() || c.ackTimer.isArmed(), () -> "no timer for a delayed acknowledgement: " + c);
        that(
                !c.isOrphan() || c.state != TcpState.FIN_WAIT_2 || c.lifeTimer.isArmed(),
                () -> "no timer for an orphan in FIN-WAIT-2: " + c);
    }

    private static void checkScoreboard(TcpConnection c) {
        int next = c.sndUna;
        int sacked = 0;
        int lost = 0;
        int retransmitted = 0;
        int inOrder = 0;
        for (int i = 0; i < c.sent.count(); i++) {
            SentSegment segment = c.sent.get(i);
            equal(segment.start, next, c, "gap in what is sent");
            that(segment.length() > 0 && segment.packetSize > 0, () -> "empty segment: " + c);
            next = segment.end;
            sacked += segment.has(SentSegment.SACKED) ? segment.length() : 0;
            lost += segment.has(SentSegment.LOST) ? segment.length() : 0;
            retransmitted += segment.has(SentSegment.RETRANSMITTED) ? segment.length() : 0;
            inOrder += segment.has(SentSegment.SACKED) || segment.has(SentSegment.LOST) ? 0 : 1;
        }
        equal(next, c.sndNxt, c, "end of what is sent");
        equal(c.sent.sackedBytes(), sacked, c, "sacked");
        equal(c.sent.lostBytes(), lost, c, "lost");
        equal(c.sent.retransmittedBytes(), retransmitted, c, "retransmitted");
        int listed = 0;
        long before = Long.MIN_VALUE;
        for (SentSegment segment = c.sent.earliestSent(); segment != null; segment = segment.later) {
            long sentAt = segment.sentAt;
            long earlier = before;
            that(sentAt >= earlier, () -> "out of the order of sending: " + sentAt + " after " + earlier + ": " + c);
            before = sentAt;
            listed++;
        }
        equal(listed, inOrder, c, "segments in the order of sending");
        that(
                c.inFlight() >= 0 && c.inFlight() <= c.flightSize(),
                () -> "in flight: " + c.inFlight() + " of " + c.flightSize() + ": " + c);
    }

    private static void checkStatistics(TcpConnection c) {
        TcpStatistics s = c.statistics;
        boolean finAcked = c.finSent && c.sndUna == c.sndNxt;
        equal((int) s.bytesSent, c.sndNxt - c.iss - 1 - (c.finSent ? 1 : 0), c, "bytes sent");
        equal((int) s.bytesAcked, c.sndUna - c.iss - 1 - (finAcked ? 1 : 0), c, "bytes acknowledged");
        equal(
                c.sendQueue.size(),
                c.flightSize() - (c.finSent && !finAcked ? 1 : 0) + c.unsentBytes(),
                c,
                "send queue: what is not acknowledged and what is not sent");
        if (!c.inputShut) {
            equal(
                    (int) s.bytesRead + c.receiveQueue.readableBytes(),
                    c.rcvNxt - c.irs - 1 - (c.finReceived ? 1 : 0),
                    c,
                    "bytes read and to be read");
        }
        that(
                s.segmentsOut >= s.dataSegmentsOut && s.segmentsIn >= s.dataSegmentsIn && s.bytesRetransmitted >= 0,
                () -> "statistics: " + c.info(c.deliveredAt));
    }
}
