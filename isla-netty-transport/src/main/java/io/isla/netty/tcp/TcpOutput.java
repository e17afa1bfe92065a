/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.ip.IpOutput;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;

/** Decides what a connection sends and when, and builds its segments. One object per shard; the state is the connection's. */
final class TcpOutput {
    private static final int ECT_0 = 2;
    private static final int ECN_MASK = 3;
    /** A window-limited sender waits for more room unless it may send this share of its window (1 in n). */
    private static final int DEFER_DIVISOR = 3;

    private final TcpStack stack;
    private final OutboundFrame frame;
    private final TcpParameters parameters;
    /** The payload of each packet of what was sent last. */
    private int packetSize;
    /** How much older than the present the timestamp of the segment at hand is to be, in ticks. */
    private int timestampAge;

    TcpOutput(TcpStack stack, OutboundFrame frame) {
        this.stack = stack;
        this.frame = frame;
        parameters = stack.parameters;
    }

    // ------------------------------------------------------------------------------------------------ what to send

    /** Sends whatever the windows, Nagle's algorithm and loss recovery allow: lost data first, then new data, then FIN. */
    void output(TcpConnection c, long now) {
        if (!c.state.isSynchronized() && !c.fastOpenChild || c.state == TcpState.TIME_WAIT || c.released) {
            return;
        }
        if (c.flightSize() == 0) {
            if (c.unsentBytes() == 0 && !c.isFinDue()) {
                return;
            }
            restartAfterIdle(c, now);
        }
        refreshPath(c);
        long before = c.statistics.segmentsOut;
        int room = c.window.cwnd - c.inFlight();
        if (c.sent.lostBytes() > 0) {
            retransmitLost(c, now);
            room = c.window.cwnd - c.inFlight();
        }
        sendNew(c, room, now);
        if (c.statistics.segmentsOut != before || c.retransmitTimer.purpose == TcpTimers.Purpose.NOTHING) {
            stack.timers.rearm(c, now);
        }
    }

    /** Sends new data and leaves what is deemed lost alone; if there is no new data to send, the lost data goes out after all. */
    void outputNewOnly(TcpConnection c, long now) {
        refreshPath(c);
        int before = c.sndNxt;
        sendNew(c, Math.max(2 * c.sndMss, c.window.cwnd - c.inFlight()), now);
        if (c.sndNxt == before) {
            output(c, now);
        } else {
            stack.timers.rearm(c, now);
        }
    }

    /** Sends new data even if the congestion window is full; for a tail loss probe. Returns whether something was sent. */
    boolean sendProbeData(TcpConnection c, long now) {
        int length = Math.min(Math.min(c.unsentBytes(), c.sndMss), c.sndUna + c.sndWnd - c.sndNxt);
        if (length <= 0) {
            return false;
        }
        transmitNew(c, length, c.sndMss, now);
        return true;
    }

