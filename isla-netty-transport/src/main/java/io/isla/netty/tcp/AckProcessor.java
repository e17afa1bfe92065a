/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.wire.TcpHeader;

/**
 * Applies acknowledgements: what is delivered leaves the queues, the round-trip time is measured, the send window is updated, and loss
 * recovery and congestion control are told (RFC 9293 §3.10.7.4, fifth step; RFC 6298; RFC 5681). One object per shard.
 */
final class AckProcessor {
    /** What a send buffer may become on the shortest path, in bytes: data that waits in a larger one has left the caches when it is copied to the link. */
    private static final int SHORT_PATH_BUFFER = 768 * 1024;
    /** What a path of 100 Gbit/s takes in a microsecond, in bytes. */
    private static final int PATH_BYTES_PER_MICRO = 12_500;
    /** Longer paths may have any buffer, in nanoseconds. */
    private static final long MAX_RTT = 1_000_000_000L;

    private final TcpStack stack;
    private final AckSample sample = new AckSample();

    AckProcessor(TcpStack stack) {
        this.stack = stack;
    }

    /**
     * Works on the acknowledgement of a segment, which acknowledges nothing that was not sent and is not too old.
     */
    void process(TcpConnection c, TcpSegment segment, long now) {
        int ack = segment.acknowledgment;
        AckSample s = sample;
        s.reset();
        s.priorUna = c.sndUna;
        s.priorInFlight = c.inFlight();
        s.hasTimestamps = segment.hasTimestamps;
        s.timestampEcho = segment.timestampEcho;
        s.congestionEcho = c.ecnOn && segment.has(TcpHeader.ECE);
        boolean old = SequenceNumber.lessThan(ack, c.sndUna);
        c.recovery.rack.ackArrives();
        if (segment.sackCount > 0 && c.sackOn) {
            SackScoreboard.apply(c, segment, s, now);
        }
        s.advanced = SequenceNumber.greaterThan(ack, c.sndUna);
        boolean wasWindow = !old && updateWindow(c, segment, now);
        if (s.advanced) {
            acknowledge(c, ack, s, now);
        }
        if (old) {
            if (!s.newlySacked && !s.dsack) {
                return;
            }
            s.congestionEcho = false;
        }
        s.pure = segment.payloadLength == 0 && !segment.has(TcpHeader.FIN) && !wasWindow;
        s.duplicate = s.pure && !old && !s.advanced && c.flightSize() > 0;
        if (!s.advanced && c.flightSize() == 0) {
            // Only a window update or nothing at all; persist is left when the window opens.
            c.persistProbes = 0;
            return;
        }
        CongestionWindow window = c.window;
        window.sndUna = c.sndUna;
        window.sndNxt = c.sndNxt;
        window.priorInFlight = s.priorInFlight;
        sampleRtt(c, ack, s, now);
        if (s.deliveredBytes > 0) {
            c.delivered += s.deliveredBytes;
            if (s.congestionEcho) {
                c.statistics.deliveredMarked += s.deliveredBytes;
            }
            c.deliveredAt = now;
            c.deliveryRate.onAck(s, now);
        }
        c.recovery.onAck(ack, s, now);
        if (s.advanced) {
            c.persistProbes = 0;
            c.softError = null;
            stack.ip.confirm(c.path, now);
            growSendBuffer(c);
        }
        stack.timers.onAck(c, s.advanced, s.newlySacked, now);
    }

    private void acknowledge(TcpConnection c, int ack, AckSample s, long now) {
        SentSegments sent = c.sent;
        int priorUna = c.sndUna;
        while (!sent.isEmpty()) {
            SentSegment segment = sent.first();
            if (SequenceNumber.greaterOrEqual(segment.start, ack)) {
                break;
            }
            boolean whole = SequenceNumber.lessOrEqual(segment.end, ack);
            int end = whole ? segment.end : ack;
            int length = end - segment.start;
            if (!segment.has(SentSegment.SACKED)) {
                s.deliveredBytes += length;
                if (!segment.has(SentSegment.EVER_RETRANSMITTED)) {
                    long rtt = now - segment.sentAt;
                    s.newestRtt = rtt;
                    if (s.oldestRtt == AckSample.NONE) {
                        s.oldestRtt = rtt;
                    }
                    if (c.recovery.wasOutstandingAtEntry(end)) {
                        s.originalDelivered = true;
                    }
                }
                c.deliveryRate.onDelivered(segment, s);
                c.recovery.rack.onDelivered(segment, end, s, now);
            }
            if (segment.has(SentSegment.EVER_RETRANSMITTED)) {
                if (!s.retransmissionAcked || segment.sentAt - s.resentAt > 0) {
                    s.resentAt = segment.sentAt;
                }
                s.retransmissionAcked = true;
            }
            if (whole) {
                sent.removeFirst();
            } else {
                sent.trimFirst(ack);
                break;
            }
        }
        if (s.retransmissionAcked && !c.sackOn) {
            // Without SACK nobody knows whether the rest arrived before the retransmission or after it.
            s.originalDelivered = false;
        }
        s.ackedBytes = ack - priorUna;
        boolean finAcked = c.finSent && ack == c.sndNxt;
        int bytes = s.ackedBytes - (finAcked ? 1 : 0);
        c.sendQueue.acknowledge(bytes);
        c.statistics.bytesAcked += bytes;
        c.sndUna = ack;
        if (c.mtuSearch != null) {
            c.mtuSearch.onAck();
        }
        if (c.flightSize() == 0) {
            c.statistics.phase(TcpStatistics.IDLE, now);
        }
        c.tellOfRoom();
    }

