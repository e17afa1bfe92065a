/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** Runs the {@code ip} command in the network namespace of the tests. */
final class IpCommand {
    private IpCommand() {}

    /** Returns what it prints; fails if it fails. */
    static String ip(String arguments) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(("ip " + arguments).split(" "))
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).as("ip ends").isTrue();
        assertThat(process.exitValue()).as("ip %s: %s", arguments, output).isZero();
        return output;
    }
}
