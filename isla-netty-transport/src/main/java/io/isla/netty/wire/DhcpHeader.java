/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The fixed part of a DHCP message between Ethernet stations (RFC 2131 §2), the magic cookie included (RFC 2132 §2).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+---------------+---------------+---------------+
 * |     op (1)    |   htype (1)   |   hlen (1)    |   hops (1)    |
 * +---------------+---------------+---------------+---------------+
 * |                            xid (4)                            |
 * +-------------------------------+-------------------------------+
 * |           secs (2)            |           flags (2)           |
 * +-------------------------------+-------------------------------+
 * |                          ciaddr  (4)                          |
 * +---------------------------------------------------------------+
 * |                          yiaddr  (4)                          |
 * +---------------------------------------------------------------+
 * |                          siaddr  (4)                          |
 * +---------------------------------------------------------------+
 * |                          giaddr  (4)                          |
 * +---------------------------------------------------------------+
 * |                          chaddr  (16)                         |
 * +---------------------------------------------------------------+
 * |                          sname   (64)                         |
 * +---------------------------------------------------------------+
 * |                          file    (128)                        |
 * +---------------------------------------------------------------+
 * |                       magic cookie  (4)                       |
 * +---------------------------------------------------------------+
 * |                          options (variable)                   |
 * +---------------------------------------------------------------+
 * </pre>
 */
public final class DhcpHeader {
    /** Bytes up to the options. */
    public static final int LENGTH = 240;
    /** The fewest bytes of a message: those of a BOOTP message, which some relays still insist on (RFC 1542 §2.1). */
    public static final int MIN_MESSAGE_LENGTH = 300;
    /** The largest message that every client takes (RFC 2131 §2), in bytes of the IP packet. */
    public static final int MIN_MAX_PACKET = 576;

    /** The port of servers. */
    public static final int SERVER_PORT = 67;
    /** The port of clients. */
    public static final int CLIENT_PORT = 68;

    /** Operation: from a client. */
    public static final int BOOT_REQUEST = 1;
    /** Operation: from a server. */
    public static final int BOOT_REPLY = 2;
    /** Flag: answer to all, for the client cannot be reached alone yet. */
    public static final int BROADCAST = 0x8000;

    /** Where the server's name is, or options. */
    public static final int SERVER_NAME = 44;
    /** How many bytes the server's name has. */
    public static final int SERVER_NAME_LENGTH = 64;
    /** Where the name of the boot file is, or options. */
    public static final int FILE = 108;
    /** How many bytes the name of the boot file has. */
    public static final int FILE_LENGTH = 128;

    private static final int OPERATION = 0;
    private static final int TRANSACTION_ID = 4;
    private static final int SECONDS = 8;
    private static final int FLAGS = 10;
    private static final int CLIENT_ADDRESS = 12;
    private static final int YOUR_ADDRESS = 16;
    private static final int RELAY_ADDRESS = 24;
    private static final int HARDWARE_ADDRESS = 28;
    private static final int MAGIC_COOKIE = 236;

    private static final int ETHERNET = 1;
    private static final int ETHERNET_ADDRESS_LENGTH = 6;
    private static final int COOKIE = 0x6382_5363;

    private DhcpHeader() {}

    /** Whether {@code length} bytes hold the fixed part of a message, of DHCP and for Ethernet. Says nothing about the options. */
    public static boolean isValid(ByteBuf buf, int offset, int length) {
        return length >= LENGTH
                && buf.getInt(offset + MAGIC_COOKIE) == COOKIE
                && buf.getByte(offset + OPERATION + 1) == ETHERNET
                && buf.getByte(offset + OPERATION + 2) == ETHERNET_ADDRESS_LENGTH;
    }

    /** {@link #BOOT_REQUEST} or {@link #BOOT_REPLY}. */
    public static int operation(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + OPERATION);
    }

    /** What the client chose for the server to repeat. */
    public static int transactionId(ByteBuf buf, int offset) {
        return buf.getInt(offset + TRANSACTION_ID);
    }

    /** Seconds since the client began to ask for an address. */
    public static int seconds(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + SECONDS);
    }

    /** {@link #BROADCAST} or 0. */
    public static int flags(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + FLAGS);
    }

    /** The client's address, as far as it can be reached there; 0 if not. */
    public static int clientAddress(ByteBuf buf, int offset) {
        return buf.getInt(offset + CLIENT_ADDRESS);
    }

    /** The address that the server gives the client. */
    public static int yourAddress(ByteBuf buf, int offset) {
        return buf.getInt(offset + YOUR_ADDRESS);
    }

    /** The address of the relay that the message has passed; 0 if none. */
    public static int relayAddress(ByteBuf buf, int offset) {
        return buf.getInt(offset + RELAY_ADDRESS);
    }

    /** The client's Ethernet address, 48 bits. */
    public static long hardwareAddress(ByteBuf buf, int offset) {
        return EthernetHeader.getAddress(buf, offset + HARDWARE_ADDRESS);
    }

    /**
     * Writes the fixed part of a message; what is not a parameter is zero.
     *
     * @param seconds 0 to 65535
     * @param flags {@link #BROADCAST} or 0
     */
    public static void write(
            ByteBuf buf,
            int offset,
            int operation,
            int transactionId,
            int seconds,
            int flags,
            int clientAddress,
            int yourAddress,
            long hardwareAddress) {
        buf.setZero(offset, LENGTH);
        buf.setInt(offset + OPERATION, operation << 24 | ETHERNET << 16 | ETHERNET_ADDRESS_LENGTH << 8);
        buf.setInt(offset + TRANSACTION_ID, transactionId);
        buf.setInt(offset + SECONDS, seconds << 16 | flags);
        buf.setInt(offset + CLIENT_ADDRESS, clientAddress);
        buf.setInt(offset + YOUR_ADDRESS, yourAddress);
        EthernetHeader.setAddress(buf, offset + HARDWARE_ADDRESS, hardwareAddress);
        buf.setInt(offset + MAGIC_COOKIE, COOKIE);
    }
}
