/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.isla.netty.examples.bench.Benchmark;
import io.isla.netty.examples.bench.JavaProgram;
import io.isla.netty.examples.bench.Plan;
import io.isla.netty.examples.bench.Report;
import io.isla.netty.examples.bench.ServerKind;
import io.isla.netty.examples.bench.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code isla bench}: Isla and the kernel's TCP side by side. */
@Command(
        name = "bench",
        description =
                "Measures servers side by side, each in a network namespace of its own, and prints one table with "
                        + "the medians and the ratios to Netty's epoll transport. Needs root.",
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    private static final int INTERRUPTED = 130;
    private static final List<ServerKind> DEFAULT_SERVERS =
            List.of(ServerKind.ISLA, ServerKind.EPOLL, ServerKind.IO_URING, ServerKind.RAW, ServerKind.IPERF3);

    @Spec
    private CommandSpec spec;

    @Option(names = "--rounds", paramLabel = "N", description = "Rounds, in turns. Default: ${DEFAULT-VALUE}.")
    private int rounds = 5;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description = "Seconds for each server in each round. Default: ${DEFAULT-VALUE}.")
    private int seconds = 5;

    @Option(
            names = "--warm-up",
            paramLabel = "N",
            description =
                    "Seconds for each server before the rounds of each work, in up to three runs. Default: ${DEFAULT-VALUE}.")
    private int warmUp = 5;

    @Option(
            names = "--only",
            arity = "1..*",
            paramLabel = "WORK",
            description = "Only this work, of: ${COMPLETION-CANDIDATES}.")
    private List<Workload> only = List.of(Workload.values());

    @Option(
            names = "--servers",
            arity = "1..*",
            paramLabel = "SERVER",
            description =
                    "Only these servers, of: ${COMPLETION-CANDIDATES}. Default: all but those that begin with isla_.")
    private List<ServerKind> servers = DEFAULT_SERVERS;

    @Option(names = "--loops", paramLabel = "N", description = "Event loops of each server. Default: ${DEFAULT-VALUE}.")
    private int loops = 1;

    @Option(names = "--client-threads", paramLabel = "N", description = "Threads of wrk. Default: ${DEFAULT-VALUE}.")
    private int clientThreads = 1;

    @Option(
            names = "--congestion-control",
            paramLabel = "NAME",
            description = "What the kernel's TCP uses at both ends, whatever the machine's default is. "
                    + "Default: ${DEFAULT-VALUE}.")
    private String congestionControl = "cubic";

    @Option(
            names = "--latency-rate",
            paramLabel = "N",
            description = "Requests per second in latency-1. Default: ${DEFAULT-VALUE}.")
    private int latencyRate = 5000;

    @Option(
            names = "--water-mark",
            paramLabel = "KIB",
            description =
                    "High water mark of the server's channels in download-deep, in KiB; the low one is a quarter. "
                            + "Netty's own, which they have in all other work, is 64. Default: ${DEFAULT-VALUE}.")
    private int waterMark = 1024;

    @Option(
            names = "--java-options",
            paramLabel = "OPTIONS",
            description = "Options for Java in servers and clients, separated by spaces. Default: ${DEFAULT-VALUE}.")
    private String javaOptions = "-Xms512m -Xmx2g";

    @Option(names = "--json", paramLabel = "FILE", description = "Write all values here, as JSON.")
    private Path json;

    @Option(names = "--svg", paramLabel = "FILE", description = "Draw the ratios to epoll here, as SVG.")
    private Path svg;

    @Option(
            names = "--quick",
            description = "One round of one second without a warm-up: shows that all works, and no more.")
    private boolean quick;

    @Override
    public Integer call() throws Exception {
        Plan plan = new Plan(
                List.copyOf(EnumSet.copyOf(servers)),
                EnumSet.copyOf(only),
                quick ? 1 : rounds,
                quick ? 1 : seconds,
                quick ? 0 : warmUp,
                loops,
                clientThreads,
                congestionControl,
                latencyRate,
                waterMark);
        requireDirectoryFor("--json", json);
        requireDirectoryFor("--svg", svg);
        List<String> missing = Benchmark.missing(plan, System.getenv().getOrDefault("PATH", ""));
        if (!missing.isEmpty()) {
            throw new IOException(String.join("\nisla: ", missing));
        }
        requireRoot();
        JavaProgram java = new JavaProgram(
                Main.class.getName(),
                javaOptions.isBlank() ? List.of() : List.of(javaOptions.strip().split("\\s+")));
        Benchmark benchmark = new Benchmark(plan, java, System.err, System.console() != null);
        Thread hook = new Thread(benchmark::close, "clean-up");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            Report report = benchmark.run();
            spec.commandLine().getOut().println(report.table());
            if (json != null) {
                Files.writeString(json, report.json());
            }
            if (svg != null) {
                Files.writeString(svg, report.chart());
            }
            return report.results().failures().isEmpty() ? 0 : 1;
        } catch (IOException e) {
            if (benchmark.isClosed()) {
                // What has failed was stopped.
                return INTERRUPTED;
            }
            throw e;
        } finally {
            benchmark.close();
            removeHook(hook);
        }
    }

    private static void requireDirectoryFor(String option, Path file) {
        if (file != null && !Files.isDirectory(file.toAbsolutePath().getParent())) {
            throw new IllegalArgumentException(option + ": there is no directory for " + file);
        }
    }

    private static void requireRoot() throws IOException {
        if (!Files.readString(Path.of("/proc/self/status")).contains("\nUid:\t0\t")) {
            throw new IOException("isla bench needs root, to make network namespaces; run it with sudo");
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // It runs.
        }
    }
}
