/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.channel.IoHandle;

/** A queue that is another one in all but what passes over it; what {@link ForwardingLink} is to links. */
public abstract class ForwardingQueue implements LinkQueue {
    private final LinkQueue queue;

    /**
     * Wraps a queue.
     *
     * @param queue closed with this one
     */
    protected ForwardingQueue(LinkQueue queue) {
        this.queue = queue;
    }

    @Override
    public void transmit(OutboundFrame frame) {
        queue.transmit(frame);
    }

    @Override
    public void flush() {
        queue.flush();
    }

    @Override
    public void push() {
        queue.push();
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
        return queue.count(counter);
    }

    @Override
    public void close() {
        queue.close();
    }
}
