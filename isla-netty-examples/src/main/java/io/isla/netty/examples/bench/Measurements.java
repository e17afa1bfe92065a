/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** How each kind of work is measured: one server, one round. */
final class Measurements {
    private static final int HTTP_CONNECTIONS = 64;
    private static final double NANOS_PER_MICRO = 1e3;
    /** How long flows have to reach their speed. */
    private static final int RAMP_MILLIS = 500;
    /** How long what has just been done may go on to take time. */
    private static final int SETTLE_MILLIS = 500;

    private static final Duration SETUP_LIMIT = Duration.ofSeconds(60);

    private final Plan plan;
    private final HttpLoad http;

    /** Requests per second at half of saturation; 0 until it is known. */
    private double halfRate;

    Measurements(Plan plan, HttpLoad http) {
        this.plan = plan;
        this.http = http;
    }

    /** Sets what {@link Workload#LATENCY_HALF} is about. */
    void halfRate(double requestsPerSecond) {
        halfRate = requestsPerSecond;
    }

    double halfRate() {
        return halfRate;
    }

    /** Measures. The server runs, unless the workload takes one of its own: then it runs afterwards. */
    Map<Measure, Double> run(Bed bed, Workload workload, int seconds) throws IOException, InterruptedException {
        return switch (workload.kind()) {
            case HTTP -> http.run(bed, workload, workload.connections(), seconds);
            case BESIDE_IDLE -> besideIdle(bed, workload, seconds);
            case BULK -> bed.kind() == ServerKind.IPERF3 ? iperf(bed, workload, seconds) : bulk(bed, workload, seconds);
            case LATENCY -> latency(bed, workload, seconds);
            case QUIET -> quiet(bed, seconds);
            case MEMORY -> memory(bed, workload);
            case START_UP -> startUp(bed);
        };
    }

    private Map<Measure, Double> besideIdle(Bed bed, Workload workload, int seconds)
            throws IOException, InterruptedException {
        double without =
                http.run(bed, Workload.KEEP_64, HTTP_CONNECTIONS, seconds).get(Measure.REQUESTS_PER_SECOND);
        bed.hold(workload.connections(), Bed.PORT);
        Map<Measure, Double> values;
        try {
            values = http.run(bed, workload, HTTP_CONNECTIONS, seconds);
            requireHeld(bed, workload.connections());
        } finally {
            bed.letGo();
        }
        values.put(Measure.SHARE_OF_WITHOUT, values.get(Measure.REQUESTS_PER_SECOND) / without);
        return values;
    }

    private static void requireHeld(Bed bed, int connections) throws IOException, InterruptedException {
        int held = bed.held();
        if (held != connections) {
            throw new IOException(bed.kind() + ": of " + connections + " idle connections, only " + held + " are left");
        }
    }

    private Map<Measure, Double> bulk(Bed bed, Workload workload, int seconds)
            throws IOException, InterruptedException {
        boolean upload = workload.isUpload();
        if (upload) {
            bed.askClient("upload", bed.address(), Bed.PORT, workload.connections());
        } else {
            int waterMark = workload.isDeep() ? plan.waterMark() * 1024 : 0;
            bed.askClient("download", bed.address(), Bed.PORT, workload.connections(), waterMark);
        }
        Thread.sleep(RAMP_MILLIS);
        double cpuBefore = bed.server().cpuSeconds();
        Map<String, String> before = upload ? bed.askServer("stats") : bed.askClient("stats");
        TimeUnit.SECONDS.sleep(seconds);
        Map<String, String> after = upload ? bed.askServer("stats") : bed.askClient("stats");
        double cpu = bed.server().cpuSeconds() - cpuBefore;
        long flowing = Long.parseLong(bed.askClient("stats").get("streams"));
        bed.askClient("stop");
        Thread.sleep(SETTLE_MILLIS);

        double bytes = difference(before, after, "received");
        double nanos = difference(before, after, "nanos");
        Map<Measure, Double> values = new EnumMap<>(Measure.class);
        values.put(Measure.GIGABITS, bytes * Byte.SIZE / nanos);
        if (bytes > 0) {
            values.put(Measure.SERVER_CPU_PER_GIGABYTE, cpu / bytes * 1e9);
        }
        values.put(Measure.ERRORS, (double) (workload.connections() - flowing));
        return values;
    }

    private static double difference(Map<String, String> before, Map<String, String> after, String name) {
        return Long.parseLong(after.get(name)) - Long.parseLong(before.get(name));
    }

