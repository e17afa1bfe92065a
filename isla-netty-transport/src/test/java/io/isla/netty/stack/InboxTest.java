/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What others give to a shard while it ends. */
class InboxTest {
    private static final int ROUNDS = 2_000;
    /** Tasks of a round. */
    private static final int MOST = 100_000;

    /** Each task is run, on the shard's own thread, or whoever gives it is told that it will not be. */
    @Test
    @Timeout(60)
    void noTaskIsLostToAShardThatEnds() throws Exception {
        Shards.HostSetup setup = new Shards.HostSetup();
        setup.addresses = List.of(Shards.address("10.0.0.1", 24));
        ExecutorService other = Executors.newSingleThreadExecutor();
        try (Shards net = new Shards(setup)) {
            net.start();
            Thread own = Thread.currentThread();
            AtomicInteger run = new AtomicInteger();
            AtomicInteger strayed = new AtomicInteger();
            int taken = 0;
            for (int round = 0; round < ROUNDS; round++) {
                Shard ending = net.start();
                CountDownLatch begun = new CountDownLatch(1);
                Future<Integer> accepted = other.submit(() -> {
                    int n = 0;
                    while (n < MOST
                            && ending.submit(() -> {
                                run.incrementAndGet();
                                if (Thread.currentThread() != own) {
                                    strayed.incrementAndGet();
                                }
                            })) {
                        n++;
                        begun.countDown();
                    }
                    return n;
                });
                begun.await();
                net.shards.remove(ending);
                ending.close();
                taken += accepted.get(30, TimeUnit.SECONDS);
            }
            assertThat(run.get()).isEqualTo(taken);
            assertThat(strayed.get()).isZero();
        } finally {
            other.shutdownNow();
        }
    }
}
