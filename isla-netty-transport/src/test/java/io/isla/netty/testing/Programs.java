/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Runs programs of the machine; in a {@link KernelTest}, they live in its network namespace and use the kernel's sockets. */
public final class Programs {

    private static final long DEADLINE_SECONDS = 240;

    private Programs() {}

    /**
     * What a program that has ended left behind.
     *
     * @param status its exit status
     * @param output what it printed to standard output
     * @param errors what it printed to standard error
     */
    public record Result(int status, byte[] output, String errors) {

        /** Standard output as text. */
        public String text() {
            return new String(output, StandardCharsets.UTF_8);
        }
    }

    /** Finds a program in the directories for programs, those for administrators too; or by its path. */
    public static Optional<Path> find(String program) {
        return Stream.of((System.getenv("PATH") + ":/usr/sbin:/sbin").split(":"))
                .map(directory -> Path.of(directory).resolve(program))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Runs a program to its end, with nothing on its standard input. */
    public static Result run(String... command) throws IOException, InterruptedException {
        return runWithInput("", command);
    }

    /**
     * Runs a program to its end.
     *
     * @param input what it reads from standard input
     * @throws AssertionError if it does not end
     */
    public static Result runWithInput(String input, String... command) throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("isla-program");
        Path in = Files.writeString(directory.resolve("in"), input);
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        try {
            Process process = new ProcessBuilder(located(command))
                    .redirectInput(in.toFile())
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile())
                    .start();
            boolean ended = process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly().waitFor();
                throw new AssertionError(String.join(" ", command) + " has not ended after " + DEADLINE_SECONDS
                        + " s; it printed: " + Files.readString(out, StandardCharsets.ISO_8859_1)
                        + Files.readString(err, StandardCharsets.ISO_8859_1));
            }
            return new Result(process.exitValue(), Files.readAllBytes(out), Files.readString(err));
        } finally {
            for (Path file : List.of(in, out, err, directory)) {
                Files.deleteIfExists(file);
            }
        }
    }

    /**
     * Starts a program that serves until it is closed.
     *
     * @param ready tells by a line that it prints that it is ready
     * @throws AssertionError if it ends, or the deadline passes, before it is
     */
    public static Running start(Predicate<String> ready, String... command) throws IOException {
        Process process =
                new ProcessBuilder(located(command)).redirectErrorStream(true).start();
        Running running = new Running(process);
        CompletableFuture<String> line = new CompletableFuture<>();
        Thread reader = new Thread(() -> running.read(ready, line), command[0]);
        reader.setDaemon(true);
        reader.start();
        try {
            running.readyLine = line.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
            return running;
        } catch (Exception e) {
            running.close();
            throw new AssertionError(String.join(" ", command) + " did not start; it printed: " + running.output(), e);
        }
    }

    private static List<String> located(String... command) throws IOException {
        List<String> located = new ArrayList<>(Arrays.asList(command));
        located.set(
                0,
                find(command[0])
                        .orElseThrow(() -> new IOException("not installed: " + command[0]))
                        .toString());
        return located;
    }

    /** A program that runs. */
    public static final class Running implements AutoCloseable {
        private final Process process;
        private final StringBuffer printed = new StringBuffer();
        private final Queue<String> unseen = new ArrayDeque<>();
        private String readyLine;

        private Running(Process process) {
            this.process = process;
        }

        private void read(Predicate<String> ready, CompletableFuture<String> line) {
            try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
                for (String next = lines.readLine(); next != null; next = lines.readLine()) {
                    printed.append(next).append('\n');
                    lines(next);
                    if (ready.test(next)) {
                        line.complete(next);
                    }
                }
                line.completeExceptionally(new IOException("it ended"));
            } catch (IOException e) {
                line.completeExceptionally(e);
            }
        }

        /** The line by which it told that it was ready. */
        public String readyLine() {
            return readyLine;
        }

        private synchronized void lines(String next) {
            unseen.add(next);
            notifyAll();
        }

        /**
         * Waits for a line, of those that it has printed since the last that was waited for.
         *
         * @throws AssertionError if it does not come in time
         */
        public synchronized String awaitLine(Predicate<String> wanted) throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
            while (true) {
                for (String next = unseen.poll(); next != null; next = unseen.poll()) {
                    if (wanted.test(next)) {
                        return next;
                    }
                }
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0) {
                    throw new AssertionError("a line is missing; it printed: " + output());
                }
                wait(left);
            }
        }

        /** What it has printed so far. */
        public String output() {
            return printed.toString();
        }

        /** Ends it, and waits until it has ended. */
        @Override
        public void close() {
            process.destroy();
            try {
                if (!process.waitFor(5, TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
    }
}
