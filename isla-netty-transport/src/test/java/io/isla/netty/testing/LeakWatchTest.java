/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A leak check that finds nothing proves nothing: this leaks buffers on purpose. */
class LeakWatchTest {

    static List<ByteBufAllocator> allocators() {
        return List.of(ByteBufAllocator.DEFAULT, PooledByteBufAllocator.DEFAULT, UnpooledByteBufAllocator.DEFAULT);
    }

    @ParameterizedTest
    @MethodSource("allocators")
    void findsALeakedBufferAndWhereItWasTouched(ByteBufAllocator allocator) {
        leak(allocator);

        assertThat(LeakDetection.WATCH.collect())
                .singleElement()
                .asString()
                .contains("LEAK: ByteBuf")
                .contains("LeakWatchTest.leak");
        assertThat(LeakDetection.WATCH.collect()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("allocators")
    void findsNothingWhereTheBufferIsReleased(ByteBufAllocator allocator) {
        allocator.directBuffer(64).writeLong(42).release();

        assertThat(LeakDetection.WATCH.collect()).isEmpty();
    }

    /** In a method of its own, so that no frame of the test keeps the buffer alive. */
    private static void leak(ByteBufAllocator allocator) {
        ByteBuf buffer = allocator.directBuffer(64);
        buffer.writeLong(42);
    }
}
