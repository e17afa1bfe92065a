/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The IPv4 header (RFC 791 §3.1).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |Version|  IHL  |Type of Service|          Total Length         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Identification        |Flags|      Fragment Offset    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Time to Live |    Protocol   |         Header Checksum       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Source Address                          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                    Destination Address                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                    Options                    |    Padding    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 *
 * <p>Unless {@link #isValid} has said yes, nothing but {@link #version} may be read.
 */
public final class Ipv4Header {
    /** Bytes without options. */
    public static final int MIN_LENGTH = 20;
    /** Bytes with the most options. */
    public static final int MAX_LENGTH = 60;
    /** The most bytes in a packet. */
    public static final int MAX_TOTAL_LENGTH = 0xffff;

    /** In {@link #flagsAndFragmentOffset}: don't fragment (DF). */
    public static final int DONT_FRAGMENT = 0x4000;
    /** In {@link #flagsAndFragmentOffset}: more fragments follow (MF). */
    public static final int MORE_FRAGMENTS = 0x2000;
    /** In {@link #flagsAndFragmentOffset}: the offset, in units of 8 bytes. */
    public static final int FRAGMENT_OFFSET_MASK = 0x1fff;

    private static final int VERSION_IHL = 0;
    private static final int TYPE_OF_SERVICE = 1;
    private static final int TOTAL_LENGTH = 2;
    private static final int IDENTIFICATION = 4;
    private static final int FLAGS_FRAGMENT_OFFSET = 6;
    private static final int TIME_TO_LIVE = 8;
    private static final int PROTOCOL = 9;
    private static final int HEADER_CHECKSUM = 10;
    private static final int SOURCE = 12;
    private static final int DESTINATION = 16;

    private Ipv4Header() {}

    /**
     * Whether {@code length} bytes hold a header of version 4 with its options, and as many bytes as its total length says
     * (RFC 1122 §3.2.1). Says nothing about the {@linkplain #isChecksumValid checksum}. More bytes than the total length are padding.
     */
    public static boolean isValid(ByteBuf buf, int offset, int length) {
        if (length < MIN_LENGTH || version(buf, offset) != 4) {
            return false;
        }
        int headerLength = headerLength(buf, offset);
        int totalLength = totalLength(buf, offset);
        return headerLength >= MIN_LENGTH && headerLength <= totalLength && totalLength <= length;
    }

    /** Whether the header checksum is right. */
    public static boolean isChecksumValid(ByteBuf buf, int offset) {
        return InternetChecksum.sum(buf, offset, headerLength(buf, offset)) == InternetChecksum.VALID;
    }

    /** The IP version, which needs one byte only: also for telling IPv4 from IPv6. */
    public static int version(ByteBuf buf, int offset) {
        return buf.getByte(offset + VERSION_IHL) >>> 4 & 0xf;
    }

    /** The header's length with options, in bytes. */
    public static int headerLength(ByteBuf buf, int offset) {
        return (buf.getByte(offset + VERSION_IHL) & 0xf) << 2;
    }

    /** DSCP and ECN (RFC 2474, RFC 3168). */
    public static int typeOfService(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + TYPE_OF_SERVICE);
    }

    /** Bytes of header and payload. */
    public static int totalLength(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + TOTAL_LENGTH);
    }

    /** What the fragments of one packet have in common. */
    public static int identification(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + IDENTIFICATION);
    }

    /** {@link #DONT_FRAGMENT}, {@link #MORE_FRAGMENTS} and the offset in units of 8 bytes. */
    public static int flagsAndFragmentOffset(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + FLAGS_FRAGMENT_OFFSET);
    }

    /** Whether the packet is a fragment: more follow, or it is not the first. */
    public static boolean isFragment(ByteBuf buf, int offset) {
        return (flagsAndFragmentOffset(buf, offset) & (MORE_FRAGMENTS | FRAGMENT_OFFSET_MASK)) != 0;
    }

    /** Whether more fragments follow this one. */
    public static boolean hasMoreFragments(ByteBuf buf, int offset) {
        return (flagsAndFragmentOffset(buf, offset) & MORE_FRAGMENTS) != 0;
    }

    /** Whether the packet may not be fragmented. */
    public static boolean isDontFragment(ByteBuf buf, int offset) {
        return (flagsAndFragmentOffset(buf, offset) & DONT_FRAGMENT) != 0;
    }

    /** Where in the original payload this fragment starts, in bytes. */
    public static int fragmentOffset(ByteBuf buf, int offset) {
        return (flagsAndFragmentOffset(buf, offset) & FRAGMENT_OFFSET_MASK) << 3;
    }

    /** How many more routers may pass the packet on. */
    public static int timeToLive(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + TIME_TO_LIVE);
    }

    /** The {@link IpProtocol}. */
    public static int protocol(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + PROTOCOL);
    }

    /** The header checksum. */
    public static int headerChecksum(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + HEADER_CHECKSUM);
    }

    /** The source address. */
    public static int source(ByteBuf buf, int offset) {
        return buf.getInt(offset + SOURCE);
    }

    /** The destination address. */
    public static int destination(ByteBuf buf, int offset) {
        return buf.getInt(offset + DESTINATION);
    }

    /**
     * Writes a header without options, checksum included.
     *
     * @param typeOfService DSCP and ECN
     * @param totalLength bytes of header and payload, 20 to 65,535
     * @param flagsAndFragmentOffset {@link #DONT_FRAGMENT}, {@link #MORE_FRAGMENTS} and the offset in units of 8 bytes
     * @param timeToLive 1 to 255
     */
    public static void write(
            ByteBuf buf,
            int offset,
            int typeOfService,
            int totalLength,
            int identification,
            int flagsAndFragmentOffset,
            int timeToLive,
            int protocol,
            int source,
            int destination) {
        buf.setInt(offset + VERSION_IHL, 0x4500_0000 | typeOfService << 16 | totalLength);
        buf.setInt(offset + IDENTIFICATION, identification << 16 | flagsAndFragmentOffset);
        buf.setInt(offset + TIME_TO_LIVE, timeToLive << 24 | protocol << 16);
        buf.setInt(offset + SOURCE, source);
        buf.setInt(offset + DESTINATION, destination);
        headerChecksum(buf, offset, InternetChecksum.complement(InternetChecksum.sum(buf, offset, MIN_LENGTH)));
    }

    /** Sets the total length; the checksum is left as it is. */
    public static void totalLength(ByteBuf buf, int offset, int bytes) {
        buf.setShort(offset + TOTAL_LENGTH, bytes);
    }

    /** Sets the identification; the checksum is left as it is. */
    public static void identification(ByteBuf buf, int offset, int identification) {
        buf.setShort(offset + IDENTIFICATION, identification);
    }

    /** Sets flags and fragment offset; the checksum is left as it is. */
    public static void flagsAndFragmentOffset(ByteBuf buf, int offset, int flagsAndFragmentOffset) {
        buf.setShort(offset + FLAGS_FRAGMENT_OFFSET, flagsAndFragmentOffset);
    }

    /** Sets the header checksum. */
    public static void headerChecksum(ByteBuf buf, int offset, int checksum) {
        buf.setShort(offset + HEADER_CHECKSUM, checksum);
    }

    /** Computes the header checksum, over options too, and sets it. */
    public static void fillChecksum(ByteBuf buf, int offset) {
        headerChecksum(buf, offset, 0);
        int sum = InternetChecksum.sum(buf, offset, headerLength(buf, offset));
        headerChecksum(buf, offset, InternetChecksum.complement(sum));
    }
}
