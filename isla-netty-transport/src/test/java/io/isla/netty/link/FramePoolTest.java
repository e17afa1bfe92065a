/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.testing.LeakDetection;
import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.IllegalReferenceCountException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The buffers that frames are read into: which is used when, whose they are meanwhile, and that none is lost. */
class FramePoolTest {
    private static final int BYTES = 65_584;
    /** As many as 2 MiB hold. */
    private static final int MOST = 31;

    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
    private final FramePool pool = new FramePool(allocator, BYTES);

    @AfterEach
    void freesAllMemory() {
        pool.close();
        assertThat(allocator.metric().usedDirectMemory()).isZero();
    }

    private List<ByteBuf> take(int count) {
        List<ByteBuf> taken = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            taken.add(pool.take());
        }
        return taken;
    }

    @Test
    void takesNoMemoryBeforeItIsAskedForAny() {
        assertThat(allocator.metric().usedDirectMemory()).isZero();
    }

    @Test
    void whatWasReleasedLastIsUsedNext() {
        List<ByteBuf> taken = take(3);
        taken.forEach(ByteBuf::release);
        assertThat(pool.take()).isSameAs(taken.get(2));
        assertThat(pool.take()).isSameAs(taken.get(1));
        taken.get(2).release();
        assertThat(pool.take()).isSameAs(taken.get(2));
        taken.get(2).release();
        taken.get(1).release();
    }

    @Test
    void aBufferIsLikeANewOne() {
        ByteBuf buffer = pool.take();
        buffer.writeInt(1).writeInt(2).markWriterIndex().readInt();
        buffer.markReaderIndex();
        buffer.release();
        assertThat(pool.take()).isSameAs(buffer);
        assertThat(buffer.refCnt()).isOne();
        assertThat(buffer.capacity()).isEqualTo(BYTES);
        assertThat(buffer.maxCapacity()).isEqualTo(BYTES);
        assertThat(buffer.resetReaderIndex().readerIndex()).isZero();
        assertThat(buffer.resetWriterIndex().writerIndex()).isZero();
        assertThat(buffer.alloc()).isSameAs(allocator);
        buffer.release();
    }

    @Test
    void buffersDoNotOverlap() {
        List<ByteBuf> taken = take(MOST);
        for (int i = 0; i < MOST; i++) {
            taken.get(i).setZero(0, BYTES).setInt(0, i).setInt(BYTES - 4, ~i);
        }
        for (int i = 0; i < MOST; i++) {
            assertThat(taken.get(i).getInt(0)).isEqualTo(i);
            assertThat(taken.get(i).getInt(BYTES - 4)).isEqualTo(~i);
            if (taken.get(i).hasMemoryAddress()) {
                assertThat(taken.get(i).memoryAddress() % 64).isZero();
            }
        }
        taken.forEach(ByteBuf::release);
    }

    @Test
    void aPartThatIsHeldKeepsTheBufferAway() {
        ByteBuf buffer = pool.take();
        ByteBuf part = buffer.retainedSlice(100, 10);
        buffer.release();
        ByteBuf other = pool.take();
        assertThat(other).isNotSameAs(buffer);
        part.release();
        assertThat(pool.take()).isSameAs(buffer);
        other.release();
        buffer.release();
    }

    @Test
    void whatIsReleasedTwiceIsNotLentTwice() {
        ByteBuf buffer = pool.take();
        buffer.release();
        assertThatThrownBy(buffer::release).isInstanceOf(IllegalReferenceCountException.class);
        assertThat(pool.take()).isSameAs(buffer);
        ByteBuf other = pool.take();
        assertThat(other).isNotSameAs(buffer);
        buffer.release();
        other.release();
    }

    @Test
    void theAllocatorHasTheOthers() {
        List<ByteBuf> taken = take(MOST + 2);
        assertThat(taken.subList(0, MOST)).allMatch(buffer -> buffer instanceof FrameBuffer);
        assertThat(taken.subList(MOST, MOST + 2)).noneMatch(buffer -> buffer instanceof FrameBuffer);
        assertThat(taken).allMatch(buffer -> buffer.capacity() == BYTES);
        taken.forEach(ByteBuf::release);
        List<ByteBuf> again = take(MOST);
        assertThat(again).allMatch(buffer -> buffer instanceof FrameBuffer);
        again.forEach(ByteBuf::release);
    }

    @Test
    void whatAUserHasCutShortIsNotUsedAgain() {
        ByteBuf buffer = pool.take();
        buffer.capacity(100);
        buffer.release();
        List<ByteBuf> taken = take(MOST);
        assertThat(taken)
                .noneMatch(each -> each == buffer)
                .allMatch(each -> each.capacity() == BYTES)
                .as("another is made in its place")
                .allMatch(each -> each instanceof FrameBuffer);
        taken.forEach(ByteBuf::release);
    }

    @Test
    void othersMayReleaseThem() throws Exception {
        Set<ByteBuf> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (int round = 0; round < 200; round++) {
            List<ByteBuf> taken = take(10);
            seen.addAll(taken);
            List<CompletableFuture<Void>> releases = new ArrayList<>();
            for (List<ByteBuf> half : List.of(taken.subList(0, 4), taken.subList(4, 8))) {
                releases.add(CompletableFuture.runAsync(() -> half.forEach(ByteBuf::release)));
            }
            taken.get(8).release();
            taken.get(9).release();
            for (CompletableFuture<Void> release : releases) {
                release.get();
            }
        }
        assertThat(seen)
                .as("10 at a time")
                .hasSizeLessThanOrEqualTo(MOST)
                .allMatch(buffer -> buffer instanceof FrameBuffer);
        List<ByteBuf> all = take(MOST);
        assertThat(all).as("none is lost").allMatch(buffer -> buffer instanceof FrameBuffer);
        all.forEach(ByteBuf::release);
    }

    /** Buffers that are out when the pool is closed are freed by whoever releases them, also in that very moment. */
    @Test
    void closesWhileOthersRelease() throws Exception {
        for (int round = 0; round < 500; round++) {
            FramePool closing = new FramePool(allocator, BYTES / 16);
            List<ByteBuf> taken = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                taken.add(closing.take());
            }
            taken.get(0).release();
            CyclicBarrier start = new CyclicBarrier(3);
            List<CompletableFuture<Void>> releases = new ArrayList<>();
            for (List<ByteBuf> half : List.of(taken.subList(1, 6), taken.subList(6, 11))) {
                releases.add(CompletableFuture.runAsync(() -> {
                    await(start);
                    half.forEach(ByteBuf::release);
                }));
            }
            await(start);
            closing.close();
            for (CompletableFuture<Void> release : releases) {
                release.get();
            }
            assertThat(allocator.metric().usedDirectMemory()).isPositive();
            taken.get(11).release();
            assertThat(allocator.metric().usedDirectMemory()).isZero();
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void whatIsReceivedMayBeSentOnWithoutACopy() {
        ByteBuf buffer = pool.take().writerIndex(BYTES);
        ByteBuf payload = buffer.retainedSlice(66, 60_000);
        assertThat(TcpConnection.mayKeep(payload)).as("while the reader has it").isFalse();
        buffer.release();
        assumeTrue(payload.hasMemoryAddress(), "what has no address is always copied");
        assertThat(TcpConnection.mayKeep(payload)).isTrue();
        payload.release();
    }

    @Test
    void aLeakIsDetected() {
        FramePool leaking = new FramePool(new UnpooledByteBufAllocator(true, true), BYTES);
        takeAndForget(leaking);
        // While the pool is at work.
        leaking.take().release();
        assertThat(LeakDetection.collect()).singleElement().asString().contains("takeAndForget", "seen in a test");
        leaking.close();
    }

    /** In a method of its own, so that no frame of the test keeps the buffer alive. */
    private static void takeAndForget(FramePool pool) {
        pool.take().touch().touch("seen in a test");
    }

    @Test
    void whereThereIsMemoryForOneItHasOne() {
        ByteBufAllocator small = new AbstractByteBufAllocator(true) {
            @Override
            protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
                return allocator.heapBuffer(initialCapacity, maxCapacity);
            }

            @Override
            protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
                if (initialCapacity > 100_000) {
                    throw new OutOfMemoryError("as if there were no such piece");
                }
                return allocator.directBuffer(initialCapacity, maxCapacity);
            }

            @Override
            public boolean isDirectBufferPooled() {
                return false;
            }
        };
        FramePool poor = new FramePool(small, BYTES);
        ByteBuf buffer = poor.take();
        assertThat(buffer.capacity()).isEqualTo(BYTES);
        buffer.release();
        poor.close();
    }
}
