/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/** Bytes that are in memory for as long as the program runs. */
final class BufferContent implements Content {

    private final ByteBuf bytes;

    BufferContent(byte[] bytes) {
        // Direct, so that no transport has to copy it first; and never released, so that all may share it.
        ByteBuffer memory = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        this.bytes = Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer(memory.asReadOnlyBuffer()));
    }

    @Override
    public long length() {
        return bytes.readableBytes();
    }

    @Override
    public ByteBuf part(ByteBufAllocator allocator, long position, long count) {
        return bytes.retainedSlice(Math.toIntExact(position), Math.toIntExact(count));
    }

    @Override
    public void close() {
        // Nothing is open.
    }
}
