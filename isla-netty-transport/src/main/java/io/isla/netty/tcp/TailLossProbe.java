/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** Tail loss probes (RFC 8985 §7): when the last segments of a flight may be lost, one segment more brings the SACK that shows it. */
final class TailLossProbe {
    private final TcpConnection c;
    /** A probe is out: TLP.end_seq. */
    private boolean outstanding;

    private int endSequence;
    private int length;
    /** The probe was a retransmission: TLP.is_retrans. */
    private boolean retransmission;

    TailLossProbe(TcpConnection connection) {
        c = connection;
    }

    /** Whether a probe may be scheduled (RFC 8985 §7.2). */
    boolean mayBeScheduled() {
        return c.sackOn
                && !outstanding
                && c.recovery.allowsProbe()
                && c.flightSize() > 0
                && c.sent.sackedBytes() == 0
                && c.sndWnd > 0;
    }

    /** The probe timeout from now on, in nanoseconds (TLP_calc_PTO). */
    long timeout() {
        TcpParameters parameters = c.stack.parameters;
        if (!c.rtt.isMeasured()) {
            return parameters.initialRto;
        }
        long timeout = 2 * c.rtt.srtt();
        if (c.sent.count() <= 1 && c.flightSize() <= c.sndMss) {
            // A single segment: the peer may delay its acknowledgement.
            timeout += parameters.maxAckDelay;
        } else {
            timeout += 2_000_000;
        }
        return Math.min(timeout, c.rtt.rto());
    }

    /** Sends the probe (TLP_send_probe): new data if there is some, else the last segment again. Returns whether it was sent. */
    boolean send(long now) {
        if (outstanding || c.sent.isEmpty()) {
            return false;
        }
        c.stack.output.refreshPath(c);
        int end = c.sndNxt;
        if (c.stack.output.sendProbeData(c, now)) {
            retransmission = false;
            end = c.sndNxt;
        } else {
            int last = c.sent.count() - 1;
            SentSegment segment = c.sent.get(last);
            if (segment.has(SentSegment.SACKED)) {
                return false;
            }
            if (segment.length() > c.sndMss + (segment.has(SentSegment.CONTROL) ? 1 : 0)) {
                int tail = segment.length() % c.sndMss == 0 ? c.sndMss : segment.length() % c.sndMss;
                c.sent.split(last, segment.end - tail);
                last++;
            }
            if (!c.stack.output.retransmit(c, last, Integer.MAX_VALUE, now)) {
                return false;
            }
            retransmission = true;
            length = c.sent.get(last).length();
        }
        outstanding = true;
        endSequence = end;
        c.stack.counters.increment(TcpCounter.TCP_LOSS_PROBES);
        return true;
    }

    /** Looks at an acknowledgement (RFC 8985 §7.4.2): a probe that repaired a loss calls for a reaction to congestion. */
    void onAck(int ack, AckSample sample, long now) {
        if (!outstanding || SequenceNumber.lessThan(ack, endSequence)) {
            return;
        }
        if (!retransmission || sample.dsack) {
            outstanding = false;
        } else if (SequenceNumber.greaterThan(ack, endSequence)) {
            outstanding = false;
            c.recovery.onProbeRepairedLoss(now);
            c.stack.counters.increment(TcpCounter.TCP_LOSS_PROBE_RECOVERY);
        } else if (!sample.advanced && sample.pure && !sample.newlySacked) {
            // A duplicate acknowledgement without news: both the original and the probe have arrived.
            outstanding = false;
        }
    }

    /** Octets that the probe sent again, unless the acknowledgements since have shown what became of them or the scoreboard still holds them. */
    int unaccountedBytes() {
        if (!outstanding || !retransmission) {
            return 0;
        }
        int i = c.sent.indexOf(endSequence - 1);
        boolean held = i < c.sent.count() && c.sent.get(i).has(SentSegment.RETRANSMITTED);
        return held ? 0 : length;
    }

    /** Whether octets up to {@code end} that have come twice did so because of the probe. */
    boolean isDuplicate(int end) {
        return outstanding && retransmission && end == endSequence;
    }

    void reset() {
        outstanding = false;
    }
}
