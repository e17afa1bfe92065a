/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The IPv6 header (RFC 8200 §3).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |Version| Traffic Class |           Flow Label                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Payload Length        |  Next Header  |   Hop Limit   |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                                                               |
 * +                                                               +
 * |                                                               |
 * +                         Source Address                        +
 * |                                                               |
 * +                                                               +
 * |                                                               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                                                               |
 * +                                                               +
 * |                                                               |
 * +                      Destination Address                      +
 * |                                                               |
 * +                                                               +
 * |                                                               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class Ipv6Header {
    /** Bytes, extension headers not counted. */
    public static final int LENGTH = 40;
    /** The most bytes after the header. */
    public static final int MAX_PAYLOAD_LENGTH = 0xffff;
    /** The smallest MTU that every link has (RFC 8200 §5). */
    public static final int MIN_MTU = 1280;

    private static final int VERSION_CLASS_LABEL = 0;
    private static final int PAYLOAD_LENGTH = 4;
    private static final int NEXT_HEADER = 6;
    private static final int HOP_LIMIT = 7;
    private static final int SOURCE = 8;
    private static final int DESTINATION = 24;

    private Ipv6Header() {}

    /**
     * Whether {@code length} bytes hold a header of version 6 and as many bytes as its payload length says. More bytes than that are
     * padding. Jumbograms (RFC 2675), whose payload length is zero, come out as packets without payload.
     */
    public static boolean isValid(ByteBuf buf, int offset, int length) {
        return length >= LENGTH && version(buf, offset) == 6 && LENGTH + payloadLength(buf, offset) <= length;
    }

    /** The IP version, which needs one byte only. */
    public static int version(ByteBuf buf, int offset) {
        return buf.getByte(offset + VERSION_CLASS_LABEL) >>> 4 & 0xf;
    }

    /** DSCP and ECN (RFC 2474, RFC 3168). */
    public static int trafficClass(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + VERSION_CLASS_LABEL) >>> 4 & 0xff;
    }

    /** The flow label, 20 bits (RFC 6437). */
    public static int flowLabel(ByteBuf buf, int offset) {
        return buf.getInt(offset + VERSION_CLASS_LABEL) & 0xf_ffff;
    }

    /** Bytes after this header, extension headers included. */
    public static int payloadLength(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + PAYLOAD_LENGTH);
    }

    /** The {@link IpProtocol} of what follows. */
    public static int nextHeader(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + NEXT_HEADER);
    }

    /** How many more routers may pass the packet on. */
    public static int hopLimit(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + HOP_LIMIT);
    }

    /** First half of the source address. */
    public static long sourceHigh(ByteBuf buf, int offset) {
        return buf.getLong(offset + SOURCE);
    }

    /** Second half of the source address. */
    public static long sourceLow(ByteBuf buf, int offset) {
        return buf.getLong(offset + SOURCE + 8);
    }

    /** First half of the destination address. */
    public static long destinationHigh(ByteBuf buf, int offset) {
        return buf.getLong(offset + DESTINATION);
    }

    /** Second half of the destination address. */
    public static long destinationLow(ByteBuf buf, int offset) {
        return buf.getLong(offset + DESTINATION + 8);
    }

    /**
     * Writes the header.
     *
     * @param trafficClass DSCP and ECN, 8 bits
     * @param flowLabel 20 bits
     * @param payloadLength bytes after this header
     * @param nextHeader the {@link IpProtocol} of what follows
     * @param hopLimit 1 to 255
     */
    public static void write(
            ByteBuf buf,
            int offset,
            int trafficClass,
            int flowLabel,
            int payloadLength,
            int nextHeader,
            int hopLimit,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow) {
        buf.setInt(offset + VERSION_CLASS_LABEL, 0x6000_0000 | trafficClass << 20 | flowLabel);
        buf.setInt(offset + PAYLOAD_LENGTH, payloadLength << 16 | nextHeader << 8 | hopLimit);
        buf.setLong(offset + SOURCE, sourceHigh);
        buf.setLong(offset + SOURCE + 8, sourceLow);
        buf.setLong(offset + DESTINATION, destinationHigh);
        buf.setLong(offset + DESTINATION + 8, destinationLow);
    }

    /** Sets the payload length. */
    public static void payloadLength(ByteBuf buf, int offset, int bytes) {
        buf.setShort(offset + PAYLOAD_LENGTH, bytes);
    }

    /** Sets the next header. */
    public static void nextHeader(ByteBuf buf, int offset, int nextHeader) {
        buf.setByte(offset + NEXT_HEADER, nextHeader);
    }
}
