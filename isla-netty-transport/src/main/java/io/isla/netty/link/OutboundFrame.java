/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;

/**
 * A frame on its way out: headers in a small piece of direct memory, which each layer extends towards the front, and a payload that is a
 * list of slices of other buffers, gathered by the link. One object per shard is used again for each frame.
 *
 * <p>The frame refers to its payload buffers without retaining them: they must stay as they are until
 * {@link LinkQueue#transmit(OutboundFrame)} has returned, and a link that keeps a frame longer copies it.
 *
 * <p>Not thread-safe.
 */
public final class OutboundFrame {
    /** Room before the transport header for all that comes before it on the wire, in bytes. */
    public static final int HEADROOM = 160;
    /** Room from the start of the transport header, in bytes. */
    public static final int TAILROOM = 96;
    /** Room behind that, which a link may use to bring a small payload and the headers together, in bytes. */
    static final int SCRATCH = 2048;
    /** The most payload slices in one frame. */
    public static final int MAX_PAYLOADS = 64;

    /** Without leak detection, which would look at each of the dozens of accesses to a header; frames live as long as their shard. */
    private static final ByteBufAllocator HEADER_ALLOCATOR = new UnpooledByteBufAllocator(true, true);

    private final ByteBuf header =
            HEADER_ALLOCATOR.directBuffer(HEADROOM + TAILROOM + SCRATCH, HEADROOM + TAILROOM + SCRATCH);
    private final ByteBuf[] payloads = new ByteBuf[MAX_PAYLOADS];
    private final int[] payloadOffsets = new int[MAX_PAYLOADS];
    private final int[] payloadLengths = new int[MAX_PAYLOADS];
    private int payloadCount;
    private int payloadBytes;
    private int headerStart;
    private int headerEnd;
    private int checksumStart;
    private int checksumOffset;
    private SegmentationType segmentation = SegmentationType.NONE;
    private int segmentSize;
    private boolean congestionWindowReduced;

    /** Creates a frame; {@link #release()} frees its memory. */
    public OutboundFrame() {
        reset();
    }

    /** Makes the frame empty, with its header room starting and ending at {@link #HEADROOM}. */
    public OutboundFrame reset() {
        for (int i = 0; i < payloadCount; i++) {
            payloads[i] = null;
        }
        payloadCount = 0;
        payloadBytes = 0;
        headerStart = HEADROOM;
        headerEnd = HEADROOM;
        checksumStart = -1;
        checksumOffset = 0;
        segmentation = SegmentationType.NONE;
        segmentSize = 0;
        congestionWindowReduced = false;
        return this;
    }

    /** The memory of the headers; its indices are not used. */
    public ByteBuf header() {
        return header;
    }

    /** Index of the first header byte. */
    public int headerStart() {
        return headerStart;
    }

    /** Index after the last header byte. */
    public int headerEnd() {
        return headerEnd;
    }

    /** Bytes in all headers so far. */
    public int headerLength() {
        return headerEnd - headerStart;
    }

    /**
     * Makes room for a header before the ones there are.
     *
     * @param bytes its length
     * @return the index at which to write it
     */
    public int prepend(int bytes) {
        headerStart -= bytes;
        return headerStart;
    }

    /**
     * Makes room after the last header byte.
     *
     * @param bytes how much
     * @return the index at which to write
     */
    public int append(int bytes) {
        int at = headerEnd;
        headerEnd += bytes;
        return at;
    }

    /** Takes the headers back to where {@code start} was, so that another can be written before the transport header. */
    public void headerStart(int start) {
        headerStart = start;
    }

    /** Adds payload: {@code length} bytes of {@code buffer} from {@code offset}; there must be {@linkplain #hasRoom() room}. */
    public void addPayload(ByteBuf buffer, int offset, int length) {
        int i = payloadCount++;
        payloads[i] = buffer;
        payloadOffsets[i] = offset;
        payloadLengths[i] = length;
        payloadBytes += length;
    }

