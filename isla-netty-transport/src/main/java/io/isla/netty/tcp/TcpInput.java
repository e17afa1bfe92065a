/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.wire.TcpHeader;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;

/**
 * Segments that arrive for a connection, processed in the steps and the order of RFC 9293 §3.10.7. One object per shard; the state is the
 * connection's.
 */
final class TcpInput {
    private final TcpStack stack;
    private final SegmentAcceptance acceptance;
    private final AckProcessor acks;

    TcpInput(TcpStack stack) {
        this.stack = stack;
        acceptance = new SegmentAcceptance(stack);
        acks = new AckProcessor(stack);
    }

    /** Processes a segment. */
    void segmentArrives(TcpConnection c, TcpSegment segment, long now) {
        c.statistics.segmentsIn++;
        if (c.state == TcpState.SYN_SENT) {
            synSent(c, segment, now);
            return;
        }
        if (c.state == TcpState.SYN_RECEIVED && segment.has(TcpHeader.SYN) && segment.sequence == c.irs) {
            synAgain(c, segment, now);
            return;
        }
        if (!acceptance.isTimely(c, segment, now)) {
            return;
        }
        if (segment.has(TcpHeader.RST)) {
            if (acceptance.isResetInWindow(c, segment)) {
                checkReset(c, segment, now);
            }
            return;
        }
        if (segment.has(TcpHeader.SYN)) {
            // RFC 5961 §4.2: whatever its sequence number is.
            stack.counters.increment(TcpCounter.TCP_SYN_CHALLENGE);
            acceptance.challenge(c, now);
            return;
        }
        if (!acceptance.isAcceptable(c, segment, now)) {
            return;
        }
        if (!segment.has(TcpHeader.ACK)) {
            return;
        }
        c.lastReceivedAt = now;
        c.keepAliveProbes = 0;
        if (!checkAck(c, segment, now)) {
            return;
        }
        if (segment.has(TcpHeader.URG)) {
            checkUrgent(c, segment);
        }
        processText(c, segment, now);
        if (c.released) {
            return;
        }
        output(c, now);
    }

    // ------------------------------------------------------------------------------------------------ SYN-SENT
    // (§3.10.7.3)

    private void synSent(TcpConnection c, TcpSegment segment, long now) {
        boolean acceptableAck = false;
        if (segment.has(TcpHeader.ACK)) {
            int ack = segment.acknowledgment;
            if (SequenceNumber.lessOrEqual(ack, c.iss) || SequenceNumber.greaterThan(ack, c.sndNxt)) {
                if (!segment.has(TcpHeader.RST)) {
                    stack.replies.resetFor(segment, now);
                }
                return;
            }
            acceptableAck = true;
            if (stack.parameters.timestamps
                    && segment.hasTimestamps
                    && segment.timestampEcho != 0
                    && segment.timestampEcho - (stack.timestamp(now) + c.timestampOffset) > 0) {
                stack.counters.increment(TcpCounter.PAWS_ACTIVE_REJECTED);
                stack.replies.resetFor(segment, now);
                return;
            }
        }
        if (segment.has(TcpHeader.RST)) {
            if (acceptableAck) {
                stack.counters.increment(TcpCounter.ATTEMPT_FAILS);
                c.fail(new ConnectException("Connection refused"), now);
            }
            return;
        }
        if (!segment.has(TcpHeader.SYN)) {
            return;
        }
        c.lastReceivedAt = now;
        takeSynOptions(c, segment);
        c.irs = segment.sequence;
        c.rcvNxt = segment.sequence + 1;
        c.lastAckSent = c.rcvNxt;
        // The window of a segment with SYN is never scaled (RFC 7323 §2.2).
        c.sndWnd = segment.window;
        c.maxSndWnd = segment.window;
        c.sndWl1 = segment.sequence;
        c.sndWl2 = segment.acknowledgment;
        c.rcvAdv = c.rcvNxt + Math.min(0xffff, c.receiveBuffer.limit());
        if (acceptableAck) {
            c.ecnOn = stack.parameters.ecn == TcpParameters.Ecn.REQUEST
                    && segment.has(TcpHeader.ECE)
                    && !segment.has(TcpHeader.CWR)
                    && c.ecnRequested;
            synAcknowledged(c, segment, now);
            establish(c, segment, now);
            c.ackPolicy.quick(c.rcvWnd());
            if (segment.payloadLength > 0 || segment.has(TcpHeader.FIN)) {
                segment.trimFront(1);
                if (SequenceNumber.greaterThan(segment.sequence + segment.payloadLength, c.rcvAdv)) {
                    segment.trimBack(c.rcvAdv);
                }
                processText(c, segment, now);
            }
            c.ackPolicy.ackNow();
            stack.ackSoon(c);
            if (!c.released) {
                output(c, now);
            }
        } else {
            // Simultaneous open (RFC 9293 §3.5, figure 8).
            c.state = TcpState.SYN_RECEIVED;
            stack.segments.sendSyn(c, true, now);
            stack.timers.armForSyn(c, now);
        }
    }

