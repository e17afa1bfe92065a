/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.get;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.timeout.IdleStateHandler;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class GetHandlerTest {

    private static final int PIECE = 64 * 1024;
    private static final int PIECES = 100;

    /** Takes nothing until it is opened. */
    private static final class Gate extends OutputStream {
        final CountDownLatch open = new CountDownLatch(1);
        final ByteArrayOutputStream passed = new ByteArrayOutputStream();

        @Override
        public void write(int octet) throws IOException {
            write(new byte[] {(byte) octet}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                if (!open.await(20, TimeUnit.SECONDS)) {
                    throw new IOException("never opened");
                }
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            passed.write(bytes, offset, length);
        }
    }

    @Test
    void readsNoFasterThanItCanWrite() throws Exception {
        Gate gate = new Gate();
        CompletableFuture<GetResult> result = new CompletableFuture<>();
        try (BodyWriter body = new BodyWriter(gate)) {
            EmbeddedChannel channel = channel(body, result);
            head(channel, PIECES * PIECE);
            int sent = 0;
            while (channel.config().isAutoRead() && sent < PIECES) {
                channel.writeInbound(Unpooled.wrappedBuffer(new byte[PIECE]));
                sent++;
            }
            assertThat(sent).as("pieces of 64 KiB until it stopped to read").isBetween(2, PIECES - 1);

            // That the server waits for the client is not the server's fault.
            channel.advanceTimeBy(5, TimeUnit.MINUTES);
            channel.runScheduledPendingTasks();
            assertThat(result).isNotDone();

            gate.open.countDown();
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (!channel.config().isAutoRead() && System.nanoTime() - deadline < 0) {
                channel.runPendingTasks();
                Thread.onSpinWait();
            }
            assertThat(channel.config().isAutoRead()).isTrue();
            for (; sent < PIECES; sent++) {
                channel.writeInbound(Unpooled.wrappedBuffer(new byte[PIECE]));
            }
            channel.finishAndReleaseAll();
        }
        assertThat(result.get(10, TimeUnit.SECONDS).bytes()).isEqualTo(PIECES * PIECE);
        assertThat(gate.passed.size()).isEqualTo(PIECES * PIECE);
    }

    @Test
    void givesUpOnAServerThatSendsNothing() throws Exception {
        CompletableFuture<GetResult> result = new CompletableFuture<>();
        try (BodyWriter body = new BodyWriter(OutputStream.nullOutputStream())) {
            EmbeddedChannel channel = channel(body, result);
            head(channel, 100);
            channel.advanceTimeBy(29, TimeUnit.SECONDS);
            channel.runScheduledPendingTasks();
            assertThat(result).isNotDone();

            channel.advanceTimeBy(2, TimeUnit.SECONDS);
            channel.runScheduledPendingTasks();

            assertThat(result).isCompletedExceptionally();
            assertThat(channel.isOpen()).isFalse();
            channel.finishAndReleaseAll();
        }
    }

    private static EmbeddedChannel channel(BodyWriter body, CompletableFuture<GetResult> result) {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        channel.pipeline()
                .addLast(new IdleStateHandler(30, 0, 0))
                .addLast(new HttpClientCodec())
                .addLast(new GetHandler("host", "/", body, null, result));
        channel.pipeline().fireChannelActive();
        return channel;
    }

    private static void head(EmbeddedChannel channel, int length) {
        channel.writeInbound(Unpooled.copiedBuffer(
                "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n", StandardCharsets.US_ASCII));
    }
}
