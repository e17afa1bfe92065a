/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.ByteBuf;

/** Receives the messages of neighbour discovery (RFC 4861): checks them, and acts on solicitations and advertisements of neighbours. */
final class NeighborDiscovery {
    private final IpContext context;
    private final NeighborDiscoverySender sender;
    private final DuplicateAddressDetector detector;
    private final RouterDiscovery routers;
    private final Redirects redirects;
    private final Counters<IpCounter> counters;

    NeighborDiscovery(
            IpContext context,
            NeighborDiscoverySender sender,
            DuplicateAddressDetector detector,
            RouterDiscovery routers,
            Redirects redirects) {
        this.context = context;
        this.sender = sender;
        this.detector = detector;
        this.routers = routers;
        this.redirects = redirects;
        counters = context.counters;
    }

    /** A message of neighbour discovery, whose checksum is right, has arrived. */
    void receive(InboundPacket packet, long now) {
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int type = Icmpv6Header.type(buf, at);
        int least = switch (type) {
            case Icmpv6Header.ROUTER_ADVERTISEMENT -> NeighborDiscoveryHeader.ROUTER_ADVERTISEMENT_LENGTH;
            case Icmpv6Header.REDIRECT -> NeighborDiscoveryHeader.REDIRECT_LENGTH;
            default -> NeighborDiscoveryHeader.NEIGHBOR_LENGTH;
        };
        // RFC 4861 §6.1.2, §7.1, §8.1; RFC 6980 §5. Where there are no link addresses, there is nobody else to go to.
        if (type == Icmpv6Header.REDIRECT && !context.ethernet
                || packet.hopLimit != NeighborDiscoveryHeader.HOP_LIMIT
                || packet.fragmented
                || Icmpv6Header.code(buf, at) != 0
                || packet.transportLength < least
                || !NeighborDiscoveryOption.areValid(buf, at + least, at + packet.transportLength)) {
            counters.increment(IpCounter.ICMP6_IN_BAD_DISCOVERY);
            return;
        }
        boolean good = switch (type) {
            case Icmpv6Header.NEIGHBOR_SOLICITATION -> receiveSolicitation(packet, now);
            case Icmpv6Header.NEIGHBOR_ADVERTISEMENT -> receiveAdvertisement(packet, now);
            case Icmpv6Header.ROUTER_ADVERTISEMENT -> routers.receive(packet, now);
            default -> redirects.receiveV6(packet, now);
        };
        if (!good) {
            counters.increment(IpCounter.ICMP6_IN_BAD_DISCOVERY);
        }
    }

    private boolean receiveSolicitation(InboundPacket packet, long now) {
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int options = at + NeighborDiscoveryHeader.NEIGHBOR_LENGTH;
        int end = at + packet.transportLength;
        long targetHigh = NeighborDiscoveryHeader.targetHigh(buf, at);
        long targetLow = NeighborDiscoveryHeader.targetLow(buf, at);
        int link = linkAddressOption(buf, options, end, NeighborDiscoveryOption.SOURCE_LINK_ADDRESS);
        boolean fromNowhere = IpAddress.isUnspecified(packet.sourceHigh, packet.sourceLow);
        if (IpAddress.isMulticast(targetHigh, targetLow)
                || IpAddress.isV4(targetHigh, targetLow)
                || fromNowhere
                        && (link >= 0
                                || packet.destinationHigh != NeighborDiscoverySender.LINK_LOCAL_GROUP_HIGH
                                || packet.destinationLow != NeighborDiscoverySender.solicitedNodeLow(targetLow))) {
            return false;
        }
        counters.increment(IpCounter.ICMP6_IN_NEIGHBOR_SOLICITS);
        int override = NeighborDiscoveryHeader.OVERRIDE;
        if (detector.isTentative(targetHigh, targetLow)) {
            // RFC 4862 §5.4.3: who asks from nowhere wants the address too; others ask too early, unless it is used
            // already: then they are answered in a way that gives precedence to its owner (RFC 4429 §3.3).
            if (fromNowhere) {
                int nonce = NeighborDiscoveryOption.find(
                        buf, options, end, NeighborDiscoveryOption.NONCE, NeighborDiscoveryOption.NONCE_LENGTH);
                detector.solicited(
                        targetHigh, targetLow, nonce < 0 ? -1 : NeighborDiscoveryOption.linkAddress(buf, nonce), now);
                return true;
            }
            override = 0;
        }
        boolean ours = context.addresses.isOwn(targetHigh, targetLow);
        if (link >= 0 && ours && context.ethernet) {
            Neighbor neighbor = context.neighbors.lookupOrCreate(packet.sourceHigh, packet.sourceLow, false);
            context.neighbors.heardOf(neighbor, NeighborDiscoveryOption.linkAddress(buf, link), true, now);
        }
        if (!ours) {
            counters.increment(IpCounter.ICMP6_IN_IGNORED);
        } else if (packet.copied) {
            return true;
        } else if (fromNowhere) {
            sender.advertise(
                    targetHigh,
                    targetLow,
                    NeighborDiscoverySender.LINK_LOCAL_GROUP_HIGH,
                    NeighborDiscoverySender.ALL_NODES_LOW,
                    override,
                    now);
        } else {
            sender.advertise(
                    targetHigh,
                    targetLow,
                    packet.sourceHigh,
                    packet.sourceLow,
                    NeighborDiscoveryHeader.SOLICITED | override,
                    now);
        }
        return true;
    }

