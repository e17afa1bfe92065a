/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.internal.ObjectUtil;
import java.io.Closeable;
import java.io.IOException;

/**
 * One of two links in memory that are each other's other end: what is sent on one is received on the other. For tests, on any operating
 * system; the two ends may be on different event loops. Nothing is lost but what does not fit into a receiver's queue.
 *
 * <p>With offload, frames travel as they are, with segmentation and checksum left undone, as between two ends of one machine; without,
 * they travel as on a wire: split and summed by the sender, to be verified by the receiver.
 */
public final class MemoryLink extends InboxLink {
    private final boolean offload;
    private MemoryLink peer;
    private volatile boolean up = true;

    private MemoryLink(String name, Builder builder) {
        super(name, builder.medium, builder.mtu, builder.capacity, builder.receiveQueues);
        offload = builder.offload;
    }

    /**
     * Two ends.
     *
     * @param first named by the builder
     * @param second named by the builder
     */
    public record Pair(MemoryLink first, MemoryLink second) implements Closeable {
        /** Closes both. */
        @Override
        public void close() {
            first.close();
            second.close();
        }
    }

    /** A pair of Ethernet links with an MTU of 1,500, one receive queue each, and offload. */
    public static Pair pair(String firstName, String secondName) {
        return builder().pair(firstName, secondName);
    }

    /** Describes a pair. */
    public static Builder builder() {
        return new Builder();
    }

    /** Describes a pair; both ends are alike. */
    public static final class Builder {
        private Medium medium = Medium.ETHERNET;
        private int mtu = 1500;
        private int capacity = 1024;
        private int receiveQueues = 1;
        private boolean offload = true;

        private Builder() {}

        /** What frames start with; {@link Link.Medium#ETHERNET} unless set. */
        public Builder medium(Medium medium) {
            this.medium = ObjectUtil.checkNotNull(medium, "medium");
            return this;
        }

        /**
         * The largest IP packet; 1,500 unless set.
         *
         * @param bytes 68 to 65,535
         */
        public Builder mtu(int bytes) {
            mtu = ObjectUtil.checkInRange(bytes, 68, 0xffff, "mtu");
            return this;
        }

        /**
         * How many frames a receive queue holds; 1,024 unless set.
         *
         * @param frames 2 to 65,536, rounded up to a power of two
         */
        public Builder capacity(int frames) {
            capacity = ObjectUtil.checkInRange(frames, 2, 0x1_0000, "capacity");
            return this;
        }

        /** How many queues can receive; frames are spread over those that are open by a hash of addresses and ports. 1 unless set. */
        public Builder receiveQueues(int count) {
            receiveQueues = ObjectUtil.checkPositive(count, "receiveQueues");
            return this;
        }

        /** Whether frames travel with segmentation and checksum left undone; so they do unless set otherwise. */
        public Builder offload(boolean offload) {
            this.offload = offload;
            return this;
        }

        /** Makes the pair. */
        public Pair pair(String firstName, String secondName) {
            MemoryLink first = new MemoryLink(firstName, this);
            MemoryLink second = new MemoryLink(secondName, this);
            first.peer = second;
            second.peer = first;
            return new Pair(first, second);
        }
    }

    @Override
    InboxQueue newQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator) {
        return new MemoryQueue(this, receiver, wakeup, allocator);
    }

    /**
     * Takes this end down, or brings it up, as an administrator does with a device: its queues tell their receivers when they are next polled.
     * While it is down, nothing is sent from this end or to it. Any thread.
     */
    public void setUp(boolean up) {
        this.up = up;
        wakeAll();
    }

    /** Closes this end: its queues report a failure when they are next polled, and what the other end sends is dropped. */
    @Override
    public void close() {
        super.close();
    }

    /** The queue that a frame to the other end goes to; {@code null} if there is none. Event loops of this end. */
    InboxQueue destination(ByteBuf buffer, int offset, int length) {
        return peer.up ? peer.choose(buffer, offset, length) : null;
    }

    boolean isOffloading() {
        return offload;
    }

    @Override
    boolean isUp() {
        return up && !isClosed();
    }

    @Override
    IOException downException() {
        return new IOException("link " + name() + " is down");
    }
}
