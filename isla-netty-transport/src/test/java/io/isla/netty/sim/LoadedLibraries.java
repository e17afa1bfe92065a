/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Runs a network, and prints what native code the JVM has loaded afterwards. */
final class LoadedLibraries {
    private LoadedLibraries() {}

    public static void main(String[] arguments) throws IOException {
        BusyScenario.run(1);
        try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
            maps.filter(line -> line.contains(".so"))
                    .map(line -> line.substring(line.indexOf('/')))
                    .distinct()
                    .forEach(System.out::println);
        }
    }
}
