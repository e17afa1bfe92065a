/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.timer;

/**
 * One timer, owned by whoever it wakes: a node of a {@link TimerWheel}, so that arming and cancelling allocate nothing.
 *
 * <p>Not thread-safe; used on the thread of its wheel.
 */
public abstract class Timer {
    static final int UNARMED = -1;

    Timer next;
    Timer previous;
    int slot = UNARMED;
    long deadline;

    /** Creates a timer that is not armed. */
    protected Timer() {}

    /**
     * Called once when the deadline has passed. The timer is no longer armed when this runs and may be armed again.
     *
     * @param now the present, in nanoseconds
     */
    protected abstract void expire(long now);

    /** Whether the timer is armed. */
    public final boolean isArmed() {
        return slot != UNARMED;
    }

    /** The time at which an armed timer expires, in nanoseconds of the wheel's clock; meaningless when not armed. */
    public final long deadline() {
        return deadline;
    }
}
