/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Measures servers side by side. Everything it starts and makes is gone when it is closed, which any thread may do, to interrupt
 * it as well.
 */
public final class Benchmark implements AutoCloseable {
    /** So many, unless they would be shorter than a second. */
    private static final int WARM_UP_RUNS = 3;

    private final Plan plan;
    private final Path directory;
    private final int files;
    private final Children children = new Children();
    private final Map<ServerKind, Bed> beds = new LinkedHashMap<>();
    private final Measurements measurements;
    private final Progress progress;
    private final Machine machine = Machine.here();
    private final Results results = new Results();
    private volatile boolean closed;

    /**
     * Prepares; nothing runs yet.
     *
     * @param java how servers and clients are started
     * @param out where to say how far it has come
     * @param live whether that is a terminal
     */
    public Benchmark(Plan plan, JavaProgram java, PrintStream out, boolean live)
            throws IOException, InterruptedException {
        this.plan = plan;
        directory = Files.createTempDirectory("isla-bench");
        measurements = new Measurements(plan, new HttpLoad(directory, plan.clientThreads()));
        progress = new Progress(out, live, plan.steps(), System.nanoTime());
        files = Bed.maxFiles(children);
        int number = 1;
        for (ServerKind kind : plan.servers()) {
            beds.put(kind, new Bed(kind, number++, children, directory, java, plan, files));
        }
    }

    /**
     * What is missing for it, as a person may be told.
     *
     * @param path directories with programs, with colons between
     */
    public static List<String> missing(Plan plan, String path) {
        Map<String, String> needed = new LinkedHashMap<>();
        needed.put("ip", "iproute2");
        needed.put("ss", "iproute2");
        needed.put("wrk", "wrk");
        if (plan.servers().contains(ServerKind.IPERF3)
                && plan.workloads().stream().anyMatch(workload -> workload.suits(ServerKind.IPERF3))) {
            needed.put("iperf3", "iperf3");
        }
        return Tools.missing(needed, path);
    }

    /** Measures all that is planned. */
    public Report run() throws IOException, InterruptedException {
        for (Workload workload : Workload.values()) {
            if (plan.workloads().contains(workload)) {
                List<Bed> suited = new ArrayList<>();
                for (Bed bed : beds.values()) {
                    if (workload.suits(bed.kind()) && canHold(bed, workload) && isServing(bed)) {
                        suited.add(bed);
                    }
                }
                run(workload, suited);
            }
        }
        progress.end();
        return new Report(plan, machine, results);
    }

    private void run(Workload workload, List<Bed> suited) throws IOException, InterruptedException {
        if (workload == Workload.LATENCY_HALF) {
            findHalfRate();
        }
        if (hasWarmUp(workload)) {
            warmUp(workload, suited);
        }
        for (int round = 0; round < plan.rounds(); round++) {
            for (int i = 0; i < suited.size(); i++) {
                // Nobody is always the first, or always comes after the same.
                Bed bed = suited.get((i + round) % suited.size());
                progress.step(
                        workload + ": " + bed.kind() + ", round " + (round + 1) + " of " + plan.rounds(),
                        System.nanoTime());
                results.add(workload, bed.kind(), measure(bed, workload, plan.seconds()));
            }
        }
    }

    /**
     * In several runs: what opens and closes connections has to be compiled, too, and what was compiled before the first of them were closed is thrown away
     * when they are.
     */
    private void warmUp(Workload workload, List<Bed> suited) throws IOException, InterruptedException {
        int seconds = (plan.warmUpSeconds() + WARM_UP_RUNS - 1) / WARM_UP_RUNS;
        for (int done = 0; done < plan.warmUpSeconds(); done += seconds) {
            for (Bed bed : suited) {
                progress.preparing(workload + ": warming up " + bed.kind(), System.nanoTime());
                measure(bed, workload, Math.min(seconds, plan.warmUpSeconds() - done));
            }
        }
    }

