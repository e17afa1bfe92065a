/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * Several reads and writes in one system call: an io_uring (Linux, {@code io_uring(7)}) of which nothing is asked that would have to wait.
 * Each operation bears {@code RWF_NOWAIT}, so that it is complete when the call that {@linkplain #submit() submits} it returns. Memory is in use
 * no longer than that, operations are carried out in their order, and nothing completes later.
 *
 * <p>Where a system call is dear, as with page-table isolation or in some virtual machines, most of what a small frame costs is the entry to the kernel. Where it is
 * not, an operation costs more through a ring than alone: {@link IoUringTrial} finds out.
 *
 * <p>One thread at a time.
 */
final class IoUring {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(IoUring.class);

    /** The most operations in one submission. */
    static final int ENTRIES = 64;

    // <linux/io_uring.h>. The numbers of the system calls are the same on all architectures.
    private static final long IO_URING_SETUP = 425;
    private static final long IO_URING_ENTER = 426;
    private static final int OFFSET_RINGS = 0;
    private static final int OFFSET_SQES = 0x1000_0000;
    /** Both rings in one piece; and what came with Linux 5.11, when all that is used here had been there for a while. */
    private static final int FEATURES = 1 | 1 << 8;

    private static final int ENTER_GETEVENTS = 1;
    private static final byte OP_WRITEV = 2;
    private static final byte OP_READ = 22;
    private static final byte OP_WRITE = 23;
    private static final int RWF_NOWAIT = 8;

    /** struct io_uring_params. */
    private static final int PARAMS = 120;

    private static final int PARAMS_CQ_ENTRIES = 4;
    private static final int PARAMS_FEATURES = 20;
    private static final int PARAMS_SQ_TAIL = 44;
    private static final int PARAMS_SQ_ARRAY = 64;
    private static final int PARAMS_CQ_HEAD = 80;
    private static final int PARAMS_CQ_TAIL = 84;
    private static final int PARAMS_CQ_CQES = 100;

    /** struct io_uring_sqe. */
    private static final int SQE = 64;

    private static final int SQE_FD = 4;
    private static final int SQE_OFFSET = 8;
    private static final int SQE_ADDRESS = 16;
    private static final int SQE_LENGTH = 24;
    private static final int SQE_RW_FLAGS = 28;
    private static final int SQE_USER_DATA = 32;

    /** struct io_uring_cqe. */
    private static final int CQE = 16;

    private static final int CQE_RESULT = 8;

    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED_POPULATE = 0x8001;

    private final int ring;
    private final int fd;
    private final Pointer rings;
    private final int ringsLength;
    private final Pointer sqes;
    private final ByteBuffer ringMemory;
    private final ByteBuffer sqeMemory;
    private final int sqTail;
    private final int cqHead;
    private final int cqTail;
    private final int cqes;
    private final int cqMask;
    private final int[] results = new int[ENTRIES];

    private int tail;
    private int head;
    private int prepared;
    private boolean usable = true;
    private boolean closed;

    private IoUring(int ring, int fd, Memory params) throws Linux.ErrnoException {
        this.ring = ring;
        this.fd = fd;
        sqTail = params.getInt(PARAMS_SQ_TAIL);
        cqHead = params.getInt(PARAMS_CQ_HEAD);
        cqTail = params.getInt(PARAMS_CQ_TAIL);
        cqes = params.getInt(PARAMS_CQ_CQES);
        int cqEntries = params.getInt(PARAMS_CQ_ENTRIES);
        cqMask = cqEntries - 1;
        int array = params.getInt(PARAMS_SQ_ARRAY);
        ringsLength = Math.max(array + ENTRIES * Integer.BYTES, cqes + cqEntries * CQE);
        rings = map(ringsLength, OFFSET_RINGS);
        try {
            sqes = map(ENTRIES * SQE, OFFSET_SQES);
        } catch (Linux.ErrnoException e) {
            Calls.munmap(rings, ringsLength);
            throw e;
        }
        ringMemory = rings.getByteBuffer(0, ringsLength);
        sqeMemory = sqes.getByteBuffer(0, ENTRIES * SQE);
        for (int i = 0; i < ENTRIES; i++) {
            ringMemory.putInt(array + i * Integer.BYTES, i);
        }
    }

    private Pointer map(int length, int offset) throws Linux.ErrnoException {
        Pointer memory = Calls.mmap(null, length, PROT_READ_WRITE, MAP_SHARED_POPULATE, ring, offset);
        if (Pointer.nativeValue(memory) == -1) {
            throw new Linux.ErrnoException("mmap of an io_uring", Native.getLastError());
        }
        return memory;
    }

    /** Loads what it takes to call the kernel, if that has not been done. */
    static void load() {
        logger.debug("io_uring {} be called", Calls.AVAILABLE ? "can" : "cannot");
    }

    /**
     * Makes a ring for operations on a file that does not block.
     *
     * @return {@code null} where the kernel has no io_uring, or does not let this process have one
     */
    static IoUring open(FileDescriptor file) {
        if (!Platform.is64Bit() || !Calls.AVAILABLE) {
            return null;
        }
        try (Memory params = new Memory(PARAMS)) {
            params.clear();
            int ring = (int) Calls.syscall(IO_URING_SETUP, ENTRIES, Pointer.nativeValue(params), 0, 0, 0, 0);
            if (ring < 0) {
                logger.debug("no io_uring (errno {}): a system call for each frame", Native.getLastError());
                return null;
            }
            if ((params.getInt(PARAMS_FEATURES) & FEATURES) != FEATURES) {
                Linux.close(ring);
                return null;
            }
            try {
                return new IoUring(ring, file.intValue(), params);
            } catch (Linux.ErrnoException e) {
                logger.debug("no io_uring: a system call for each frame", e);
                Linux.close(ring);
                return null;
            }
        }
    }

    /** Whether it may be used further; if not, it is to be closed. */
    boolean isUsable() {
        return usable;
    }

    /** Adds a {@code read(2)}; at most {@link #ENTRIES} operations can be added. */
    void read(long address, int length) {
        prepare(OP_READ, address, length);
    }

    /** Adds a {@code write(2)}. */
    void write(long address, int length) {
        prepare(OP_WRITE, address, length);
    }

    /** Adds a {@code writev(2)} of {@code count} pieces. */
    void writev(long iovec, int count) {
        prepare(OP_WRITEV, iovec, count);
    }

    private void prepare(byte operation, long address, int length) {
        int sqe = (tail + prepared & ENTRIES - 1) * SQE;
        sqeMemory.put(sqe, operation);
        sqeMemory.putInt(sqe + SQE_FD, fd);
        sqeMemory.putLong(sqe + SQE_OFFSET, 0);
        sqeMemory.putLong(sqe + SQE_ADDRESS, address);
        sqeMemory.putInt(sqe + SQE_LENGTH, length);
        sqeMemory.putInt(sqe + SQE_RW_FLAGS, RWF_NOWAIT);
        sqeMemory.putLong(sqe + SQE_USER_DATA, prepared);
        prepared++;
    }

    /**
     * Carries out what was added, in its order.
     *
     * @return how many operations were carried out. If that is less than were added, the ring cannot be {@linkplain #isUsable() used} any more, and the others
     *     have had no effect
     */
    int submit() {
        return collect(enter());
    }

    /** As {@link #submit}, and returns how long it took to enter the kernel and come back, in nanoseconds. */
    long submitTimed() {
        long start = System.nanoTime();
        int submitted = enter();
        long nanos = System.nanoTime() - start;
        collect(submitted);
        return nanos;
    }

    /** Gives the kernel what was added; returns how many it has taken. */
    private int enter() {
        int count = prepared;
        prepared = 0;
        if (!usable) {
            return 0;
        }
        VarHandle.releaseFence();
        ringMemory.putInt(sqTail, tail + count);
        int submitted = 0;
        while (submitted < count) {
            int n = (int) Calls.syscall(IO_URING_ENTER, ring, count - submitted, 0, 0, 0, 0);
            if (n <= 0) {
                logger.debug(
                        "io_uring_enter has failed (errno {}): a system call for each frame", Native.getLastError());
                usable = false;
                break;
            }
            submitted += n;
        }
        tail += count;
        return submitted;
    }

    /** Takes the results of the first {@code submitted} operations. */
    private int collect(int submitted) {
        int collected = 0;
        while (collected < submitted) {
            int end = ringMemory.getInt(cqTail);
            VarHandle.acquireFence();
            if (head == end) {
                // Does not happen with what was asked not to wait; memory must not be given back before it has ended
                // all the same.
                if (Calls.syscall(IO_URING_ENTER, ring, 0, 1, ENTER_GETEVENTS, 0, 0) < 0
                        && Native.getLastError() != Linux.EINTR) {
                    usable = false;
                    return collected;
                }
                continue;
            }
            for (; head != end; head++) {
                int cqe = cqes + (head & cqMask) * CQE;
                results[(int) ringMemory.getLong(cqe)] = ringMemory.getInt(cqe + CQE_RESULT);
                collected++;
            }
            VarHandle.releaseFence();
            ringMemory.putInt(cqHead, head);
        }
        for (int i = 0; i < submitted; i++) {
            if (results[i] == -Linux.EOPNOTSUPP) {
                // The file cannot do without waiting.
                usable = false;
                return i;
            }
        }
        return submitted;
    }

    /** What became of operation {@code i} of the last submission: bytes, or a negative error number, {@code EAGAIN} for what would have had to wait. */
    int result(int i) {
        return results[i];
    }

    /** Frees the ring; idempotent. */
    void close() {
        if (closed) {
            return;
        }
        closed = true;
        usable = false;
        Calls.munmap(sqes, ENTRIES * SQE);
        Calls.munmap(rings, ringsLength);
        Linux.close(ring);
    }

    /** Bound directly: this is the packet path. */
    private static final class Calls {
        static final boolean AVAILABLE = register();

        private static boolean register() {
            try {
                Native.register(Calls.class, NativeLibrary.getInstance(Platform.C_LIBRARY_NAME));
                return true;
            } catch (LinkageError e) {
                logger.debug("no io_uring: a system call for each frame", e);
                return false;
            }
        }

        static native long syscall(long number, long a, long b, long c, long d, long e, long f);

        static native Pointer mmap(Pointer address, long length, int protection, int flags, int fd, long offset);

        static native int munmap(Pointer address, long length);
    }
}