    private void takeSynOptions(TcpConnection c, TcpSegment segment) {
        TcpParameters parameters = stack.parameters;
        c.timestampsOn = parameters.timestamps && segment.hasTimestamps;
        if (c.timestampsOn) {
            c.tsRecent = segment.timestampValue;
            c.tsRecentValid = true;
            c.tsRecentAt = c.lastReceivedAt;
        }
        c.sackOn = parameters.sack && segment.sackPermitted;
        if (parameters.windowScaling && segment.windowScale != TcpSegment.NO_WINDOW_SCALE) {
            c.sndScale = (byte) segment.windowScale;
        } else {
            c.sndScale = -1;
            c.rcvScale = 0;
        }
        c.peerMss = stack.peerMss(segment, c.remoteHigh, c.remoteLow);
    }

    /** Our SYN is acknowledged, and with it perhaps data that it carried. */
    private void synAcknowledged(TcpConnection c, TcpSegment segment, long now) {
        int dataAcked = segment.acknowledgment - (c.iss + 1);
        stack.fastOpen.synAcknowledged(c, segment, dataAcked, now);
        sampleHandshake(c, now);
        if (dataAcked > 0) {
            c.sendQueue.acknowledge(dataAcked);
            c.statistics.bytesSent += dataAcked;
            c.statistics.bytesAcked += dataAcked;
        }
        c.sndUna = segment.acknowledgment;
        // What the SYN carried and was not taken is sent again as new data.
        c.sndNxt = c.sndUna;
    }

    private static void sampleHandshake(TcpConnection c, long now) {
        if (!c.synAmbiguous) {
            long elapsed = now - c.synSentAt;
            c.rtt.sampleMin(elapsed, now);
            c.rtt.sample(elapsed, c.iss + 1, c.iss + 1);
        } else if (c.rtt.backoff() > 0) {
            c.rtt.resetBackoff();
            c.rtt.initialTimeout(c.stack.parameters.initialRtoAfterSynLoss);
        }
    }

    /** The handshake is complete. */
    void establish(TcpConnection c, TcpSegment segment, long now) {
        c.state = TcpState.ESTABLISHED;
        c.sndScale = (byte) Math.max(0, c.sndScale);
        if (stack.parameters.mtuProbing == TcpParameters.MtuProbing.ALWAYS && !c.path.isLoopback()) {
            c.mtuSearch = new PathMtuSearch(c);
        }
        stack.output.updateSegmentSize(c);
        CongestionWindow window = c.window;
        // After a lost SYN the initial window is one segment (RFC 6928 §2, RFC 5681 §3.1).
        window.set(c.statistics.totalRetransmits > 0 ? c.sndMss : stack.output.initialWindow(c));
        window.srtt = c.rtt.srtt();
        window.minRtt = c.rtt.minRtt();
        c.smallSegmentEnd = c.sndUna;
        c.lastReceivedAt = now;
        c.lastDataReceivedAt = now;
        c.ackPolicy.rcvMss = Math.min(c.ackPolicy.rcvMss, stack.segments.announcedMss(c));
        c.retransmitTimer.purpose = TcpTimers.Purpose.NOTHING;
        c.retransmitTimer.countsFrom = now;
        c.statistics.phase(TcpStatistics.IDLE, now);
        c.deliveredAt = now;
        stack.ip.confirm(c.path, now);
        stack.counters.increment(c.listener == null ? TcpCounter.ACTIVE_ESTABLISHED : TcpCounter.PASSIVE_ESTABLISHED);
        if (c.settings.keepAlive) {
            stack.timers.armKeepAlive(c, now);
        }
        if (c.finQueued) {
            c.state = TcpState.FIN_WAIT_1;
        }
        c.raise(TcpEvents.CONNECTED | TcpEvents.WRITABLE);
    }

