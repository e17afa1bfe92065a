/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The messages of neighbour discovery (RFC 4861 §4), which are ICMPv6 messages: after the {@linkplain Icmpv6Header header} with its
 * word of flags come one or two addresses, or the values of a router advertisement, and then {@linkplain NeighborDiscoveryOption
 * options}.
 *
 * <pre>
 *  Neighbour Solicitation and Advertisement, Redirect:
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Type      |     Code      |          Checksum             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |R|S|O|                     Reserved                            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                  Target Address (16 bytes)                    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |        Destination Address (16 bytes; Redirect only)          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 *  Router Advertisement:
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Type      |     Code      |          Checksum             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Cur Hop Limit |M|O|H|Prf|Resvd|       Router Lifetime         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         Reachable Time                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                          Retrans Timer                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class NeighborDiscoveryHeader {
    /** The hop limit of all these messages: what has passed a router has less (RFC 4861 §11.2). */
    public static final int HOP_LIMIT = 255;
    /** Bytes of a router solicitation before its options. */
    public static final int ROUTER_SOLICITATION_LENGTH = 8;
    /** Bytes of a router advertisement before its options. */
    public static final int ROUTER_ADVERTISEMENT_LENGTH = 16;
    /** Bytes of a neighbour solicitation or advertisement before its options. */
    public static final int NEIGHBOR_LENGTH = 24;
    /** Bytes of a redirect before its options. */
    public static final int REDIRECT_LENGTH = 40;

    /** In the flags of a neighbour advertisement: its sender is a router. */
    public static final int ROUTER = 0x8000_0000;
    /** In the flags of a neighbour advertisement: it answers a solicitation. */
    public static final int SOLICITED = 0x4000_0000;
    /** In the flags of a neighbour advertisement: it replaces what is known. */
    public static final int OVERRIDE = 0x2000_0000;

    private static final int CUR_HOP_LIMIT = 4;
    private static final int ROUTER_FLAGS = 5;
    private static final int ROUTER_LIFETIME = 6;
    private static final int REACHABLE_TIME = 8;
    private static final int RETRANS_TIMER = 12;
    private static final int TARGET = 8;
    private static final int DESTINATION = 24;

    private NeighborDiscoveryHeader() {}

    /** First half of the target address. */
    public static long targetHigh(ByteBuf buf, int offset) {
        return buf.getLong(offset + TARGET);
    }

    /** Second half of the target address. */
    public static long targetLow(ByteBuf buf, int offset) {
        return buf.getLong(offset + TARGET + 8);
    }

    /** Sets the target address. */
    public static void target(ByteBuf buf, int offset, long high, long low) {
        buf.setLong(offset + TARGET, high);
        buf.setLong(offset + TARGET + 8, low);
    }

    /** First half of the destination address of a redirect. */
    public static long destinationHigh(ByteBuf buf, int offset) {
        return buf.getLong(offset + DESTINATION);
    }

    /** Second half of the destination address of a redirect. */
    public static long destinationLow(ByteBuf buf, int offset) {
        return buf.getLong(offset + DESTINATION + 8);
    }

    /** The hop limit that a router advises; 0 if it does not. */
    public static int currentHopLimit(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + CUR_HOP_LIMIT);
    }

    /** How a router wants to be preferred: -1, 0 or 1 (RFC 4191 §2.2). */
    public static int routerPreference(ByteBuf buf, int offset) {
        return preference(buf.getByte(offset + ROUTER_FLAGS));
    }

    /** For how long a router will be a default router, in seconds; 0 if it is none. */
    public static int routerLifetime(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + ROUTER_LIFETIME);
    }

    /** For how long a neighbour is taken for reachable, in milliseconds; 0 if the router does not say. */
    public static long reachableTime(ByteBuf buf, int offset) {
        return buf.getUnsignedInt(offset + REACHABLE_TIME);
    }

    /** Time between solicitations, in milliseconds; 0 if the router does not say. */
    public static long retransmitTimer(ByteBuf buf, int offset) {
        return buf.getUnsignedInt(offset + RETRANS_TIMER);
    }

    /** The preference in a byte of flags: two bits that are signed, of which one value is reserved and means medium. */
    static int preference(int flags) {
        return switch (flags >>> 3 & 3) {
            case 1 -> 1;
            case 3 -> -1;
            default -> 0;
        };
    }
}
