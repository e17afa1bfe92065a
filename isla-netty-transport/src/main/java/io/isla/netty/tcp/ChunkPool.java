/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * The chunks that send queues copy small writes into, for use again: an answer that is acknowledged leaves its chunk to the next one, of whatever connection.
 * One object per shard.
 */
final class ChunkPool {
    /** Bytes of a chunk: room for the few small buffers that an answer often is; they are then one slice. */
    static final int CHUNK = 2048;

    /** The most chunks that wait for use: 512 KiB. */
    private static final int MAX_FREE = 256;

    private final ByteBufAllocator allocator;
    private final ByteBuf[] free = new ByteBuf[MAX_FREE];
    private int count;
    private boolean closed;

    ChunkPool(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    /** Returns an empty direct buffer that cannot grow, of {@link #CHUNK} bytes or more. */
    ByteBuf take(int capacity) {
        if (count > 0 && capacity <= CHUNK) {
            ByteBuf chunk = free[--count];
            free[count] = null;
            return chunk;
        }
        int bytes = Math.max(CHUNK, capacity);
        return allocator.directBuffer(bytes, bytes);
    }

    /** Takes over the queue's reference to a chunk that came from a pool. */
    void give(ByteBuf chunk) {
        // A frame in somebody's queue may still refer to it.
        if (closed || count == MAX_FREE || chunk.capacity() != CHUNK || chunk.refCnt() != 1) {
            chunk.release();
        } else {
            free[count++] = chunk.clear();
        }
    }

    /** Releases what waits, and whatever comes from now on. */
    void close() {
        closed = true;
        while (count > 0) {
            free[--count].release();
            free[count] = null;
        }
    }
}
