/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.DefaultFileRegion;
import io.netty.util.AbstractReferenceCounted;
import io.netty.util.ReferenceCounted;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * The bytes of a file. It is open until the last part that was taken has been written.
 */
final class FileContent implements Content {

    /** A part up to this long is read into memory at once: it then leaves together with its header. */
    static final int MAX_BUFFERED = 64 * 1024;

    private final OpenFile file;
    private final long length;

    /** @param path the file's real path: a symbolic link is not followed */
    FileContent(Path path) throws IOException {
        file = new OpenFile(FileChannel.open(path, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)));
        try {
            length = file.channel.size();
        } catch (IOException e) {
            file.release();
            throw e;
        }
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public Object part(ByteBufAllocator allocator, long position, long count) throws IOException {
        if (count > MAX_BUFFERED) {
            return new Region(file, position, count);
        }
        ByteBuf buffer = allocator.ioBuffer((int) count);
        try {
            while (buffer.readableBytes() < count) {
                int wanted = (int) count - buffer.readableBytes();
                if (buffer.writeBytes(file.channel, position + buffer.readableBytes(), wanted) < 0) {
                    throw new EOFException("the file has become shorter while it was read");
                }
            }
            return buffer;
        } catch (IOException e) {
            buffer.release();
            throw e;
        }
    }

    @Override
    public void close() {
        file.release();
    }

    /** A file that several regions read from. */
    private static final class OpenFile extends AbstractReferenceCounted {
        final FileChannel channel;

        OpenFile(FileChannel channel) {
            this.channel = channel;
        }

        @Override
        protected void deallocate() {
            try {
                channel.close();
            } catch (IOException e) {
                // It was only read from: nothing is lost.
            }
        }

        @Override
        public ReferenceCounted touch(Object hint) {
            return this;
        }
    }

    /** One part of a file; does not close the file while others need it. */
    private static final class Region extends DefaultFileRegion {
        private final OpenFile file;

        Region(OpenFile file, long position, long count) {
            super(file.channel, position, count);
            this.file = file;
            file.retain();
        }

        @Override
        protected void deallocate() {
            file.release();
        }
    }
}
