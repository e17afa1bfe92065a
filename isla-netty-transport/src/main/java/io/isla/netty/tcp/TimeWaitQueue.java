/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.timer.Timer;
import io.isla.netty.wire.TcpHeader;

/**
 * The connections of a shard in TIME-WAIT. All wait equally long, so they queue in the order of their end and one timer serves all. Resets are
 * ignored (RFC 1337); a new SYN may take the place of one that it cannot be confused with (RFC 6191).
 */
final class TimeWaitQueue extends Timer {
    /** A new incarnation starts this far beyond the old one's last sequence number. */
    private static final int ISS_DISTANCE = 65_537;

    private final TcpStack stack;
    private TimeWait first;
    private TimeWait last;
    private int size;

    TimeWaitQueue(TcpStack stack) {
        this.stack = stack;
    }

    int size() {
        return size;
    }

    /** Puts a connection's remains into the queue and the flow table, in place of the connection. */
    void add(TcpConnection c, long now) {
        if (size >= stack.parameters.maxTimeWait) {
            stack.counters.increment(TcpCounter.TIME_WAIT_OVERFLOW);
            stack.flows.remove(c);
            stack.flowEnded(c);
            return;
        }
        TimeWait entry = new TimeWait(c);
        stack.flows.replace(c, entry);
        append(entry, now);
    }

    private void append(TimeWait entry, long now) {
        entry.deadline = now + stack.parameters.timeWait;
        entry.previous = last;
        entry.next = null;
        if (last == null) {
            first = entry;
        } else {
            last.next = entry;
        }
        last = entry;
        size++;
        if (!isArmed()) {
            stack.wheel.arm(this, entry.deadline);
        }
    }

    private void unlink(TimeWait entry) {
        if (entry.previous == null) {
            first = entry.next;
        } else {
            entry.previous.next = entry.next;
        }
        if (entry.next == null) {
            last = entry.previous;
        } else {
            entry.next.previous = entry.previous;
        }
        size--;
    }

    @Override
    protected void expire(long now) {
        while (first != null && first.deadline - now <= 0) {
            TimeWait entry = first;
            unlink(entry);
            stack.flows.remove(entry);
            stack.flowEnded(entry);
            stack.counters.increment(TcpCounter.TIME_WAITS);
        }
        if (first != null) {
            stack.wheel.arm(this, first.deadline);
        }
    }

    /** For how long a connection has been waiting, in nanoseconds. */
    long age(TimeWait entry, long now) {
        return now - (entry.deadline - stack.parameters.timeWait);
    }

    /**
     * A segment arrives for a connection in TIME-WAIT.
     *
     * @param listening whether there is somebody to take a new connection: without, a SYN ends nothing
     * @return whether the segment is a SYN that may open a new connection: then the old one is gone
     */
    boolean segmentArrives(TimeWait entry, TcpSegment segment, boolean listening, long now) {
        if (segment.has(TcpHeader.RST)) {
            stack.counters.increment(TcpCounter.TIME_WAIT_RST_IGNORED);
            return false;
        }
        boolean newerTimestamp =
                entry.timestamps && segment.hasTimestamps && segment.timestampValue - entry.tsRecent > 0;
        if (listening && segment.has(TcpHeader.SYN) && !segment.has(TcpHeader.ACK) && !segment.has(TcpHeader.FIN)) {
            boolean sameTimestamp =
                    !entry.timestamps || !segment.hasTimestamps || segment.timestampValue == entry.tsRecent;
            // RFC 6191 §2: timestamps that the connection before did not have are news enough.
            boolean newTimestamps = !entry.timestamps && segment.hasTimestamps && stack.parameters.timestamps;
            if (newerTimestamp
                    || newTimestamps
                    || sameTimestamp && SequenceNumber.greaterThan(segment.sequence, entry.rcvNxt)) {
                forget(entry);
                return true;
            }
        }
        if (!segment.has(TcpHeader.ACK) && !segment.has(TcpHeader.SYN)) {
            return false;
        }
        boolean inWindow = SequenceNumber.between(entry.rcvNxt - 1, segment.sequence, entry.rcvNxt + entry.rcvWnd);
        if (segment.has(TcpHeader.FIN) && segment.end() == entry.rcvNxt) {
            // The peer has not seen our last acknowledgement: say it again and wait as long again.
            unlink(entry);
            append(entry, now);
            stack.replies.ackFor(entry, now);
            return false;
        }
        if (segment.length() == 0 && inWindow && segment.acknowledgment == entry.sndNxt) {
            return false;
        }
        if (!entry.acked || now - entry.lastAckAt >= stack.parameters.invalidAckInterval) {
            entry.acked = true;
            entry.lastAckAt = now;
            stack.replies.ackFor(entry, now);
        } else {
            stack.counters.increment(TcpCounter.TCP_ACK_SKIPPED_TIME_WAIT);
        }
        return false;
    }

    /** The initial sequence number of a connection that takes the place of an old one (RFC 6191 §2). */
    static int successorIss(TimeWait entry) {
        return entry.sndNxt + ISS_DISTANCE;
    }

    /** Takes a connection out before its time: another takes its place. */
    void forget(TimeWait entry) {
        unlink(entry);
        stack.flows.remove(entry);
        stack.counters.increment(TcpCounter.TIME_WAIT_RECYCLED);
    }

    /** Forgets everything. */
    void clear() {
        while (first != null) {
            TimeWait entry = first;
            unlink(entry);
            stack.flows.remove(entry);
            stack.flowEnded(entry);
        }
        stack.wheel.cancel(this);
    }
}
