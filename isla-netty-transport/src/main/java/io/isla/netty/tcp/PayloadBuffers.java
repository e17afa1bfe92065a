/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** When received payload is copied, and into what. */
final class PayloadBuffers {
    /**
     * From this many bytes on the link's read buffer (64 KiB and more) is kept as it lies; below, copying costs less than the memory that
     * a mostly empty read buffer would hold.
     */
    private static final int MIN_KEEP = 16 * 1024;

    /** The largest chunk that small payloads are gathered in. */
    static final int GATHER_CHUNK = 16 * 1024;

    private PayloadBuffers() {}

    /** Whether a payload of this length is kept by reference. */
    static boolean isWorthKeeping(int length) {
        return length >= MIN_KEEP;
    }

    /**
     * Copies a payload.
     *
     * @param capacity of the copy, at least {@code length}: more leaves room for what comes after
     * @return a buffer with the payload at index 0 and its writer index after it; the caller owns it
     */
    static ByteBuf copy(ByteBufAllocator allocator, ByteBuf source, int offset, int length, int capacity) {
        ByteBuf copy = allocator.directBuffer(capacity, capacity);
        // Not copy.writeBytes(): with buffers of the adaptive allocator, that makes a ByteBuffer each time.
        source.getBytes(offset, copy, length);
        return copy;
    }
}