    private Map<Measure, Double> iperf(Bed bed, Workload workload, int seconds)
            throws IOException, InterruptedException {
        String output = bed.runInClient(
                SETUP_LIMIT.plusSeconds(seconds),
                List.of(
                        "iperf3",
                        "--client",
                        bed.address(),
                        "--port",
                        Integer.toString(Bed.PORT),
                        "--time",
                        Integer.toString(seconds),
                        "--parallel",
                        Integer.toString(workload.connections()),
                        "--json",
                        // What the client sends is the server's upload.
                        workload.isUpload() ? "--repeating-payload" : "--reverse"));
        return new EnumMap<>(Map.of(Measure.GIGABITS, Iperf3Output.gigabits(output)));
    }

    private Map<Measure, Double> latency(Bed bed, Workload workload, int seconds)
            throws IOException, InterruptedException {
        double rate = workload == Workload.LATENCY_HALF ? halfRate : plan.latencyRate();
        int warmUp = Math.min(1, plan.warmUpSeconds());
        double serverBefore = bed.server().cpuSeconds();
        double machineBefore = ProcFiles.machineCpuSeconds();
        Map<String, String> said =
                bed.askClient("rate", bed.address(), Bed.PORT, workload.connections(), rate, warmUp, seconds);
        double machine = ProcFiles.machineCpuSeconds() - machineBefore;
        double server = bed.server().cpuSeconds() - serverBefore;
        double units = rate * (warmUp + seconds) / HttpLoad.UNIT;
        Map<Measure, Double> values = new EnumMap<>(Measure.class);
        values.put(Measure.SERVER_CPU, server / units);
        values.put(Measure.MACHINE_CPU, machine / units);
        values.put(Measure.OFFERED, rate);
        values.put(Measure.ACHIEVED, Double.parseDouble(said.get("rate")));
        values.put(Measure.P50, Long.parseLong(said.get("p50")) / NANOS_PER_MICRO);
        values.put(Measure.P99, Long.parseLong(said.get("p99")) / NANOS_PER_MICRO);
        values.put(Measure.P999, Long.parseLong(said.get("p999")) / NANOS_PER_MICRO);
        values.put(Measure.ERRORS, Double.parseDouble(said.get("errors")));
        return values;
    }

    private static Map<Measure, Double> quiet(Bed bed, int seconds) throws IOException, InterruptedException {
        Thread.sleep(SETTLE_MILLIS);
        double before = bed.server().cpuSeconds();
        TimeUnit.SECONDS.sleep(seconds);
        double cpu = bed.server().cpuSeconds() - before;
        return new EnumMap<>(Map.of(Measure.IDLE_CPU, cpu * 1000 / seconds));
    }

    private static Map<Measure, Double> memory(Bed bed, Workload workload) throws IOException, InterruptedException {
        int connections = workload.connections();
        bed.stopServer();
        bed.startPlainServer();
        Map<String, String> before = bed.askServer("memory");
        long accepted = Long.parseLong(bed.askServer("stats").get("accepted"));
        long slab = ProcFiles.slabBytes();
        Map<String, String> after;
        long slabAfter;
        bed.hold(connections, workload.isBare() ? Bed.BARE_PORT : Bed.PORT);
        try {
            awaitAccepted(bed, accepted + connections);
            Thread.sleep(SETTLE_MILLIS);
            after = bed.askServer("memory");
            slabAfter = ProcFiles.slabBytes();
            requireHeld(bed, connections);
        } finally {
            bed.letGo();
        }
        Map<Measure, Double> values = new EnumMap<>(Measure.class);
        values.put(Measure.HEAP, difference(before, after, "heap") / connections);
        values.put(Measure.DIRECT, difference(before, after, "direct") / connections);
        values.put(Measure.RSS, difference(before, after, "rss") / connections);
        values.put(Measure.SLAB, (double) (slabAfter - slab) / connections);
        return values;
    }

    private static void awaitAccepted(Bed bed, long connections) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + SETUP_LIMIT.toNanos();
        while (Long.parseLong(bed.askServer("stats").get("accepted")) < connections) {
            if (System.nanoTime() - deadline > 0) {
                throw new IOException(bed.kind() + " has not accepted all connections");
            }
            Thread.sleep(SETTLE_MILLIS / 10);
        }
    }

    private static Map<Measure, Double> startUp(Bed bed) throws IOException, InterruptedException {
        bed.stopServer();
        return new EnumMap<>(Map.of(Measure.START_UP, bed.startPlainServer() / 1e6));
    }
}
