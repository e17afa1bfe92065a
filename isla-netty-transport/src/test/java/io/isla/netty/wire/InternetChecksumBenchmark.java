/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.SplittableRandom;
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

/** The checksum of a header, of a segment and of a super-segment. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class InternetChecksumBenchmark {
    @Param({"20", "1460", "65535"})
    public int bytes;

    private ByteBuf direct;
    private ByteBuf heap;

    @Setup
    public void fill() {
        byte[] random = new byte[bytes];
        new SplittableRandom(1).nextBytes(random);
        direct = Unpooled.directBuffer(bytes).writeBytes(random);
        heap = Unpooled.wrappedBuffer(random);
    }

    @TearDown
    public void release() {
        direct.release();
        heap.release();
    }

    @Benchmark
    public int direct() {
        return InternetChecksum.sum(direct, 0, bytes);
    }

    @Benchmark
    public int heap() {
        return InternetChecksum.sum(heap, 0, bytes);
    }
}
