/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.MacAddress;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.timer.Timer;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.TimeUnit;

/** The Address Resolution Protocol (RFC 826), with the announcements and the defence of RFC 5227. */
final class ArpProtocol {
    /** ANNOUNCE_NUM (RFC 5227 §1.1). */
    static final int ANNOUNCEMENTS = 2;
    /** ANNOUNCE_INTERVAL. */
    static final long ANNOUNCE_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(2);
    /** DEFEND_INTERVAL. */
    static final long DEFEND_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final IpContext context;
    private final PathResolver resolver;
    private final Counters<IpCounter> counters;
    private final OutboundFrame frame = new OutboundFrame();
    private DuplicateAddressDetector detector;
    private final Timer announcer = new Timer() {
        @Override
        protected void expire(long now) {
            sendAnnouncements(now);
        }
    };

    ArpProtocol(IpContext context, PathResolver resolver) {
        this.context = context;
        this.resolver = resolver;
        counters = context.counters;
    }

    void detector(DuplicateAddressDetector duplicateAddressDetector) {
        detector = duplicateAddressDetector;
    }

    /**
     * An ARP packet has arrived.
     *
     * @param unicast whether the frame was sent to this host alone
     * @param answer whether a request is to be answered; not if another shard has received the packet and this is a copy
     */
    void receive(ByteBuf buf, int offset, int length, boolean unicast, boolean answer, long now) {
        if (!ArpHeader.isValid(buf, offset, length)) {
            counters.increment(IpCounter.ARP_IN_ERRORS);
            return;
        }
        int operation = ArpHeader.operation(buf, offset);
        long senderLink = ArpHeader.senderHardwareAddress(buf, offset);
        int sender = ArpHeader.senderProtocolAddress(buf, offset);
        int target = ArpHeader.targetProtocolAddress(buf, offset);
        boolean request = operation == ArpHeader.REQUEST;
        if (!request && operation != ArpHeader.REPLY
                || EthernetHeader.isGroup(senderLink)
                || senderLink == 0
                || isNoHost(sender) && sender != 0
                || isNoHost(target) && target != 0) {
            counters.increment(IpCounter.ARP_IN_ERRORS);
            return;
        }
        counters.increment(request ? IpCounter.ARP_IN_REQUESTS : IpCounter.ARP_IN_REPLIES);
        long senderLow = IpAddress.v4Low(sender);
        long targetLow = IpAddress.v4Low(target);
        if (senderLink == context.linkAddress) {
            // Our own, come back.
            return;
        }
        detector.heardArp(senderLow, senderLink, targetLow, request, now);
        if (context.addresses.isOwn(0, senderLow)) {
            conflict(senderLow, senderLink, now);
            return;
        }
        boolean forUs = context.addresses.isOwn(0, targetLow);
        if (sender != 0) {
            learn(senderLow, senderLink, request, request && forUs, !request && unicast && forUs, now);
        }
        // An ARP probe (RFC 5227) has no sender address: it is answered, and nothing learnt from it.
        if (request && forUs && answer) {
            write(ArpHeader.REPLY, target, senderLink, sender);
            context.output.sendTo(frame, senderLink, EtherType.ARP);
            counters.increment(IpCounter.ARP_OUT_REPLIES);
        }
    }

    /** Asks for a neighbour's link address: everyone, or to see whether it is still right itself alone. */
    void solicit(Neighbor neighbor, boolean unicast) {
        long source = neighbor.solicitLow;
        if (!context.addresses.isOwn(neighbor.solicitHigh, source) || !IpAddress.isV4(neighbor.solicitHigh, source)) {
            InterfaceAddress address = resolver.sourceFor(neighbor.high, neighbor.low);
            // Without an address of its own a host may still ask, as a probe does.
            source = address == null ? 0 : address.address().low();
        }
        sendRequest(
                (int) source,
                (int) neighbor.low,
                unicast ? neighbor.linkAddress : EthernetHeader.BROADCAST,
                unicast ? neighbor.linkAddress : 0);
    }

