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
    private final TimeWaitTable entries;

    TimeWaitQueue(TcpStack stack) {
        this.stack = stack;
        entries = new TimeWaitTable(stack.flows);
    }

    int size() {
        return entries.size();
    }

    /** What is left of the connection that had a 4-tuple, or {@code null}; to be used before this queue is called for another. */
    TimeWait get(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {
        return entries.get(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort);
    }

    /** Shows the 4-tuples of all to a visitor. */
    void forEach(TcpStack.FlowVisitor visitor) {
        entries.forEach(visitor);
    }

    /** Puts a connection's remains into the queue; takes the connection out of the flow table. */
    void add(TcpConnection c, long now) {
        stack.flows.remove(c);
        if (entries.size() >= stack.parameters.maxTimeWait) {
            stack.counters.increment(TcpCounter.TIME_WAIT_OVERFLOW);
            stack.flowEnded(c);
            return;
        }
        long deadline = deadline(now);
        entries.add(c, deadline);
        if (c.listener != null) {
            stack.policy.flowWaits(c.localHigh, c.localLow, c.localPort, c.remoteHigh, c.remoteLow, c.remotePort);
        }
        if (!isArmed()) {
            stack.wheel.arm(this, deadline);
        }
    }

    private long deadline(long now) {
        return now + stack.parameters.timeWait;
    }

    @Override
    protected void expire(long now) {
        while (entries.size() > 0 && entries.firstDeadline() - now <= 0) {
            end(entries.first());
            stack.counters.increment(TcpCounter.TIME_WAITS);
        }
        if (entries.size() > 0) {
            stack.wheel.arm(this, entries.firstDeadline());
        }
    }

    private void end(TimeWait entry) {
        entries.remove(entry);
        stack.policy.flowEnded(
                entry.localHigh, entry.localLow, entry.localPort, entry.remoteHigh, entry.remoteLow, entry.remotePort);
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
            entries.renew(entry, deadline(now));
            stack.replies.ackFor(entry, now);
            return false;
        }
        if (segment.length() == 0 && inWindow && segment.acknowledgment == entry.sndNxt) {
            return false;
        }
        if (!entry.acked || now - entry.lastAckAt >= stack.parameters.invalidAckInterval) {
            entries.acked(entry, now);
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
        entries.remove(entry);
        stack.counters.increment(TcpCounter.TIME_WAIT_RECYCLED);
    }

    /** Forgets what had the 4-tuple of a flow that has begun on another shard. */
    void forgetPredecessor(Flow flow) {
        TimeWait entry =
                get(flow.localHigh, flow.localLow, flow.localPort, flow.remoteHigh, flow.remoteLow, flow.remotePort);
        if (entry != null) {
            forget(entry);
        }
    }

    /** Forgets everything. */
    void clear() {
        while (entries.size() > 0) {
            end(entries.first());
        }
        stack.wheel.cancel(this);
    }
}
