/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import java.util.List;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test class that leaked a buffer, and after the last one the run if a leak has shown up since.
 * Registered by a service file for every test.
 */
public final class LeakCheck implements BeforeAllCallback, AfterAllCallback {

    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(LeakCheck.class);

    @Override
    public void beforeAll(ExtensionContext context) {
        context.getRoot().getStore(NAMESPACE).computeIfAbsent("end of run", key ->
                (AutoCloseable) () -> failOnLeaks("the whole run"));
    }

    @Override
    public void afterAll(ExtensionContext context) {
        failOnLeaks(context.getRequiredTestClass().getName() + " (or a test class before it)");
    }

    private static void failOnLeaks(String when) {
        List<String> leaks = LeakDetection.WATCH.collect();
        if (!leaks.isEmpty()) {
            throw new AssertionError(leaks.size() + " leak(s) found after " + when + "\n" + String.join("\n", leaks));
        }
    }
}