    private void sendNew(TcpConnection c, int congestionRoom, long now) {
        int room = congestionRoom;
        boolean limited = false;
        while (true) {
            int unsent = c.unsentBytes();
            boolean finDue = c.isFinDue();
            int offered = c.sndUna + c.sndWnd - c.sndNxt;
            if (unsent == 0) {
                // A FIN takes a sequence number, and so waits for the window to open like data (Linux).
                if (finDue && offered > 0) {
                    transmitNew(c, 0, c.sndMss, now);
                }
                break;
            }
            int length = Math.min(unsent, Math.min(offered, room));
            if (length <= 0) {
                if (room < offered) {
                    limited = true;
                }
                break;
            }
            if (isPaced(c, now)) {
                break;
            }
            if (c.mtuSearch != null) {
                int probe = c.mtuSearch.probe(unsent, room, offered, now);
                if (probe == PathMtuSearch.WAIT) {
                    limited = true;
                    break;
                }
                if (probe > 0) {
                    int sent = transmitNew(c, probe, probe, now);
                    c.mtuSearch.sent(c.sndNxt - sent, sent);
                    if (sent == 0) {
                        break;
                    }
                    room -= sent;
                    continue;
                }
            }
            length = Math.min(length, maxPayload(c));
            if (length > c.sndMss) {
                int rest = length % c.sndMss;
                // A tail goes along only where it might go alone.
                if (rest != 0 && (length < unsent || !maySendSmall(c, rest, finDue, now, length > c.sndMss))) {
                    length -= rest;
                }
            } else if (length < c.sndMss) {
                if (length < unsent) {
                    // Cut by a window, not by the end of the data.
                    if (room < offered) {
                        if (c.flightSize() > 0) {
                            limited = true;
                            break;
                        }
                    } else if (!isWorthwhilePartOfWindow(c, length)) {
                        break;
                    }
                } else if (!maySendSmall(c, length, finDue, now, false)) {
                    break;
                }
            }
            if (length < unsent && shouldDefer(c, length, room, offered)) {
                limited = room < offered;
                break;
            }
            int sent = transmitNew(c, length, c.sndMss, now);
            if (sent == 0) {
                break;
            }
            room -= sent;
            if (c.released) {
                return;
            }
        }
        c.window.noteUsage(c.sndUna, c.sndNxt, c.inFlight(), limited);
        if (c.unsentBytes() == 0 && c.sent.lostBytes() == 0 && c.inFlight() < c.window.cwnd) {
            c.deliveryRate.onNothingToSend();
        }
        if (c.flightSize() > 0) {
            boolean windowLimited = c.unsentBytes() > 0 && !limited && c.sndUna + c.sndWnd - c.sndNxt < c.sndMss;
            boolean bufferLimited = c.unsentBytes() == 0 && c.writableWanted;
            c.statistics.phase(
                    windowLimited
                            ? TcpStatistics.WINDOW_LIMITED
                            : bufferLimited ? TcpStatistics.SEND_BUFFER_LIMITED : TcpStatistics.BUSY,
                    now);
        }
    }

    /** Nagle's algorithm (RFC 9293 SHLD-7) as Minshall modified it, cork, and the end of the data. */
    private boolean maySendSmall(TcpConnection c, int length, boolean finDue, long now, boolean afterFull) {
        if (finDue) {
            return true;
        }
        if (c.settings.cork) {
            return false;
        }
        if (c.settings.noDelay) {
            return true;
        }
        boolean smallInFlight = SequenceNumber.greaterThan(c.smallSegmentEnd, c.sndUna)
                && SequenceNumber.lessOrEqual(c.smallSegmentEnd, c.sndNxt);
        return c.flightSize() == 0 && !afterFull || !smallInFlight;
    }

    /** Sender silly window avoidance (RFC 9293 MUST-38): a part of the peer's window is worth a segment if it is half of the largest. */
    private boolean isWorthwhilePartOfWindow(TcpConnection c, int length) {
        return c.maxSndWnd > 0 && length >= c.maxSndWnd / 2;
    }

    /** Waits for further acknowledgements rather than send a small super-segment now, where more room is certain to come soon. */
    private boolean shouldDefer(TcpConnection c, int length, int room, int offered) {
        if (c.flightSize() == 0 || c.recovery.state() != LossRecovery.State.OPEN) {
            return false;
        }
        if (length >= maxPayload(c) / 2) {
            return false;
        }
        int limit = Math.min(c.window.cwnd, c.sndWnd);
        return Math.min(room, offered) < limit / DEFER_DIVISOR;
    }

    /** Whether the congestion control's pacing has the connection wait. */
    private boolean isPaced(TcpConnection c, long now) {
        return c.congestion.pacingRate(c.window) > 0 && c.pacer != null && c.pacer.isWaiting(now);
    }

    private void notePaced(TcpConnection c, int bytes, long now) {
        long rate = c.congestion.pacingRate(c.window);
        if (rate > 0 && bytes > 0) {
            if (c.pacer == null) {
                c.pacer = new Pacer(c, now);
            }
            c.pacer.sent(bytes, rate, now);
        }
    }

