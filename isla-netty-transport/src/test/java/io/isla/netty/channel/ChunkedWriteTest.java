/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelProgressiveFuture;
import io.netty.channel.ChannelProgressiveFutureListener;
import io.netty.channel.ChannelProgressivePromise;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.stream.ChunkedInput;
import io.netty.handler.stream.ChunkedNioFile;
import io.netty.handler.stream.ChunkedWriteHandler;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Netty's {@link ChunkedWriteHandler} on our channels: it depends on writability events, promises and flushes as they ought to be. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class ChunkedWriteTest {
    private static final int CHUNK = 10_000;

    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    @TempDir
    Path directory;

    private final EventLog clientLog = new EventLog();
    private final EventLog childLog = new EventLog();

    private ConnectedPair open(boolean reading) throws Exception {
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, childLog, new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap
                        .option(ChannelOption.SO_SNDBUF, 32 * 1024)
                        .option(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(16_000, 32_000));
            }

            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_RCVBUF, 16 * 1024).childOption(ChannelOption.AUTO_READ, reading);
            }
        });
        pair.client().pipeline().addFirst(new ChunkedWriteHandler());
        return pair;
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    /** Chunks of random bytes; notes how many were asked for, and whether it was closed. */
    private static final class Input implements ChunkedInput<ByteBuf> {
        final AtomicInteger chunks = new AtomicInteger();
        final AtomicInteger closed = new AtomicInteger();
        private final byte[] bytes;
        private final int failAt;
        private int position;

        Input(byte[] bytes, int failAt) {
            this.bytes = bytes;
            this.failAt = failAt;
        }

        @Override
        public boolean isEndOfInput() {
            return position == bytes.length;
        }

        @Override
        public void close() {
            closed.incrementAndGet();
        }

        @Override
        @Deprecated
        public ByteBuf readChunk(ChannelHandlerContext context) throws Exception {
            return readChunk(context.alloc());
        }

        @Override
        public ByteBuf readChunk(ByteBufAllocator allocator) throws IOException {
            if (position >= failAt) {
                throw new IOException("no more of this");
            }
            chunks.incrementAndGet();
            int n = Math.min(CHUNK, bytes.length - position);
            ByteBuf chunk = allocator.buffer(n).writeBytes(bytes, position, n);
            position += n;
            return chunk;
        }

        @Override
        public long length() {
            return bytes.length;
        }

        @Override
        public long progress() {
            return position;
        }
    }

    @Test
    void aFileArrivesBetweenOtherWritesAndItsProgressIsTold() throws Exception {
        ConnectedPair pair = open(true);
        byte[] content = random(1_000_000);
        Path file = Files.write(directory.resolve("file"), content);
        ChannelProgressivePromise promise = pair.client().newProgressivePromise();
        List<Long> progress = new ArrayList<>();
        promise.addListener(new ChannelProgressiveFutureListener() {
            @Override
            public void operationProgressed(ChannelProgressiveFuture future, long done, long total) {
                progress.add(done);
            }

            @Override
            public void operationComplete(ChannelProgressiveFuture future) {
                progress.add(-1L);
            }
        });

        pair.client().write(Unpooled.wrappedBuffer(new byte[] {1}));
        pair.client().write(new ChunkedNioFile(file.toFile(), CHUNK), promise);
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(new byte[] {2})).sync();

        byte[] received = childLog.awaitBytes(content.length + 2);
        assertThat(received[0]).isEqualTo((byte) 1);
        assertThat(received[received.length - 1]).isEqualTo((byte) 2);
        assertThat(Arrays.copyOfRange(received, 1, received.length - 1)).isEqualTo(content);
        promise.sync();
        ConnectedPair.settle(pair.client());
        assertThat(progress).hasSizeGreaterThan(50).endsWith((long) content.length, -1L);
        assertThat(progress.subList(0, progress.size() - 1)).isSorted();
    }

    @Test
    void noMoreChunksAreAskedForThanTheChannelTakes() throws Exception {
        ConnectedPair pair = open(false);
        byte[] content = random(1_000_000);
        Input input = new Input(content, Integer.MAX_VALUE);

        ChannelFuture write = pair.client().writeAndFlush(input);
        clientLog.await("unwritable");
        hosts.settle();

        // The receive buffer, the send buffer and the water mark; not the whole.
        assertThat(input.chunks.get()).isBetween(4, 15);
        assertThat(write.isDone()).isFalse();

        pair.child().config().setAutoRead(true);
        assertThat(childLog.awaitBytes(content.length)).isEqualTo(content);
        write.sync();
        assertThat(input.closed).hasValue(1);
    }

    @Test
    void anInputThatFailsFailsItsWriteAndTheChannelGoesOn() throws Exception {
        ConnectedPair pair = open(true);
        Input input = new Input(random(100_000), 3 * CHUNK);

        ChannelFuture failed = pair.client().writeAndFlush(input).await();
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(new byte[] {7})).sync();

        assertThat(failed.cause()).hasMessage("no more of this");
        assertThat(input.closed).hasValue(1);
        assertThat(childLog.awaitBytes(3 * CHUNK + 1)).hasSize(3 * CHUNK + 1).endsWith((byte) 7);
    }

    @Test
    void closingInTheMiddleFailsTheWriteAndClosesTheInput() throws Exception {
        ConnectedPair pair = open(false);
        Input input = new Input(random(1_000_000), Integer.MAX_VALUE);
        ChannelFuture write = pair.client().writeAndFlush(input);
        clientLog.await("unwritable");

        pair.client().close().sync();

        assertThat(write.await().cause()).isInstanceOf(ClosedChannelException.class);
        ConnectedPair.settle(pair.client());
        // For each chunk that fails, Netty closes it again.
        assertThat(input.closed).hasPositiveValue();
    }

    @Test
    void anInputThatHasNothingYetGoesOnWhenItIsResumed() throws Exception {
        ConnectedPair pair = open(true);
        AtomicBoolean there = new AtomicBoolean();
        byte[] content = random(25_000);
        ChunkedInput<ByteBuf> input = new ChunkedInput<>() {
            private boolean done;

            @Override
            public boolean isEndOfInput() {
                return done;
            }

            @Override
            public void close() {
                // Has nothing to be closed.
            }

            @Override
            @Deprecated
            public ByteBuf readChunk(ChannelHandlerContext context) {
                return readChunk(context.alloc());
            }

            @Override
            public ByteBuf readChunk(ByteBufAllocator allocator) {
                if (!there.get()) {
                    return null;
                }
                done = true;
                return allocator.buffer().writeBytes(content);
            }

            @Override
            public long length() {
                return -1;
            }

            @Override
            public long progress() {
                return 0;
            }
        };
        ChannelFuture write = pair.client().writeAndFlush(input);
        ConnectedPair.settle(pair.client());
        assertThat(write.isDone()).isFalse();

        there.set(true);
        pair.client().pipeline().get(ChunkedWriteHandler.class).resumeTransfer();

        assertThat(childLog.awaitBytes(content.length)).isEqualTo(content);
        write.sync();
    }
}
