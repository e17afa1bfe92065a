/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.Shard;
import io.isla.netty.stack.ShardLoop;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.AbstractScheduledEventExecutor;
import io.netty.util.concurrent.ThreadAwareExecutor;
import io.netty.util.concurrent.Ticker;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;

/** An event loop as its shard sees it. */
final class HandlerLoop implements ShardLoop {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(HandlerLoop.class);

    private final ThreadAwareExecutor executor;
    private final Runnable wakeup;
    private final Consumer<Runnable> relink;

    HandlerLoop(ThreadAwareExecutor executor, Runnable wakeup, Consumer<Runnable> relink) {
        this.executor = executor;
        this.wakeup = wakeup;
        this.relink = relink;
    }

    /** The event loop that a shard runs on, or {@code null} if its executor is something else. Any thread. */
    static IoEventLoop of(Shard shard) {
        return shard.loop() instanceof HandlerLoop loop && loop.executor instanceof IoEventLoop eventLoop
                ? eventLoop
                : null;
    }

    @Override
    public boolean execute(Runnable task) {
        try {
            executor.execute(task);
            return true;
        } catch (RejectedExecutionException e) {
            logger.debug("event loop {} has shut down; dropped {}", executor, task);
            return false;
        }
    }

    @Override
    public boolean inLoop() {
        return executor.isExecutorThread(Thread.currentThread());
    }

    @Override
    public void wakeup() {
        wakeup.run();
    }

    @Override
    public void relink(Runnable exchange) {
        relink.accept(exchange);
    }

    /** Asked for late: a loop may get its ticker only after its handler. */
    @Override
    public Ticker ticker() {
        return executor instanceof AbstractScheduledEventExecutor scheduled
                ? scheduled.ticker()
                : Ticker.systemTicker();
    }

    @Override
    public ByteBufAllocator allocator() {
        return ByteBufAllocator.DEFAULT;
    }

    @Override
    public Object group() {
        return executor instanceof IoEventLoop eventLoop && eventLoop.parent() != null ? eventLoop.parent() : executor;
    }
}
