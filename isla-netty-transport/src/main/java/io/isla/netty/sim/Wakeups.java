/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import java.util.Arrays;

/**
 * Has something run at the earliest of the times that it was asked for. What was asked for and is then not the earliest any more stays an event, at which
 * there may be nothing to do; so there are few events however often the deadline moves.
 */
final class Wakeups {
    private final NetworkClock clock;
    private final Runnable action;
    /** The times of the events that there are, the earliest last. */
    private long[] times = new long[4];

    private int count;
    private boolean closed;

    Wakeups(NetworkClock clock, Runnable action) {
        this.clock = clock;
        this.action = action;
    }

    /** Has the action run at a time, or before; the past means now. */
    void at(long time) {
        long when = Math.max(time, clock.now());
        if (closed || count > 0 && times[count - 1] <= when) {
            return;
        }
        if (count == times.length) {
            times = Arrays.copyOf(times, count * 2);
        }
        times[count++] = when;
        clock.at(when, this::due);
    }

    private void due() {
        if (!closed) {
            count--;
            action.run();
        }
    }

    void close() {
        closed = true;
    }
}
