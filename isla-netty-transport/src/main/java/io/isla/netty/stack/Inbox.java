/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.InboundPacket;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.udp.UdpDatagram;
import io.isla.netty.udp.UdpEndpoint;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.internal.PlatformDependent;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What crosses from other shards (or from this one to itself) to a shard: packets, and tasks that must keep their order with them. Offering is for
 * any thread, draining for the shard's.
 */
final class Inbox {
    /** What a packet in the inbox is. */
    enum Kind {
        /** A whole IP packet that another shard has received. */
        PACKET,
        /** A whole IP packet that this host sent to itself. */
        LOOPBACK,
        /** A copy of a frame that concerns all shards. */
        COPY,
        /** A copy of a whole IP packet that concerns all shards. */
        PACKET_COPY
    }

    private static final InternalLogger logger = InternalLoggerFactory.getInstance(Inbox.class);

    /** More packets than this wait for a shard that does not run: further ones are dropped, as by a full receive ring. */
    private static final int MAX_PACKETS = 16_384;

    /** How often one that closes waits for the last task. */
    private static final int CHANCES = 1_000;

    private record Packet(
            Kind kind,
            ByteBuf buffer,
            InboundFrame.Checksum checksum,
            SegmentationType segmentation,
            int segmentSize) {}

    private final Shard shard;
    /** Packets, tasks, and endpoints to which a datagram was handed over. */
    private final Queue<Object> queue = PlatformDependent.newMpscQueue();

    private final AtomicInteger packets = new AtomicInteger();
    private final AtomicLong dropped = new AtomicLong();
    private final InboundFrame frame = new InboundFrame();
    /** How many tasks are in the queue. Its monitor is held while one is added, and while this is closed: each is run, on the shard's thread, or whoever gives it is told. */
    private final AtomicInteger tasks = new AtomicInteger();

    private volatile boolean closed;
    /** How many times the queue of a closed inbox is to be emptied yet: whoever makes it more than 0 does it, for all. */
    private final AtomicInteger clearing = new AtomicInteger();

