/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.link.LinkCounter;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.OutboundFrame;
import io.netty.channel.IoHandle;

/** A link queue that knows whether it has been used since it was last flushed, and behind which another one can take the place of the present one. */
final class FlushingQueue implements LinkQueue {
    private final long[] past = new long[LinkCounter.values().length];
    private volatile LinkQueue queue;
    private boolean used;
    private boolean collecting;

    FlushingQueue(LinkQueue queue) {
        this.queue = queue;
    }

    /** Goes on with another queue; the present one is closed, and what it has counted is kept. */
    void replace(LinkQueue next) {
        LinkQueue present = queue;
        // Counts what it has yet to send.
        present.close();
        synchronized (past) {
            for (LinkCounter counter : LinkCounter.values()) {
                past[counter.ordinal()] += present.count(counter);
            }
            queue = next;
        }
        used = true;
    }

    boolean isUsed() {
        return used;
    }

    void flushIfUsed() {
        if (used) {
            flush();
        }
    }

    /**
     * Decides whether frames are collected from now on, to be sent together a little later in the turn, or leave at once.
     *
     * @return how it was before
     */
    boolean collect(boolean collect) {
        boolean before = collecting;
        collecting = collect;
        return before;
    }

    @Override
    public void transmit(OutboundFrame frame) {
        used = true;
        queue.transmit(frame);
        if (!collecting) {
            queue.push();
        }
    }

    @Override
    public void push() {
        queue.push();
    }

    @Override
    public void flush() {
        used = false;
        queue.flush();
    }

    @Override
    public int poll(int maxFrames) {
        return queue.poll(maxFrames);
    }

    @Override
    public IoHandle ioHandle() {
        return queue.ioHandle();
    }

    @Override
    public IoHandle stateHandle() {
        return queue.stateHandle();
    }

    @Override
    public long count(LinkCounter counter) {
        synchronized (past) {
            return past[counter.ordinal()] + queue.count(counter);
        }
    }

    @Override
    public void close() {
        queue.close();
    }
}