    private boolean receiveAdvertisement(InboundPacket packet, long now) {
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int flags = Icmpv6Header.word(buf, at);
        long targetHigh = NeighborDiscoveryHeader.targetHigh(buf, at);
        long targetLow = NeighborDiscoveryHeader.targetLow(buf, at);
        boolean solicited = (flags & NeighborDiscoveryHeader.SOLICITED) != 0;
        boolean override = (flags & NeighborDiscoveryHeader.OVERRIDE) != 0;
        if (IpAddress.isMulticast(targetHigh, targetLow)
                || IpAddress.isV4(targetHigh, targetLow)
                || solicited && IpAddress.isMulticast(packet.destinationHigh, packet.destinationLow)) {
            return false;
        }
        counters.increment(IpCounter.ICMP6_IN_NEIGHBOR_ADVERTISEMENTS);
        int option = linkAddressOption(
                buf,
                at + NeighborDiscoveryHeader.NEIGHBOR_LENGTH,
                at + packet.transportLength,
                NeighborDiscoveryOption.TARGET_LINK_ADDRESS);
        long link = option < 0 ? -1 : NeighborDiscoveryOption.linkAddress(buf, option);
        if (detector.isTentative(targetHigh, targetLow)) {
            detector.advertised(targetHigh, targetLow, link, now);
            return true;
        }
        if (context.addresses.isOwn(targetHigh, targetLow)) {
            conflict(targetHigh, targetLow, link, now);
            return true;
        }
        Neighbor neighbor = context.neighbors.lookup(targetHigh, targetLow);
        if (neighbor == null || link < 0 && !neighbor.hasLinkAddress()) {
            // RFC 4861 §7.2.5: nobody has asked for it, or it tells nothing.
            return true;
        }
        boolean router = (flags & NeighborDiscoveryHeader.ROUTER) != 0;
        boolean wasRouter = neighbor.router;
        if (link < 0) {
            link = neighbor.linkAddress;
        }
        if (solicited) {
            context.neighbors.answered(neighbor, link, override, now);
        } else {
            context.neighbors.heardOf(neighbor, link, override, now);
        }
        if (neighbor.linkAddress == link) {
            neighbor.router = router;
            if (wasRouter && !router) {
                routers.noLongerRouter(targetHigh, targetLow);
            }
        }
        return true;
    }

    private void conflict(long high, long low, long link, long now) {
        counters.increment(IpCounter.ADDRESS_CONFLICTS);
        InterfaceAddress address = context.addresses.find(high, low);
        if (address == null || !context.leader) {
            // The shard that leads knows whether the address is still to be given up, and when it was last defended.

            return;
        }
        if (!address.defended || now - address.defendedAt >= ArpProtocol.DEFEND_INTERVAL_NANOS) {
            address.defended = true;
            address.defendedAt = now;
            sender.advertise(
                    high,
                    low,
                    NeighborDiscoverySender.LINK_LOCAL_GROUP_HIGH,
                    NeighborDiscoverySender.ALL_NODES_LOW,
                    NeighborDiscoveryHeader.OVERRIDE,
                    now);
        }
        context.listener.addressConflict(address, link < 0 ? null : new MacAddress(link));
    }

    /** The index of a link address option with a unicast address in it, or -1. */
    static int linkAddressOption(ByteBuf buf, int offset, int end, int type) {
        int option = NeighborDiscoveryOption.find(buf, offset, end, type, NeighborDiscoveryOption.LINK_ADDRESS_LENGTH);
        return option >= 0 && EthernetHeader.isGroup(NeighborDiscoveryOption.linkAddress(buf, option)) ? -1 : option;
    }
}