    /** Measures; what fails is told in the end, and is no reason to throw away all else. */
    private Map<Measure, Double> measure(Bed bed, Workload workload, int seconds)
            throws IOException, InterruptedException {
        if (results.absent().containsKey(bed.kind())) {
            return Map.of();
        }
        try {
            return measurements.run(bed, workload, seconds);
        } catch (IOException | IllegalArgumentException e) {
            if (closed) {
                throw e;
            }
            results.failed(workload, bed.kind(), e.getMessage());
        }
        try {
            bed.restart();
        } catch (IOException e) {
            if (closed) {
                throw e;
            }
            results.absent(bed.kind(), "it could not be started again: " + reason(e));
        }
        return Map.of();
    }

    private boolean canHold(Bed bed, Workload workload) {
        if (bed.canServe(workload.connections())) {
            return true;
        }
        results.note(
                bed.kind() + " files",
                String.format(
                        Locale.ROOT,
                        "%s: a process may have %,d files open here (ulimit -n), and so not as many connections as %s takes.",
                        bed.kind(),
                        files,
                        workload));
        return false;
    }

    private static boolean hasWarmUp(Workload workload) {
        return switch (workload.kind()) {
            case HTTP, BESIDE_IDLE, BULK, LATENCY -> true;
            case QUIET, MEMORY, START_UP -> false;
        };
    }

    /** Starts the server, if it does not run and can. */
    private boolean isServing(Bed bed) throws IOException, InterruptedException {
        if (results.absent().containsKey(bed.kind())) {
            return false;
        }
        if (bed.isServing()) {
            return true;
        }
        progress.preparing("starting " + bed.kind(), System.nanoTime());
        try {
            bed.open();
            bed.startServer();
        } catch (IOException e) {
            if (bed.kind() != ServerKind.IO_URING || closed) {
                throw e;
            }
            // Not every kernel has it, or lets it be used.
            results.absent(bed.kind(), reason(e));
            bed.close();
            return false;
        }
        return true;
    }

    /** What the process has said at its end. */
    private static String reason(IOException e) {
        String[] lines = String.valueOf(e.getMessage()).strip().split("\n");
        return lines[lines.length - 1].replaceFirst("^isla: ", "");
    }

    /** Half of what epoll, or else the first server, has answered in a second over 64 kept connections. */
    private void findHalfRate() throws IOException, InterruptedException {
        Bed bed = beds.containsKey(ServerKind.EPOLL)
                ? beds.get(ServerKind.EPOLL)
                : beds.values().iterator().next();
        double rate;
        if (results.of(Workload.KEEP_64, Measure.REQUESTS_PER_SECOND, bed.kind())
                .isPresent()) {
            rate = results.of(Workload.KEEP_64, Measure.REQUESTS_PER_SECOND, bed.kind())
                    .get()
                    .median();
        } else {
            progress.preparing("how much " + bed.kind() + " can do", System.nanoTime());
            rate = measurements.run(bed, Workload.KEEP_64, plan.seconds()).get(Measure.REQUESTS_PER_SECOND);
        }
        measurements.halfRate(Math.max(1, Math.rint(rate / 2)));
        results.note(
                "half",
                String.format(
                        Locale.ROOT,
                        "%s: %,.0f requests/s, half of what %s answers over 64 kept connections.",
                        Workload.LATENCY_HALF,
                        measurements.halfRate(),
                        bed.kind()));
    }

    /** Whether it has been closed. */
    public boolean isClosed() {
        return closed;
    }

    /** Ends what runs, and removes what was made. */
    @Override
    public void close() {
        synchronized (children) {
            if (closed) {
                return;
            }
            closed = true;
            progress.end();
            children.close();
            beds.values().forEach(Bed::removeNamespaces);
            removeDirectory();
        }
    }

    private void removeDirectory() {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | UncheckedIOException e) {
            System.err.println("isla: cannot remove " + directory + ": " + e.getMessage());
        }
    }
}
