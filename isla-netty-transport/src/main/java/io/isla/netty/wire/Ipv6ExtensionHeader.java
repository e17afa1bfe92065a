/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * What the extension headers of IPv6 have in common, and the options in two of them (RFC 8200 §4).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Next Header  |  Hdr Ext Len  |  Options, or Routing Type and |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+         Segments Left         +
 * |                              ...                              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class Ipv6ExtensionHeader {
    /** The least bytes of any, and the unit of their length. */
    public static final int MIN_LENGTH = 8;
    /** Bytes from the start of the header to its first option. */
    public static final int OPTIONS_OFFSET = 2;
    /** Bytes from the start of a Routing header to its type. */
    public static final int ROUTING_TYPE_OFFSET = 2;

    /** Option type: one byte of padding, without a length. */
    public static final int PAD1 = 0;
    /** Option type: padding. */
    public static final int PADN = 1;
    /** Option type: routers should look at the packet (RFC 2711). */
    public static final int ROUTER_ALERT = 5;

    private static final int LENGTH_OFFSET = 1;
    private static final int SEGMENTS_LEFT_OFFSET = 3;

    private Ipv6ExtensionHeader() {}

    /** The header's length in bytes, 8 to 2048. */
    public static int length(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + LENGTH_OFFSET) + 1 << 3;
    }

    /** Of a Routing header, how many nodes are still to be visited. */
    public static int segmentsLeft(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + SEGMENTS_LEFT_OFFSET);
    }

    /** What is to be done with an option of an unknown type: its two highest bits (RFC 8200 §4.2). */
    public static int action(int optionType) {
        return optionType >>> 6;
    }
}
