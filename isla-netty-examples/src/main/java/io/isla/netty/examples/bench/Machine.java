/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.netty.util.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * What the measurements were made on.
 *
 * @param cores that this process may use
 * @param processor its model
 * @param kernel name and version
 * @param jdk name and version
 * @param netty version
 * @param date when they began
 * @param load how many threads were running or wanted to, on the average of the minute before
 */
record Machine(int cores, String processor, String kernel, String jdk, String netty, Instant date, double load) {

    static Machine here() throws IOException {
        String processor = Files.readString(Path.of("/proc/cpuinfo"))
                .lines()
                .filter(line -> line.startsWith("model name"))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse(System.getProperty("os.arch"));
        String load = Files.readString(Path.of("/proc/loadavg")).split(" ")[0];
        return new Machine(
                Runtime.getRuntime().availableProcessors(),
                processor,
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"),
                Version.identify().get("netty-transport").artifactVersion(),
                Instant.now().truncatedTo(ChronoUnit.SECONDS),
                Double.parseDouble(load));
    }

    @Override
    public String toString() {
        return cores + " cores (" + processor + "), " + kernel + ", " + jdk + ", Netty " + netty + ", " + date
                + ", load before: " + load;
    }
}