    private int maxPayload(TcpConnection c) {
        if (c.sndUrgent) {
            // The urgent pointer counts from the sequence number of its own segment: these are not to be split by the
            // link.
            return c.sndMss;
        }
        int most = c.path.maxSegmentationBytes() - 120;
        long rate = c.congestion.pacingRate(c.window);
        if (rate > 0) {
            most = Math.min(most, Pacer.quantum(rate, c.sndMss));
        }
        int segments = Math.max(1, most / c.sndMss);
        return segments * c.sndMss;
    }

    private void restartAfterIdle(TcpConnection c, long now) {
        if (!parameters.slowStartAfterIdle) {
            return;
        }
        long idle = now - c.lastSendAt;
        if (idle > c.rtt.rto()) {
            // RFC 5681 §4.1, halving once for each timeout that passed as RFC 2861 does, down to the restart window.
            int restart = Math.min(initialWindow(c), c.window.cwnd);
            long cwnd = c.window.cwnd;
            c.window.ssthresh = (int) Math.max(c.window.ssthresh, cwnd / 2 + cwnd / 4);
            for (long t = idle - c.rtt.rto(); t > 0 && cwnd > restart; t -= c.rtt.rto()) {
                cwnd /= 2;
            }
            c.window.set(Math.max(cwnd, restart));
            c.congestion.onIdleRestart(c.window, idle, now);
        }
    }

    /** The initial window (RFC 6928 §2). */
    int initialWindow(TcpConnection c) {
        return Math.min(parameters.initialWindow * c.sndMss, Math.max(2 * c.sndMss, parameters.initialWindow * 1460));
    }

    /**
     * Follows a change of the path: a smaller MTU makes smaller segments from now on, and what is too large for it counts as lost. It may be another
     * connection to the same destination that was told.
     */
    void refreshPath(TcpConnection c) {
        if (!stack.ip.refresh(c.path)) {
            return;
        }
        int before = c.sndMss;
        updateSegmentSize(c);
        if (c.sndMss < before) {
            c.recovery.onPathMtuReduced();
        }
    }

    /** Sets SMSS from the path MTU, what the peer takes, the user's wish, and the options of every segment (RFC 9293 MUST-16). */
    void updateSegmentSize(TcpConnection c) {
        int mtu = c.path.mtu();
        if (c.mtuSearch != null) {
            c.mtuSearch.follow();
            mtu = Math.min(mtu, c.mtuSearch.mtu());
        }
        int byPath = mtu - headersWithoutOptions(c);
        int mss = Math.min(byPath, c.peerMss);
        if (c.settings.maxSegmentSize > 0) {
            mss = Math.min(mss, c.settings.maxSegmentSize);
        }
        if (c.timestampsOn) {
            mss -= TcpOption.TIMESTAMPS_ALIGNED_LENGTH;
        }
        c.sndMss = Math.max(mss, parameters.minSegmentSize);
        c.window.mss = c.sndMss;
        // A path that has become wider must not leave a window of less than a segment.
        c.window.cwnd = Math.max(c.window.cwnd, c.sndMss);
    }

    private static int headersWithoutOptions(TcpConnection c) {
        return TcpStack.headersWithoutOptions(c.remoteHigh, c.remoteLow);
    }

    /** The MSS to announce (RFC 9293 MUST-67, RFC 6691): what the link takes, options not subtracted. */
    int announcedMss(TcpConnection c) {
        return stack.announcedMss(c.remoteHigh, c.remoteLow, c.settings);
    }

    // ------------------------------------------------------------------------------------------------ retransmission

