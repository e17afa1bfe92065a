/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The Ethernet II header (RFC 894).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------------------------------------------------------+
 * |                      Destination Address                      |
 * +                               +-------------------------------+
 * |                               |                               |
 * +-------------------------------+                               +
 * |                        Source Address                         |
 * +-------------------------------+-------------------------------+
 * |             Type              |
 * +-------------------------------+
 * </pre>
 *
 * <p>An address is a {@code long} with the first octet on the wire as the most significant of the low 48 bits.
 */
public final class EthernetHeader {
    /** Bytes. */
    public static final int LENGTH = 14;
    /** {@code ff:ff:ff:ff:ff:ff}. */
    public static final long BROADCAST = 0xffff_ffff_ffffL;

    private static final int DESTINATION = 0;
    private static final int SOURCE = 6;
    private static final int TYPE = 12;

    private EthernetHeader() {}

    /** Whether {@code length} bytes hold a header. */
    public static boolean isValid(int length) {
        return length >= LENGTH;
    }

    /** The destination address, 48 bits. */
    public static long destination(ByteBuf buf, int offset) {
        return getAddress(buf, offset + DESTINATION);
    }

    /** The source address, 48 bits. */
    public static long source(ByteBuf buf, int offset) {
        return getAddress(buf, offset + SOURCE);
    }

    /** The {@link EtherType}, 0 to 0xffff. */
    public static int type(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + TYPE);
    }

    /** Whether the group bit of an address is set: it is a broadcast or multicast address. */
    public static boolean isGroup(long address) {
        return (address & 0x0100_0000_0000L) != 0;
    }

    /** Writes the header. */
    public static void write(ByteBuf buf, int offset, long destination, long source, int type) {
        buf.setLong(offset + DESTINATION, destination << 16 | source >>> 32);
        buf.setInt(offset + SOURCE + 2, (int) source);
        buf.setShort(offset + TYPE, type);
    }

    /** Sets the destination address. */
    public static void destination(ByteBuf buf, int offset, long address) {
        setAddress(buf, offset + DESTINATION, address);
    }

    /** Sets the source address. */
    public static void source(ByteBuf buf, int offset, long address) {
        setAddress(buf, offset + SOURCE, address);
    }

    /** Reads a 48-bit address at {@code index}. */
    static long getAddress(ByteBuf buf, int index) {
        return (long) buf.getUnsignedShort(index) << 32 | buf.getUnsignedInt(index + 2);
    }

    /** Writes a 48-bit address at {@code index}. */
    static void setAddress(ByteBuf buf, int index, long address) {
        buf.setShort(index, (int) (address >>> 32));
        buf.setInt(index + 2, (int) address);
    }
}
