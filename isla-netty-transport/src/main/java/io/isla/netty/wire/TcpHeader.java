/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * The TCP header (RFC 9293 §3.1).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Source Port          |       Destination Port        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                        Sequence Number                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                    Acknowledgment Number                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Data |       |C|E|U|A|P|R|S|F|                               |
 * | Offset| Rsrvd |W|C|R|C|S|S|Y|I|            Window             |
 * |       |       |R|E|G|K|H|T|N|N|                               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           Checksum            |         Urgent Pointer        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                           [Options]                           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class TcpHeader {
    /** Bytes without options. */
    public static final int MIN_LENGTH = 20;
    /** Bytes with the most options. */
    public static final int MAX_LENGTH = 60;
    /** Bytes from the start of the header to the checksum field. */
    public static final int CHECKSUM_OFFSET = 16;

    /** Flag: no more data from the sender. */
    public static final int FIN = 0x01;
    /** Flag: synchronize sequence numbers. */
    public static final int SYN = 0x02;
    /** Flag: reset the connection. */
    public static final int RST = 0x04;
    /** Flag: push. */
    public static final int PSH = 0x08;
    /** Flag: the acknowledgment number counts. */
    public static final int ACK = 0x10;
    /** Flag: the urgent pointer counts. */
    public static final int URG = 0x20;
    /** Flag: ECN echo (RFC 3168). */
    public static final int ECE = 0x40;
    /** Flag: congestion window reduced (RFC 3168). */
    public static final int CWR = 0x80;

    private static final int SOURCE_PORT = 0;
    private static final int DESTINATION_PORT = 2;
    private static final int SEQUENCE_NUMBER = 4;
    private static final int ACKNOWLEDGMENT_NUMBER = 8;
    private static final int DATA_OFFSET = 12;
    private static final int FLAGS = 13;
    private static final int WINDOW = 14;
    private static final int URGENT_POINTER = 18;

    private TcpHeader() {}

    /** Whether {@code length} bytes hold a header with its options. Says nothing about the checksum. */
    public static boolean isValid(ByteBuf buf, int offset, int length) {
        if (length < MIN_LENGTH) {
            return false;
        }
        int headerLength = headerLength(buf, offset);
        return headerLength >= MIN_LENGTH && headerLength <= length;
    }

    /** The source port. */
    public static int sourcePort(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + SOURCE_PORT);
    }

    /** The destination port. */
    public static int destinationPort(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + DESTINATION_PORT);
    }

    /** The sequence number of the first data byte, or of the SYN. */
    public static int sequenceNumber(ByteBuf buf, int offset) {
        return buf.getInt(offset + SEQUENCE_NUMBER);
    }

    /** The next sequence number that the sender expects; counts if {@link #ACK} is set. */
    public static int acknowledgmentNumber(ByteBuf buf, int offset) {
        return buf.getInt(offset + ACKNOWLEDGMENT_NUMBER);
    }

    /** The header's length with options, in bytes: four times the data offset. */
    public static int headerLength(ByteBuf buf, int offset) {
        return buf.getByte(offset + DATA_OFFSET) >>> 2 & 0x3c;
    }

    /** The eight flags, {@link #FIN} to {@link #CWR}. */
    public static int flags(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + FLAGS);
    }

    /** The window, not scaled. */
    public static int window(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + WINDOW);
    }

    /** The checksum. */
    public static int checksum(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + CHECKSUM_OFFSET);
    }

    /** The urgent pointer; counts if {@link #URG} is set. */
    public static int urgentPointer(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + URGENT_POINTER);
    }

    /**
     * Writes a header with a checksum of zero; options, from {@link #MIN_LENGTH} on, are the caller's.
     *
     * @param headerLength bytes, with options: a multiple of 4 from 20 to 60
     * @param flags any of the eight
     * @param window 0 to 65,535
     */
    public static void write(
            ByteBuf buf,
            int offset,
            int sourcePort,
            int destinationPort,
            int sequenceNumber,
            int acknowledgmentNumber,
            int headerLength,
            int flags,
            int window,
            int urgentPointer) {
        buf.setInt(offset + SOURCE_PORT, sourcePort << 16 | destinationPort);
        buf.setInt(offset + SEQUENCE_NUMBER, sequenceNumber);
        buf.setInt(offset + ACKNOWLEDGMENT_NUMBER, acknowledgmentNumber);
        buf.setInt(offset + DATA_OFFSET, headerLength << 26 | flags << 16 | window);
        buf.setInt(offset + CHECKSUM_OFFSET, urgentPointer);
    }

    /** Sets the sequence number. */
    public static void sequenceNumber(ByteBuf buf, int offset, int sequenceNumber) {
        buf.setInt(offset + SEQUENCE_NUMBER, sequenceNumber);
    }

    /** Sets the acknowledgment number. */
    public static void acknowledgmentNumber(ByteBuf buf, int offset, int acknowledgmentNumber) {
        buf.setInt(offset + ACKNOWLEDGMENT_NUMBER, acknowledgmentNumber);
    }

    /** Sets the header's length, in bytes: a multiple of 4 from 20 to 60. */
    public static void headerLength(ByteBuf buf, int offset, int bytes) {
        buf.setByte(offset + DATA_OFFSET, bytes << 2);
    }

    /** Sets the eight flags. */
    public static void flags(ByteBuf buf, int offset, int flags) {
        buf.setByte(offset + FLAGS, flags);
    }

    /** Sets the window, not scaled. */
    public static void window(ByteBuf buf, int offset, int window) {
        buf.setShort(offset + WINDOW, window);
    }

    /** Sets the checksum. */
    public static void checksum(ByteBuf buf, int offset, int checksum) {
        buf.setShort(offset + CHECKSUM_OFFSET, checksum);
    }

    /** Sets the urgent pointer. */
    public static void urgentPointer(ByteBuf buf, int offset, int urgentPointer) {
        buf.setShort(offset + URGENT_POINTER, urgentPointer);
    }
}
