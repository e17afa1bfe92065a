/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.wire.VirtioNetHeader;
import io.netty.buffer.ByteBuf;

/** Translates between frames and the {@link VirtioNetHeader} before them. */
final class VirtioFrames {
    private VirtioFrames() {}

    /**
     * Fills {@code frame} with a frame that has a header before it.
     *
     * @param header index of the header, which is there in full
     * @param offset index of the frame
     * @param length bytes in the frame
     * @return whether the header makes sense
     */
    static boolean read(ByteBuf buffer, int header, int offset, int length, InboundFrame frame) {
        frame.set(buffer, offset, length);
        int flags = VirtioNetHeader.flags(buffer, header);
        if ((flags & VirtioNetHeader.NEEDS_CSUM) != 0) {
            int field = VirtioNetHeader.checksumStart(buffer, header) + VirtioNetHeader.checksumOffset(buffer, header);
            if (field + 2 > length) {
                return false;
            }
            frame.checksum(InboundFrame.Checksum.PARTIAL);
        } else if ((flags & VirtioNetHeader.DATA_VALID) != 0) {
            frame.checksum(InboundFrame.Checksum.VALID);
        }
        SegmentationType type;
        switch (VirtioNetHeader.gsoType(buffer, header) & ~VirtioNetHeader.GSO_ECN) {
            case VirtioNetHeader.GSO_NONE:
                return true;
            case VirtioNetHeader.GSO_TCPV4:
                type = SegmentationType.TCP_V4;
                break;
            case VirtioNetHeader.GSO_TCPV6:
                type = SegmentationType.TCP_V6;
                break;
            case VirtioNetHeader.GSO_UDP_L4:
                type = SegmentationType.UDP;
                break;
            default:
                return false;
        }
        int size = VirtioNetHeader.gsoSize(buffer, header);
        frame.segmentation(type, size);
        return size > 0;
    }

    /**
     * Writes the header that asks for what {@code frame} asks for.
     *
     * @param buffer written at {@code index}, {@link VirtioNetHeader#LENGTH} bytes
     */
    static void write(ByteBuf buffer, int index, OutboundFrame frame) {
        VirtioNetHeader.clear(buffer, index, VirtioNetHeader.LENGTH);
        if (frame.checksumStart() >= 0) {
            VirtioNetHeader.requestChecksum(
                    buffer, index, frame.checksumStart() - frame.headerStart(), frame.checksumOffset());
        }
        if (isDivided(frame)) {
            VirtioNetHeader.requestSegmentation(
                    buffer, index, gsoType(frame), frame.segmentSize(), frame.headerLength());
        }
    }

    /** Has the kernel {@linkplain PayloadPlacement place} the payload of a frame that is to be segmented, whose header has been {@linkplain #write written}. */
    static void place(ByteBuf buffer, int index, OutboundFrame frame) {
        if (isDivided(frame)) {
            VirtioNetHeader.headerLength(buffer, index, frame.headerLength() + PayloadPlacement.withHeaders(frame));
        }
    }

    private static boolean isDivided(OutboundFrame frame) {
        return frame.payloadBytes() > frame.segmentSize() && frame.segmentation() != SegmentationType.NONE;
    }

    private static int gsoType(OutboundFrame frame) {
        int ecn = frame.congestionWindowReduced() ? VirtioNetHeader.GSO_ECN : 0;
        return switch (frame.segmentation()) {
            case NONE -> VirtioNetHeader.GSO_NONE;
            case TCP_V4 -> VirtioNetHeader.GSO_TCPV4 | ecn;
            case TCP_V6 -> VirtioNetHeader.GSO_TCPV6 | ecn;
            case UDP -> VirtioNetHeader.GSO_UDP_L4;
        };
    }
}
