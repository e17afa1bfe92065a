/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledDirectByteBuf;
import io.netty.buffer.UnpooledHeapByteBuf;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.FileDescriptor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What is read from the device, which is a pipe here. */
class DeviceReaderTest {
    private static final int LENGTH = 64;

    @BeforeAll
    static void loadNativeLibrary() {
        Epoll.ensureAvailability();
    }

    /** The first buffer hides where it is, the others do not; there is none larger than a frame. */
    private static final class Hiding extends AbstractByteBufAllocator {
        private final ByteBufAllocator open = new UnpooledByteBufAllocator(true, true);
        private boolean hidden;

        Hiding() {
            super(true);
        }

        @Override
        protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
            return new UnpooledHeapByteBuf(this, initialCapacity, maxCapacity);
        }

        @Override
        protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
            if (initialCapacity > LENGTH) {
                throw new OutOfMemoryError("as if there were no more in one piece");
            }
            if (hidden) {
                return open.directBuffer(initialCapacity, maxCapacity);
            }
            hidden = true;
            return new UnpooledDirectByteBuf(this, initialCapacity, maxCapacity);
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }
    }

    @Test
    void readsOnIfABufferOfBeforeCannotBeUsedWithTheRing() throws Exception {
        FileDescriptor[] pipe = FileDescriptor.pipe();
        DeviceReader reader = new DeviceReader(pipe[0], new Hiding(), 0, LENGTH);
        IoUring ring = IoUring.open(pipe[0]);
        ByteBuf bytes = Unpooled.directBuffer(1);
        try {
            for (int i = 0; i < 5; i++) {
                bytes.clear().writeByte(i);
                pipe[1].write(bytes.internalNioBuffer(0, 1), 0, 1);
                assertThat(reader.read(8)).isEqualTo(1);
                assertThat(reader.result(0)).isEqualTo(1);
                assertThat(reader.buffer(0).getByte(0)).isEqualTo((byte) i);
                reader.done(0);
                assertThat(reader.read(8)).isZero();
                assertThat(reader.isEmpty()).isTrue();
                reader.ring(ring);
            }
        } finally {
            bytes.release();
            reader.release();
            if (ring != null) {
                ring.close();
            }
            pipe[0].close();
            pipe[1].close();
        }
    }
}