    Inbox(Shard shard) {
        this.shard = shard;
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    /** Packets dropped because too many waited. */
    long dropped() {
        return dropped.get();
    }

    /** Adds a task; returns whether it will run. */
    boolean offer(Runnable task) {
        synchronized (tasks) {
            if (closed) {
                return false;
            }
            tasks.incrementAndGet();
            queue.offer(task);
        }
        shard.loop().wakeup();
        return true;
    }

    /** Adds a copy of a frame. */
    void offerCopy(InboundFrame source, Kind kind, ByteBufAllocator allocator) {
        ByteBuf copy = allocator.directBuffer(source.length(), source.length());
        source.buffer().getBytes(source.offset(), copy, source.length());
        add(new Packet(kind, copy, source.checksum(), source.segmentation(), source.segmentSize()));
    }

    /** Adds a copy of a packet whose transport checksum has been checked. */
    void offerPacket(InboundPacket packet, ByteBufAllocator allocator) {
        int length = packet.transportOffset() - packet.networkOffset() + packet.transportLength();
        ByteBuf copy = allocator.directBuffer(length, length);
        packet.buffer().getBytes(packet.networkOffset(), copy, length);
        add(new Packet(Kind.PACKET, copy, InboundFrame.Checksum.VALID, packet.segmentation(), packet.segmentSize()));
    }

    /** Adds a copy of a packet that this host sends to itself. */
    void offerLoopback(OutboundFrame source, ByteBufAllocator allocator) {
        add(new Packet(
                Kind.LOOPBACK,
                source.copy(allocator),
                source.checksumStart() >= 0 ? InboundFrame.Checksum.PARTIAL : InboundFrame.Checksum.UNKNOWN,
                source.segmentation(),
                source.segmentSize()));
    }

    /** Hands a datagram over to an endpoint of the shard. */
    void offerDatagram(UdpEndpoint endpoint, UdpDatagram datagram) {
        if (hasRoomFor(datagram.payload())) {
            endpoint.handOver(datagram);
            add(endpoint);
        }
    }

    private void add(Packet packet) {
        if (closed) {
            passOn(packet);
        } else if (hasRoomFor(packet.buffer)) {
            add((Object) packet);
        }
    }

    /** The shard has ended; but the one that leads brings its packets to whoever has its flows now. */
    private void passOn(Packet packet) {
        Shard leader = shard.host().leader();
        boolean copy = packet.kind == Kind.COPY || packet.kind == Kind.PACKET_COPY;
        if (copy || leader == null || leader == shard || leader.inbox().closed) {
            dropped.incrementAndGet();
            packet.buffer.release();
        } else {
            leader.inbox().add(packet);
        }
    }

    /** Counts a packet; or drops it, if too many wait. */
    private boolean hasRoomFor(ByteBuf buffer) {
        if (closed) {
            dropped.incrementAndGet();
            buffer.release();
            return false;
        }
        if (packets.incrementAndGet() > MAX_PACKETS) {
            packets.decrementAndGet();
            dropped.incrementAndGet();
            buffer.release();
            return false;
        }
        return true;
    }

    private void add(Object item) {
        queue.offer(item);
        if (closed) {
            // Closed in between: whoever comes last clears up.
            clear();
            return;
        }
        shard.loop().wakeup();
    }

    /** Processes what is there, up to a number of items; returns how many. */
    int drain(int max, long now) {
        int n = 0;
        while (n < max) {
            Object item = queue.poll();
            if (item == null) {
                break;
            }
            n++;
            if (item instanceof Packet packet) {
                packets.decrementAndGet();
                ByteBuf buffer = packet.buffer;
                frame.set(buffer, 0, buffer.writerIndex())
                        .checksum(packet.checksum)
                        .segmentation(packet.segmentation, packet.segmentSize);
                try {
                    shard.receiveHandedOver(frame, packet.kind, now);
                } finally {
                    buffer.release();
                }
            } else if (item instanceof UdpEndpoint endpoint) {
                packets.decrementAndGet();
                shard.udp().takeHandedOver(endpoint);
            } else {
                tasks.decrementAndGet();
                ((Runnable) item).run();
            }
        }
        return n;
    }

    /**
     * Runs the tasks that are there, passes on the packets, and takes nothing more. Tasks are taken until the last of them has run, unless they do not cease: whoever is
     * told that one will not be run can rely on what the others have done.
     */
    void close() {
        // Others who find it closed leave it to this thread, which the tasks are for, until it is done.
        clearing.incrementAndGet();
        int chances = CHANCES;
        do {
            empty(tasks.get() + packets.get());
        } while (!close(--chances == 0));
        emptyAsAsked();
    }

    private boolean close(boolean anyway) {
        synchronized (tasks) {
            closed = anyway || tasks.get() == 0;
            return closed;
        }
    }

    /** Passes on what has come into the queue of the closed inbox. */
    private void clear() {
        if (clearing.getAndIncrement() == 0) {
            emptyAsAsked();
        }
    }

    private void emptyAsAsked() {
        for (int asked = 1; asked != 0; asked = clearing.addAndGet(-asked)) {
            empty(Integer.MAX_VALUE);
        }
    }

    private void empty(int most) {
        for (int i = 0; i < most; i++) {
            Object item = queue.poll();
            if (item == null) {
                return;
            }
            if (item instanceof Packet packet) {
                passOn(packet);
            } else if (item instanceof UdpEndpoint endpoint) {
                shard.udp().forwardHandedOver(endpoint);
            } else {
                tasks.decrementAndGet();
                try {
                    ((Runnable) item).run();
                } catch (Throwable t) {
                    logger.warn("a task for a shard that ends has failed", t);
                }
            }
        }
    }
}
