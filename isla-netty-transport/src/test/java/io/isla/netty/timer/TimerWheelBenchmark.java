/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.timer;

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
import org.openjdk.jmh.annotations.Warmup;

/** What a connection's timers cost, beside those of many other connections. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class TimerWheelBenchmark {
    private static final long STEP = 10_000;
    private static final long RTO = TimeUnit.MILLISECONDS.toNanos(200);

    @Param({"1", "100000"})
    public int armed;

    private final SplittableRandom random = new SplittableRandom(1);
    private TimerWheel wheel;
    private CountingTimer[] timers;
    private long now;
    private int next;
    private long expired;

    private final class CountingTimer extends Timer {
        @Override
        protected void expire(long now) {
            expired++;
            // Goes on, as a connection that keeps alive does.
            wheel.arm(this, now + RTO);
        }
    }

    @Setup
    public void arm() {
        wheel = new TimerWheel(now);
        timers = new CountingTimer[armed];
        for (int i = 0; i < armed; i++) {
            timers[i] = new CountingTimer();
            wheel.arm(timers[i], now + random.nextLong(RTO));
        }
    }

    private CountingTimer next() {
        next = next + 1 == armed ? 0 : next + 1;
        return timers[next];
    }

    /** An acknowledgment arrives, and the timer starts anew. */
    @Benchmark
    public void rearm() {
        wheel.arm(next(), now += STEP + RTO);
    }

    @Benchmark
    public void cancelAndArm() {
        CountingTimer timer = next();
        wheel.cancel(timer);
        wheel.arm(timer, now + RTO);
    }

    /** A turn of the loop: what is due runs, and the next deadline is asked for. */
    @Benchmark
    public long advance() {
        now += STEP;
        wheel.advance(now);
        return wheel.nextDeadline() + expired;
    }
}
