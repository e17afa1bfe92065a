/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.get;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes to a stream that may block, on a thread of its own, so that the event loop never does. Says when to stop
 * reading because too much is waiting to be written, and when to go on.
 */
final class BodyWriter implements AutoCloseable {

    private static final long HIGH_WATER_MARK = 1 << 20;
    private static final long LOW_WATER_MARK = 256 << 10;

    private final ExecutorService executor = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "body-writer");
        thread.setDaemon(true);
        return thread;
    });
    private final AtomicLong waiting = new AtomicLong();
    private final CompletableFuture<Void> failure = new CompletableFuture<>();
    private final OutputStream out;
    private volatile IOException failed;

    BodyWriter(OutputStream out) {
        this.out = out;
    }

    /**
     * Writes a buffer, some time, after those before it.
     *
     * @param bytes this method takes ownership
     * @param onLow called on the writer's thread if the caller was told to stop and may go on
     * @return whether there is room for more; if not, {@code onLow} will be called
     */
    boolean write(ByteBuf bytes, Runnable onLow) {
        int length = bytes.readableBytes();
        boolean room = waiting.addAndGet(length) < HIGH_WATER_MARK;
        executor.execute(() -> {
            try {
                if (failed == null) {
                    bytes.readBytes(out, length);
                }
            } catch (IOException e) {
                failed = e;
                failure.completeExceptionally(new IOException("the content cannot be written", e));
            } finally {
                bytes.release();
            }
            long before = waiting.getAndAdd(-length);
            if (before > LOW_WATER_MARK && before - length <= LOW_WATER_MARK) {
                onLow.run();
            }
        });
        return room;
    }

    /** Fails when a write fails; never completes otherwise. */
    CompletableFuture<Void> failure() {
        return failure;
    }

    /**
     * Waits until all has been written; the stream stays open.
     *
     * @throws IOException if something could not be written
     */
    @Override
    public void close() throws IOException {
        executor.shutdown();
        boolean interrupted = false;
        while (true) {
            try {
                if (executor.awaitTermination(1, TimeUnit.MINUTES)) {
                    break;
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        IOException cause = failed;
        if (cause != null) {
            throw new IOException("the content cannot be written", cause);
        }
        out.flush();
    }
}
