/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * A copy of an IP packet that waits for a neighbour's link address, with all that its frame asked of the link, so that it leaves as it
 * would have left at once. Objects are used again.
 */
final class WaitingPacket {
    WaitingPacket next;
    ByteBuf packet;
    int headerLength;
    int checksumStart;
    int checksumOffset;
    SegmentationType segmentation = SegmentationType.NONE;
    int segmentSize;
    boolean congestionWindowReduced;

    /** Copies the packet in {@code frame}, which starts with its IP header. */
    void set(OutboundFrame frame, ByteBufAllocator allocator) {
        packet = frame.copy(allocator);
        headerLength = frame.headerLength();
        checksumStart = frame.checksumStart() < 0 ? -1 : frame.checksumStart() - frame.headerStart();
        checksumOffset = frame.checksumOffset();
        segmentation = frame.segmentation();
        segmentSize = frame.segmentSize();
        congestionWindowReduced = frame.congestionWindowReduced();
    }

    /** Makes {@code frame} hold the packet again; it refers to {@link #packet} until it is reset. */
    void writeTo(OutboundFrame frame) {
        frame.reset();
        // All headers go before the room that is usually the transport header's: only their beginning matters.
        int at = frame.prepend(headerLength);
        frame.header().setBytes(at, packet, 0, headerLength);
        int payload = packet.readableBytes() - headerLength;
        if (payload > 0) {
            frame.addPayload(packet, headerLength, payload);
        }
        if (checksumStart >= 0) {
            frame.requestChecksum(at + checksumStart, checksumOffset);
        }
        if (segmentation != SegmentationType.NONE) {
            frame.requestSegmentation(segmentation, segmentSize);
        }
        frame.congestionWindowReduced(congestionWindowReduced);
    }

    void release() {
        packet.release();
        packet = null;
        next = null;
    }
}
