/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

/** {@link PollStrategy#whereItPays(PollStrategy)}: one object per event loop. */
final class PayingPollStrategy implements PollStrategy {
    /** After so many pauses that looking again did not spare, it is left out. */
    private static final int PATIENCE = 4;
    /** Then one pause in so many shows whether it would help by now. */
    private static final int TRIAL = 16;

    private final PollStrategy strategy;
    /** The present pause ends by waiting. */
    private boolean waiting;
    /** Pauses in a row that ended so. */
    private int waits;

    PayingPollStrategy(PollStrategy strategy) {
        this.strategy = strategy;
    }

    @Override
    public PollStrategy forLoop() {
        return new PayingPollStrategy(strategy.forLoop());
    }

    @Override
    public Action onIdle(long idleNanos) {
        if (idleNanos == 0) {
            // A pause begins, and so the one before has ended.
            waits = waiting ? waits + 1 : 0;
            waiting = false;
        }
        boolean paying = waits < PATIENCE || waits % TRIAL == 0;
        Action action = paying ? strategy.onIdle(idleNanos) : Action.BLOCK;
        waiting = action == Action.BLOCK;
        return action;
    }
}
