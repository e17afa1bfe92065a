/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.link.FrameBuffer;
import io.isla.netty.link.OutboundFrame;
import io.netty.buffer.ByteBuf;
import java.util.Set;

/**
 * The bytes that the user has handed over and the peer has not acknowledged, sent or not. Buffers are kept by reference where that is
 * safe and copied into pooled direct memory where it is not; segments and their retransmissions are slices of them.
 *
 * <p>Positions are offsets from the first unacknowledged byte.
 */
final class SendQueue {
    /** Shorter pieces are copied: a slice of its own costs more than moving them. */
    private static final int MIN_KEEP = 1024;

    /**
     * Buffers of Netty's allocators, as are {@linkplain FrameBuffer those of links}, and wrappers that count as what they wrap does. Not among them: composite buffers, whose parts may be shared; buffers
     * around memory of the user's; unreleasable ones; and retained slices and duplicates, which do not tell of another slice that they were cut from.
     */
    private static final Set<String> KEEPABLE = Set.of(
            "PooledDirectByteBuf",
            "PooledUnsafeDirectByteBuf",
            "AdaptiveByteBuf",
            "InstrumentedUnpooledDirectByteBuf",
            "InstrumentedUnpooledUnsafeDirectByteBuf",
            "InstrumentedUnpooledUnsafeNoCleanerDirectByteBuf",
            "SimpleLeakAwareByteBuf",
            "AdvancedLeakAwareByteBuf",
            "UnpooledSlicedByteBuf",
            "UnpooledDuplicatedByteBuf",
            "ReadOnlyByteBuf",
            "ReadOnlyAbstractByteBuf");

    private static final ClassValue<Boolean> IS_KEEPABLE = new ClassValue<>() {
        @Override
        protected Boolean computeValue(Class<?> type) {
            return type.getPackage() == ByteBuf.class.getPackage() && KEEPABLE.contains(type.getSimpleName())
                    || FrameBuffer.class.isAssignableFrom(type);
        }
    };

    private static final int MAX_CHUNK = 64 * 1024;

    private final BufferRing ring = new BufferRing();
    private ChunkPool pool;
    /** The chunk of our own that the last slice ends in; never handed to anybody else, and given back when all is acknowledged. */
    private ByteBuf chunk;

    private int size;
    /** Where the last segment that was gathered ended: the slice, and the offset of its first byte. */
    private int cursorSlice;

    private int cursorOffset;

    SendQueue(ChunkPool pool) {
        this.pool = pool;
    }

    /** The connection has moved to another shard. */
    void pool(ChunkPool newPool) {
        pool = newPool;
    }

    /** Bytes in the queue. */
    int size() {
        return size;
    }

    /**
     * Whether a buffer whose owner hands it over with a write may be kept by reference until it is acknowledged: only if nobody else can
     * reach its memory once the write has completed.
     */
    static boolean mayKeep(ByteBuf buffer) {
        if (!buffer.isDirect()
                || buffer.readableBytes() < MIN_KEEP
                || buffer.nioBufferCount() != 1
                || !buffer.hasMemoryAddress()) {
            return false;
        }
        for (ByteBuf b = buffer; b != null; b = b.unwrap()) {
            if (b.refCnt() != 1 || !IS_KEEPABLE.get(b.getClass())) {
                return false;
            }
        }
        return true;
    }

    /** Appends bytes. With {@code keep} the buffer is retained, else they are copied. */
    void append(ByteBuf source, int offset, int length, boolean keep) {
        if (length == 0) {
            return;
        }
        size += length;
        if (keep) {
            chunk = null;
            ring.add(source.retain(), offset, length);
            return;
        }
        int remaining = length;
        int from = offset;
        while (remaining > 0) {
            ByteBuf tail = chunk;
            if (tail == null || !tail.isWritable()) {
                tail = pool.take(Math.min(MAX_CHUNK, remaining));
                chunk = tail;
                ring.add(tail, 0, 0);
            }
            int n = Math.min(tail.writableBytes(), remaining);
            // Read from the source's side: written to from ours, a read-only one would be wrapped for it each time.
            source.getBytes(from, tail, tail.writerIndex(), n);
            tail.writerIndex(tail.writerIndex() + n);
            ring.extendLast(n);
            from += n;
            remaining -= n;
        }
    }

    /** Drops the first {@code bytes}: they were acknowledged. */
    void acknowledge(int bytes) {
        size -= bytes;
        int remaining = bytes;
        int slices = 0;
        while (remaining > 0) {
            int length = ring.length(0);
            if (remaining < length) {
                ring.trimFirst(remaining);
                break;
            }
            remaining -= length;
            ByteBuf buffer = ring.removeFirst();
            slices++;
            if (buffer == chunk && ring.isEmpty()) {
                chunk = null;
                pool.give(buffer);
            } else {
                buffer.release();
            }
        }
        if (cursorSlice >= slices && cursorOffset >= bytes) {
            cursorSlice -= slices;
            cursorOffset -= bytes;
            if (cursorSlice == 0) {
                cursorOffset = 0;
            }
        } else {
            cursorSlice = 0;
            cursorOffset = 0;
        }
    }

    /**
     * Adds bytes to the payload of a frame.
     *
     * @param position the first byte
     * @param length how many; at most {@code size() - position}
     * @return how many were added: fewer when the frame has no room for more slices
     */
    int gather(OutboundFrame frame, int position, int length) {
        int slice = 0;
        int sliceStart = 0;
        if (position >= cursorOffset) {
            slice = cursorSlice;
            sliceStart = cursorOffset;
        }
        while (position >= sliceStart + ring.length(slice)) {
            sliceStart += ring.length(slice);
            slice++;
        }
        int added = 0;
        int skip = position - sliceStart;
        while (added < length && frame.hasRoom()) {
            int available = ring.length(slice) - skip;
            int n = Math.min(available, length - added);
            frame.addPayload(ring.buffer(slice), ring.offset(slice) + skip, n);
            added += n;
            if (n == available) {
                sliceStart += ring.length(slice);
                slice++;
                skip = 0;
            }
        }
        if (slice < ring.count()) {
            cursorSlice = slice;
            cursorOffset = sliceStart;
        }
        return added;
    }

    /** Releases everything. */
    void clear() {
        ring.clear();
        chunk = null;
        size = 0;
        cursorSlice = 0;
        cursorOffset = 0;
    }
}
