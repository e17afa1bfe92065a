/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.InboundFrame;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What others give to a shard while it ends. */
class InboxTest {
    private static final int ROUNDS = 500;
    /** Tasks of a thread in a round. */
    private static final int MOST = 1_000;

    /** Each task is run, on the shard's own thread, or whoever gives it is told that it will not be. Packets are passed on or dropped, whoever comes last. */
    @Test
    @Timeout(60)
    void nothingIsLostToAShardThatEnds() throws Exception {
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
        ExecutorService others = Executors.newFixedThreadPool(2);
        try (Shards net = new Shards(new Shards.HostSetup())) {
            net.start();
            Thread own = Thread.currentThread();
            AtomicInteger run = new AtomicInteger();
            AtomicInteger strayed = new AtomicInteger();
            Runnable task = () -> {
                run.incrementAndGet();
                if (Thread.currentThread() != own) {
                    strayed.incrementAndGet();
                }
            };
            int taken = 0;
            for (int round = 0; round < ROUNDS; round++) {
                Shard ending = net.start();
                CyclicBarrier begun = new CyclicBarrier(3);
                Callable<Integer> giver = () -> {
                    ByteBuf bytes = Unpooled.buffer().writeZero(60);
                    InboundFrame frame = new InboundFrame();
                    begun.await();
                    int given = 0;
                    while (given < MOST && ending.submit(task)) {
                        given++;
                        frame.set(bytes, 0, bytes.readableBytes());
                        Inbox.Kind kind = given % 2 == 0 ? Inbox.Kind.COPY : Inbox.Kind.PACKET;
                        ending.inbox().offerCopy(frame, kind, allocator);
                    }
                    return given;
                };
                List<Future<Integer>> givers = List.of(others.submit(giver), others.submit(giver));
                net.shards.remove(ending);
                begun.await();
                ending.close();
                for (Future<Integer> each : givers) {
                    taken += each.get(60, TimeUnit.SECONDS);
                }
                net.settle();
                assertThat(ending.inbox().isEmpty()).isTrue();
                assertThat(allocator.metric().usedDirectMemory()).isZero();
            }
            assertThat(taken).isGreaterThan(ROUNDS);
            assertThat(run.get()).isEqualTo(taken);
            assertThat(strayed.get()).isZero();
        } finally {
            others.shutdownNow();
        }
    }
}