    /** Asks, from nowhere, whether an address that is to be ours is free (RFC 5227 §2.1.1). */
    void probe(int address) {
        sendRequest(0, address, EthernetHeader.BROADCAST, 0);
    }

    /** Tells everyone about an address of ours, now and once more (RFC 5227 §2.3). */
    void announce(InterfaceAddress address, long now) {
        address.announcementsLeft = ANNOUNCEMENTS - 1;
        sendAnnouncement(address);
        context.timers.arm(announcer, now + ANNOUNCE_INTERVAL_NANOS);
    }

    /** Tells everyone about all addresses. */
    void announceAll(long now) {
        for (int i = 0; i < context.addresses.size(); i++) {
            InterfaceAddress address = context.addresses.get(i);
            if (address.address().isV4()) {
                announce(address, now);
            }
        }
    }

    void close() {
        context.timers.cancel(announcer);
        frame.release();
    }

    private void sendAnnouncements(long now) {
        for (int i = 0; i < context.addresses.size(); i++) {
            InterfaceAddress address = context.addresses.get(i);
            if (address.announcementsLeft > 0) {
                address.announcementsLeft--;
                sendAnnouncement(address);
                if (address.announcementsLeft > 0) {
                    context.timers.arm(announcer, now + ANNOUNCE_INTERVAL_NANOS);
                }
            }
        }
    }

    private void sendAnnouncement(InterfaceAddress address) {
        int bits = address.address().v4Bits();
        sendRequest(bits, bits, EthernetHeader.BROADCAST, 0);
    }

    /**
     * RFC 826's rule: what is known is brought up to date by whatever arrives, and an entry is made of what is for us; but not of a reply
     * that nobody asked for, as Linux has it.
     */
    private void learn(long senderLow, long senderLink, boolean request, boolean create, boolean answered, long now) {
        NeighborCache neighbors = context.neighbors;
        Neighbor neighbor = neighbors.lookup(0, senderLow);
        if (neighbor == null) {
            if (!create || !context.routes.isOnLink(0, senderLow)) {
                return;
            }
            neighbor = neighbors.lookupOrCreate(0, senderLow, true);
        }
        if (answered && !request) {
            neighbors.answered(neighbor, senderLink, true, now);
        } else {
            neighbors.heardOf(neighbor, senderLink, true, now);
        }
    }

    private void conflict(long addressLow, long otherLink, long now) {
        counters.increment(IpCounter.ADDRESS_CONFLICTS);
        InterfaceAddress address = context.addresses.find(0, addressLow);
        if (address == null || !context.leader) {
            // The shard that leads, which has a copy, knows when the address was last defended.

            return;
        }
        if (!address.defended || now - address.defendedAt >= DEFEND_INTERVAL_NANOS) {
            // RFC 5227 §2.4 (c): a host that must keep its address says so, but not in an endless duel.
            address.defended = true;
            address.defendedAt = now;
            sendRequest((int) addressLow, (int) addressLow, EthernetHeader.BROADCAST, 0);
        }
        context.listener.addressConflict(address, new MacAddress(otherLink));
    }

    private void sendRequest(int sender, int target, long destination, long targetLink) {
        write(ArpHeader.REQUEST, sender, targetLink, target);
        context.output.sendTo(frame, destination, EtherType.ARP);
        counters.increment(IpCounter.ARP_OUT_REQUESTS);
    }

    private void write(int operation, int sender, long targetLink, int target) {
        frame.reset();
        int at = frame.append(ArpHeader.LENGTH);
        ArpHeader.write(frame.header(), at, operation, context.linkAddress, sender, targetLink, target);
    }

    private static boolean isNoHost(int address) {
        // Multicast and broadcast (224/3 but for the reserved 240/4, whose last is the broadcast address), this
        // network, loopback.
        return address >>> 28 == 0xe || address == -1 || address >>> 24 == 127 || address >>> 24 == 0;
    }
}
