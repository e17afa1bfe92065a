/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * Multicast listener discovery (RFC 2710, RFC 9777), which is ICMPv6: what follows the {@link Icmpv6Header}.
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Type      |     Code      |           Checksum            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Maximum Response Code     |           Reserved            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                 Multicast Address (16 bytes)                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Resv  |S| QRV |     QQIC      |     Number of Sources (N)     |   query of version 2
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                Source Address [i] (16 bytes)                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 *  A report of version 2 has the number of its records in the last two bytes of the second word, and then records:
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Record Type  |  Aux Data Len |     Number of Sources (N)     |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                 Multicast Address (16 bytes)                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                Source Address [i] (16 bytes)                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class MulticastListenerHeader {
    /** Bytes of a message of version 1. */
    public static final int V1_LENGTH = 24;
    /** Bytes of a query of version 2 before its sources. */
    public static final int QUERY_V2_LENGTH = 28;
    /** Bytes of a record before its sources. */
    public static final int RECORD_LENGTH = 20;

    private static final int MAX_RESPONSE_CODE = 4;
    private static final int GROUP = 8;
    private static final int FLAGS = 24;
    private static final int QUERY_INTERVAL_CODE = 25;
    private static final int SOURCES = 26;

    private MulticastListenerHeader() {}

    /** The code of a query that tells how long may be waited, in milliseconds; from 32768 on it is a {@link #decode code}. */
    public static int maxResponseCode(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + MAX_RESPONSE_CODE);
    }

    /** First half of the group; {@code ::} in a general query. */
    public static long groupHigh(ByteBuf buf, int offset) {
        return buf.getLong(offset + GROUP);
    }

    /** Second half of the group. */
    public static long groupLow(ByteBuf buf, int offset) {
        return buf.getLong(offset + GROUP + 8);
    }

    /** Of a query of version 2, the querier's robustness variable, 0 to 7; 0 if it does not tell. */
    public static int robustness(ByteBuf buf, int offset) {
        return buf.getByte(offset + FLAGS) & 7;
    }

    /** Of a query of version 2, the interval between queries in seconds, as {@link IgmpHeader#decode} reads it. */
    public static int queryIntervalCode(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + QUERY_INTERVAL_CODE);
    }

    /** Of a query of version 2, how many sources it asks about. */
    public static int sourceCount(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + SOURCES);
    }

    /** The value of a 16-bit code: itself below 32768, a small floating-point number from there (RFC 9777 §5.1.3). */
    public static int decode(int code) {
        return code < 0x8000 ? code : (code & 0xfff | 0x1000) << (code >>> 12 & 7) + 3;
    }

    /** Writes the group. */
    public static void group(ByteBuf buf, int offset, long high, long low) {
        buf.setLong(offset + GROUP, high);
        buf.setLong(offset + GROUP + 8, low);
    }

    /** Writes the first twenty bytes of a record. */
    public static void writeRecord(ByteBuf buf, int offset, int recordType, int sourceCount, long high, long low) {
        buf.setInt(offset, recordType << 24 | sourceCount);
        buf.setLong(offset + 4, high);
        buf.setLong(offset + 12, low);
    }
}
