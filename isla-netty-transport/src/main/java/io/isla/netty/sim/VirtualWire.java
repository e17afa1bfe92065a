/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkCounter;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.link.SoftwareSegmentation;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.IoHandle;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.SplittableRandom;

/**
 * An Ethernet wire between two hosts in virtual time, with {@link LinkConditions} for each direction. What is sent is split to packets of the
 * MTU before anything happens to it, unless the wire carries super-segments whole.
 *
 * <p>Not thread-safe: one thread runs the hosts and the time.
 */
public final class VirtualWire {
    /** Sees every frame that is sent, before anything happens to it, and what became of it. */
    public interface Observer {
        /**
         * A frame was sent.
         *
         * @param fromA whether end A has sent it
         * @param time virtual time in nanoseconds
         * @param frame valid during the call
         * @param fate {@code "sent"}, or why it will not arrive as it is: lost, corrupted, duplicated, queue full, too long, cut
         */
        void onFrame(boolean fromA, long time, ByteBuf frame, String fate);
    }

    private final VirtualTime time;
    private final int mtu;
    private final boolean whole;
    private final End a;
    private final End b;
    private Observer observer = (fromA, t, frame, fate) -> {};

    /**
     * Creates a wire.
     *
     * @param seed decides all that is random on it
     * @param mtu IP MTU in bytes
     * @param whole whether super-segments travel in one piece, as between hosts with segmentation offload on both sides
     */
    public VirtualWire(VirtualTime time, long seed, int mtu, boolean whole) {
        this.time = time;
        this.mtu = mtu;
        this.whole = whole;
        SplittableRandom random = new SplittableRandom(seed);
        a = new End("a", random.split());
        b = new End("b", random.split());
        a.other = b;
        b.other = a;
    }

    /** Sets who sees the frames. */
    public void observer(Observer newObserver) {
        observer = newObserver;
    }

    /** The link for the host at end A. */
    public Link a() {
        return a;
    }

    /** The link for the host at end B. */
    public Link b() {
        return b;
    }

    /** What happens to packets from A to B. */
    public LinkConditions aToB() {
        return a.direction.conditions();
    }

    /** What happens to packets from B to A. */
    public LinkConditions bToA() {
        return b.direction.conditions();
    }

    /** Sends a frame as if the host at end A had done so. */
    public void injectFromA(ByteBuf frame) {
        a.send(frame, InboundFrame.Checksum.UNKNOWN, SegmentationType.NONE, 0);
    }

    /** Sends a frame as if the host at end B had done so. */
    public void injectFromB(ByteBuf frame) {
        b.send(frame, InboundFrame.Checksum.UNKNOWN, SegmentationType.NONE, 0);
    }

    private record Arrived(
            ByteBuf buffer, InboundFrame.Checksum checksum, SegmentationType segmentation, int segmentSize) {}

    private final class End extends SimulatedInterface {
        private final LinkDirection direction;
        private End other;
        private Queue queue;

        End(String name, SplittableRandom random) {
            super(name, mtu);
            direction = new LinkDirection(new LinkConditions(), random);
        }

        @Override
        public LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator)
                throws IOException {
            Queue opened = new Queue(this, receiver, wakeup, allocator);
            if (queue == null) {
                queue = opened;
            }
            return opened;
        }

        @Override
        public void close() {
            if (queue != null) {
                queue.close();
            }
        }

        /** Takes over the frame. */
        private void send(
                ByteBuf frame, InboundFrame.Checksum checksum, SegmentationType segmentation, int segmentSize) {
            long now = time.nanoTime();
            LinkDirection.Fate fate = direction.send(frame.readableBytes(), now);
            if (fate == LinkDirection.Fate.CORRUPTED) {
                direction.corrupt(frame);
            }
            observer.onFrame(this == a, now, frame, fate.toString());
            if (!fate.arrives()) {
                frame.release();
                return;
            }
            InboundFrame.Checksum arrivesWith =
                    fate == LinkDirection.Fate.CORRUPTED ? InboundFrame.Checksum.UNKNOWN : checksum;
            if (fate == LinkDirection.Fate.DUPLICATED) {
                deliver(new Arrived(frame.copy(), arrivesWith, segmentation, segmentSize), direction.arrival());
            }
            deliver(new Arrived(frame, arrivesWith, segmentation, segmentSize), direction.arrival());
        }

        private void deliver(Arrived arrived, long at) {
            End to = other;
            time.scheduleAt(at, () -> {
                if (to.queue == null || to.queue.closed) {
                    arrived.buffer.release();
                } else {
                    to.queue.arrive(arrived);
                }
            });
        }
    }

    private final class Queue implements LinkQueue {
        private final End end;
        private final LinkReceiver receiver;
        private final Runnable wakeup;
        private final ByteBufAllocator allocator;
        private final SoftwareSegmentation segmenter = new SoftwareSegmentation(Link.Medium.ETHERNET);
        private final ArrayDeque<Arrived> arrived = new ArrayDeque<>();
        private final InboundFrame inbound = new InboundFrame();
        private final long[] counts = new long[LinkCounter.values().length];
        private boolean closed;

        Queue(End end, LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator) {
            this.end = end;
            this.receiver = receiver;
            this.wakeup = wakeup;
            this.allocator = allocator;
        }

        private void count(LinkCounter counter, long amount) {
            counts[counter.ordinal()] += amount;
        }

        private void arrive(Arrived frame) {
            arrived.add(frame);
            wakeup.run();
        }

        @Override
        public void transmit(OutboundFrame frame) {
            if (closed) {
                count(LinkCounter.TX_LINK_DOWN, 1);
                return;
            }
            if (whole) {
                count(LinkCounter.TX_FRAMES, 1);
                count(LinkCounter.TX_BYTES, frame.length());
                end.send(
                        frame.copy(allocator),
                        frame.checksumStart() >= 0 ? InboundFrame.Checksum.PARTIAL : InboundFrame.Checksum.UNKNOWN,
                        frame.segmentation(),
                        frame.segmentSize());
            } else {
                segmenter.send(frame, packet -> {
                    count(LinkCounter.TX_FRAMES, 1);
                    count(LinkCounter.TX_BYTES, packet.length());
                    if (end.isTooLong(packet.length())) {
                        count(LinkCounter.TX_TOO_LONG, 1);
                        return;
                    }
                    end.send(packet.copy(allocator), InboundFrame.Checksum.UNKNOWN, SegmentationType.NONE, 0);
                });
            }
        }

        @Override
        public void flush() {}

        @Override
        public int poll(int maxFrames) {
            int frames = 0;
            while (frames < maxFrames && !arrived.isEmpty()) {
                Arrived next = arrived.poll();
                frames++;
                ByteBuf buffer = next.buffer;
                count(LinkCounter.RX_FRAMES, 1);
                count(LinkCounter.RX_BYTES, buffer.readableBytes());
                inbound.set(buffer, buffer.readerIndex(), buffer.readableBytes())
                        .checksum(next.checksum)
                        .segmentation(next.segmentation, next.segmentSize);
                try {
                    receiver.onFrame(inbound);
                } finally {
                    buffer.release();
                }
            }
            return frames;
        }

        @Override
        public IoHandle ioHandle() {
            return null;
        }

        @Override
        public long count(LinkCounter counter) {
            return counts[counter.ordinal()];
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                arrived.forEach(frame -> frame.buffer.release());
                arrived.clear();
                segmenter.release();
            }
        }
    }
}
