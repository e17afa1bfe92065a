/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** The processes that this one has started, and which end with it. Any thread. */
final class Children implements AutoCloseable {
    private static final int STOP_SECONDS = 5;

    private final Set<Process> running = ConcurrentHashMap.newKeySet();
    private boolean closed;

    /** Starts a process, which is ended when it is still there in the end. */
    synchronized Process start(ProcessBuilder builder) throws IOException {
        if (closed) {
            throw new IOException("not started, because all is being stopped: " + String.join(" ", builder.command()));
        }
        Process process = builder.start();
        running.add(process);
        process.onExit().thenAccept(running::remove);
        return process;
    }

    /**
     * Runs a command to its end.
     *
     * @param limit after which it is ended
     * @return what it has printed
     * @throws IOException if it has failed, with what it has printed
     */
    String run(Duration limit, List<String> command) throws IOException, InterruptedException {
        Process process = start(new ProcessBuilder(command).redirectErrorStream(true));
        process.getOutputStream().close();
        CompletableFuture<String> output = CompletableFuture.supplyAsync(() -> readAll(process.getInputStream()));
        if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            stop(List.of(process));
            throw new IOException("has not ended after " + limit.toSeconds() + " s: " + String.join(" ", command));
        }
        String printed = output.join();
        if (process.exitValue() != 0) {
            throw new IOException(
                    "has failed (" + process.exitValue() + "): " + String.join(" ", command) + ": " + printed.strip());
        }
        return printed;
    }

    private static String readAll(InputStream in) {
        try (in) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Asks processes to end, and makes them if they do not. */
    static void stop(List<Process> processes) {
        processes.forEach(process -> process.toHandle().destroy());
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(STOP_SECONDS);
        boolean interrupted = false;
        for (Process process : processes) {
            try {
                if (!process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends all that run; no more can be started. */
    @Override
    public void close() {
        List<Process> left;
        synchronized (this) {
            closed = true;
            left = new ArrayList<>(running);
        }
        stop(left);
    }
}
