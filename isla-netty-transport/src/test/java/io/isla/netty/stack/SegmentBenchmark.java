/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.testing.EventLoopLikeExecutor;
import io.isla.netty.wire.TcpHeader;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One segment on an established connection, through the whole stack, in a turn of its own: without a link, and without a channel. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 2,
        jvmArgsAppend = {
            EventLoopLikeExecutor.OPTION,
            EventLoopLikeExecutor.CLASS_OPTION,
            EventLoopLikeExecutor.NO_LEAK_DETECTION
        })
public class SegmentBenchmark {
    /** Payload: a small request; a full segment. */
    @Param({"100", "1460"})
    public int bytes;

    private ShardUnderLoad shard;

    @Setup
    public void connect() throws Exception {
        shard = new ShardUnderLoad(bytes);
    }

    @TearDown
    public void close() {
        shard.close();
    }

    /** A segment with data arrives, its user reads it, and every second one is acknowledged. */
    @Benchmark
    public long segmentIn() {
        shard.receive(TcpHeader.PSH | TcpHeader.ACK, bytes);
        return shard.turn();
    }

    /** The user writes, a segment leaves, and its acknowledgment arrives. */
    @Benchmark
    public long segmentOut() {
        shard.write();
        shard.turn();
        shard.receive(TcpHeader.ACK, 0);
        return shard.turn();
    }

    /** A request arrives, and is answered with as much: the acknowledgments go with the data. */
    @Benchmark
    public long requestAndResponse() {
        shard.receive(TcpHeader.PSH | TcpHeader.ACK, bytes);
        shard.turn();
        shard.write();
        return shard.turn();
    }
}
