/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Decides whether a {@link KernelTest} may run: only in a network namespace of its own. */
final class KernelTestCondition implements ExecutionCondition {

    private static final AtomicBoolean SAID = new AtomicBoolean();

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        Optional<String> obstacle = obstacle(System.getProperties());
        if (obstacle.isEmpty()) {
            return ConditionEvaluationResult.enabled("the JVM has a network namespace of its own");
        }
        if (required(System.getenv())) {
            throw new IllegalStateException("real-kernel tests are required here, but " + obstacle.get());
        }
        String reason = "real-kernel test SKIPPED: " + obstacle.get();
        if (SAID.compareAndSet(false, true)) {
            // Standard error shows in the build's log even where skipped tests are only counted.
            System.err.println(banner(reason));
        }
        return ConditionEvaluationResult.disabled(reason);
    }

    /** Returns why no real-kernel test may run, or nothing if it may. */
    static Optional<String> obstacle(Properties properties) {
        String inNamespace = properties.getProperty("isla.test.netns");
        if ("true".equals(inNamespace)) {
            return Optional.empty();
        }
        if (inNamespace == null) {
            return Optional.of("this JVM was not started by .mvn/netns/bin/java, which makes the namespace");
        }
        return Optional.of(properties.getProperty("isla.test.netns.reason", "no network namespace could be made"));
    }

    /** Returns whether skipping is a failure in this environment. */
    static boolean required(Map<String, String> environment) {
        return "true".equalsIgnoreCase(environment.get("ISLA_REQUIRE_NETNS"))
                || "true".equalsIgnoreCase(environment.get("CI"));
    }

    private static String banner(String reason) {
        String line = "*".repeat(100);
        return line + "\n* " + reason + "\n* The kernel as the peer is NOT TESTED in this run.\n" + line;
    }
}
