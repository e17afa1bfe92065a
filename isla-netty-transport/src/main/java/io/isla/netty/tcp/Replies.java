/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.ip.IpOutput;
import io.isla.netty.ip.Path;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.TcpHeader;

/** Segments that are sent without a connection: resets, acknowledgements in TIME-WAIT, SYN-ACKs. One object per shard. */
final class Replies {
    private static final int HOP_LIMIT = 64;

    private final TcpStack stack;
    private final OutboundFrame frame;
    private final Path path = new Path();

    Replies(TcpStack stack, OutboundFrame frame) {
        this.stack = stack;
        this.frame = frame;
    }

    /** Resets the sender of a segment that does not belong here (RFC 9293 §3.5.2, group 1 and 2). Never in answer to a reset. */
    void resetFor(TcpSegment segment, long now) {
        if (segment.has(TcpHeader.RST)) {
            return;
        }
        int at = begin();
        if (segment.has(TcpHeader.ACK)) {
            header(at, segment.destinationPort, segment.sourcePort, segment.acknowledgment, 0, 0, TcpHeader.RST, 0);
        } else {
            header(
                    at,
                    segment.destinationPort,
                    segment.sourcePort,
                    0,
                    segment.end(),
                    0,
                    TcpHeader.RST | TcpHeader.ACK,
                    0);
        }
        send(
                at,
                segment.packet.destinationHigh(),
                segment.packet.destinationLow(),
                segment.packet.sourceHigh(),
                segment.packet.sourceLow(),
                TcpHeader.MIN_LENGTH,
                0,
                HOP_LIMIT,
                now);
        stack.counters.increment(TcpCounter.OUT_RSTS);
    }

    /** Resets for a connection request, as if nobody listened. */
    void resetFor(SynRequest request, long now) {
        int at = begin();
        header(at, request.localPort, request.remotePort, 0, request.irs + 1, 0, TcpHeader.RST | TcpHeader.ACK, 0);
        send(
                at,
                request.localHigh,
                request.localLow,
                request.remoteHigh,
                request.remoteLow,
                TcpHeader.MIN_LENGTH,
                0,
                HOP_LIMIT,
                now);
        stack.counters.increment(TcpCounter.OUT_RSTS);
    }

    /** Acknowledges for a connection in TIME-WAIT. */
    void ackFor(TimeWait entry, long now) {
        int at = begin();
        int options = 0;
        if (entry.timestamps) {
            options = TcpOption.TIMESTAMPS_ALIGNED_LENGTH;
            writeTimestamps(at + TcpHeader.MIN_LENGTH, stack.timestamp(now) + entry.timestampOffset, entry.tsRecent);
        }
        header(
                at,
                entry.localPort,
                entry.remotePort,
                entry.sndNxt,
                entry.rcvNxt,
                options,
                TcpHeader.ACK,
                Math.min(0xffff, entry.rcvWnd >> entry.rcvScale));
        frame.append(options);
        send(
                at,
                entry.localHigh,
                entry.localLow,
                entry.remoteHigh,
                entry.remoteLow,
                TcpHeader.MIN_LENGTH + options,
                entry.trafficClass,
                HOP_LIMIT,
                now);
    }

    /** Acknowledges for an embryonic connection, in answer to a segment that is not acceptable. */
    void ackFor(SynRequest request, long now) {
        int at = begin();
        int options = 0;
        if (request.timestamps) {
            options = TcpOption.TIMESTAMPS_ALIGNED_LENGTH;
            writeTimestamps(
                    at + TcpHeader.MIN_LENGTH, stack.timestamp(now) + request.timestampOffset, request.tsRecent);
        }
        header(
                at,
                request.localPort,
                request.remotePort,
                request.iss + 1,
                request.irs + 1,
                options,
                TcpHeader.ACK,
                // Rounded up, as nothing of what the SYN-ACK offered is taken back.
                stack.passive.synWindow(request.listener) + (1 << request.rcvScale) - 1 >> request.rcvScale);
        frame.append(options);
        send(
                at,
                request.localHigh,
                request.localLow,
                request.remoteHigh,
                request.remoteLow,
                TcpHeader.MIN_LENGTH + options,
                request.listener.settings().trafficClass,
                request.listener.settings().hopLimit,
                now);
    }

    /**
     * Sends a SYN-ACK whose options are in {@link TcpStack#synOptions}.
     *
     * @param acknowledgment the sequence number expected next
     * @param flags in addition to SYN and ACK
     */
    void synAck(
            long localHigh,
            long localLow,
            int localPort,
            long remoteHigh,
            long remoteLow,
            int remotePort,
            TcpSettings settings,
            int iss,
            int acknowledgment,
            int window,
            int flags,
            long now) {
        int at = begin();
        int options = stack.synOptions.write(frame.header(), at + TcpHeader.MIN_LENGTH);
        header(
                at,
                localPort,
                remotePort,
                iss,
                acknowledgment,
                options,
                TcpHeader.SYN | TcpHeader.ACK | flags,
                Math.min(0xffff, window));
        frame.append(options);
        send(
                at,
                localHigh,
                localLow,
                remoteHigh,
                remoteLow,
                TcpHeader.MIN_LENGTH + options,
                settings.trafficClass,
                settings.hopLimit,
                now);
    }

    private int begin() {
        frame.reset();
        return frame.append(TcpHeader.MIN_LENGTH);
    }

    private void writeTimestamps(int at, int value, int echo) {
        frame.header().setInt(at, 0x0101_080a);
        frame.header().setInt(at + 4, value);
        frame.header().setInt(at + 8, echo);
    }

    private void header(
            int at, int localPort, int remotePort, int sequence, int ack, int options, int flags, int window) {
        TcpHeader.write(
                frame.header(),
                at,
                localPort,
                remotePort,
                sequence,
                ack,
                TcpHeader.MIN_LENGTH + options,
                flags,
                window,
                0);
    }

    private void send(
            int at,
            long localHigh,
            long localLow,
            long remoteHigh,
            long remoteLow,
            int length,
            int trafficClass,
            int hopLimit,
            long now) {
        if (!stack.ip.resolve(path, localHigh, localLow, remoteHigh, remoteLow)) {
            stack.counters.increment(TcpCounter.OUT_NO_ROUTE);
            return;
        }
        TcpHeader.checksum(
                frame.header(),
                at,
                InternetChecksum.pseudoHeader(localHigh, localLow, remoteHigh, remoteLow, IpProtocol.TCP, length));
        frame.requestChecksum(at, TcpHeader.CHECKSUM_OFFSET);
        stack.ip.send(frame, path, IpProtocol.TCP, trafficClass & ~3, hopLimit, IpOutput.DONT_FRAGMENT, now);
        stack.counters.increment(TcpCounter.OUT_SEGS);
    }
}
