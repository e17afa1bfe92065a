/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.channel.IoHandlerContext;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** The wait of a loop that has no file descriptor to wait for. */
final class Parking {
    private final AtomicBoolean asleep = new AtomicBoolean();
    private volatile Thread thread;

    /**
     * Waits until it is woken up or the time is over, unless there is something to do. Loop thread.
     *
     * @param context asked once more after the sleep has been announced: whoever gives work to the loop does that first and looks for sleepers after it,
     *     so that one of the two sees the other
     * @param nanos the longest time to wait, in nanoseconds; {@link Long#MAX_VALUE} for any time
     */
    void park(IoHandlerContext context, long nanos) {
        thread = Thread.currentThread();
        asleep.set(true);
        try {
            if (context.canBlock()) {
                if (nanos == Long.MAX_VALUE) {
                    LockSupport.park(this);
                } else {
                    LockSupport.parkNanos(this, nanos);
                }
                // An interrupt is a reason to look, as it is for Netty's other loops, but not to look for ever.
                Thread.interrupted();
            }
        } finally {
            asleep.set(false);
        }
    }

    /** Ends the wait if there is one. Any thread. */
    void wakeup() {
        if (asleep.getAndSet(false)) {
            LockSupport.unpark(thread);
        }
    }
}
