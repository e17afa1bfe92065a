/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.util.internal.PlatformDependent;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;

/** Frames on their way from any thread to one event loop, which is woken for the first: bounded, and nothing is lost in it when it is closed. */
final class FrameInbox {
    private final Queue<ByteBuf> frames;
    private final Runnable wakeup;
    /** Whether the event loop has been woken since it last looked. */
    private final AtomicBoolean woken = new AtomicBoolean();

    private volatile boolean closed;

    /**
     * Creates an empty one.
     *
     * @param capacity frames, rounded up to a power of two
     * @param wakeup makes the event loop look; any thread
     */
    FrameInbox(int capacity, Runnable wakeup) {
        frames = PlatformDependent.newFixedMpscQueue(capacity);
        this.wakeup = wakeup;
    }

    /**
     * Puts a frame in. Any thread.
     *
     * @param frame belongs to the inbox from now on, whatever becomes of it
     * @return whether there was room
     */
    boolean offer(ByteBuf frame) {
        if (!frames.offer(frame)) {
            frame.release();
            return false;
        }
        if (closed) {
            // Perhaps after the event loop has emptied it for the last time.
            empty();
        } else {
            wake();
        }
        return true;
    }

    /** Has the event loop look. Any thread. */
    void wake() {
        if (!woken.get() && woken.compareAndSet(false, true)) {
            wakeup.run();
        }
    }

    /** The event loop is about to look. */
    void looking() {
        if (woken.get()) {
            // Before the look: a frame that comes after it wakes the loop again.
            woken.set(false);
        }
    }

    /** The next frame, which is the caller's; {@code null} if there is none. Event loop only. */
    ByteBuf poll() {
        return frames.poll();
    }

    /** Releases what is there, and what may come yet. Event loop only. */
    void close() {
        closed = true;
        empty();
    }

    /** Several senders may find it closed at once; the queue has room for one reader. */
    private synchronized void empty() {
        for (ByteBuf frame = frames.poll(); frame != null; frame = frames.poll()) {
            frame.release();
        }
    }
}
