/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The ICMP header of IPv4 (RFC 792). The second word depends on the type: identifier and sequence number of an echo, the pointer of a
 * parameter problem, the gateway of a redirect, the next-hop MTU of a "fragmentation needed" (RFC 1191 §4).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Type      |     Code      |          Checksum             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           Identifier          |        Sequence Number        |
 * |    Pointer    |               |         Next-Hop MTU          |
 * |                        Gateway Address                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Data, or the IP header and the first bytes of a packet    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class IcmpHeader {
    /** Bytes. */
    public static final int LENGTH = 8;
    /** Bytes from the start of the header to the checksum field. */
    public static final int CHECKSUM_OFFSET = 2;

    /** Type: echo reply. */
    public static final int ECHO_REPLY = 0;
    /** Type: destination unreachable. */
    public static final int DESTINATION_UNREACHABLE = 3;
    /** Type: source quench (deprecated by RFC 6633). */
    public static final int SOURCE_QUENCH = 4;
    /** Type: redirect. */
    public static final int REDIRECT = 5;
    /** Type: echo request. */
    public static final int ECHO_REQUEST = 8;
    /** Type: time exceeded. */
    public static final int TIME_EXCEEDED = 11;
    /** Type: parameter problem. */
    public static final int PARAMETER_PROBLEM = 12;
    /** Type: timestamp request. */
    public static final int TIMESTAMP_REQUEST = 13;
    /** Type: timestamp reply. */
    public static final int TIMESTAMP_REPLY = 14;

    /** Code of {@link #DESTINATION_UNREACHABLE}: network. */
    public static final int NET_UNREACHABLE = 0;
    /** Code of {@link #DESTINATION_UNREACHABLE}: host. */
    public static final int HOST_UNREACHABLE = 1;
    /** Code of {@link #DESTINATION_UNREACHABLE}: protocol. */
    public static final int PROTOCOL_UNREACHABLE = 2;
    /** Code of {@link #DESTINATION_UNREACHABLE}: port. */
    public static final int PORT_UNREACHABLE = 3;
    /** Code of {@link #DESTINATION_UNREACHABLE}: the packet is too big and may not be fragmented. */
    public static final int FRAGMENTATION_NEEDED = 4;
    /** Code of {@link #DESTINATION_UNREACHABLE}: forbidden by an administrator (RFC 1812 §5.2.7.1). */
    public static final int ADMINISTRATIVELY_PROHIBITED = 13;

    /** Code of {@link #TIME_EXCEEDED}: in transit. */
    public static final int TTL_EXCEEDED = 0;
    /** Code of {@link #TIME_EXCEEDED}: waiting for fragments. */
    public static final int REASSEMBLY_TIME_EXCEEDED = 1;

    private static final int TYPE = 0;
    private static final int CODE = 1;
    private static final int IDENTIFIER = 4;
    private static final int SEQUENCE_NUMBER = 6;

    private IcmpHeader() {}

    /** Whether {@code length} bytes hold a header. Says nothing about the checksum. */
    public static boolean isValid(int length) {
        return length >= LENGTH;
    }

    /** The type. */
    public static int type(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + TYPE);
    }

    /** The code, whose meaning depends on the type. */
    public static int code(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + CODE);
    }

    /** The checksum, over the whole message; there is no pseudo-header. */
    public static int checksum(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + CHECKSUM_OFFSET);
    }

    /** Identifier of an echo. */
    public static int identifier(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + IDENTIFIER);
    }

    /** Sequence number of an echo. */
    public static int sequenceNumber(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + SEQUENCE_NUMBER);
    }

    /** Where in the packet a parameter problem is, in bytes from its start. */
    public static int pointer(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + IDENTIFIER);
    }

    /** The MTU that needed fragmentation, in bytes; 0 from a router older than RFC 1191. */
    public static int nextHopMtu(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + SEQUENCE_NUMBER);
    }

    /** The gateway that a redirect tells to use. */
    public static int gatewayAddress(ByteBuf buf, int offset) {
        return buf.getInt(offset + IDENTIFIER);
    }

    /**
     * Writes a header with a checksum of zero.
     *
     * @param word the second word, as the type wants it
     */
    public static void write(ByteBuf buf, int offset, int type, int code, int word) {
        buf.setInt(offset + TYPE, type << 24 | code << 16);
        buf.setInt(offset + IDENTIFIER, word);
    }

    /** Writes the header of an echo with a checksum of zero. */
    public static void writeEcho(ByteBuf buf, int offset, int type, int identifier, int sequenceNumber) {
        write(buf, offset, type, 0, identifier << 16 | sequenceNumber);
    }

    /** Sets the checksum. */
    public static void checksum(ByteBuf buf, int offset, int checksum) {
        buf.setShort(offset + CHECKSUM_OFFSET, checksum);
    }
}
