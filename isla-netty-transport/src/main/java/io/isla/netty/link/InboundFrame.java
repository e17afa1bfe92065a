/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;

/**
 * A frame that a link has received, with what the link knows about it. One object per queue is filled again for each
 * frame: it is valid only during {@link LinkReceiver#onFrame(InboundFrame)}.
 *
 * <p>The buffer belongs to the link. A receiver that wants to keep bytes without a copy retains the buffer (or a slice of it);
 * the link then leaves it alone and reads into a fresh one.
 */
public final class InboundFrame {
    /** What a link knows about the transport checksum of a frame. */
    public enum Checksum {
        /** Nothing: the receiver must verify it. */
        UNKNOWN,
        /** It was verified. */
        VALID,
        /** The frame never left the machine: its contents are good, its transport checksum field was not filled in. */
        PARTIAL
    }

    private ByteBuf buffer;
    private int offset;
    private int length;
    private Checksum checksum = Checksum.UNKNOWN;
    private SegmentationType segmentation = SegmentationType.NONE;
    private int segmentSize;

    /** Creates an object to be {@linkplain #set filled}. */
    public InboundFrame() {}

    /**
     * Describes the next frame: a single packet of unknown checksum, until said otherwise.
     *
     * @param buffer holds the frame
     * @param offset index of the first byte of the Ethernet header, or of the IP header on a link without one
     * @param length bytes
     */
    public InboundFrame set(ByteBuf buffer, int offset, int length) {
        this.buffer = buffer;
        this.offset = offset;
        this.length = length;
        checksum = Checksum.UNKNOWN;
        segmentation = SegmentationType.NONE;
        segmentSize = 0;
        return this;
    }

    /** Says what is known about the checksum. */
    public InboundFrame checksum(Checksum checksum) {
        this.checksum = checksum;
        return this;
    }

    /**
     * Says that the frame holds several segments of one flow, joined.
     *
     * @param type what they are
     * @param size payload bytes in each but the last
     */
    public InboundFrame segmentation(SegmentationType type, int size) {
        segmentation = type;
        segmentSize = size;
        return this;
    }

    /** The buffer that holds the frame. */
    public ByteBuf buffer() {
        return buffer;
    }

    /** Index of the frame's first byte. */
    public int offset() {
        return offset;
    }

    /** Bytes in the frame. */
    public int length() {
        return length;
    }

    /** What is known about the transport checksum. */
    public Checksum checksum() {
        return checksum;
    }

    /** What was joined in this frame. */
    public SegmentationType segmentation() {
        return segmentation;
    }

    /** Payload bytes in each joined segment but the last; 0 if {@link #segmentation()} is {@code NONE}. */
    public int segmentSize() {
        return segmentSize;
    }
}
