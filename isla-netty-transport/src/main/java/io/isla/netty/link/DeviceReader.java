/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Reads frames from a device into buffers of their own: each with a system call of its own, or, with an {@link IoUring}, several at a time where several have
 * come of late.
 */
final class DeviceReader {
    /** The most frames read at a time. */
    private static final int BATCH = 8;

    /** Large frames are read by so many at a time: more would fall out of the cache before they are dealt with. */
    private static final int LARGE_BATCH = 2;
    /** What counts as large, in bytes. */
    private static final int LARGE = 16 * 1024;

    private final FileDescriptor fd;
    private final ByteBufAllocator allocator;
    private FramePool pool;
    private final int start;
    private final ByteBuf[] buffers = new ByteBuf[BATCH];
    private final int[] results = new int[BATCH];
    /** For a frame that there is no memory for. */
    private final ByteBuf nowhere = Unpooled.directBuffer(64, 64);

    private IoUring ring;
    private int bufferLength;
    private int expected = 1;
    private boolean empty;
    private boolean outOfMemory;

    /**
     * Creates a reader.
     *
     * @param start where in its buffer a frame is to begin
     * @param bufferLength bytes of a buffer
     */
    DeviceReader(FileDescriptor fd, ByteBufAllocator allocator, int start, int bufferLength) {
        this.fd = fd;
        this.allocator = allocator;
        this.start = start;
        bufferLength(bufferLength);
    }

    /** Has several be read in one system call from now on. The ring stays the caller's. */
    void ring(IoUring several) {
        ring = several;
    }

    /** How long buffers are from the next read on, in bytes; no less than before. */
    void bufferLength(int bytes) {
        if (bytes == bufferLength) {
            return;
        }
        if (pool != null) {
            pool.close();
        }
        pool = new FramePool(allocator, bytes);
        bufferLength = bytes;
    }

    /**
     * Reads some frames, and has {@link #result} and {@link #buffer} tell of them.
     *
     * @param most the most to read, 1 or more
     * @return how many were read, or failed to be
     */
    int read(int most) {
        empty = false;
        int wanted = allocate(Math.min(most, ring == null ? 1 : expected));
        outOfMemory = wanted == 0;
        if (outOfMemory) {
            return taken(1, nowhere);
        }
        if (wanted == 1) {
            return adapt(1, taken(1, buffers[0]));
        }
        for (int i = 0; i < wanted; i++) {
            ring.read(buffers[i].memoryAddress() + start, buffers[i].capacity() - start);
        }
        int done = ring.submit();
        int count = 0;
        for (int i = 0; i < done; i++) {
            int result = ring.result(i);
            if (result == -Linux.EAGAIN || result == 0) {
                empty = true;
                continue;
            }
            // One may have come between a read that found nothing and the next.
            ByteBuf buffer = buffers[i];
            buffers[i] = buffers[count];
            buffers[count] = buffer;
            results[count++] = result;
        }
        if (!ring.isUsable()) {
            ring = null;
        }
        return adapt(wanted, count);
    }

    private int taken(int count, ByteBuf buffer) {
        results[0] = read(buffer);
        empty = results[0] == 0;
        return empty ? 0 : count;
    }

    /** As many as there were, and one more, are tried next time. */
    private int adapt(int wanted, int count) {
        int limit = count > 0 && results[count - 1] >= LARGE ? LARGE_BATCH : BATCH;
        expected = Math.min(count < wanted ? count + 1 : 2 * wanted, limit);
        return count;
    }

    /** Sees to it that there are buffers; returns how many of those asked for there are. */
    private int allocate(int count) {
        for (int i = 0; i < count; i++) {
            if (buffers[i] != null && buffers[i].capacity() < bufferLength) {
                buffers[i].release();
                buffers[i] = null;
            }
            if (buffers[i] == null) {
                try {
                    buffers[i] = pool.take();
                } catch (OutOfMemoryError e) {
                    // Of direct memory, which has a limit of its own. An Error would end the event loop.
                    return i;
                }
            }
            if (ring != null && !buffers[i].hasMemoryAddress()) {
                // A ring could not be told where it is; the first one has a plain way.
                ring = null;
                return 1;
            }
        }
        return count;
    }

    /** Returns how many bytes were read, 0 if there is nothing to read, or a negative error number. */
    private int read(ByteBuf to) {
        try {
            int capacity = to.capacity();
            if (to.hasMemoryAddress()) {
                return fd.readAddress(to.memoryAddress(), start, capacity);
            }
            ByteBuffer nio = to.internalNioBuffer(0, capacity);
            return fd.read(nio, nio.position() + start, nio.limit());
        } catch (IOException e) {
            return -Linux.errno(e);
        }
    }

    /** Whether several can be read at a time. */
    boolean isBatching() {
        return ring != null;
    }

    /** Whether there was no more to read. */
    boolean isEmpty() {
        return empty;
    }

    /** Whether there was no memory, and the frame that was read is lost. */
    boolean isOutOfMemory() {
        return outOfMemory;
    }

    /** Bytes in frame {@code i} of those last read, or a negative error number. */
    int result(int i) {
        return results[i];
    }

    /** The buffer of frame {@code i}; the reader's, until it is {@linkplain #done done}. */
    ByteBuf buffer(int i) {
        return buffers[i];
    }

    /** The buffer of frame {@code i} is used again only if nobody has kept it. */
    void done(int i) {
        ByteBuf buffer = buffers[i];
        if (buffer.refCnt() > 1) {
            buffers[i] = null;
            buffer.release();
        }
    }

    /** Frees its memory. */
    void release() {
        for (int i = 0; i < BATCH; i++) {
            if (buffers[i] != null) {
                buffers[i].release();
                buffers[i] = null;
            }
        }
        pool.close();
        nowhere.release();
    }
}
