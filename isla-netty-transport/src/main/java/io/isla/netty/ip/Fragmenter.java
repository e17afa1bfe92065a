/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.OutboundFrame;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;

/**
 * Walks over the transport header and payload of a frame and puts them into one fragment after the other, without copying the payload.
 * The network headers are the caller's to write.
 */
final class Fragmenter {
    private final OutboundFrame fragment = new OutboundFrame();
    private OutboundFrame whole;
    private int piece;
    private int offsetInPiece;
    private int left;

    /** Begins with the transport header of {@code frame}, which starts with it; completes its checksum first. */
    void begin(OutboundFrame frame) {
        fillChecksum(frame);
        whole = frame;
        piece = -1;
        offsetInPiece = 0;
        left = frame.length();
    }

    /** Bytes that no fragment holds yet. */
    int left() {
        return left;
    }

    /** Fills a frame with the next bytes, headers of the network layer still missing. The frame is used again for each fragment. */
    OutboundFrame next(int bytes) {
        fragment.reset();
        int wanted = Math.min(bytes, left);
        left -= wanted;
        while (wanted > 0) {
            int available = (piece < 0 ? whole.headerLength() : whole.payloadLength(piece)) - offsetInPiece;
            int taken = Math.min(wanted, available);
            if (taken > 0) {
                if (piece < 0) {
                    int at = fragment.append(taken);
                    fragment.header().setBytes(at, whole.header(), whole.headerStart() + offsetInPiece, taken);
                } else {
                    fragment.addPayload(whole.payload(piece), whole.payloadOffset(piece) + offsetInPiece, taken);
                }
            }
            wanted -= taken;
            offsetInPiece += taken;
            if (taken == available) {
                piece++;
                offsetInPiece = 0;
            }
        }
        return fragment;
    }

    /** Lets go of the last frame's payload. */
    void end() {
        fragment.reset();
        whole = null;
    }

    void close() {
        fragment.release();
    }

    /** Computes the checksum that the link was asked for, since it would see fragments only. */
    static void fillChecksum(OutboundFrame frame) {
        int start = frame.checksumStart();
        if (start < 0) {
            return;
        }
        ByteBuf header = frame.header();
        int bytes = frame.headerEnd() - start;
        int sum = InternetChecksum.sum(header, start, bytes);
        for (int i = 0; i < frame.payloadCount(); i++) {
            int length = frame.payloadLength(i);
            sum = InternetChecksum.append(
                    sum, bytes, InternetChecksum.sum(frame.payload(i), frame.payloadOffset(i), length));
            bytes += length;
        }
        int checksum = frame.checksumOffset() == UdpHeader.CHECKSUM_OFFSET
                ? InternetChecksum.complementUdp(sum)
                : InternetChecksum.complement(sum);
        header.setShort(start + frame.checksumOffset(), checksum);
        frame.requestChecksum(-1, 0);
    }
}
