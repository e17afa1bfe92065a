/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.ip.NeighborCache.Listener;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.netty.buffer.ByteBuf;

/** What becomes of packets that wait for a neighbour, and who asks for it. */
final class NeighborResolution implements Listener {
    private final IpContext context;
    private final ArpProtocol arp;
    private final NeighborDiscoverySender discovery;
    private final IcmpErrorDelivery errors;

    NeighborResolution(
            IpContext context, ArpProtocol arp, NeighborDiscoverySender discovery, IcmpErrorDelivery errors) {
        this.context = context;
        this.arp = arp;
        this.discovery = discovery;
        this.errors = errors;
    }

    @Override
    public void solicit(Neighbor neighbor, boolean unicast, long now) {
        if (neighbor.v4) {
            arp.solicit(neighbor, unicast);
        } else {
            discovery.solicit(neighbor, unicast);
        }
    }

    @Override
    public void sendWaiting(Neighbor neighbor, WaitingPacket packet, long now) {
        context.output.sendWaiting(packet, neighbor);
    }

    @Override
    public void failWaiting(Neighbor neighbor, WaitingPacket packet, long now) {
        ByteBuf buf = packet.packet;
        if (neighbor.v4) {
            errors.deliverV4(
                    buf,
                    0,
                    buf.readableBytes(),
                    IcmpErrorKind.HOST_UNREACHABLE,
                    IcmpHeader.DESTINATION_UNREACHABLE,
                    IcmpHeader.HOST_UNREACHABLE,
                    0,
                    now);
        } else {
            errors.deliverV6(
                    buf,
                    0,
                    buf.readableBytes(),
                    IcmpErrorKind.HOST_UNREACHABLE,
                    Icmpv6Header.DESTINATION_UNREACHABLE,
                    Icmpv6Header.ADDRESS_UNREACHABLE,
                    0,
                    now);
        }
    }

    @Override
    public void reachabilityChanged(Neighbor neighbor, boolean reachable, long now) {
        if (neighbor.router) {
            context.routes.gatewayReachable(neighbor.high, neighbor.low, reachable, now);
        }
        if (!reachable) {
            context.destinations.removeNextHop(neighbor.high, neighbor.low);
        }
    }
}
