/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.OutboundFrame;
import io.netty.buffer.ByteBufAllocator;

/** The packets that wait for the link addresses of neighbours: a queue for each, bounded, and all together bounded. */
final class WaitingPackets {
    /** The most bytes that wait for one neighbour; one packet always may. */
    static final int MAX_BYTES_PER_NEIGHBOR = 128 * 1024;
    /** The most bytes that wait for all. */
    static final int MAX_BYTES = 2 * 1024 * 1024;

    private static final int MAX_SPARES = 64;

    private final ByteBufAllocator allocator;
    private final Counters<IpCounter> counters;
    private WaitingPacket spares;
    private int spareCount;
    private int bytes;

    WaitingPackets(ByteBufAllocator allocator, Counters<IpCounter> counters) {
        this.allocator = allocator;
        this.counters = counters;
    }

    /** Bytes in all queues. */
    int bytes() {
        return bytes;
    }

    /**
     * Adds a copy of a packet to a neighbour's queue. Where too much waits for that neighbour, the oldest goes; where too much waits for
     * all, the new one.
     *
     * @param frame starts with its IP header
     */
    void add(Neighbor neighbor, OutboundFrame frame) {
        int length = frame.length();
        while (neighbor.firstWaiting != null && neighbor.waitingBytes + length > MAX_BYTES_PER_NEIGHBOR) {
            dropFirst(neighbor);
        }
        if (bytes + length > MAX_BYTES) {
            counters.increment(IpCounter.NEIGHBOR_UNRESOLVED_DISCARDS);
            return;
        }
        WaitingPacket packet = spares;
        if (packet == null) {
            packet = new WaitingPacket();
        } else {
            spares = packet.next;
            spareCount--;
            packet.next = null;
        }
        packet.set(frame, allocator);
        if (neighbor.lastWaiting == null) {
            neighbor.firstWaiting = packet;
        } else {
            neighbor.lastWaiting.next = packet;
        }
        neighbor.lastWaiting = packet;
        neighbor.waitingBytes += length;
        bytes += length;
    }

    /** Takes the whole queue of a neighbour away; the caller {@linkplain #release releases} each packet. */
    WaitingPacket detach(Neighbor neighbor) {
        WaitingPacket first = neighbor.firstWaiting;
        neighbor.firstWaiting = null;
        neighbor.lastWaiting = null;
        bytes -= neighbor.waitingBytes;
        neighbor.waitingBytes = 0;
        return first;
    }

    /** Drops the whole queue of a neighbour. */
    void drop(Neighbor neighbor) {
        while (neighbor.firstWaiting != null) {
            dropFirst(neighbor);
        }
    }

    /** Frees a packet that is in no queue any more. */
    void release(WaitingPacket packet) {
        packet.release();
        if (spareCount < MAX_SPARES) {
            packet.next = spares;
            spares = packet;
            spareCount++;
        }
    }

    private void dropFirst(Neighbor neighbor) {
        counters.increment(IpCounter.NEIGHBOR_UNRESOLVED_DISCARDS);
        WaitingPacket packet = neighbor.firstWaiting;
        neighbor.firstWaiting = packet.next;
        if (packet.next == null) {
            neighbor.lastWaiting = null;
        }
        int length = packet.packet.readableBytes();
        neighbor.waitingBytes -= length;
        bytes -= length;
        release(packet);
    }
}
