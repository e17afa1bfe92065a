/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * An ARP packet for IPv4 over Ethernet (RFC 826).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-------------------------------+-------------------------------+
 * |      Hardware Type (1)        |     Protocol Type (0x0800)    |
 * +---------------+---------------+-------------------------------+
 * | Hw Length (6) |Prot Length (4)|           Operation           |
 * +---------------+---------------+-------------------------------+
 * |                    Sender Hardware Address                    |
 * +                               +-------------------------------+
 * |                               |    Sender Protocol Address    |
 * +-------------------------------+-------------------------------+
 * |Sender Protocol Address (cont.)|                               |
 * +-------------------------------+                               +
 * |                    Target Hardware Address                    |
 * +---------------------------------------------------------------+
 * |                    Target Protocol Address                    |
 * +---------------------------------------------------------------+
 * </pre>
 */
public final class ArpHeader {
    /** Bytes. */
    public static final int LENGTH = 28;
    /** Operation: request. */
    public static final int REQUEST = 1;
    /** Operation: reply. */
    public static final int REPLY = 2;

    private static final int HARDWARE_TYPE = 0;
    private static final int HARDWARE_LENGTH = 4;
    private static final int OPERATION = 6;
    private static final int SENDER_HARDWARE_ADDRESS = 8;
    private static final int SENDER_PROTOCOL_ADDRESS = 14;
    private static final int TARGET_HARDWARE_ADDRESS = 18;
    private static final int TARGET_PROTOCOL_ADDRESS = 24;

    private static final int ETHERNET_IPV4 = 0x0001_0800;
    private static final int LENGTHS_6_4 = 0x0604;

    private ArpHeader() {}

    /** Whether {@code length} bytes hold a packet, and it is about IPv4 over Ethernet. */
    public static boolean isValid(ByteBuf buf, int offset, int length) {
        return length >= LENGTH
                && buf.getInt(offset + HARDWARE_TYPE) == ETHERNET_IPV4
                && buf.getUnsignedShort(offset + HARDWARE_LENGTH) == LENGTHS_6_4;
    }

    /** {@link #REQUEST}, {@link #REPLY} or something else. */
    public static int operation(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + OPERATION);
    }

    /** The sender's Ethernet address, 48 bits. */
    public static long senderHardwareAddress(ByteBuf buf, int offset) {
        return EthernetHeader.getAddress(buf, offset + SENDER_HARDWARE_ADDRESS);
    }

    /** The sender's IPv4 address. */
    public static int senderProtocolAddress(ByteBuf buf, int offset) {
        return buf.getInt(offset + SENDER_PROTOCOL_ADDRESS);
    }

    /** The target's Ethernet address, 48 bits; in a request, of no meaning. */
    public static long targetHardwareAddress(ByteBuf buf, int offset) {
        return EthernetHeader.getAddress(buf, offset + TARGET_HARDWARE_ADDRESS);
    }

    /** The target's IPv4 address. */
    public static int targetProtocolAddress(ByteBuf buf, int offset) {
        return buf.getInt(offset + TARGET_PROTOCOL_ADDRESS);
    }

    /** Writes a packet. */
    public static void write(
            ByteBuf buf,
            int offset,
            int operation,
            long senderHardwareAddress,
            int senderProtocolAddress,
            long targetHardwareAddress,
            int targetProtocolAddress) {
        buf.setInt(offset + HARDWARE_TYPE, ETHERNET_IPV4);
        buf.setShort(offset + HARDWARE_LENGTH, LENGTHS_6_4);
        buf.setShort(offset + OPERATION, operation);
        EthernetHeader.setAddress(buf, offset + SENDER_HARDWARE_ADDRESS, senderHardwareAddress);
        buf.setInt(offset + SENDER_PROTOCOL_ADDRESS, senderProtocolAddress);
        EthernetHeader.setAddress(buf, offset + TARGET_HARDWARE_ADDRESS, targetHardwareAddress);
        buf.setInt(offset + TARGET_PROTOCOL_ADDRESS, targetProtocolAddress);
    }
}