    /** Whether another payload slice may be added. */
    public boolean hasRoom() {
        return payloadCount < MAX_PAYLOADS;
    }

    /** How many payload slices there are. */
    public int payloadCount() {
        return payloadCount;
    }

    /** Payload bytes in all slices. */
    public int payloadBytes() {
        return payloadBytes;
    }

    /** The buffer of payload slice {@code i}. */
    public ByteBuf payload(int i) {
        return payloads[i];
    }

    /** Where payload slice {@code i} starts in its buffer. */
    public int payloadOffset(int i) {
        return payloadOffsets[i];
    }

    /** Bytes in payload slice {@code i}. */
    public int payloadLength(int i) {
        return payloadLengths[i];
    }

    /** Bytes in the whole frame. */
    public int length() {
        return headerLength() + payloadBytes;
    }

    /**
     * Asks for a transport checksum: the sum over everything from {@code start} to the end of the frame. The checksum field
     * already holds the folded, not complemented, sum of the pseudo-header.
     *
     * @param start index in {@link #header()} of the transport header
     * @param offset bytes from there to the checksum field
     */
    public void requestChecksum(int start, int offset) {
        checksumStart = start;
        checksumOffset = offset;
    }

    /** Index in {@link #header()} at which the requested checksum starts, or -1 if none is requested. */
    public int checksumStart() {
        return checksumStart;
    }

    /** Bytes from {@link #checksumStart()} to the checksum field. */
    public int checksumOffset() {
        return checksumOffset;
    }

    /**
     * Asks for the payload to be split into segments with a copy of the headers each. The checksum must be
     * {@linkplain #requestChecksum requested} too; the pseudo-header's sum in its field is that of the whole frame.
     *
     * @param type what kind
     * @param size payload bytes in each but the last
     */
    public void requestSegmentation(SegmentationType type, int size) {
        segmentation = type;
        segmentSize = size;
    }

    /** The segmentation requested. */
    public SegmentationType segmentation() {
        return segmentation;
    }

    /** Payload bytes in each segment but the last; 0 if no segmentation is requested. */
    public int segmentSize() {
        return segmentSize;
    }

    /** Marks a TCP frame to be segmented whose CWR flag belongs on its first segment only (RFC 3168 §6.1.2). */
    public void congestionWindowReduced(boolean cwr) {
        congestionWindowReduced = cwr;
    }

    /** Whether the CWR flag belongs on the first segment only. */
    public boolean congestionWindowReduced() {
        return congestionWindowReduced;
    }

    /** Whether the payload is so small that a copy of it has {@linkplain #joinPayload() room} behind the headers. */
    boolean isPayloadSmall() {
        return payloadBytes <= SCRATCH;
    }

    /**
     * Copies a {@linkplain #isPayloadSmall() small} payload behind the headers, so that the frame lies in one piece. It stays the payload all the same.
     *
     * @return the index in {@link #header()} after the last byte of the frame
     */
    int joinPayload() {
        int end = headerEnd;
        for (int i = 0; i < payloadCount; i++) {
            payloads[i].getBytes(payloadOffsets[i], header, end, payloadLengths[i]);
            end += payloadLengths[i];
        }
        return end;
    }

    /** Copies headers and payload into {@code destination} at its writer index. */
    public void writeTo(ByteBuf destination) {
        destination.ensureWritable(length());
        header.getBytes(headerStart, destination, headerEnd - headerStart);
        for (int i = 0; i < payloadCount; i++) {
            payloads[i].getBytes(payloadOffsets[i], destination, payloadLengths[i]);
        }
    }

    /** A copy of headers and payload in one buffer, which the caller owns. */
    public ByteBuf copy(ByteBufAllocator allocator) {
        int length = length();
        ByteBuf copy = allocator.directBuffer(length, length);
        writeTo(copy);
        return copy;
    }

    /** Frees the header memory. The frame must not be used any more. */
    public void release() {
        header.release();
    }
}