    /** Sends again what is deemed lost, in the order of sequence numbers, as far as the congestion window allows. */
    private void retransmitLost(TcpConnection c, long now) {
        SentSegments sent = c.sent;
        int i = sent.indexOf(c.recovery.firstLost());
        while (i < sent.count() && sent.lostBytes() > 0) {
            SentSegment segment = sent.get(i);
            if (!segment.has(SentSegment.LOST)) {
                i++;
                continue;
            }
            int room = c.window.cwnd - c.inFlight();
            if (room <= 0 || room < c.sndMss && c.inFlight() > 0 && segment.length() > room) {
                return;
            }
            if (SequenceNumber.greaterOrEqual(segment.start, c.sndUna + c.sndWnd) && segment.start != c.sndUna) {
                // The window has shrunk below it (RFC 9293 SHLD-16): only the first segment goes out regardless.
                return;
            }
            if (isPaced(c, now)) {
                return;
            }
            int length = Math.min(segment.length(), Math.max(room / c.sndMss, 1) * c.sndMss);
            if (!retransmit(c, i, length, now)) {
                return;
            }
            int packets = (sent.get(i).length() + c.sndMss - 1) / c.sndMss;
            if (c.recovery.state() == LossRecovery.State.RECOVERY) {
                stack.counters.add(TcpCounter.TCP_FAST_RETRANS, packets);
            } else if (c.recovery.state() == LossRecovery.State.LOSS) {
                stack.counters.add(TcpCounter.TCP_SLOW_START_RETRANS, packets);
            }
            c.recovery.firstLost(sent.get(i).end);
            i++;
        }
    }

    /**
     * Sends entry {@code i} of what is outstanding again, or its first part.
     *
     * @return whether it was sent
     */
    boolean retransmit(TcpConnection c, int i, int maxLength, long now) {
        SentSegment segment = c.sent.get(i);
        int length = Math.min(segment.length(), Math.min(maxLength, maxPayload(c)));
        if (segment.has(SentSegment.CONTROL) && segment.length() > 1 && length == segment.length() - 1) {
            length = segment.length();
        }
        if (length < segment.length()) {
            c.sent.split(i, segment.start + length);
            segment = c.sent.get(i);
        }
        boolean control = segment.has(SentSegment.CONTROL);
        int payload = segment.length() - (control ? 1 : 0);
        int flags = TcpHeader.ACK;
        if (control) {
            flags |= TcpHeader.FIN;
        }
        if (payload > 0 && segment.start + payload == c.queueEnd()) {
            // The last of what there is, as when it was sent first (RFC 9293 MUST-61).
            flags |= TcpHeader.PSH;
        }
        // Newer than the transmission before all the same: an acknowledgement is to show which of them it is for.
        int elapsed = stack.timestamp(now) - stack.timestamp(segment.sentAt);
        int age = Math.max(0, Math.min(c.recovery.rack.timestampAge(), elapsed - 1));
        timestampAge = age;
        int sent = transmit(c, segment.start, payload, c.sndMss, flags, now);
        timestampAge = 0;
        if (sent < 0) {
            stack.counters.increment(TcpCounter.TCP_RETRANS_FAIL);
            return false;
        }
        if (sent < payload) {
            // The payload lies in more pieces than a frame takes.
            c.sent.split(i, segment.start + sent);
            segment = c.sent.get(i);
        }
        c.recovery.onRetransmit(segment, age, now);
        notePaced(c, payload, now);
        c.sent.resent(segment, now);
        segment.packetSize = packetSize;
        c.lastSendAt = now;
        c.deliveryRate.onSent(segment, false, now);
        int segments = (segment.length() + c.sndMss - 1) / c.sndMss;
        c.statistics.totalRetransmits += segments;
        c.statistics.bytesRetransmitted += payload;
        stack.counters.add(TcpCounter.RETRANS_SEGS, segments);
        return true;
    }

    // ------------------------------------------------------------------------------------------------ building
    // segments

