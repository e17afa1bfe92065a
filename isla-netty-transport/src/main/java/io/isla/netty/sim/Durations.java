/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import java.time.Duration;

/** Durations as nanoseconds: never negative, and however long, never so long that there is no time after them. */
final class Durations {
    /** Some 73 years: for a test, for ever. */
    static final long FOREVER = Long.MAX_VALUE / 4;

    private static final Duration LONGEST = Duration.ofNanos(FOREVER);

    private Durations() {}

    /**
     * A duration in nanoseconds, {@link #FOREVER} at most.
     *
     * @param what for the message
     * @throws IllegalArgumentException if it is negative
     */
    static long nanos(String what, Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException(what + " must not be negative: " + duration);
        }
        return duration.compareTo(LONGEST) < 0 ? duration.toNanos() : FOREVER;
    }

    /** A time, or a time span, and what is added to it; the end of time if that comes before. */
    static long plus(long time, long nanos) {
        long sum = time + nanos;
        return ((time ^ sum) & (nanos ^ sum)) < 0 ? Long.MAX_VALUE : sum;
    }
}
