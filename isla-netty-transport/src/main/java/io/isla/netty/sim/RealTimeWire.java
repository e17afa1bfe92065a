/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoHandle;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoOps;
import java.io.Closeable;
import java.io.IOException;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Joins two links in real time, with {@link LinkConditions} for each direction: what arrives on one is sent on the other, late, twice, damaged or never. Between
 * two TAP devices it is what {@code tc netem} is on a path of the kernel.
 *
 * <p>Where the links use segmentation offload, what happens to a frame happens to all packets that were joined in it; without, to one packet. Its packets take
 * their time at a limited rate either way. Conditions may be changed at any time, from the event loop.
 */
public final class RealTimeWire implements Closeable {
    private static final int BATCH = 64;

    private final IoEventLoop loop;
    private final PriorityQueue<Delivery> deliveries = new PriorityQueue<>();
    private final Port a;
    private final Port b;
    private ScheduledFuture<?> timer;
    private long timerAt;
    private long order;
    private boolean closed;

    private record Delivery(
            long time,
            long order,
            Port to,
            ByteBuf frame,
            InboundFrame.Checksum checksum,
            SegmentationType segmentation,
            int segmentSize)
            implements Comparable<Delivery> {
        @Override
        public int compareTo(Delivery other) {
            long difference = time - other.time;
            return difference != 0 ? Long.signum(difference) : Long.compare(order, other.order);
        }
    }

    /**
     * Joins two links.
     *
     * @param seed decides all that is random
     * @param loop carries the frames; its handler must be compatible with the links' handles, as Netty's epoll is with TAP devices
     * @throws IOException if a link refuses; says what to do
     */
    public RealTimeWire(Link a, Link b, long seed, IoEventLoop loop) throws IOException {
        this.loop = loop;
        SplittableRandom random = new SplittableRandom(seed);
        this.a = new Port(a, random.split());
        this.b = new Port(b, random.split());
        this.a.other = this.b;
        this.b.other = this.a;
        loop.execute(() -> {
            this.a.register();
            this.b.register();
        });
    }

    /** What happens to packets from the first link to the second. */
    public LinkConditions aToB() {
        return a.direction.conditions();
    }

    /** What happens to packets from the second link to the first. */
    public LinkConditions bToA() {
        return b.direction.conditions();
    }

    /** Takes the links apart, and drops what is under way; the links stay open. */
    @Override
    public void close() {
        loop.execute(() -> {
            if (!closed) {
                closed = true;
                a.close();
                b.close();
                deliveries.forEach(delivery -> delivery.frame.release());
                deliveries.clear();
            }
        });
    }

    private void deliverDue() {
        timer = null;
        if (closed) {
            return;
        }
        long now = loop.ticker().nanoTime();
        for (Delivery next = deliveries.peek(); next != null && next.time - now <= 0; next = deliveries.peek()) {
            deliveries.poll();
            next.to.send(next);
        }
        a.queue.flush();
        b.queue.flush();
        armTimer(now);
    }

    private void armTimer(long now) {
        Delivery next = deliveries.peek();
        if (next == null) {
            return;
        }
        if (timer != null) {
            if (timerAt - next.time <= 0) {
                return;
            }
            timer.cancel(false);
        }
        timerAt = next.time;
        timer = loop.schedule(this::deliverDue, Math.max(0, next.time - now), TimeUnit.NANOSECONDS);
    }

    private final class Port implements LinkReceiver {
        private final LinkDirection direction;
        private final LinkQueue queue;
        private final OutboundFrame outbound = new OutboundFrame();
        private final ByteBufAllocator allocator = PooledByteBufAllocator.DEFAULT;
        private final AtomicBoolean pollScheduled = new AtomicBoolean();
        private IoRegistration registration;
        private Port other;

        Port(Link link, SplittableRandom random) throws IOException {
            direction = new LinkDirection(new LinkConditions(), random);
            queue = link.openQueue(this, this::signalled, allocator);
        }

        private void register() {
            IoHandle handle = queue.ioHandle();
            if (handle != null) {
                loop.register(handle).addListener(future -> {
                    if (future.isSuccess()) {
                        registration = (IoRegistration) future.getNow();
                        registration.submit(EpollIoOps.EPOLLIN);
                    }
                });
            }
        }

        private void signalled() {
            if (pollScheduled.compareAndSet(false, true)) {
                loop.execute(() -> {
                    pollScheduled.set(false);
                    if (!closed && queue.poll(BATCH) == BATCH) {
                        signalled();
                    }
                });
            }
        }

        @Override
        public void onFrame(InboundFrame inbound) {
            long now = loop.ticker().nanoTime();
            LinkDirection.Fate fate =
                    direction.send(FrameRelay.bytesAsPackets(inbound), FrameRelay.packets(inbound), now);
            if (!fate.arrives() || closed) {
                return;
            }
            ByteBuf frame = allocator.directBuffer(inbound.length(), inbound.length());
            frame.writeBytes(inbound.buffer(), inbound.offset(), inbound.length());
            if (fate == LinkDirection.Fate.CORRUPTED) {
                direction.corrupt(frame, 0);
                // What was good of it no longer is, and a checksum that is filled in now would hide that.
                inbound.checksum(InboundFrame.Checksum.UNKNOWN);
                inbound.segmentation(SegmentationType.NONE, 0);
            }
            if (fate == LinkDirection.Fate.DUPLICATED) {
                deliver(inbound, frame.copy());
            }
            deliver(inbound, frame);
            armTimer(now);
        }

        private void deliver(InboundFrame inbound, ByteBuf frame) {
            deliveries.add(new Delivery(
                    direction.arrival(),
                    order++,
                    other,
                    frame,
                    inbound.checksum(),
                    inbound.segmentation(),
                    inbound.segmentSize()));
        }

        @Override
        public void onLinkFailure(IOException cause) {
            RealTimeWire.this.close();
        }

        private void send(Delivery delivery) {
            ByteBuf frame = delivery.frame;
            FrameRelay.prepare(outbound, frame, delivery.checksum, delivery.segmentation, delivery.segmentSize);
            queue.transmit(outbound);
            frame.release();
        }

        private void close() {
            if (registration != null) {
                registration.cancel();
            }
            queue.close();
            outbound.release();
        }
    }
}