    /** Sends new data in packets with a payload of {@code mss}; returns how many sequence numbers it took, 0 if nothing was sent. */
    private int transmitNew(TcpConnection c, int length, int mss, long now) {
        int start = c.sndNxt;
        boolean last = length == c.unsentBytes();
        int flags = TcpHeader.ACK;
        if (last) {
            flags |= length > 0 ? TcpHeader.PSH : 0;
            if (c.finQueued && length < c.sndUna + c.sndWnd - start) {
                flags |= TcpHeader.FIN;
            }
        }
        if (c.ecnReduce && length > 0) {
            flags |= TcpHeader.CWR;
            c.ecnReduce = false;
        }
        int sent = transmit(c, start, length, mss, flags, now);
        if (sent < 0) {
            return 0;
        }
        boolean fin = (flags & TcpHeader.FIN) != 0 && sent == length;
        int end = start + sent + (fin ? 1 : 0);
        boolean nothingInFlight = c.sent.isEmpty();
        SentSegment segment = c.sent.add(start, end, fin ? SentSegment.CONTROL : 0, now);
        segment.packetSize = packetSize;
        c.deliveryRate.onSent(segment, nothingInFlight, now);
        c.sndNxt = end;
        c.finSent |= fin;
        if (sent % mss != 0) {
            c.smallSegmentEnd = end;
        }
        c.lastSendAt = now;
        notePaced(c, sent, now);
        c.recovery.onNewDataSent(sent);
        c.ackPolicy.dataSent(now, parameters.maxAckDelay);
        c.statistics.bytesSent += sent;
        stack.counters.add(TcpCounter.TCP_ORIG_DATA_SENT, (sent + packetSize - 1) / packetSize);
        return Math.max(sent, 1);
    }

    /**
     * Builds and sends a segment.
     *
     * @param packetPayload the most payload of one packet, options that are not in every segment not yet subtracted
     * @return how many payload bytes it took, or -1 if nothing was sent
     */
    private int transmit(TcpConnection c, int sequence, int length, int packetPayload, int baseFlags, long now) {
        frame.reset();
        int at = frame.append(TcpHeader.MIN_LENGTH);
        int optionLength = writeOptions(c, at + TcpHeader.MIN_LENGTH, length == 0, now);
        int payload = length;
        int mss = packetPayload;
        if (length > 0) {
            // SACK blocks come out of the payload of each segment that carries them.
            int extra = optionLength - (c.timestampsOn ? TcpOption.TIMESTAMPS_ALIGNED_LENGTH : 0);
            mss -= extra;
            if (extra > 0 && payload <= packetPayload) {
                payload = Math.min(payload, mss);
            }
            payload = c.sendQueue.gather(frame, sequence - c.sndUna, payload);
            if (payload < length && payload > mss) {
                payload = trimToSegments(c, sequence, payload, mss);
            }
        }
        int flags = baseFlags;
        if (payload < length) {
            flags &= ~(TcpHeader.FIN | TcpHeader.PSH);
        }
        flags |= ecnFlags(c);
        int urgentPointer = 0;
        if (c.sndUrgent) {
            if (SequenceNumber.lessThan(sequence, c.sndUp)) {
                urgentPointer = Math.min(0xffff, c.sndUp - sequence);
                flags |= TcpHeader.URG;
            } else if (SequenceNumber.greaterOrEqual(c.sndUna, c.sndUp)) {
                c.sndUrgent = false;
            }
        }
        int headerLength = TcpHeader.MIN_LENGTH + optionLength;
        TcpHeader.write(
                frame.header(),
                at,
                c.localPort,
                c.remotePort,
                sequence,
                c.rcvNxt,
                headerLength,
                flags,
                OfferedWindow.advance(c) >> c.rcvScale,
                urgentPointer);
        packetSize = mss;
        if (payload > mss) {
            frame.requestSegmentation(
                    IpAddress.isV4(c.remoteHigh, c.remoteLow) ? SegmentationType.TCP_V4 : SegmentationType.TCP_V6, mss);
            frame.congestionWindowReduced((flags & TcpHeader.CWR) != 0);
        }
        // Retransmissions must not be marked (RFC 3168 §6.1.5).
        boolean ecnCapable = c.ecnOn && payload > 0 && sequence == c.sndNxt;
        if (!send(c, at, headerLength + payload, ecnCapable, now)) {
            return -1;
        }
        int segments = payload == 0 ? 1 : (payload + mss - 1) / mss;
        c.statistics.segmentsOut += segments;
        if (payload > 0) {
            c.statistics.dataSegmentsOut += segments;
        }
        stack.counters.add(TcpCounter.OUT_SEGS, segments);
        ackSent(c);
        return payload;
    }

