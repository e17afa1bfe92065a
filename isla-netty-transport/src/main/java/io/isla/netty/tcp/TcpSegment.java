/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.ip.InboundPacket;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;

/** A segment that has arrived, read into fields. One object per shard is filled again for each; what a sequence number covers may shrink as
 * the segment is trimmed to the window. */
final class TcpSegment {
    /** The result of {@link #parse}. */
    enum Parse {
        OK,
        MALFORMED,
        BAD_CHECKSUM
    }

    private static final int MAX_SACK_BLOCKS = 4;
    /** {@link #mss} when the option is absent. */
    static final int NO_MSS = 0;
    /** {@link #windowScale} when the option is absent. */
    static final int NO_WINDOW_SCALE = -1;
    /** {@link #fastOpenLength} when the option is absent. */
    static final int NO_FAST_OPEN = -1;

    InboundPacket packet;
    ByteBuf buffer;
    int sourcePort;
    int destinationPort;
    int sequence;
    int acknowledgment;
    int flags;
    /** The window field, not scaled. */
    int window;

    /** From {@link #sequence} to the end of the urgent data; negative if that was trimmed away. */
    int urgentPointer;

    int payloadOffset;
    int payloadLength;
    /** Payload bytes of the segments that this one was joined of; that of the whole if it was not joined. */
    int segmentSize;

    int mss;
    int windowScale;
    boolean sackPermitted;
    boolean hasTimestamps;
    int timestampValue;
    int timestampEcho;
    int sackCount;
    final int[] sackStart = new int[MAX_SACK_BLOCKS];
    final int[] sackEnd = new int[MAX_SACK_BLOCKS];
    int fastOpenOffset;
    int fastOpenLength;

