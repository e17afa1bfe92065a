/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.OutboundFrame;
import io.netty.buffer.ByteBuf;

/** Puts the link's header in front of IP packets and hands them to the link. */
final class LinkOutput {
    static final int ETHERTYPE_IPV4 = 0x0800;
    static final int ETHERTYPE_ARP = 0x0806;
    static final int ETHERTYPE_IPV6 = 0x86dd;
    static final int ETHERNET_HEADER_LENGTH = 14;

    private final LinkQueue queue;
    private final boolean ethernet;
    private final long linkAddress;
    private final OutboundFrame waitingFrame = new OutboundFrame();
    private NeighborCache neighbors;

    LinkOutput(LinkQueue queue, boolean ethernet, long linkAddress) {
        this.queue = queue;
        this.ethernet = ethernet;
        this.linkAddress = linkAddress;
    }

    void neighbors(NeighborCache cache) {
        neighbors = cache;
    }

    /** The first eight bytes of an Ethernet header: the destination and the first two octets of the source. */
    static long headerFirst(long destination, long source) {
        return destination << 16 | source >>> 32;
    }

    /** The last eight bytes of an Ethernet header: the source and the type. */
    static long headerLast(long source, boolean v4) {
        return source << 16 | (v4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
    }

    /**
     * Sends an IP packet to the next hop, or makes a copy wait until its link address is known.
     *
     * @param frame starts with its IP header, and does so again on return
     * @param nextHop {@code null} on a link without link addresses
     * @param sourceHigh first half of the packet's source address
     * @param sourceLow second half of it
     */
    void send(OutboundFrame frame, Neighbor nextHop, long sourceHigh, long sourceLow, long now) {
        if (nextHop == null) {
            queue.transmit(frame);
        } else if (neighbors.use(nextHop, now)) {
            transmit(frame, nextHop.headerFirst, nextHop.headerLast);
        } else {
            neighbors.enqueue(nextHop, frame, sourceHigh, sourceLow, now);
        }
    }

    /** Sends a packet of a given protocol straight to a link address. */
    void sendTo(OutboundFrame frame, long destination, int etherType) {
        if (ethernet) {
            transmit(frame, headerFirst(destination, linkAddress), linkAddress << 16 | etherType);
        } else {
            queue.transmit(frame);
        }
    }

    /** Sends a packet that has waited. */
    void sendWaiting(WaitingPacket packet, Neighbor neighbor) {
        packet.writeTo(waitingFrame);
        transmit(waitingFrame, neighbor.headerFirst, neighbor.headerLast);
        waitingFrame.reset();
    }

    private void transmit(OutboundFrame frame, long headerFirst, long headerLast) {
        int start = frame.headerStart();
        int at = frame.prepend(ETHERNET_HEADER_LENGTH);
        ByteBuf header = frame.header();
        // The two overlap in the first two octets of the source.
        header.setLong(at, headerFirst);
        header.setLong(at + 6, headerLast);
        queue.transmit(frame);
        frame.headerStart(start);
    }

    void close() {
        waitingFrame.release();
    }
}
