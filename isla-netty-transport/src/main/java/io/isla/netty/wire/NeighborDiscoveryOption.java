/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The options of neighbour discovery (RFC 4861 §4.6, RFC 4191 §2.3, RFC 8106 §5, RFC 3971 §5.3.2).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Type      |    Length     |     (Source or target)        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+          link address         +
 * |                                                               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * |   Type = 3    |  Length = 4   | Prefix Length |L|A|  Reserved |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         Valid Lifetime                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Preferred Lifetime                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                           Reserved                            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Prefix (16 bytes)                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class NeighborDiscoveryOption {
    /** The unit of lengths, in bytes. */
    public static final int UNIT = 8;
    /** Bytes of an option with an Ethernet address. */
    public static final int LINK_ADDRESS_LENGTH = 8;
    /** Bytes of an option with a nonce of the least size. */
    public static final int NONCE_LENGTH = 8;
    /** Bytes of a prefix information option. */
    public static final int PREFIX_INFORMATION_LENGTH = 32;
    /** Bytes of an MTU option. */
    public static final int MTU_LENGTH = 8;

    /** Type: link address of the sender. */
    public static final int SOURCE_LINK_ADDRESS = 1;
    /** Type: link address of the target. */
    public static final int TARGET_LINK_ADDRESS = 2;
    /** Type: prefix information. */
    public static final int PREFIX_INFORMATION = 3;
    /** Type: the link's MTU. */
    public static final int MTU = 5;
    /** Type: nonce (RFC 3971 §5.3.2). */
    public static final int NONCE = 14;
    /** Type: route information (RFC 4191 §2.3). */
    public static final int ROUTE_INFORMATION = 24;
    /** Type: recursive DNS servers (RFC 8106 §5.1). */
    public static final int RECURSIVE_DNS_SERVER = 25;
    /** Type: DNS search list (RFC 8106 §5.2). */
    public static final int DNS_SEARCH_LIST = 31;

    /** In {@link #prefixFlags}: the prefix is on the link. */
    public static final int ON_LINK = 0x80;
    /** In {@link #prefixFlags}: the prefix is for stateless address autoconfiguration. */
    public static final int AUTONOMOUS = 0x40;

    private NeighborDiscoveryOption() {}

    /** Whether the options from {@code offset} to {@code end} are all whole, and none has a length of zero. */
    public static boolean areValid(ByteBuf buf, int offset, int end) {
        int at = offset;
        while (at < end) {
            if (end - at < UNIT) {
                return false;
            }
            int length = length(buf, at);
            if (length == 0 || length > end - at) {
                return false;
            }
            at += length;
        }
        return true;
    }

    /**
     * Finds the first option of a type among valid ones.
     *
     * @param minLength in bytes; a shorter one is not found
     * @return its index, or -1
     */
    public static int find(ByteBuf buf, int offset, int end, int type, int minLength) {
        int at = offset;
        while (at < end) {
            int length = length(buf, at);
            if (type(buf, at) == type && length >= minLength) {
                return at;
            }
            at += length;
        }
        return -1;
    }

    /** The type. */
    public static int type(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset);
    }

    /** The length of the whole option in bytes. */
    public static int length(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + 1) * UNIT;
    }

    /** The Ethernet address in a link address option; also the six bytes of a nonce. */
    public static long linkAddress(ByteBuf buf, int offset) {
        return EthernetHeader.getAddress(buf, offset + 2);
    }

    /** Writes an option with an Ethernet address, or a nonce of six bytes. */
    public static void writeLinkAddress(ByteBuf buf, int offset, int type, long address) {
        buf.setShort(offset, type << 8 | 1);
        EthernetHeader.setAddress(buf, offset + 2, address);
    }

    /** The prefix length in a prefix or route information option. */
    public static int prefixLength(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + 2);
    }

    /** {@link #ON_LINK} and {@link #AUTONOMOUS}. */
    public static int prefixFlags(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + 3);
    }

    /** For how long the prefix is on the link, and addresses in it are valid, in seconds; 0xffffffff for ever. */
    public static long validLifetime(ByteBuf buf, int offset) {
        return buf.getUnsignedInt(offset + 4);
    }

    /** For how long addresses in the prefix are preferred, in seconds; 0xffffffff for ever. */
    public static long preferredLifetime(ByteBuf buf, int offset) {
        return buf.getUnsignedInt(offset + 8);
    }

    /** First half of the prefix in a prefix information option. */
    public static long prefixHigh(ByteBuf buf, int offset) {
        return buf.getLong(offset + 16);
    }

    /** Second half of the prefix in a prefix information option. */
    public static long prefixLow(ByteBuf buf, int offset) {
        return buf.getLong(offset + 24);
    }

    /** The MTU in an MTU option, in bytes. */
    public static long mtu(ByteBuf buf, int offset) {
        return buf.getUnsignedInt(offset + 4);
    }

    /** The preference in a route information option: -1, 0 or 1; the reserved value, which makes the option void, is 2. */
    public static int routePreference(ByteBuf buf, int offset) {
        int flags = buf.getByte(offset + 3);
        return (flags >>> 3 & 3) == 2 ? 2 : NeighborDiscoveryHeader.preference(flags);
    }

    /** The lifetime in seconds of a route, of DNS servers or of a search list; 0xffffffff for ever. */
    public static long lifetime(ByteBuf buf, int offset) {
        return buf.getUnsignedInt(offset + 4);
    }
}