    /** Takes the window of a segment unless the segment is older than the one that last gave it; returns whether it changed. */
    private boolean updateWindow(TcpConnection c, TcpSegment segment, long now) {
        int ack = segment.acknowledgment;
        int offered = segment.window << Math.max(0, c.sndScale);
        boolean newer = SequenceNumber.greaterThan(ack, c.sndUna)
                || SequenceNumber.greaterThan(segment.sequence, c.sndWl1)
                || segment.sequence == c.sndWl1 && (offered > c.sndWnd || offered == 0);
        if (!newer) {
            return false;
        }
        c.sndWl1 = segment.sequence;
        c.sndWl2 = ack;
        if (offered > 0 && c.persistBackoff > 0) {
            // The doubling was for a closed window; one that is open but too small to be used waits from here on.
            c.persistBackoff = 0;
            if (c.retransmitTimer.purpose == TcpTimers.Purpose.PERSIST) {
                c.retransmitTimer.purpose = TcpTimers.Purpose.NOTHING;
            }
        }
        boolean changed = offered != c.sndWnd;
        if (changed) {
            if (c.sndWnd == 0) {
                c.recovery.windowOpened(now);
            }
            c.sndWnd = offered;
            c.maxSndWnd = Math.max(c.maxSndWnd, offered);
        }
        return changed;
    }

    private void sampleRtt(TcpConnection c, int ack, AckSample s, long now) {
        long rtt = s.oldestRtt;
        if (s.retransmissionAcked) {
            // Karn's algorithm (RFC 9293 MUST-18): which transmission was acknowledged is unknown, unless a timestamp
            // says so.
            rtt = AckSample.NONE;
        }
        if (rtt == AckSample.NONE) {
            rtt = s.sackRtt;
        }
        if (rtt == AckSample.NONE && s.advanced && c.timestampsOn && s.hasTimestamps && s.timestampEcho != 0) {
            int millis = stack.timestamp(now) + c.timestampOffset - s.timestampEcho;
            if (millis >= 0 && millis < 600_000 && !isOfLostAck(c, s, millis, now)) {
                rtt = Math.max(1, millis) * 1_000_000L;
            }
        }
        long newest = s.newestRtt != AckSample.NONE && !s.retransmissionAcked ? s.newestRtt : s.sackRtt;
        if (newest != AckSample.NONE) {
            c.rtt.sampleMin(newest, now);
        }
        if (rtt != AckSample.NONE) {
            c.rtt.sample(rtt, c.sndUna, c.sndNxt);
            c.window.srtt = c.rtt.srtt();
            c.window.minRtt = c.rtt.minRtt();
            c.congestion.onRttSample(c.window, newest != AckSample.NONE ? newest : rtt, now);
        }
    }

    /**
     * Whether a timestamp that echoes an earlier transmission than the last one says how long the path takes. A receiver that has the segment already may
     * answer its retransmission with the timestamp of the first (RFC 7323 §4.3): if that one's acknowledgement was lost, the time since then is mostly our
     * own waiting. What the last transmission may have caused tells nothing (Karn); what came sooner than it can have, does. The shortest round trip
     * that was seen is not the shortest there can be, so only half of it is sure to be too short.
     */
    private static boolean isOfLostAck(TcpConnection c, AckSample s, int millis, long now) {
        if (!s.retransmissionAcked) {
            return false;
        }
        long sinceResent = now - s.resentAt;
        return millis > sinceResent / 1_000_000 + 1 + c.recovery.rack.timestampAge()
                && (s.dsack || sinceResent >= c.rtt.minRtt() / 2);
    }

    /**
     * What a path can hold, but no less than {@link #SHORT_PATH_BUFFER}, which keeps its ends busy. What is more than that waits somewhere; a window alone does not show it, as it grows
     * as long as nothing is lost, and between two ends on a machine nothing is.
     */
    private static long mostOnPath(TcpConnection c) {
        long rtt = c.rtt.minRtt();
        return rtt == Long.MAX_VALUE
                ? Long.MAX_VALUE
                : Math.max(SHORT_PATH_BUFFER, Math.min(rtt, MAX_RTT) * PATH_BYTES_PER_MICRO / 1000);
    }

    /** Keeps room for two windows: one in flight, one to follow it (send buffer auto-tuning). */
    private void growSendBuffer(TcpConnection c) {
        if (c.settings.sendBuffer > 0) {
            return;
        }
        long wanted = 2L * Math.min(c.window.cwnd, Math.max(c.sndWnd, c.sndMss)) + 2L * c.sndMss;
        if (wanted > c.sendBuffer) {
            long most = Math.min(stack.parameters.maxSendBuffer, mostOnPath(c));
            c.sendBuffer = (int) Math.max(c.sendBuffer, Math.min(wanted, most));
            c.tellOfRoom();
        }
    }
}
