/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.netty.util.ResourceLeakTracker;
import io.netty.util.internal.PlatformDependent;
import java.util.Queue;

/**
 * The buffers that a queue reads frames into. What was given back last is used next, for it is in the processor's cache still: Netty's allocator goes through all of a chunk
 * before it uses a part of it again. What other threads give back comes after that, in its order; if there is none, because users hold on to them, the allocator has one. What
 * was made once is kept until the pool is closed.
 *
 * <p>For the queue's thread; users may release buffers on any.
 */
final class FramePool {
    /** As much as there is of the cache next to a core; more is the allocator's. */
    private static final int MAX_BYTES = 2 * 1024 * 1024;

    /** Buffers are made in pieces of memory of so many bytes. */
    private static final int REGION = 512 * 1024;

    private static final int CACHE_LINE = 64;

    private static final ResourceLeakDetector<ByteBuf> LEAKS =
            ResourceLeakDetectorFactory.instance().newResourceLeakDetector(ByteBuf.class);

    private final ByteBufAllocator allocator;
    private final Loan[] free;
    /** Given back on other threads. */
    private final Queue<Loan> returned;

    private final int bytes;
    private int freeCount;
    private int made;
    private volatile Thread owner;
    private volatile boolean closed;

    /**
     * Creates a pool; there is no buffer before the first is taken.
     *
     * @param allocator has the memory, and the buffers that users get when the pool has none
     * @param bytes capacity of each buffer
     */
    FramePool(ByteBufAllocator allocator, int bytes) {
        this.allocator = allocator;
        this.bytes = bytes;
        int most = Math.max(2, MAX_BYTES / bytes);
        free = new Loan[most];
        returned = PlatformDependent.newFixedMpscQueue(most);
    }

    /**
     * A buffer with a reference that is the caller's.
     *
     * @throws OutOfMemoryError if there is no direct memory left
     */
    ByteBuf take() {
        if (owner != Thread.currentThread()) {
            owner = Thread.currentThread();
        }
        for (Loan loan = next(); loan != null; loan = next()) {
            if (loan.isWhole()) {
                return loan.begin();
            }
            made--;
            loan.free();
        }
        return made < free.length && makeSome() ? next().begin() : allocator.directBuffer(bytes, bytes);
    }

    /**
     * Makes some buffers in one piece of memory, which is freed with the last of them: next to one another, and each at the start of a cache line.
     *
     * @return whether there was so much memory in one piece; for a single buffer there may be
     */
    private boolean makeSome() {
        int distance = bytes + CACHE_LINE - 1 & -CACHE_LINE;
        int count = Math.min(Math.max(1, (REGION - CACHE_LINE) / distance), free.length - made);
        ByteBuf region;
        try {
            region = allocator.directBuffer(count * distance + CACHE_LINE);
        } catch (OutOfMemoryError e) {
            return false;
        }
        try {
            int start = region.hasMemoryAddress() ? (int) (-region.memoryAddress() & CACHE_LINE - 1) : 0;
            for (int i = 0; i < count; i++) {
                int offset = start + i * distance;
                free[freeCount++] = PlatformDependent.hasUnsafe()
                        ? new UnsafeFrameBuffer(allocator, region, offset, bytes, this).loan()
                        : new DirectFrameBuffer(allocator, region, offset, bytes, this).loan();
                made++;
            }
        } finally {
            region.release();
        }
        return true;
    }

    private Loan next() {
        return freeCount > 0 ? pop() : returned.poll();
    }

    /** Nothing here may refer to a buffer that somebody has: if he loses it, that is only found out when it is garbage. */
    private Loan pop() {
        Loan loan = free[--freeCount];
        free[freeCount] = null;
        return loan;
    }

    /** Frees what is here, and what is given back later as soon as it is. On the queue's thread. */
    void close() {
        closed = true;
        while (freeCount > 0) {
            pop().free();
        }
        freeReturned();
    }

    private synchronized void freeReturned() {
        for (Loan loan = returned.poll(); loan != null; loan = returned.poll()) {
            loan.free();
        }
    }

    private void giveBack(Loan loan) {
        if (closed) {
            loan.free();
        } else if (owner == Thread.currentThread()) {
            free[freeCount++] = loan;
        } else {
            returned.add(loan);
            if (closed) {
                freeReturned();
            }
        }
    }

    /** What a buffer has that is of this pool: the way back. */
    final class Loan {
        private final ByteBuf buffer;
        private final ByteBuf region;
        private final Runnable revive;
        private final Runnable deallocate;
        private ResourceLeakTracker<ByteBuf> leak;

        /**
         * For a new buffer.
         *
         * @param region what it is in; a reference to it comes along
         * @param revive makes a buffer that was released one with a reference
         * @param deallocate frees what is its own
         */
        Loan(ByteBuf buffer, ByteBuf region, Runnable revive, Runnable deallocate) {
            this.buffer = buffer;
            this.region = region;
            this.revive = revive;
            this.deallocate = deallocate;
        }

        private ByteBuf begin() {
            revive.run();
            leak = LEAKS.track(buffer);
            return buffer.clear().markReaderIndex().markWriterIndex();
        }

        /** Whoever has it may have made it shorter. */
        private boolean isWhole() {
            return buffer.capacity() == bytes;
        }

        /** Notes that a user has come by, for the case that it leaks. */
        void record(Object hint) {
            if (leak != null && ResourceLeakDetector.getLevel().compareTo(ResourceLeakDetector.Level.ADVANCED) >= 0) {
                leak.record(hint);
            }
        }

        /** The last reference is gone. */
        void end() {
            if (leak != null) {
                leak.close(buffer);
                leak = null;
            }
            giveBack(this);
        }

        private void free() {
            deallocate.run();
            region.release();
        }
    }
}
