/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.util.Arrays;

/** A link without a file descriptor: other threads put what arrives into the inboxes of its queues. */
abstract sealed class InboxLink implements Link permits ChannelLink, MemoryLink {
    private static final InboxQueue[] NONE = {};

    private final String name;
    private final Medium medium;
    private final int mtu;
    private final int capacity;
    private final int maxReceiveQueues;
    private final Object lock = new Object();

    /** Those that receive; replaced as a whole. */
    private volatile InboxQueue[] receiving = NONE;

    /** All; replaced as a whole. */
    private volatile InboxQueue[] open = NONE;

    private volatile boolean closed;

    InboxLink(String name, Medium medium, int mtu, int capacity, int maxReceiveQueues) {
        this.name = name;
        this.medium = medium;
        this.mtu = mtu;
        this.capacity = capacity;
        this.maxReceiveQueues = maxReceiveQueues;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Medium medium() {
        return medium;
    }

    @Override
    public int mtu() {
        return mtu;
    }

    @Override
    public int maxReceiveQueues() {
        return maxReceiveQueues;
    }

    @Override
    public int maxSegmentationBytes() {
        return 0xffff;
    }

    @Override
    public LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator) throws IOException {
        synchronized (lock) {
            if (closed) {
                throw closedException();
            }
            InboxQueue queue = newQueue(receiver, wakeup, allocator);
            if (receiving.length < maxReceiveQueues) {
                receiving = with(receiving, queue);
            }
            open = with(open, queue);
            return queue;
        }
    }

    abstract InboxQueue newQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator);

    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            receiving = NONE;
        }
        wakeAll();
    }

    /** Whether what is sent now goes anywhere. Any thread. */
    abstract boolean isUp();

    boolean isClosed() {
        return closed;
    }

    /** Frames that each inbox has room for. */
    int capacity() {
        return capacity;
    }

    /** Why nothing can be sent while the link is not {@linkplain #isUp() up}. */
    abstract IOException downException();

    IOException closedException() {
        return new IOException("link " + name + " was closed");
    }

    /** The queue that a frame which has arrived goes to; {@code null} if there is none. Any thread. */
    final InboxQueue choose(ByteBuf buffer, int offset, int length) {
        InboxQueue[] queues = receiving;
        return switch (queues.length) {
            case 0 -> null;
            case 1 -> queues[0];
            default -> queues[Math.floorMod(FlowHash.of(buffer, offset, length, medium), queues.length)];
        };
    }

    /** Has all event loops look whether the link is up. Any thread. */
    final void wakeAll() {
        for (InboxQueue queue : open) {
            queue.inbox().wake();
        }
    }

    /** Whether a queue is the first of those that are open, of which there is one at most. Any thread. */
    final boolean isFirst(InboxQueue queue) {
        InboxQueue[] queues = open;
        return queues.length > 0 && queues[0] == queue;
    }

    /** A queue is closed. */
    void released(InboxQueue queue) {
        synchronized (lock) {
            open = without(open, queue);
            receiving = without(receiving, queue);
        }
    }

    private static InboxQueue[] with(InboxQueue[] queues, InboxQueue queue) {
        InboxQueue[] longer = Arrays.copyOf(queues, queues.length + 1);
        longer[queues.length] = queue;
        return longer;
    }

    private static InboxQueue[] without(InboxQueue[] queues, InboxQueue queue) {
        return Arrays.stream(queues).filter(q -> q != queue).toArray(InboxQueue[]::new);
    }
}
