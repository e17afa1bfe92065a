/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.wire.IpAddress;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Finding the flow of a segment. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class FlowTableBenchmark {
    private static final long LOCAL = IpAddress.v4Low(0x0a00_0001);
    private static final int PORT = 80;
    private static final int PORTS = 50_000;
    private static final int FIRST_PORT = 10_000;

    @Param({"1", "1000", "100000"})
    public int flows;

    private FlowTable table;
    private int next;

    private static final class PlainFlow extends Flow {
        PlainFlow(int i) {
            super(0, LOCAL, PORT, 0, remote(i), port(i));
        }
    }

    private static long remote(int i) {
        return IpAddress.v4Low(0x0a01_0000 + i / PORTS);
    }

    private static int port(int i) {
        return FIRST_PORT + i % PORTS;
    }

    @Setup
    public void fill() {
        table = new FlowTable(0x5bd1_e995_1234_5678L);
        for (int i = 0; i < flows; i++) {
            table.add(new PlainFlow(i));
        }
    }

    @Benchmark
    public Flow get() {
        // Not in the order in which they were added.
        next = (int) ((next + 7919L) % flows);
        return table.get(0, LOCAL, PORT, 0, remote(next), port(next));
    }

    @Benchmark
    public Flow getAbsent() {
        next = (int) ((next + 7919L) % flows);
        return table.get(0, LOCAL, PORT + 1, 0, remote(next), port(next));
    }

    @Benchmark
    public void addAndRemove() {
        PlainFlow flow = new PlainFlow(flows);
        table.add(flow);
        table.remove(flow);
    }
}
