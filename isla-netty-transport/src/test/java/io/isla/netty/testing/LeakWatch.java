/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.netty.util.ResourceLeakTracker;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Makes Netty's leak detectors, and collects what they find.
 *
 * <p>Netty reports a leak only when the next buffer is allocated after a garbage collection, and only to the log.
 * {@link #collect()} forces both and returns the reports.
 */
final class LeakWatch extends ResourceLeakDetectorFactory {

    private static final long GC_DEADLINE_NANOS = 60_000_000_000L;

    private final List<Detector<?>> detectors = new CopyOnWriteArrayList<>();
    private final Queue<String> leaks = new ConcurrentLinkedQueue<>();

    @Override
    @Deprecated
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(
            Class<T> resource, int samplingInterval, long maxActive) {
        Detector<T> detector = new Detector<>(resource, samplingInterval, leaks);
        detectors.add(detector);
        return detector;
    }

    /** Collects garbage, and returns (and forgets) all leaks that have been detected since the last call. */
    List<String> collect() {
        // The references that one collection clears are enqueued in no order: when the second canary arrives,
        // all those of the first collection have.
        awaitCollection();
        awaitCollection();
        detectors.forEach(Detector::reportPending);
        List<String> found = new ArrayList<>();
        for (String leak = leaks.poll(); leak != null; leak = leaks.poll()) {
            found.add(leak);
        }
        return found;
    }

    /** Returns when a collection has cleared and enqueued an object that became garbage just now. */
    private static void awaitCollection() {
        ReferenceQueue<Object> queue = new ReferenceQueue<>();
        WeakReference<Object> canary = new WeakReference<>(new Object(), queue);
        long start = System.nanoTime();
        try {
            do {
                System.gc();
                if (queue.remove(100) == canary) {
                    return;
                }
            } while (System.nanoTime() - start < GC_DEADLINE_NANOS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new IllegalStateException("the garbage collector did not run; leaks cannot be detected");
    }

    private static final class Detector<T> extends ResourceLeakDetector<T> {

        private final Queue<String> leaks;

        Detector(Class<T> resource, int samplingInterval, Queue<String> leaks) {
            super(resource, samplingInterval);
            this.leaks = leaks;
        }

        @Override
        protected boolean needReport() {
            return true;
        }

        @Override
        protected void reportTracedLeak(String resourceType, String records) {
            leaks.add("LEAK: " + resourceType + " was garbage collected before it was released." + records);
        }

        @Override
        protected void reportUntracedLeak(String resourceType) {
            leaks.add("LEAK: " + resourceType + " was garbage collected before it was released"
                    + " (its history is recorded with -Dio.netty.leakDetection.level=paranoid).");
        }

        /** A detector looks for leaks whenever it is given something to track. */
        @SuppressWarnings("unchecked") // Only the identity of what is tracked matters, not its type.
        void reportPending() {
            T decoy = (T) new Object();
            ResourceLeakTracker<T> tracker = trackForcibly(decoy);
            tracker.close(decoy);
        }
    }
}
