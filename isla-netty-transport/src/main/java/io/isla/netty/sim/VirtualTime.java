/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.util.concurrent.Ticker;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A clock that stands still until somebody makes it run, and the events that happen as it does, in the order of their times; events of one
 * time happen in the order in which they were scheduled. Times are in nanoseconds since the clock began.
 *
 * <p>Not thread-safe: everything happens on the thread that makes it run.
 */
public final class VirtualTime implements Ticker {
    private record Event(long time, long order, Runnable action) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(time, other.time);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private long now;
    private long order;
    private long executed;

    /** A clock that shows zero. */
    public VirtualTime() {}

    @Override
    public long initialNanoTime() {
        return 0;
    }

    @Override
    public long nanoTime() {
        return now;
    }

    /**
     * Not to be waited for: nothing would make the time pass meanwhile.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public void sleep(long delay, TimeUnit unit) {
        throw new UnsupportedOperationException(
                "virtual time does not pass while a thread sleeps; schedule an event instead");
    }

    /** How many events have happened. */
    public long executed() {
        return executed;
    }

    /** How many events are to happen. */
    public int pending() {
        return events.size();
    }

    /**
     * Has something happen later.
     *
     * @param delayNanos from now on, at least 0
     */
    public void schedule(long delayNanos, Runnable action) {
        scheduleAt(Durations.plus(now, Math.max(0, delayNanos)), action);
    }

    /**
     * Has something happen at a time.
     *
     * @param timeNanos a time in the past means now
     */
    public void scheduleAt(long timeNanos, Runnable action) {
        events.add(new Event(Math.max(now, timeNanos), order++, action));
    }

    /** Whether something is to happen before time passes. */
    boolean isEventDue() {
        Event next = events.peek();
        return next != null && next.time <= now;
    }

    /** Has everything happen that is to, without time passing: what it then schedules does not. For what an event holds to be let go of. */
    void drain() {
        for (Event event = events.poll(); event != null; event = events.poll()) {
            event.action.run();
        }
    }

    /** Lets time pass, and happen what is due. */
    public void runFor(long nanos) {
        runUntil(() -> false, nanos);
    }

    /**
     * Lets time pass until a condition holds.
     *
     * @param limitNanos the most time to pass
     * @return whether it came to hold
     */
    public boolean runUntil(BooleanSupplier condition, long limitNanos) {
        long end = Durations.plus(now, limitNanos);
        while (!condition.getAsBoolean()) {
            Event next = events.peek();
            if (next == null || next.time > end) {
                now = end;
                return condition.getAsBoolean();
            }
            events.poll();
            now = next.time;
            executed++;
            next.action.run();
        }
        return true;
    }
}
