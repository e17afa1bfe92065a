/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** The bytes that have arrived in order and the user has not read. Large payloads lie where the link put them; small ones are copied. */
final class ReceiveQueue {
    private final BufferRing ring = new BufferRing();
    private final ByteBufAllocator allocator;
    /** The last slice's buffer if it is a chunk of our own that more may be appended to. */
    private ByteBuf chunk;

    private int readable;
    /** The capacity of all buffers that are held. */
    private long memory;

    ReceiveQueue(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    /** Bytes that can be read. */
    int readableBytes() {
        return readable;
    }

    /** Bytes of memory that are held: more than can be read, where frames lie as the link has read them. */
    long memory() {
        return memory;
    }

    /**
     * Appends bytes of a received frame; the buffer stays its owner's.
     *
     * @param budget memory up to which frames are kept as they lie
     */
    void append(ByteBuf source, int offset, int length, long budget) {
        if (PayloadBuffers.isWorthKeeping(length) && memory + source.capacity() <= budget) {
            chunk = null;
            add(source.retain(), offset, length);
            return;
        }
        int from = offset;
        int remaining = length;
        ByteBuf tail = chunk;
        if (tail != null && tail.isWritable()) {
            int n = Math.min(tail.writableBytes(), remaining);
            source.getBytes(from, tail, n);
            ring.extendLast(n);
            readable += n;
            from += n;
            remaining -= n;
        }
        if (remaining > 0) {
            // The first piece gets a buffer of its own size, as a request that is read at once wants; what queues up is
            // gathered.
            int capacity = ring.isEmpty() ? remaining : Math.max(PayloadBuffers.GATHER_CHUNK, remaining);
            chunk = PayloadBuffers.copy(allocator, source, from, remaining, capacity);
            add(chunk, 0, remaining);
        }
    }

    private void add(ByteBuf buffer, int offset, int length) {
        ring.add(buffer, offset, length);
        readable += length;
        memory += buffer.capacity();
    }

    /** Appends a slice and takes over the reference to its buffer. */
    void adopt(ByteBuf buffer, int offset, int length) {
        chunk = null;
        add(buffer, offset, length);
    }

    /**
     * Removes bytes from the front.
     *
     * @param maxBytes the most to return, at least 1
     * @return a buffer that the caller owns, or {@code null} if there is nothing
     */
    ByteBuf read(int maxBytes) {
        if (ring.isEmpty()) {
            return null;
        }
        int length = ring.length(0);
        int offset = ring.offset(0);
        if (length > maxBytes) {
            ByteBuf part = ring.buffer(0).retainedSlice(offset, maxBytes);
            ring.trimFirst(maxBytes);
            readable -= maxBytes;
            return part;
        }
        ByteBuf buffer = ring.removeFirst();
        readable -= length;
        memory -= buffer.capacity();
        if (buffer == chunk) {
            chunk = null;
        }
        if (buffer.refCnt() == 1) {
            return buffer.setIndex(offset, offset + length);
        }
        ByteBuf slice = buffer.retainedSlice(offset, length);
        buffer.release();
        return slice;
    }

    /** Releases everything. */
    void clear() {
        ring.clear();
        chunk = null;
        readable = 0;
        memory = 0;
    }
}