    private int trimToSegments(TcpConnection c, int sequence, int payload, int mss) {
        int whole = payload - payload % mss;
        if (whole != payload) {
            int headerEnd = frame.headerEnd();
            frame.reset();
            frame.append(headerEnd - frame.headerStart());
            c.sendQueue.gather(frame, sequence - c.sndUna, whole);
        }
        return whole;
    }

    private boolean send(TcpConnection c, int at, int transportLength, boolean ecnCapable, long now) {
        int pseudoHeader = InternetChecksum.pseudoHeader(
                c.localHigh, c.localLow, c.remoteHigh, c.remoteLow, IpProtocol.TCP, transportLength);
        TcpHeader.checksum(frame.header(), at, pseudoHeader);
        frame.requestChecksum(at, TcpHeader.CHECKSUM_OFFSET);
        int trafficClass = c.settings.trafficClass & ~ECN_MASK | (ecnCapable ? ECT_0 : 0);
        IpOutput.Result result = stack.ip.send(
                frame, c.path, IpProtocol.TCP, trafficClass, c.settings.hopLimit, IpOutput.DONT_FRAGMENT, now);
        switch (result) {
            case SENT -> {
                return true;
            }
            case TOO_BIG -> {
                // The path has become narrower since the segment was sized; the next look at it finds the new MTU.
                stack.counters.increment(TcpCounter.OUT_TOO_BIG);
                return false;
            }
            default -> {
                // Without a route the segment is as good as lost: timers go on, and R2 decides (RFC 9293 MUST-56).
                stack.counters.increment(TcpCounter.OUT_NO_ROUTE);
                return true;
            }
        }
    }

    private int ecnFlags(TcpConnection c) {
        return c.ecnEcho ? TcpHeader.ECE : 0;
    }

    /** Writes the options of a segment of a synchronized connection; returns their length, a multiple of 4. */
    private int writeOptions(TcpConnection c, int at, boolean pureAck, long now) {
        ByteBuf header = frame.header();
        int position = at;
        if (c.timestampsOn) {
            header.setInt(position, 0x0101_080a);
            header.setInt(position + 4, stack.timestamp(now) + c.timestampOffset - timestampAge);
            header.setInt(position + 8, c.tsRecent);
            position += TcpOption.TIMESTAMPS_ALIGNED_LENGTH;
        }
        if (c.sackOn && (c.hasDsack || c.reassembly.sackCount() > 0)) {
            int blocks = Math.min(
                    c.reassembly.sackCount() + (c.hasDsack ? 1 : 0),
                    (TcpOption.MAX_LENGTH - (position - at) - TcpOption.SACK_ALIGNED_BASE)
                            / TcpOption.SACK_BLOCK_LENGTH);
            header.setInt(position, 0x0101_0500 | 2 + blocks * TcpOption.SACK_BLOCK_LENGTH);
            position += TcpOption.SACK_ALIGNED_BASE;
            int written = 0;
            if (c.hasDsack) {
                header.setInt(position, c.dsackStart);
                header.setInt(position + 4, c.dsackEnd);
                position += TcpOption.SACK_BLOCK_LENGTH;
                written++;
                c.hasDsack = false;
                stack.counters.increment(
                        SequenceNumber.lessThan(c.dsackStart, c.rcvNxt)
                                ? TcpCounter.TCP_DSACK_OLD_SENT
                                : TcpCounter.TCP_DSACK_OFO_SENT);
            }
            for (int i = 0; written < blocks; i++, written++) {
                header.setInt(position, c.reassembly.sackStart(i));
                header.setInt(position + 4, c.reassembly.sackEnd(i));
                position += TcpOption.SACK_BLOCK_LENGTH;
            }
        }
        frame.append(position - at);
        return position - at;
    }

