/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.util.NettyRuntime;
import io.netty.util.internal.ObjectUtil;

/**
 * What an event loop does when there is nothing to do: look again at once, let other threads run first, or wait until something happens. Looking again
 * finds a frame sooner than being woken up does, and takes a processor for it. One strategy may serve many loops, on their threads.
 */
@FunctionalInterface
public interface PollStrategy {
    /** What to do next. */
    enum Action {
        /** Look again at once. */
        SPIN,
        /** Let other threads run, then look again. */
        YIELD,
        /** Wait for a frame, a task or the next timer. */
        BLOCK
    }

    /**
     * Called when a turn of the loop has found nothing to do, and before each further one.
     *
     * @param idleNanos how long there has been nothing to do, in nanoseconds; 0 the first time
     */
    Action onIdle(long idleNanos);

    /**
     * The strategy for one more event loop, which calls it on its own thread: this one, unless it keeps something of the loop's past. Called when the loop is made.
     */
    default PollStrategy forLoop() {
        return this;
    }

    /** Waits at once. */
    static PollStrategy blocking() {
        return idleNanos -> Action.BLOCK;
    }

    /**
     * Spins, then yields, then waits: an idle loop uses no processor.
     *
     * @param spinNanos how long to spin, in nanoseconds
     * @param yieldNanos how long to yield after that, in nanoseconds
     */
    static PollStrategy adaptive(long spinNanos, long yieldNanos) {
        ObjectUtil.checkPositiveOrZero(spinNanos, "spinNanos");
        ObjectUtil.checkPositiveOrZero(yieldNanos, "yieldNanos");
        return idleNanos ->
                idleNanos < spinNanos ? Action.SPIN : idleNanos - spinNanos < yieldNanos ? Action.YIELD : Action.BLOCK;
    }

    /**
     * As another strategy, where that pays: a loop that has waited in the end several times in a row, which is what looking again was to spare it, waits at
     * once from then on. Every 16th time it tries again, and looks again always as soon as that has found something.
     *
     * @param strategy says what to do where it pays; serves all loops
     */
    static PollStrategy whereItPays(PollStrategy strategy) {
        return new PayingPollStrategy(ObjectUtil.checkNotNull(strategy, "strategy"));
    }

    /**
     * What loops do that are not told otherwise: {@link #blocking()} on a single processor, else a moment of spinning and yielding before that,
     * {@linkplain #whereItPays where it pays}.
     */
    static PollStrategy byDefault() {
        return NettyRuntime.availableProcessors() == 1 ? blocking() : whereItPays(adaptive(5_000, 15_000));
    }
}
