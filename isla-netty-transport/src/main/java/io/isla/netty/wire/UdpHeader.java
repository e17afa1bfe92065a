/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The UDP header (RFC 768).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-------------------------------+-------------------------------+
 * |          Source Port          |       Destination Port        |
 * +-------------------------------+-------------------------------+
 * |            Length             |           Checksum            |
 * +-------------------------------+-------------------------------+
 * </pre>
 */
public final class UdpHeader {
    /** Bytes. */
    public static final int LENGTH = 8;
    /** Bytes from the start of the header to the checksum field. */
    public static final int CHECKSUM_OFFSET = 6;

    private static final int SOURCE_PORT = 0;
    private static final int DESTINATION_PORT = 2;
    private static final int DATAGRAM_LENGTH = 4;

    private UdpHeader() {}

    /** Whether {@code length} bytes hold a header and as many bytes as it says. Says nothing about the checksum. */
    public static boolean isValid(ByteBuf buf, int offset, int length) {
        if (length < LENGTH) {
            return false;
        }
        int datagramLength = length(buf, offset);
        return datagramLength >= LENGTH && datagramLength <= length;
    }

    /** The source port; 0 if there is none to answer to. */
    public static int sourcePort(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + SOURCE_PORT);
    }

    /** The destination port. */
    public static int destinationPort(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + DESTINATION_PORT);
    }

    /** Bytes of header and payload. */
    public static int length(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + DATAGRAM_LENGTH);
    }

    /** The checksum; 0 if the sender made none. */
    public static int checksum(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + CHECKSUM_OFFSET);
    }

    /**
     * Writes the header.
     *
     * @param length bytes of header and payload
     */
    public static void write(ByteBuf buf, int offset, int sourcePort, int destinationPort, int length, int checksum) {
        buf.setInt(offset + SOURCE_PORT, sourcePort << 16 | destinationPort);
        buf.setInt(offset + DATAGRAM_LENGTH, length << 16 | checksum);
    }

    /** Sets the length, in bytes of header and payload. */
    public static void length(ByteBuf buf, int offset, int bytes) {
        buf.setShort(offset + DATAGRAM_LENGTH, bytes);
    }

    /** Sets the checksum. */
    public static void checksum(ByteBuf buf, int offset, int checksum) {
        buf.setShort(offset + CHECKSUM_OFFSET, checksum);
    }
}
