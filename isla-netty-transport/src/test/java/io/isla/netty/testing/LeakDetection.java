/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.util.List;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/**
 * Has Netty's leak detection report to {@link #WATCH}, before any class that creates a detector is loaded.
 * Registered by a service file, so that it is the same in Maven and in an IDE.
 */
public final class LeakDetection implements LauncherSessionListener {

    static final LeakWatch WATCH = new LeakWatch();

    /** Returns (and forgets) what has leaked since the last call: for a test that leaks on purpose. */
    public static List<String> collect() {
        return WATCH.collect();
    }

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
        ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(WATCH);
    }
}
