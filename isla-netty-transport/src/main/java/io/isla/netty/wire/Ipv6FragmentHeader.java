/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The Fragment header of IPv6 (RFC 8200 §4.5).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Next Header  |   Reserved    |      Fragment Offset    |Res|M|
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         Identification                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class Ipv6FragmentHeader {
    /** Bytes. */
    public static final int LENGTH = 8;
    /** Bytes from the start of the header to the fragment offset. */
    public static final int FRAGMENT_OFFSET_OFFSET = 2;

    private static final int IDENTIFICATION = 4;

    private Ipv6FragmentHeader() {}

    /** The {@link IpProtocol} that the fragmentable part starts with. */
    public static int nextHeader(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset);
    }

    /** Where in the fragmentable part this fragment starts, in bytes. */
    public static int fragmentOffset(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + FRAGMENT_OFFSET_OFFSET) & 0xfff8;
    }

    /** Whether more fragments follow this one. */
    public static boolean hasMoreFragments(ByteBuf buf, int offset) {
        return (buf.getUnsignedShort(offset + FRAGMENT_OFFSET_OFFSET) & 1) != 0;
    }

    /** What the fragments of one packet have in common. */
    public static int identification(ByteBuf buf, int offset) {
        return buf.getInt(offset + IDENTIFICATION);
    }

    /**
     * Writes the header.
     *
     * @param fragmentOffset in bytes, a multiple of 8
     */
    public static void write(
            ByteBuf buf, int offset, int nextHeader, int fragmentOffset, boolean more, int identification) {
        buf.setInt(offset, nextHeader << 24 | fragmentOffset | (more ? 1 : 0));
        buf.setInt(offset + IDENTIFICATION, identification);
    }
}
