/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The header that goes before a frame on a TAP device opened with {@code IFF_VNET_HDR}: what of the frame's transport checksum and
 * segmentation is left to the other side (Virtual I/O Device, "Network Device", and {@code linux/virtio_net.h}).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+---------------+-------------------------------+
 * |     Flags     |   GSO Type    |         Header Length         |
 * +---------------+---------------+-------------------------------+
 * |           GSO Size            |        Checksum Start         |
 * +-------------------------------+-------------------------------+
 * |        Checksum Offset        |   Number of Buffers (if 12)   |
 * +-------------------------------+-------------------------------+
 * </pre>
 *
 * <p>Fields are little-endian: a device is told so when it is opened. The number of buffers is in the header of 12 bytes only, and is
 * of no use on a TAP.
 */
public final class VirtioNetHeader {
    /** Bytes in the short form. */
    public static final int LENGTH = 10;
    /** Bytes in the form with a number of buffers. */
    public static final int LENGTH_MERGEABLE = 12;

    /** Flag: the transport checksum is to be completed, from {@link #checksumStart} to the end of the frame. */
    public static final int NEEDS_CSUM = 1;
    /** Flag: the transport checksum has been verified. */
    public static final int DATA_VALID = 2;

    /** GSO type: a single packet. */
    public static final int GSO_NONE = 0;
    /** GSO type: TCP over IPv4. */
    public static final int GSO_TCPV4 = 1;
    /** GSO type: one UDP datagram to be fragmented. */
    public static final int GSO_UDP = 3;
    /** GSO type: TCP over IPv6. */
    public static final int GSO_TCPV6 = 4;
    /** GSO type: UDP datagrams of equal size. */
    public static final int GSO_UDP_L4 = 5;
    /** Added to a TCP GSO type: the CWR flag belongs on the first segment only. */
    public static final int GSO_ECN = 0x80;

    private static final int FLAGS = 0;
    private static final int GSO_TYPE = 1;
    private static final int HEADER_LENGTH = 2;
    private static final int GSO_SIZE = 4;
    private static final int CHECKSUM_START = 6;
    private static final int CHECKSUM_OFFSET = 8;
    private static final int BUFFERS = 10;

    private VirtioNetHeader() {}

    /** {@link #NEEDS_CSUM}, {@link #DATA_VALID}. */
    public static int flags(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + FLAGS);
    }

    /** One of the GSO types, perhaps with {@link #GSO_ECN}. */
    public static int gsoType(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + GSO_TYPE);
    }

    /** Bytes of all headers of the frame, a hint. */
    public static int headerLength(ByteBuf buf, int offset) {
        return buf.getUnsignedShortLE(offset + HEADER_LENGTH);
    }

    /** Sets the hint how many bytes at the front of the frame are headers: what the other side has in one piece of memory. */
    public static void headerLength(ByteBuf buf, int offset, int headerLength) {
        buf.setShortLE(offset + HEADER_LENGTH, headerLength);
    }

    /** Payload bytes of each segment but the last. */
    public static int gsoSize(ByteBuf buf, int offset) {
        return buf.getUnsignedShortLE(offset + GSO_SIZE);
    }

    /** Bytes from the start of the frame to where the checksum begins. */
    public static int checksumStart(ByteBuf buf, int offset) {
        return buf.getUnsignedShortLE(offset + CHECKSUM_START);
    }

    /** Bytes from {@link #checksumStart} to the checksum field. */
    public static int checksumOffset(ByteBuf buf, int offset) {
        return buf.getUnsignedShortLE(offset + CHECKSUM_OFFSET);
    }

    /**
     * Writes a header that leaves nothing to the other side.
     *
     * @param length {@link #LENGTH} or {@link #LENGTH_MERGEABLE}
     */
    public static void clear(ByteBuf buf, int offset, int length) {
        buf.setLong(offset, 0);
        buf.setShort(offset + CHECKSUM_OFFSET, 0);
        if (length == LENGTH_MERGEABLE) {
            buf.setShort(offset + BUFFERS, 0);
        }
    }

    /** Asks for the transport checksum: sets {@link #NEEDS_CSUM} and where. */
    public static void requestChecksum(ByteBuf buf, int offset, int checksumStart, int checksumOffset) {
        buf.setByte(offset + FLAGS, NEEDS_CSUM);
        buf.setShortLE(offset + CHECKSUM_START, checksumStart);
        buf.setShortLE(offset + CHECKSUM_OFFSET, checksumOffset);
    }

    /**
     * Asks for segmentation.
     *
     * @param gsoType one of the GSO types, perhaps with {@link #GSO_ECN}
     * @param gsoSize payload bytes of each segment but the last
     * @param headerLength bytes of all headers of the frame
     */
    public static void requestSegmentation(ByteBuf buf, int offset, int gsoType, int gsoSize, int headerLength) {
        buf.setByte(offset + GSO_TYPE, gsoType);
        headerLength(buf, offset, headerLength);
        buf.setShortLE(offset + GSO_SIZE, gsoSize);
    }

    /** Says that the transport checksum has been verified. */
    public static void markValid(ByteBuf buf, int offset) {
        buf.setByte(offset + FLAGS, DATA_VALID);
    }
}