    // ------------------------------------------------------------------------------------------------ second: RST

    /** RFC 5961 §3.2: only a reset at exactly the next sequence number is believed at once. */
    private void checkReset(TcpConnection c, TcpSegment segment, long now) {
        boolean exact = segment.sequence == c.rcvNxt;
        if (!exact && c.sackOn && !c.reassembly.isEmpty()) {
            // A peer that reset after sending what is still missing here uses the sequence number after the last that
            // it sent.
            exact = segment.sequence == c.reassembly.highest();
        }
        if (!exact) {
            stack.counters.increment(TcpCounter.TCP_CHALLENGE_RST);
            acceptance.challenge(c, now);
            return;
        }
        stack.counters.increment(TcpCounter.RESETS_RECEIVED);
        IOException cause;
        switch (c.state) {
            case SYN_RECEIVED -> cause = new ConnectException("Connection refused");
            case CLOSING, LAST_ACK, TIME_WAIT -> {
                stack.release(c, now);
                c.raise(TcpEvents.CLOSED);
                return;
            }
            default -> cause = new SocketException("Connection reset by peer");
        }
        stack.counters.increment(c.state == TcpState.SYN_RECEIVED ? TcpCounter.ATTEMPT_FAILS : TcpCounter.ESTAB_RESETS);
        c.fail(cause, now);
    }

    // ------------------------------------------------------------------------------------------------ fourth: SYN

    /** The peer's SYN comes again before the handshake is complete. */
    private void synAgain(TcpConnection c, TcpSegment segment, long now) {
        if (segment.has(TcpHeader.RST)) {
            return;
        }
        if (!segment.has(TcpHeader.ACK)) {
            // Our answer to it may be lost.
            if (acceptance.mayAnswer(c, TcpCounter.TCP_ACK_SKIPPED_SYN_RECV, now)) {
                stack.counters.increment(TcpCounter.TCP_SYN_RETRANS);
                c.synAmbiguous = true;
                stack.segments.sendSyn(c, true, now);
            }
            return;
        }
        // Simultaneous open: with the acknowledgement of ours (RFC 9293 figure 8).
        segment.flags &= ~TcpHeader.SYN;
        segment.sequence++;
        // The window of a SYN is never scaled (RFC 7323 §2.2).
        int scale = c.sndScale;
        c.sndScale = (byte) Math.min(scale, 0);
        boolean acknowledged = checkAck(c, segment, now);
        c.sndScale = (byte) Math.max(scale, c.sndScale);
        if (acknowledged && !c.released) {
            c.ackPolicy.ackNow();
            stack.ackSoon(c);
            output(c, now);
        }
    }

    // ------------------------------------------------------------------------------------------------ fifth: ACK