    // ------------------------------------------------------------------------------------------------ acknowledgements

    /** Sends an acknowledgement without data, now. */
    void sendAck(TcpConnection c, long now) {
        transmit(c, c.sndNxt, 0, c.sndMss, TcpHeader.ACK, now);
    }

    /** Sends an old sequence number to make the peer answer: a keep-alive or a probe of a closed window (RFC 9293 §3.8.4, §3.8.6.1). */
    void sendProbe(TcpConnection c, long now) {
        transmit(c, c.sndUna - 1, 0, c.sndMss, TcpHeader.ACK, now);
    }

    private void ackSent(TcpConnection c) {
        c.lastAckSent = c.rcvNxt;
        if (c.ackPolicy.isPending()) {
            c.ackPolicy.acked();
        }
    }

    // ------------------------------------------------------------------------------------------------ SYN and RST

    /** Sends our SYN, or our SYN with an acknowledgement of the peer's (simultaneous open). */
    void sendSyn(TcpConnection c, boolean acknowledge, long now) {
        frame.reset();
        int at = frame.append(TcpHeader.MIN_LENGTH);
        // Asked for in the first SYN only: a path that drops it lets the second one through (RFC 3168 §6.1.1.1).
        boolean ecn = !acknowledge && parameters.ecn == TcpParameters.Ecn.REQUEST && c.rtt.backoff() == 0;
        c.ecnRequested = ecn;
        SynOptions options = stack.synOptions;
        options.reset();
        options.mss = announcedMss(c);
        options.windowScale = parameters.windowScaling && (!acknowledge || c.sndScale >= 0) ? c.rcvScale : -1;
        options.sackPermitted = acknowledge ? c.sackOn : parameters.sack;
        options.timestamps = acknowledge ? c.timestampsOn : parameters.timestamps;
        options.timestampValue = stack.timestamp(now) + c.timestampOffset;
        options.timestampEcho = acknowledge ? c.tsRecent : 0;
        int payload = 0;
        if (!acknowledge) {
            payload = stack.fastOpen.prepareSyn(c, options);
        }
        int optionLength = options.write(frame.header(), at + TcpHeader.MIN_LENGTH);
        frame.append(optionLength);
        int headerLength = TcpHeader.MIN_LENGTH + optionLength;
        if (payload > 0) {
            payload = c.sendQueue.gather(frame, 0, payload);
        }
        int flags = TcpHeader.SYN | (acknowledge ? TcpHeader.ACK : 0) | (ecn ? TcpHeader.ECE | TcpHeader.CWR : 0);
        if (acknowledge && c.ecnOn) {
            flags |= TcpHeader.ECE;
        }
        int window = Math.min(0xffff, c.receiveBuffer.limit());
        c.rcvAdv = c.rcvNxt + window;
        TcpHeader.write(
                frame.header(),
                at,
                c.localPort,
                c.remotePort,
                c.iss,
                acknowledge ? c.rcvNxt : 0,
                headerLength,
                flags,
                window,
                0);
        send(c, at, headerLength + payload, false, now);
        stack.counters.increment(TcpCounter.OUT_SEGS);
        c.statistics.segmentsOut++;
        c.synSentAt = now;
        c.lastSendAt = now;
        stack.fastOpen.synSent(c, payload);
    }

    /** Resets the peer of a connection (RFC 9293 §3.10.5). */
    void sendReset(TcpConnection c, long now) {
        frame.reset();
        int at = frame.append(TcpHeader.MIN_LENGTH);
        TcpHeader.write(
                frame.header(),
                at,
                c.localPort,
                c.remotePort,
                c.sndNxt,
                c.rcvNxt,
                TcpHeader.MIN_LENGTH,
                TcpHeader.RST | TcpHeader.ACK,
                0,
                0);
        send(c, at, TcpHeader.MIN_LENGTH, false, now);
        stack.counters.increment(TcpCounter.OUT_SEGS);
        stack.counters.increment(TcpCounter.OUT_RSTS);
    }
}
