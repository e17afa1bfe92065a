/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.DefaultByteBufHolder;

/**
 * Bytes to be written to an {@link IslaSocketChannel} as urgent data (RFC 9293 §3.8.5): the peer is told at once that urgent data is under way, and where
 * it ends. They are part of the stream, in their order. How much is of no matter to TCP; but the sockets of most systems take only the last byte for urgent, and unless
 * they are told otherwise ({@code SO_OOBINLINE}) keep it out of the stream. RFC 6093 §5 has new applications not use the mechanism.
 */
public final class IslaUrgentData extends DefaultByteBufHolder {
    /** Urgent data; takes over the reference to {@code content}. */
    public IslaUrgentData(ByteBuf content) {
        super(content);
    }

    @Override
    public IslaUrgentData copy() {
        return (IslaUrgentData) super.copy();
    }

    @Override
    public IslaUrgentData duplicate() {
        return (IslaUrgentData) super.duplicate();
    }

    @Override
    public IslaUrgentData retainedDuplicate() {
        return (IslaUrgentData) super.retainedDuplicate();
    }

    @Override
    public IslaUrgentData replace(ByteBuf content) {
        return new IslaUrgentData(content);
    }

    @Override
    public IslaUrgentData retain() {
        super.retain();
        return this;
    }

    @Override
    public IslaUrgentData retain(int increment) {
        super.retain(increment);
        return this;
    }

    @Override
    public IslaUrgentData touch() {
        super.touch();
        return this;
    }

    @Override
    public IslaUrgentData touch(Object hint) {
        super.touch(hint);
        return this;
    }
}
