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

/** Builds the segments of connections and hands them to IP. One object per shard; the state is the connection's. */
final class SegmentWriter {
    private static final int ECT_0 = 2;
    private static final int ECN_MASK = 3;

    private final TcpStack stack;
    private final OutboundFrame frame;
    private final TcpParameters parameters;
    /** The payload of each packet of what was sent last. */
    private int packetSize;

    /** Whether there was no way to send it. */
    private boolean stranded;

    SegmentWriter(TcpStack stack, OutboundFrame frame) {
        this.stack = stack;
        this.frame = frame;
        parameters = stack.parameters;
    }

    /** The payload of each packet of what was sent last, in bytes. */
    int packetSize() {
        return packetSize;
    }

    /** Whether there was no route for what was sent last, which is as good as lost then. */
    boolean isStranded() {
        return stranded;
    }

    /**
     * Builds and sends a segment.
     *
     * @param packetPayload the most payload of one packet, options that are not in every segment not yet subtracted
     * @param timestampAge how much older than the present its timestamp is to be, in ticks
     * @return how many payload bytes it took, or -1 if nothing was sent
     */
    int transmit(
            TcpConnection c, int sequence, int length, int packetPayload, int baseFlags, int timestampAge, long now) {
        frame.reset();
        int at = frame.append(TcpHeader.MIN_LENGTH);
        int optionLength = writeOptions(c, at + TcpHeader.MIN_LENGTH, timestampAge, now);
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
        stranded = false;
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
                stranded = true;
                return true;
            }
        }
    }

    private int ecnFlags(TcpConnection c) {
        return c.ecnEcho ? TcpHeader.ECE : 0;
    }

    /** Writes the options of a segment of a synchronized connection; returns their length, a multiple of 4. */
    private int writeOptions(TcpConnection c, int at, int timestampAge, long now) {
        ByteBuf header = frame.header();
        int position = at;
        if (c.timestampsOn) {
            header.setInt(position, 0x0101_080a);
            int timestamp = stack.timestamp(now) + c.timestampOffset - timestampAge;
            header.setInt(position + 4, timestamp);
            header.setInt(position + 8, c.tsRecent);
            position += TcpOption.TIMESTAMPS_ALIGNED_LENGTH;
            c.receiveBuffer.timestampSent(timestamp, now);
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
        transmit(c, c.sndNxt, 0, c.sndMss, TcpHeader.ACK, 0, now);
    }

    /** Sends an old sequence number to make the peer answer: a keep-alive or a probe of a closed window (RFC 9293 §3.8.4, §3.8.6.1). */
    void sendProbe(TcpConnection c, long now) {
        transmit(c, c.sndUna - 1, 0, c.sndMss, TcpHeader.ACK, 0, now);
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
            payload = stack.fastOpen.prepareSyn(c, options, now);
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

    /** The MSS to announce (RFC 9293 MUST-67, RFC 6691): what the link takes, options not subtracted. */
    int announcedMss(TcpConnection c) {
        return stack.announcedMss(c.remoteHigh, c.remoteLow, c.settings);
    }
}
