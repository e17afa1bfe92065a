/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The ICMPv6 header (RFC 4443 §2.1) with the word after it, which depends on the type: identifier and sequence number of an echo, the
 * pointer of a parameter problem, the MTU of a "packet too big", flags of neighbour and router discovery (RFC 4861 §4).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Type      |     Code      |          Checksum             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           Identifier          |        Sequence Number        |
 * |                      MTU, Pointer or Flags                    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         Message Body                          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class Icmpv6Header {
    /** Bytes, with the word that depends on the type. */
    public static final int LENGTH = 8;
    /** Bytes from the start of the header to the checksum field. */
    public static final int CHECKSUM_OFFSET = 2;

    /** Type: destination unreachable. */
    public static final int DESTINATION_UNREACHABLE = 1;
    /** Type: packet too big. */
    public static final int PACKET_TOO_BIG = 2;
    /** Type: time exceeded. */
    public static final int TIME_EXCEEDED = 3;
    /** Type: parameter problem. */
    public static final int PARAMETER_PROBLEM = 4;
    /** Type: echo request. */
    public static final int ECHO_REQUEST = 128;
    /** Type: echo reply. */
    public static final int ECHO_REPLY = 129;
    /** Type: multicast listener query (RFC 9777). */
    public static final int MULTICAST_LISTENER_QUERY = 130;
    /** Type: multicast listener report, version 1 (RFC 2710). */
    public static final int MULTICAST_LISTENER_REPORT = 131;
    /** Type: multicast listener done, version 1 (RFC 2710). */
    public static final int MULTICAST_LISTENER_DONE = 132;
    /** Type: router solicitation (RFC 4861 §4.1). */
    public static final int ROUTER_SOLICITATION = 133;
    /** Type: router advertisement (RFC 4861 §4.2). */
    public static final int ROUTER_ADVERTISEMENT = 134;
    /** Type: neighbour solicitation (RFC 4861 §4.3). */
    public static final int NEIGHBOR_SOLICITATION = 135;
    /** Type: neighbour advertisement (RFC 4861 §4.4). */
    public static final int NEIGHBOR_ADVERTISEMENT = 136;
    /** Type: redirect (RFC 4861 §4.5). */
    public static final int REDIRECT = 137;
    /** Type: multicast listener report, version 2 (RFC 9777). */
    public static final int MULTICAST_LISTENER_REPORT_V2 = 143;

    /** Code of {@link #DESTINATION_UNREACHABLE}: no route. */
    public static final int NO_ROUTE = 0;
    /** Code of {@link #DESTINATION_UNREACHABLE}: forbidden by an administrator. */
    public static final int ADMINISTRATIVELY_PROHIBITED = 1;
    /** Code of {@link #DESTINATION_UNREACHABLE}: beyond the scope of the source address. */
    public static final int BEYOND_SCOPE = 2;
    /** Code of {@link #DESTINATION_UNREACHABLE}: address. */
    public static final int ADDRESS_UNREACHABLE = 3;
    /** Code of {@link #DESTINATION_UNREACHABLE}: port. */
    public static final int PORT_UNREACHABLE = 4;

    /** Code of {@link #TIME_EXCEEDED}: in transit. */
    public static final int HOP_LIMIT_EXCEEDED = 0;
    /** Code of {@link #TIME_EXCEEDED}: waiting for fragments. */
    public static final int REASSEMBLY_TIME_EXCEEDED = 1;

    /** Code of {@link #PARAMETER_PROBLEM}: an erroneous header field. */
    public static final int ERRONEOUS_HEADER_FIELD = 0;
    /** Code of {@link #PARAMETER_PROBLEM}: an unknown next header. */
    public static final int UNRECOGNIZED_NEXT_HEADER = 1;
    /** Code of {@link #PARAMETER_PROBLEM}: an unknown IPv6 option. */
    public static final int UNRECOGNIZED_OPTION = 2;

    private static final int TYPE = 0;
    private static final int CODE = 1;
    private static final int WORD = 4;

    private Icmpv6Header() {}

    /** Whether {@code length} bytes hold a header. Says nothing about the checksum. */
    public static boolean isValid(int length) {
        return length >= LENGTH;
    }

    /** Whether a type is that of an error message, to which no error may be sent (RFC 4443 §2.1, §2.4). */
    public static boolean isError(int type) {
        return type < 128;
    }

    /** The type. */
    public static int type(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + TYPE);
    }

    /** The code, whose meaning depends on the type. */
    public static int code(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + CODE);
    }

    /** The checksum, over pseudo-header and message. */
    public static int checksum(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + CHECKSUM_OFFSET);
    }

    /** The word after the checksum: flags, or the pointer of a parameter problem, or the MTU of a "packet too big". */
    public static int word(ByteBuf buf, int offset) {
        return buf.getInt(offset + WORD);
    }

    /** Identifier of an echo. */
    public static int identifier(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + WORD);
    }

    /** Sequence number of an echo. */
    public static int sequenceNumber(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + WORD + 2);
    }

    /**
     * Writes a header with a checksum of zero.
     *
     * @param word what follows the checksum, as the type wants it
     */
    public static void write(ByteBuf buf, int offset, int type, int code, int word) {
        buf.setInt(offset + TYPE, type << 24 | code << 16);
        buf.setInt(offset + WORD, word);
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
