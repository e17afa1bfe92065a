/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs commands as one types them, short ones that print text; {@link Programs} is for the others. */
public final class Commands {
    private Commands() {}

    /** Starts a command, whose words are separated by single blanks; standard error goes to standard output. */
    public static Process start(String command) throws IOException {
        String[] words = command.split(" ");
        String program = words[0];
        words[0] = Programs.find(program)
                .orElseThrow(() -> new IOException("not installed: " + program))
                .toString();
        ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C");
        return builder.start();
    }

    /** Runs a command; returns what it prints, and fails if it fails or takes longer than so many seconds. */
    public static String run(int seconds, String command) throws Exception {
        Result result = runToEnd(seconds, command);
        assertThat(result.status()).as("%s: %s", command, result.output()).isZero();
        return result.output();
    }

    /** How a command has ended. */
    public record Result(int status, String output) {}

    /** Runs a command; fails if it takes longer than so many seconds. */
    public static Result runToEnd(int seconds, String command) throws Exception {
        Process process = start(command);
        try {
            process.getOutputStream().close();
            CompletableFuture<String> output = CompletableFuture.supplyAsync(() -> readAll(process.getInputStream()));
            boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
            if (!ended) {
                process.destroy();
            }
            String text = output.get(5, TimeUnit.SECONDS);
            assertThat(ended)
                    .as("%s ends within %d s: %s", command, seconds, text)
                    .isTrue();
            return new Result(process.exitValue(), text);
        } finally {
            process.destroyForcibly();
        }
    }

    private static String readAll(InputStream in) {
        try {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "(cannot be read: " + e.getMessage() + ")";
        }
    }
}
