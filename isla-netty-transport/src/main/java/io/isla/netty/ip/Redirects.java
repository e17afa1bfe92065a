/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.ByteBuf;

/**
 * Follows the redirects of routers (RFC 1122 §3.2.2.2, RFC 4861 §8.3): only those of the router that is now used for the destination, only
 * to what is on the link, and not for ever.
 */
final class Redirects {
    private final IpContext context;
    private final PathResolver resolver;

    Redirects(IpContext context, PathResolver resolver) {
        this.context = context;
        this.resolver = resolver;
    }

    /** An ICMP redirect has arrived; returns whether it was followed. */
    boolean receiveV4(InboundPacket packet, long now) {
        ByteBuf buf = packet.buffer;
        int quoted = packet.transportOffset + IcmpHeader.LENGTH;
        if (packet.transportLength < IcmpHeader.LENGTH + Ipv4Header.MIN_LENGTH
                || Ipv4Header.version(buf, quoted) != 4
                || !packet.unicast) {
            return false;
        }
        long gatewayLow = IpAddress.v4Low(IcmpHeader.gatewayAddress(buf, packet.transportOffset));
        long sourceLow = IpAddress.v4Low(Ipv4Header.source(buf, quoted));
        long destinationLow = IpAddress.v4Low(Ipv4Header.destination(buf, quoted));
        if (!context.addresses.isAccepted(0, sourceLow)
                || !isUnicastNeighbor(gatewayLow)
                || resolver.isLocal(0, destinationLow)
                || IpAddress.isMulticast(0, destinationLow)
                || !resolver.isNextHop(packet.sourceHigh, packet.sourceLow, 0, destinationLow)) {
            return false;
        }
        context.destinations.putNextHop(0, destinationLow, 0, gatewayLow, now);
        return true;
    }

    /** A redirect of neighbour discovery has arrived, its common parts checked; returns whether it was followed. */
    boolean receiveV6(InboundPacket packet, long now) {
        context.counters.increment(IpCounter.ICMP6_IN_REDIRECTS);
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        long targetHigh = NeighborDiscoveryHeader.targetHigh(buf, at);
        long targetLow = NeighborDiscoveryHeader.targetLow(buf, at);
        long destinationHigh = NeighborDiscoveryHeader.destinationHigh(buf, at);
        long destinationLow = NeighborDiscoveryHeader.destinationLow(buf, at);
        boolean onLink = targetHigh == destinationHigh && targetLow == destinationLow;
        if (!isLinkLocalV6(packet.sourceHigh, packet.sourceLow)
                || IpAddress.isMulticast(destinationHigh, destinationLow)
                || IpAddress.isV4(destinationHigh, destinationLow)
                || !onLink && !isLinkLocalV6(targetHigh, targetLow)
                || resolver.isLocal(targetHigh, targetLow)
                || resolver.isLocal(destinationHigh, destinationLow)
                || !resolver.isNextHop(packet.sourceHigh, packet.sourceLow, destinationHigh, destinationLow)) {
            return false;
        }
        context.destinations.putNextHop(destinationHigh, destinationLow, targetHigh, targetLow, now);
        int option = NeighborDiscovery.linkAddressOption(
                buf,
                at + NeighborDiscoveryHeader.REDIRECT_LENGTH,
                at + packet.transportLength,
                NeighborDiscoveryOption.TARGET_LINK_ADDRESS);
        if (option >= 0) {
            Neighbor neighbor = context.neighbors.lookupOrCreate(targetHigh, targetLow, false);
            neighbor.router |= !onLink;
            context.neighbors.heardOf(neighbor, NeighborDiscoveryOption.linkAddress(buf, option), true, now);
        }
        return true;
    }

    private boolean isUnicastNeighbor(long low) {
        return context.routes.isOnLink(0, low)
                && !resolver.isLocal(0, low)
                && !IpAddress.isMulticast(0, low)
                && !context.addresses.isBroadcast((int) low);
    }

    private static boolean isLinkLocalV6(long high, long low) {
        return high != 0 && IpAddress.isLinkLocal(high, low);
    }
}
