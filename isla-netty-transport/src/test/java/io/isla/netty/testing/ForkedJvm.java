/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs a program of the tests in a JVM of its own, in the network namespace of the thread that starts it. */
public final class ForkedJvm {
    private ForkedJvm() {}

    /** Runs {@code main} to its end, which must be a good one, and returns the lines that it has printed. */
    public static List<String> run(Class<?> main, List<String> options, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        Programs.Result result = Programs.run(command.toArray(String[]::new));
        assertThat(result.status())
                .as("exit status of %s, which said: %s", main.getSimpleName(), result.errors())
                .isZero();
        return result.text().lines().toList();
    }
}
