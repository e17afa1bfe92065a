/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * IGMP of all versions (RFC 1112 appendix I, RFC 2236, RFC 9776).
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Type      | Max Resp Code |           Checksum            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Group Address; of a report of version 3:              |
 * |           Reserved            |  Number of Group Records (M)  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Resv  |S| QRV |     QQIC      |     Number of Sources (N)     |   query of version 3
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Source Address [i]                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Record Type  |  Aux Data Len |     Number of Sources (N)     |   record of a report
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Multicast Address                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Source Address [i]                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class IgmpHeader {
    /** Bytes of every message up to its group or records. */
    public static final int LENGTH = 8;
    /** Bytes of a query of version 3 before its sources. */
    public static final int QUERY_V3_LENGTH = 12;
    /** Bytes of a record before its sources. */
    public static final int RECORD_LENGTH = 8;

    /** Type: membership query. */
    public static final int QUERY = 0x11;
    /** Type: membership report of version 1. */
    public static final int REPORT_V1 = 0x12;
    /** Type: membership report of version 2. */
    public static final int REPORT_V2 = 0x16;
    /** Type: leave group, of version 2. */
    public static final int LEAVE = 0x17;
    /** Type: membership report of version 3. */
    public static final int REPORT_V3 = 0x22;

    private static final int MAX_RESPONSE_CODE = 1;
    private static final int CHECKSUM = 2;
    private static final int GROUP = 4;
    private static final int FLAGS = 8;
    private static final int QUERY_INTERVAL_CODE = 9;
    private static final int SOURCES = 10;

    private IgmpHeader() {}

    /** The type. */
    public static int type(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset);
    }

    /** The code of a query that tells how long may be waited, in units of 100 ms; from 128 on it is a {@link #decode code}. */
    public static int maxResponseCode(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + MAX_RESPONSE_CODE);
    }

    /** The group; 0.0.0.0 in a general query. */
    public static int group(ByteBuf buf, int offset) {
        return buf.getInt(offset + GROUP);
    }

    /** Of a query of version 3, the querier's robustness variable, 0 to 7; 0 if it does not tell. */
    public static int robustness(ByteBuf buf, int offset) {
        return buf.getByte(offset + FLAGS) & 7;
    }

    /** Of a query of version 3, the interval between queries in seconds, as a {@linkplain #decode code}. */
    public static int queryIntervalCode(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset + QUERY_INTERVAL_CODE);
    }

    /** Of a query of version 3, how many sources it asks about. */
    public static int sourceCount(ByteBuf buf, int offset) {
        return buf.getUnsignedShort(offset + SOURCES);
    }

    /** The value of an 8-bit code: itself below 128, a small floating-point number from there (RFC 9776 §4.1.1). */
    public static int decode(int code) {
        return code < 128 ? code : (code & 0xf | 0x10) << (code >>> 4 & 7) + 3;
    }

    /** Writes the first eight bytes, with a checksum of zero. */
    public static void write(ByteBuf buf, int offset, int type, int word) {
        buf.setInt(offset, type << 24);
        buf.setInt(offset + GROUP, word);
    }

    /** Sets the checksum, which is over the whole message. */
    public static void checksum(ByteBuf buf, int offset, int checksum) {
        buf.setShort(offset + CHECKSUM, checksum);
    }

    /** Writes the first eight bytes of a record. */
    public static void writeRecord(ByteBuf buf, int offset, int recordType, int sourceCount, int group) {
        buf.setInt(offset, recordType << 24 | sourceCount);
        buf.setInt(offset + 4, group);
    }
}
