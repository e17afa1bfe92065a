/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBufAllocator;
import java.io.Closeable;
import java.io.IOException;

/**
 * What carries frames: a TAP or TUN device, a Netty channel, a wire in memory, or something that wraps another link. A host has one; each of its event loops
 * opens a {@link LinkQueue} on it.
 */
public interface Link extends Closeable {
    /** What a frame starts with. */
    enum Medium {
        /** An Ethernet header; neighbours are found by ARP and NDP. */
        ETHERNET,
        /** An IPv4 or IPv6 header: a point-to-point link without addresses of its own. */
        IP
    }

    /** A short name for messages, such as that of the device. */
    String name();

    /** What a frame starts with. */
    Medium medium();

    /** The largest IP packet that the link carries unsplit, in bytes, headers of the link not counted. */
    int mtu();

    /**
     * How many queues can receive; further ones can be opened, and can only send. At least 1. With several, all segments of a flow (addresses, protocol and ports; fragments
     * apart) are to come to the same, as long as none is opened or closed, and none but that one has sent for it: a host keeps a connection where its first segment came to. What comes elsewhere
     * all the same is handed over, which costs time; but a connection in TIME-WAIT does not get its peer's last segments so, and does not keep a new one from beginning.
     */
    int maxReceiveQueues();

    /**
     * The largest frame that the link takes with segmentation requested, IP header and all but no Ethernet header, in bytes. Every link
     * takes segmentation requests: one whose device cannot split does it itself.
     */
    int maxSegmentationBytes();

    /**
     * The same for TCP to a neighbour on the link. Above 65,535, such a packet is longer than its header can tell (BIG TCP): the total length of IPv4, or the
     * payload length of IPv6, is 0 in it, and the link sees to it that the other end knows.
     */
    default int maxTcpSegmentationBytes() {
        return maxSegmentationBytes();
    }

    /**
     * Opens a queue. Any thread; the queue is then used on one event loop only.
     *
     * @param receiver what frames are delivered to
     * @param wakeup called from any thread when {@link LinkQueue#poll(int)} has something to deliver and the queue has no
     *     {@linkplain LinkQueue#ioHandle() handle} that would say so
     * @param allocator for receive buffers
     * @throws IOException if the device refuses; the message says what to do
     */
    LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator) throws IOException;

    /** Releases the device; open queues fail. Idempotent, any thread. */
    @Override
    void close() throws IOException;
}
