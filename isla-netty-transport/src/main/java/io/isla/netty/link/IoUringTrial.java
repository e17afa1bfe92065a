/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.io.IOException;

/**
 * Finds out what several operations in one system call, through an {@link IoUring}, cost here beside a system call for each. Through a ring there is one
 * entry to the kernel for all, and more to be done there for each. Where the former is fast and the latter slow, that costs twice as much, and where it is the other
 * way round, less than half.
 *
 * <p>It reads from an empty pipe, some hundred times, of which the fastest count; a millisecond in all.
 */
final class IoUringTrial {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(IoUringTrial.class);

    private static final int ROUNDS = 32;
    /** How many operations there are in one system call. Under load there are some three or four. */
    private static final int TOGETHER = 4;
    /** What has to be gained: a ring also costs its memory, and the work around it. */
    private static final double WORTH_IT = 0.8;

    private IoUringTrial() {}

    /** Whether a ring is worth it; {@code false} if there can be none. */
    static boolean pays() {
        FileDescriptor[] pipe;
        try {
            pipe = FileDescriptor.pipe();
        } catch (IOException e) {
            // No more files. A ring would be one.
            return false;
        }
        try {
            return pays(pipe[0]);
        } finally {
            TunDevice.close(pipe[0]);
            TunDevice.close(pipe[1]);
        }
    }

    private static boolean pays(FileDescriptor empty) {
        IoUring ring = IoUring.open(empty);
        if (ring == null) {
            return false;
        }
        ByteBuf memory = Unpooled.EMPTY_BUFFER;
        try {
            memory = Unpooled.directBuffer(Long.BYTES, Long.BYTES);
            if (!memory.hasMemoryAddress()) {
                return false;
            }
            boolean asExpected = true;
            long address = memory.memoryAddress();
            long alone = Long.MAX_VALUE;
            long together = Long.MAX_VALUE;
            for (int i = 0; i < ROUNDS && ring.isUsable(); i++) {
                long start = System.nanoTime();
                for (int j = 0; j < TOGETHER; j++) {
                    asExpected &= empty.readAddress(address, 0, Long.BYTES) == 0;
                }
                alone = Math.min(alone, System.nanoTime() - start);
                for (int j = 0; j < TOGETHER; j++) {
                    ring.read(address, Long.BYTES);
                }
                // What is done around it has not been compiled yet.
                together = Math.min(together, ring.submitTimed());
                for (int j = 0; j < TOGETHER; j++) {
                    asExpected &= ring.result(j) == -Linux.EAGAIN;
                }
            }
            boolean pays = asExpected && ring.isUsable() && together < alone * WORTH_IT;
            logger.debug(
                    "{} reads take {} ns alone, {} ns through io_uring, which is {}used",
                    TOGETHER,
                    alone,
                    together,
                    pays ? "" : "not ");
            return pays;
        } catch (IOException e) {
            // Nothing but an empty pipe was read from.
            return false;
        } finally {
            memory.release();
            ring.close();
        }
    }
}
