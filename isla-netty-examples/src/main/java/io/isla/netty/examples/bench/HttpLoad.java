/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Requests as fast as the server answers, from {@code wrk}. */
final class HttpLoad {
    private static final int EXTRA_SECONDS = 30;
    /** Requests for which processor time is told. */
    static final double UNIT = 100_000;

    private static final int PIPELINED = 16;
    private static final String PIPELINE_SCRIPT = """
            init = function(args)
               local all = {}
               for i = 1, %d do
                  all[i] = wrk.format("GET", "/p")
               end
               request_all = table.concat(all)
            end

            request = function()
               return request_all
            end
            """.formatted(PIPELINED);

    private final Path script;
    private final int threads;

    /**
     * @param directory where files may be kept
     * @param threads of wrk, where there are that many connections
     */
    HttpLoad(Path directory, int threads) throws IOException {
        script = Files.writeString(directory.resolve("pipeline.lua"), PIPELINE_SCRIPT);
        this.threads = threads;
    }

    /** Sends requests, and says what became of them and what the server took for it. */
    Map<Measure, Double> run(Bed bed, Workload workload, int connections, int seconds)
            throws IOException, InterruptedException {
        long allocatedBefore = allocated(bed);
        double serverBefore = bed.server().cpuSeconds();
        double machineBefore = ProcFiles.machineCpuSeconds();
        String output = bed.runInClient(
                Duration.ofSeconds(seconds + EXTRA_SECONDS), command(bed, workload, connections, seconds));
        double machine = ProcFiles.machineCpuSeconds() - machineBefore;
        double server = bed.server().cpuSeconds() - serverBefore;
        long allocated = allocated(bed) - allocatedBefore;
        SocketStates left = bed.clientSockets();

        WrkOutput said = WrkOutput.parse(output);
        Map<Measure, Double> values = new EnumMap<>(Measure.class);
        values.put(Measure.REQUESTS_PER_SECOND, said.requestsPerSecond());
        if (said.requests() > 0) {
            values.put(Measure.SERVER_CPU, server / said.requests() * UNIT);
            values.put(Measure.MACHINE_CPU, machine / said.requests() * UNIT);
            values.put(Measure.ALLOCATED, (double) allocated / said.requests());
        }
        values.put(Measure.LAST_ACK, (double) left.count("LAST-ACK"));
        values.put(Measure.TIME_WAIT, (double) left.count("TIME-WAIT"));
        values.put(Measure.ERRORS, (double) said.errors());
        return values;
    }

    private static long allocated(Bed bed) throws IOException, InterruptedException {
        return Long.parseLong(bed.askServer("stats").get("allocated"));
    }

    private List<String> command(Bed bed, Workload workload, int connections, int seconds) {
        List<String> command = new ArrayList<>(List.of(
                "wrk",
                "--threads",
                Integer.toString(Math.min(threads, connections)),
                "--connections",
                Integer.toString(connections),
                "--duration",
                seconds + "s"));
        String url = "http://" + bed.address() + ":" + Bed.PORT + "/";
        // By the path, the responder that reads nothing else knows what is wanted.
        switch (workload) {
            case CLOSE -> command.addAll(List.of("--header", "Connection: close", url + "c"));
            case PIPELINED -> command.addAll(List.of("--script", script.toString(), url + "p"));
            default -> command.add(url);
        }
        return command;
    }
}
