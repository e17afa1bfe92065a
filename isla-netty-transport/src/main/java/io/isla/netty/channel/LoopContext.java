/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.Shard;
import io.netty.channel.IoHandlerContext;

/**
 * What the event loop says about waiting, and what its shard says, in one: there is a wait only if neither has anything to do, and it ends with the
 * earlier of their deadlines.
 */
final class LoopContext implements IoHandlerContext {
    /** What Netty's contexts say when nothing is scheduled. */
    private static final long NO_DEADLINE = -1;

    private IoHandlerContext loop;
    private Shard shard;
    private boolean mayBlock;
    private long activeNanos;

    /** Describes the next poll. */
    LoopContext of(IoHandlerContext loop, Shard shard, boolean mayBlock) {
        this.loop = loop;
        this.shard = shard;
        this.mayBlock = mayBlock;
        activeNanos = 0;
        return this;
    }

    /** The processing time that was reported since {@link #of}, in nanoseconds. */
    long activeNanos() {
        return activeNanos;
    }

    @Override
    public boolean canBlock() {
        return mayBlock && loop.canBlock() && (shard == null || !shard.hasWork() && shardDelay() > 0);
    }

    @Override
    public long delayNanos(long currentTimeNanos) {
        return Math.min(loop.delayNanos(currentTimeNanos), shardDelay());
    }

    @Override
    public long deadlineNanos() {
        long deadline = loop.deadlineNanos();
        long timer = shard == null ? Long.MAX_VALUE : shard.nextDeadline();
        if (timer == Long.MAX_VALUE) {
            return deadline;
        }
        return deadline == NO_DEADLINE || timer - deadline < 0 ? timer : deadline;
    }

    /** How long until the deadline at the loop's clock, at least 0, in nanoseconds; {@link Long#MAX_VALUE} if there is none. */
    long remaining(long now) {
        long deadline = deadlineNanos();
        return deadline == NO_DEADLINE ? Long.MAX_VALUE : Math.max(0, deadline - now);
    }

    private long shardDelay() {
        if (shard == null) {
            return Long.MAX_VALUE;
        }
        long timer = shard.nextDeadline();
        return timer == Long.MAX_VALUE ? timer : Math.max(0, timer - shard.now());
    }

    @Override
    public void reportActiveIoTime(long nanos) {
        activeNanos += nanos;
    }

    @Override
    public boolean shouldReportActiveIoTime() {
        return loop.shouldReportActiveIoTime();
    }
}
