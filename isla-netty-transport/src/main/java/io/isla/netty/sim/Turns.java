/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.BooleanSupplier;

/**
 * Lets virtual time pass, and knows whose turn it is meanwhile: which event loop acts as if it had the thread for itself, and which were used from outside and are
 * to look what there is to do. On the network's thread.
 */
final class Turns {
    private final VirtualNetwork network;
    private final VirtualTime time;
    private final ForeignTasks foreignTasks;
    private final long maxEventsAtOnce;
    private final Queue<VirtualEventLoop> touched = new ArrayDeque<>();
    private VirtualEventLoop current;
    private boolean running;
    /** When the last event was, in nanoseconds, and how many there have been since time last passed. */
    private long at;

    private long eventsAtOnce;

    Turns(VirtualNetwork network, VirtualTime time, ForeignTasks foreignTasks, long maxEventsAtOnce) {
        this.network = network;
        this.time = time;
        this.foreignTasks = foreignTasks;
        this.maxEventsAtOnce = maxEventsAtOnce;
    }

    /** Lets time pass until a condition holds, or the limit is reached; returns whether it came to hold. */
    boolean run(BooleanSupplier condition, long nanos) {
        if (running) {
            throw new IllegalStateException(
                    "time is passing already: do not let it pass from within a handler, a task or an action;"
                            + " add a listener, or schedule what is to come later");
        }
        running = true;
        eventsAtOnce = 0;
        try {
            network.hosts().forEach(VirtualHost::settle);
            return time.runUntil(
                    () -> {
                        betweenEvents();
                        boolean holds = condition.getAsBoolean();
                        betweenEvents();
                        if (!holds) {
                            checkProgress();
                        }
                        return holds;
                    },
                    nanos);
        } finally {
            running = false;
        }
    }

    private void betweenEvents() {
        foreignTasks.deliver();
        for (VirtualEventLoop loop = touched.poll(); loop != null; loop = touched.poll()) {
            loop.settle();
        }
    }

    /** What goes on for ever and takes no time would never come to an end. */
    private void checkProgress() {
        if (at != time.nanoTime()) {
            at = time.nanoTime();
            eventsAtOnce = 0;
        } else if (++eventsAtOnce > maxEventsAtOnce) {
            throw new IllegalStateException("time stands still at " + Duration.ofNanos(at) + ": there have been "
                    + maxEventsAtOnce
                    + " events since it last passed. Something goes on for ever and takes no time, such as messages to and fro on"
                    + " links without latency, or a task that submits itself: give the links a latency(), schedule() what is to be"
                    + " repeated, or, if so much really happens at once, set maxEventsAtOnce() of the network's builder\n"
                    + network.report());
        }
    }

    /** Whether time is passing. */
    boolean areRunning() {
        return running;
    }

    /** The loop whose turn it is; {@code null} outside of turns. */
    VirtualEventLoop current() {
        return current;
    }

    /** A loop's turn begins; returns the loop whose turn it was. */
    VirtualEventLoop enter(VirtualEventLoop loop) {
        VirtualEventLoop outer = current;
        current = loop;
        return outer;
    }

    void leave(VirtualEventLoop outer) {
        current = outer;
    }

    /** A loop was used from outside of a turn. */
    void touched(VirtualEventLoop loop) {
        touched.add(loop);
    }
}
