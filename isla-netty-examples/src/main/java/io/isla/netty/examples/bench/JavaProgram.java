/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How to start this program again, in a process of its own.
 *
 * @param mainClass the program's
 * @param options further options for Java
 */
public record JavaProgram(String mainClass, List<String> options) {

    /** The command for it. */
    List<String> command(String... arguments) {
        return command(List.of(), arguments);
    }

    /**
     * The command for it.
     *
     * @param defaults further options for Java, which those of this program may contradict
     */
    List<String> command(List<String> defaults, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+IgnoreUnrecognizedVMOptions",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow"));
        command.addAll(defaults);
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), mainClass));
        command.addAll(Arrays.asList(arguments));
        return command;
    }
}