    /** Reads a packet; nothing but the result may be used unless it is {@link Parse#OK}. */
    Parse parse(InboundPacket from) {
        packet = from;
        buffer = from.buffer();
        int offset = from.transportOffset();
        int length = from.transportLength();
        if (!TcpHeader.isValid(buffer, offset, length)) {
            return Parse.MALFORMED;
        }
        if (from.checksum() == InboundFrame.Checksum.UNKNOWN) {
            int pseudoHeader = InternetChecksum.pseudoHeader(
                    from.sourceHigh(),
                    from.sourceLow(),
                    from.destinationHigh(),
                    from.destinationLow(),
                    IpProtocol.TCP,
                    length);
            if (!InternetChecksum.isValid(buffer, offset, length, pseudoHeader)) {
                return Parse.BAD_CHECKSUM;
            }
        }
        sourcePort = TcpHeader.sourcePort(buffer, offset);
        destinationPort = TcpHeader.destinationPort(buffer, offset);
        sequence = TcpHeader.sequenceNumber(buffer, offset);
        acknowledgment = TcpHeader.acknowledgmentNumber(buffer, offset);
        flags = TcpHeader.flags(buffer, offset);
        window = TcpHeader.window(buffer, offset);
        urgentPointer = TcpHeader.urgentPointer(buffer, offset);
        int headerLength = TcpHeader.headerLength(buffer, offset);
        payloadOffset = offset + headerLength;
        payloadLength = length - headerLength;
        segmentSize = from.segmentation() == SegmentationType.NONE
                ? payloadLength
                : Math.min(from.segmentSize(), payloadLength);
        parseOptions(offset + TcpHeader.MIN_LENGTH, payloadOffset);
        return Parse.OK;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** Sequence numbers that the segment takes: SEG.LEN. */
    int length() {
        return payloadLength + ((flags & TcpHeader.SYN) != 0 ? 1 : 0) + ((flags & TcpHeader.FIN) != 0 ? 1 : 0);
    }

    /** The sequence number after the last one that the segment takes. */
    int end() {
        return sequence + length();
    }

    /** Whether the IP header says that congestion was experienced (RFC 3168 §5). */
    boolean congestionExperienced() {
        return (packet.trafficClass() & 3) == 3;
    }

    /** Drops the first {@code n} sequence numbers, SYN first; urgent data stays where it is. */
    void trimFront(int n) {
        int bytes = n;
        if ((flags & TcpHeader.SYN) != 0) {
            flags &= ~TcpHeader.SYN;
            sequence++;
            bytes--;
        }
        sequence += bytes;
        payloadOffset += bytes;
        payloadLength -= bytes;
        urgentPointer -= n;
    }

    /** Drops all payload from {@code sequenceNumber} on, and the FIN; of a segment without SYN. */
    void trimBack(int sequenceNumber) {
        flags &= ~(TcpHeader.FIN | TcpHeader.PSH);
        payloadLength = Math.max(0, sequenceNumber - sequence);
    }

    private void parseOptions(int from, int end) {
        mss = NO_MSS;
        windowScale = NO_WINDOW_SCALE;
        sackPermitted = false;
        hasTimestamps = false;
        sackCount = 0;
        fastOpenLength = NO_FAST_OPEN;
        int at = from;
        if (end - at == TcpOption.TIMESTAMPS_ALIGNED_LENGTH && buffer.getInt(at) == 0x0101_080a) {
            readTimestamps(at + 4);
            return;
        }
        while (at < end) {
            int kind = buffer.getUnsignedByte(at);
            if (kind == TcpOption.END) {
                return;
            }
            if (kind == TcpOption.NOP) {
                at++;
                continue;
            }
            if (at + 1 >= end) {
                return;
            }
            int length = buffer.getUnsignedByte(at + 1);
            // An illegal length (RFC 9293 MUST-7) leaves no way to find the next option: what came before counts.
            if (length < 2 || at + length > end) {
                return;
            }
            parseOption(kind, at, length);
            at += length;
        }
    }

    private void parseOption(int kind, int at, int length) {
        switch (kind) {
            case TcpOption.MSS -> {
                if (length == TcpOption.MSS_LENGTH && (flags & TcpHeader.SYN) != 0) {
                    mss = buffer.getUnsignedShort(at + 2);
                }
            }
            case TcpOption.WINDOW_SCALE -> {
                if (length == TcpOption.WINDOW_SCALE_LENGTH && (flags & TcpHeader.SYN) != 0) {
                    windowScale = Math.min(TcpOption.MAX_WINDOW_SCALE, buffer.getUnsignedByte(at + 2));
                }
            }
            case TcpOption.SACK_PERMITTED ->
                sackPermitted = length == TcpOption.SACK_PERMITTED_LENGTH && (flags & TcpHeader.SYN) != 0;
            case TcpOption.TIMESTAMPS -> {
                if (length == TcpOption.TIMESTAMPS_LENGTH) {
                    readTimestamps(at + 2);
                }
            }
            case TcpOption.SACK -> {
                if ((length - 2) % TcpOption.SACK_BLOCK_LENGTH == 0) {
                    int blocks = Math.min(MAX_SACK_BLOCKS, (length - 2) / TcpOption.SACK_BLOCK_LENGTH);
                    for (int i = 0; i < blocks; i++) {
                        sackStart[i] = buffer.getInt(at + 2 + i * TcpOption.SACK_BLOCK_LENGTH);
                        sackEnd[i] = buffer.getInt(at + 6 + i * TcpOption.SACK_BLOCK_LENGTH);
                    }
                    sackCount = blocks;
                }
            }
            case TcpOption.FAST_OPEN -> {
                if ((flags & TcpHeader.SYN) != 0) {
                    fastOpenOffset = at + 2;
                    fastOpenLength = length - 2;
                }
            }
            default -> {
                // Not supported: ignored (RFC 9293 MUST-6).
            }
        }
    }

    private void readTimestamps(int at) {
        hasTimestamps = true;
        timestampValue = buffer.getInt(at);
        timestampEcho = buffer.getInt(at + 4);
    }
}