    private boolean checkAck(TcpConnection c, TcpSegment segment, long now) {
        int ack = segment.acknowledgment;
        if (c.state == TcpState.SYN_RECEIVED) {
            if (SequenceNumber.lessOrEqual(ack, c.iss) || SequenceNumber.greaterThan(ack, c.sndNxt)) {
                stack.replies.resetFor(segment, now);
                return false;
            }
            if (c.fastOpenChild) {
                // Its data may be on the way already: only the SYN's share of the acknowledgement is dealt with here.
                stack.passive.fastOpen.settled(c);
                c.fastOpenChild = false;
                sampleHandshake(c, now);
                establish(c, segment, now);
                acks.process(c, segment, now);
                if (c.finSent && c.sndUna == c.sndNxt && !c.released) {
                    finAcknowledged(c, now);
                }
                return !c.released;
            }
            synAcknowledged(c, segment, now);
            c.sndWnd = segment.window << Math.max(0, c.sndScale);
            c.maxSndWnd = c.sndWnd;
            c.sndWl1 = segment.sequence;
            c.sndWl2 = ack;
            establish(c, segment, now);
            return true;
        }
        if (SequenceNumber.greaterThan(ack, c.sndNxt)) {
            stack.counters.increment(TcpCounter.ACK_OF_UNSENT_DATA);
            acceptance.challenge(c, now);
            return false;
        }
        if (SequenceNumber.lessThan(ack, c.sndUna - Math.max(c.maxSndWnd, c.sndMss))) {
            // RFC 5961 §5.2: too old to be from this connection.
            stack.counters.increment(TcpCounter.TCP_OLD_ACK);
            acceptance.challenge(c, now);
            return false;
        }
        if (c.ecnOn && segment.has(TcpHeader.CWR)) {
            c.ecnEcho = false;
            if (segment.payloadLength > 0) {
                // The peer's window may be down to a segment: it should not wait for a delayed acknowledgement (Linux).
                c.ackPolicy.ackNow();
                stack.ackSoon(c);
            }
        }
        acks.process(c, segment, now);
        if (c.finSent && c.sndUna == c.sndNxt && !c.released) {
            finAcknowledged(c, now);
        }
        return !c.released;
    }

