/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Tasks that threads of the application submit to event loops in virtual time: they come at a moment that is not the same twice. They are done, and reported.
 */
final class ForeignTasks {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(VirtualNetwork.class);

    private record Submitted(VirtualEventLoop loop, Runnable task, String thread, String stack) {}

    private final Queue<Submitted> queue = new ConcurrentLinkedQueue<>();
    private final Map<String, Integer> threads = new LinkedHashMap<>();
    private final boolean strict;
    private volatile boolean pending;

    ForeignTasks(boolean strict) {
        this.strict = strict;
    }

    /** Any thread but the network's. */
    void add(VirtualEventLoop loop, Runnable task) {
        queue.add(new Submitted(loop, task, Thread.currentThread().getName(), caller()));
        pending = true;
    }

    private static String caller() {
        return StackWalker.getInstance()
                .walk(frames -> frames.dropWhile(frame -> frame.getClassName().equals(ForeignTasks.class.getName())
                                || frame.getClassName().equals(VirtualEventLoop.class.getName())
                                || frame.getClassName().startsWith("io.netty.")
                                || frame.getClassName().startsWith("java."))
                        .findFirst()
                        .map(Object::toString)
                        .orElse("an unknown place"));
    }

    /** Hands over to their loops what has been submitted. On the network's thread. */
    void deliver() {
        if (!pending) {
            return;
        }
        pending = false;
        for (Submitted submitted = queue.poll(); submitted != null; submitted = queue.poll()) {
            if (threads.merge(submitted.thread, 1, Integer::sum) == 1) {
                String report = "thread '" + submitted.thread + "' has submitted a task to " + submitted.loop + " from "
                        + submitted.stack + ": when it runs in virtual time differs from run to run";
                logger.warn("{}", report);
                if (strict) {
                    submitted.loop.executeForeign(submitted.task);
                    throw new IllegalStateException(report);
                }
            }
            submitted.loop.executeForeign(submitted.task);
        }
    }

    /** Who has submitted, and how often. */
    List<String> report() {
        List<String> report = new ArrayList<>();
        threads.forEach((thread, count) -> report.add(thread + " (" + count + ")"));
        return report;
    }
}
