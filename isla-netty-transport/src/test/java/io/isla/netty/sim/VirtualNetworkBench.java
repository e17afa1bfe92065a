/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import java.lang.management.ManagementFactory;
import java.time.Duration;

/**
 * Prints how fast virtual time passes for 2, 100 and 1,000 hosts on one switch, each client with a request and a response every 100 ms. Seconds are those of the
 * processor: on a machine with nothing else to do, they are real ones. From the module's
 * directory, after {@code mvn test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath}:
 *
 * <pre>
 * java -cp target/test-classes:target/classes:$(cat target/classpath) io.isla.netty.sim.VirtualNetworkBench
 * </pre>
 */
final class VirtualNetworkBench {
    /** For each row: to warm up, and to measure. */
    private static final long WARM_UP_NANOS = 6_000_000_000L;

    private static final long MEASURED_NANOS = 3_000_000_000L;

    private VirtualNetworkBench() {}

    /** Takes no arguments. */
    public static void main(String[] arguments) {
        System.out.println("hosts | connections | virtual seconds per second | events per second");
        row(2, 1);
        row(100, 1);
        row(1000, 1);
        row(1000, 20);
    }

    private static void row(int hosts, int connectionsPerClient) {
        try (Crowd crowd = new Crowd(hosts)) {
            crowd.connect(connectionsPerClient);
            crowd.askEvery(Duration.ofMillis(100));
            run(crowd, WARM_UP_NANOS);
            Duration virtual = crowd.network.elapsed();
            long events = crowd.network.events();
            long start = cpuNanos();
            run(crowd, MEASURED_NANOS);
            double seconds = (cpuNanos() - start) / 1e9;
            System.out.printf(
                    "%5d | %11d | %26.1f | %17.0f%n",
                    hosts,
                    crowd.connections(),
                    crowd.network.elapsed().minus(virtual).toNanos() / 1e9 / seconds,
                    (crowd.network.events() - events) / seconds);
        }
    }

    /** All of it is on one thread; what others do on the machine meanwhile is not counted. */
    private static long cpuNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    private static void run(Crowd crowd, long nanos) {
        long start = cpuNanos();
        while (cpuNanos() - start < nanos) {
            crowd.network.runFor(Duration.ofMillis(100));
        }
    }
}
