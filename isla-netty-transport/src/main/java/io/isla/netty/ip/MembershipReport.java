/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** The body of a report that is being written: records one after the other, in a buffer of its own while there are any. */
final class MembershipReport {
    private final ByteBufAllocator allocator;
    private ByteBuf records;
    private int count;

    MembershipReport(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    /** How many records there are. */
    int count() {
        return count;
    }

    /** Bytes in them. */
    int length() {
        return records == null ? 0 : records.writerIndex();
    }

    /** The records; index 0 is the first byte. */
    ByteBuf buffer() {
        return records;
    }

    /** Makes room for another record and returns its index. */
    int append(int length) {
        if (records == null) {
            records = allocator.directBuffer();
        }
        int at = records.writerIndex();
        records.ensureWritable(length);
        records.writerIndex(at + length);
        count++;
        return at;
    }

    /** Forgets the records. */
    void clear() {
        if (records != null) {
            records.release();
            records = null;
        }
        count = 0;
    }
}
