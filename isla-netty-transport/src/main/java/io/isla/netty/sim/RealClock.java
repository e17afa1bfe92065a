/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.util.concurrent.DefaultEventExecutor;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Ticker;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.util.PriorityQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** The time of the machine, and a thread on which a network's links, switches and routers live. */
final class RealClock implements NetworkClock {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(RealClock.class);

    /** How long a thread that waits for a condition sleeps between two looks at it, in nanoseconds. */
    private static final long LOOK_NANOS = 1_000_000;

    private record Event(long time, long order, Runnable action) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(time, other.time);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private final DefaultEventExecutor executor =
            new DefaultEventExecutor(new DefaultThreadFactory("virtual-network", true));
    private final long origin = System.nanoTime();
    /** In the order of their times, as packets must not overtake each other because a thread was late. On the executor's thread. */
    private final PriorityQueue<Event> events = new PriorityQueue<>();

    private long order;
    private long timerAt = Long.MAX_VALUE;

    Thread thread() {
        return call(Thread::currentThread);
    }

    @Override
    public long now() {
        return System.nanoTime() - origin;
    }

    @Override
    public void at(long time, Runnable action) {
        if (executor.inEventLoop()) {
            add(time, action);
            return;
        }
        try {
            executor.execute(() -> add(time, action));
        } catch (RejectedExecutionException e) {
            // The network is closed, and the action finds that out.
            action.run();
        }
    }

    private void add(long time, Runnable action) {
        events.add(new Event(time, order++, action));
        arm();
    }

    private void arm() {
        Event next = events.peek();
        if (next != null && next.time < timerAt) {
            timerAt = next.time;
            executor.schedule(() -> runDue(next.time), Math.max(0, next.time - now()), TimeUnit.NANOSECONDS);
        }
    }

    private void runDue(long timer) {
        if (timer == timerAt) {
            timerAt = Long.MAX_VALUE;
        }
        long now = now();
        for (Event next = events.peek(); next != null && next.time <= now; next = events.peek()) {
            events.poll();
            try {
                next.action.run();
            } catch (RuntimeException e) {
                // The network is to go on.
                logger.warn("Unexpected exception in an action on the network.", e);
            }
        }
        arm();
    }

    @Override
    public Ticker ticker() {
        return Ticker.systemTicker();
    }

    <T> T call(Supplier<T> action) {
        if (executor.inEventLoop()) {
            return action.get();
        }
        return executor.submit(action::get).syncUninterruptibly().getNow();
    }

    boolean run(BooleanSupplier condition, long nanos) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            long left = nanos - (System.nanoTime() - start);
            if (left <= 0) {
                return condition.getAsBoolean();
            }
            LockSupport.parkNanos(this, Math.min(left, LOOK_NANOS));
        }
        return true;
    }

    /** Has everything happen that is to, for what it holds to be let go of, and ends the thread. */
    void close() {
        call(() -> {
            for (Event next = events.poll(); next != null; next = events.poll()) {
                next.action.run();
            }
            return null;
        });
        executor.shutdownGracefully(0, 0, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
