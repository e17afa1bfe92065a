/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.FileRegion;
import java.io.IOException;

/** The bytes of a representation, from which parts can be taken. */
interface Content extends AutoCloseable {

    /** How many bytes there are. */
    long length();

    /**
     * Returns a part as a message to write, which the caller owns.
     *
     * @param allocator for a buffer, if there is need of one
     * @param position of the first byte
     * @param count how many bytes
     * @return a {@link ByteBuf} or a {@link FileRegion}
     * @throws IOException if the bytes cannot be read
     */
    Object part(ByteBufAllocator allocator, long position, long count) throws IOException;

    /** Says that no more parts will be taken. */
    @Override
    void close();
}
