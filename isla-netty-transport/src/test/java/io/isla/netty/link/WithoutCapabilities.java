/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Platform;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/** Runs something as a user without rights: on a thread that has given up all its capabilities ({@code capset(2)}). */
final class WithoutCapabilities {
    private static final int VERSION_3 = 0x2008_0522;

    private WithoutCapabilities() {}

    interface Syscall extends Library {
        NativeLong syscall(NativeLong number, Object... arguments);
    }

    /** Returns its result, or throws what it throws. */
    static <T> T call(Callable<T> work) throws Exception {
        Syscall libc = Native.load(Platform.C_LIBRARY_NAME, Syscall.class);
        FutureTask<T> task = new FutureTask<>(() -> {
            try (Memory header = new Memory(8);
                    Memory nothing = new Memory(24)) {
                header.setInt(0, VERSION_3);
                header.setInt(4, 0);
                nothing.clear();
                NativeLong capset = new NativeLong(Platform.isARM() ? 91 : 126);
                if (libc.syscall(capset, header, nothing).intValue() != 0) {
                    throw new IllegalStateException("capset: error " + Native.getLastError());
                }
            }
            return work.call();
        });
        new Thread(task, "without capabilities").start();
        try {
            return task.get(10, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }
}
