/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledUnsafeDirectByteBuf;

/** A buffer of a {@link FramePool}, where there is {@code Unsafe}, as in Netty's allocators. */
final class UnsafeFrameBuffer extends UnpooledUnsafeDirectByteBuf implements FrameBuffer {
    private final FramePool.Loan loan;

    UnsafeFrameBuffer(ByteBufAllocator allocator, ByteBuf region, int offset, int bytes, FramePool pool) {
        super(allocator, region.nioBuffer(offset, bytes), bytes);
        loan = pool.new Loan(this, region.retain(), this::resetRefCnt, super::deallocate);
    }

    FramePool.Loan loan() {
        return loan;
    }

    @Override
    public ByteBuf touch() {
        return touch(null);
    }

    @Override
    public ByteBuf touch(Object hint) {
        loan.record(hint);
        return this;
    }

    @Override
    protected void deallocate() {
        loan.end();
    }
}