    private void finAcknowledged(TcpConnection c, long now) {
        switch (c.state) {
            case FIN_WAIT_1 -> {
                c.state = TcpState.FIN_WAIT_2;
                c.raise(TcpEvents.OUTPUT_DONE);
                if (c.isOrphan()) {
                    stack.timers.armOrphan(c, now);
                }
            }
            case CLOSING -> {
                c.raise(TcpEvents.OUTPUT_DONE | TcpEvents.CLOSED);
                stack.enterTimeWait(c, now);
            }
            case LAST_ACK -> {
                c.raise(TcpEvents.OUTPUT_DONE | TcpEvents.CLOSED);
                stack.release(c, now);
            }
            default -> {
                // Acknowledged before.
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ sixth: URG

    private void checkUrgent(TcpConnection c, TcpSegment segment) {
        if (!c.state.mayReceive()) {
            return;
        }
        // RFC 6093 §4: the pointer is to the octet after the urgent data.
        int pointer = segment.sequence + segment.urgentPointer;
        if (!c.rcvUrgent && SequenceNumber.greaterThan(pointer, c.rcvNxt)
                || c.rcvUrgent && SequenceNumber.greaterThan(pointer, c.rcvUp)) {
            c.rcvUrgent = true;
            c.rcvUp = pointer;
            c.urgentNews = true;
            c.raise(TcpEvents.URGENT);
        }
    }

    // ------------------------------------------------------------------------------------------------ seventh and
    // eighth: text, FIN

    private void processText(TcpConnection c, TcpSegment segment, long now) {
        boolean fin = segment.has(TcpHeader.FIN);
        if (segment.payloadLength == 0 && !fin) {
            return;
        }
        if (!c.state.mayReceive()) {
            return;
        }
        if (c.ecnOn && segment.congestionExperienced()) {
            c.ecnEcho = true;
            c.ackPolicy.quick(c.rcvWnd());
        }
        if (c.inputShut && c.isOrphan() && segment.payloadLength > 0) {
            // Nobody will ever read it: tell the peer that it is lost (RFC 9293 SHLD-3, RFC 1122 §4.2.2.13).
            stack.counters.increment(TcpCounter.TCP_ABORT_ON_DATA);
            stack.segments.sendReset(c, now);
            stack.release(c, now);
            return;
        }
        int length = segment.payloadLength;
        if (length > 0) {
            c.statistics.dataSegmentsIn++;
            c.lastDataReceivedAt = now;
            c.statistics.bytesReceived += length;
        }
        if (segment.sequence == c.rcvNxt) {
            if (length > 0) {
                acceptInOrder(c, segment, length, now);
            }
            if (fin && segment.sequence + length == c.rcvNxt) {
                finArrives(c, now);
            } else if (c.hasPendingFin && c.pendingFin == c.rcvNxt) {
                finArrives(c, now);
            }
            return;
        }
        acceptOutOfOrder(c, segment, length, fin);
    }

    private void acceptInOrder(TcpConnection c, TcpSegment segment, int length, long now) {
        boolean hadGap = !c.reassembly.isEmpty();
        c.receiveBuffer.arrived(c.rcvNxt, c.rcvWnd(), now);
        c.rcvNxt += length;
        if (c.inputShut) {
            c.receiveBuffer.read(length);
        } else {
            c.receiveQueue.append(
                    segment.buffer,
                    segment.payloadOffset,
                    length,
                    c.receiveBuffer.memoryBudget() - c.reassembly.memory());
        }
        if (hadGap) {
            drainReassembly(c);
        }
        if (c.timestampsOn && segment.hasTimestamps && length >= c.ackPolicy.rcvMss) {
            c.receiveBuffer.timestampEchoed(segment.timestampEcho, now);
        }
        c.receiveBuffer.adjust(c.rtt.srtt(), c.ackPolicy.rcvMss, now);
        c.raise(TcpEvents.READABLE);
        if (hadGap) {
            c.ackPolicy.ackNow();
            stack.ackSoon(c);
            return;
        }
        boolean delay = c.ackPolicy.arrived(
                segment.segmentSize, c.rcvNxt - c.lastAckSent, c.settings.quickAck, stack.parameters, c.rcvWnd(), now);
        if (delay) {
            stack.timers.armDelayedAck(c, c.ackPolicy.isFirst(), now);
        } else {
            stack.ackSoon(c);
        }
    }

    private void drainReassembly(TcpConnection c) {
        int before = c.rcvNxt;
        c.rcvNxt = c.reassembly.drain(c.rcvNxt, c.receiveQueue);
        c.reassembly.dropSacksUpTo(c.rcvNxt);
        if (c.inputShut) {
            c.receiveBuffer.read(c.rcvNxt - before);
            c.receiveQueue.clear();
        }
    }

    private void acceptOutOfOrder(TcpConnection c, TcpSegment segment, int length, boolean fin) {
        if (fin) {
            c.hasPendingFin = true;
            c.pendingFin = segment.sequence + length;
        }
        if (length > 0) {
            c.statistics.outOfOrderSegmentsIn++;
            int end = segment.sequence + length;
            c.reassembly.noteDuplicate(c, segment.sequence, end);
            // What goes beyond the budget is dropped, as if it had been lost; what fills the gap never is.
            long budget = c.receiveBuffer.memoryBudget() - c.receiveQueue.memory();
            if (c.reassembly.count() < stack.parameters.maxReassemblyPieces && c.reassembly.hasRoom(length, budget)) {
                c.reassembly.add(segment.sequence, segment.buffer, segment.payloadOffset, length, budget);
                stack.counters.increment(TcpCounter.TCP_OFO_QUEUE);
            } else {
                stack.counters.increment(TcpCounter.TCP_OFO_DROP);
            }
        }
        // RFC 5681 §4.2: at once, so that the sender learns of the gap.
        c.ackPolicy.quick(c.rcvWnd());
        c.ackPolicy.ackNow();
        // Each out-of-order segment has an acknowledgement of its own: duplicates are counted by a peer without SACK.
        if (!c.sackOn) {
            stack.segments.sendAck(c, c.lastReceivedAt);
        } else {
            stack.ackSoon(c);
        }
    }

    private void finArrives(TcpConnection c, long now) {
        c.rcvNxt++;
        c.finReceived = true;
        c.hasPendingFin = false;
        c.reassembly.clear();
        c.ackPolicy.ackNow();
        stack.ackSoon(c);
        c.raise(TcpEvents.READABLE | TcpEvents.PEER_CLOSED);
        switch (c.state) {
            case ESTABLISHED -> c.state = TcpState.CLOSE_WAIT;
            case FIN_WAIT_1 -> c.state = TcpState.CLOSING;
            case FIN_WAIT_2 -> {
                stack.segments.sendAck(c, now);
                c.raise(TcpEvents.CLOSED);
                stack.enterTimeWait(c, now);
            }
            default -> {
                // No FIN is processed in other states.
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ afterwards

    private void output(TcpConnection c, long now) {
        if (c.recovery.takeNewDataFirst()) {
            stack.output.outputNewOnly(c, now);
        } else {
            stack.output.output(c, now);
        }
    }
}
