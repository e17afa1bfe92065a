/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Map;

/** What this Java process uses of memory. */
final class JvmMemory {
    private static final int COLLECTIONS = 3;

    private JvmMemory() {}

    /** Bytes that all live threads have allocated on the heap since they started. */
    static long allocatedBytes() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        if (threads instanceof com.sun.management.ThreadMXBean counting) {
            return Arrays.stream(counting.getThreadAllocatedBytes(threads.getAllThreadIds()))
                    .filter(bytes -> bytes > 0)
                    .sum();
        }
        throw new IllegalStateException("this JVM does not count what threads allocate");
    }

    /** Bytes on the heap after garbage collection, of direct memory (Netty's and the JDK's), and in RAM. */
    static Map<String, Long> afterCollection() throws IOException {
        for (int i = 0; i < COLLECTIONS; i++) {
            System.gc();
        }
        long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
        long direct = Math.max(0, PlatformDependent.usedDirectMemory());
        for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
            direct += pool.getName().equals("direct") ? pool.getMemoryUsed() : 0;
        }
        return Map.of("heap", heap, "direct", direct, "rss", ProcFiles.residentBytes());
    }
}
