/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv6Header;

/** Finds the way to a destination: source address, next hop, path MTU. */
final class PathResolver {
    private static final long LIMITED_BROADCAST_LOW = IpAddress.v4Low(-1);

    private final IpContext context;
    private final SourceAddressSelector sources;

    PathResolver(IpContext context, SourceAddressSelector sources) {
        this.context = context;
        this.sources = sources;
    }

    /** See {@link IpOutput#resolve}. */
    boolean resolve(Path path, long localHigh, long localLow, long remoteHigh, long remoteLow) {
        path.resolved = false;
        path.localHigh = localHigh;
        path.localLow = localLow;
        path.remoteHigh = remoteHigh;
        path.remoteLow = remoteLow;
        path.generation = context.generation;
        path.nextHop = null;
        path.loopback = false;
        path.broadcast = false;
        path.multicast = false;
        boolean v4 = IpAddress.isV4(remoteHigh, remoteLow);
        boolean choose = IpAddress.isUnspecified(localHigh, localLow);
        if (IpAddress.isUnspecified(remoteHigh, remoteLow)
                || !choose && (IpAddress.isV4(localHigh, localLow) != v4 || !isSource(localHigh, localLow))) {
            return false;
        }
        if (isLocal(remoteHigh, remoteLow)) {
            path.resolved = resolveLoopback(path, choose);
        } else if (choose || !IpAddress.isLoopback(localHigh, localLow)) {
            // RFC 1122 §3.2.1.3 (g): a loopback address must not appear outside a host.
            path.resolved = resolveRemote(path, choose, v4);
        } else if (IpAddress.isMulticast(remoteHigh, remoteLow)) {
            // For this host's own members of the group.
            path.multicast = true;
            path.resolved = resolveLoopback(path, false);
        }
        return path.resolved;
    }

    /** Makes a path from 0.0.0.0 to 255.255.255.255, whatever addresses there are. */
    void resolveUnconfigured(Path path) {
        resolve(path, 0, IpAddress.ANY_V4.low(), 0, LIMITED_BROADCAST_LOW);
        path.localLow = IpAddress.ANY_V4.low();
    }

    /** Whether an address may be the source of a packet. */
    boolean isSource(long high, long low) {
        return IpAddress.isLoopback(high, low) || context.addresses.isAccepted(high, low);
    }

    /** Whether packets to an address stay on this host. */
    boolean isLocal(long high, long low) {
        return IpAddress.isLoopback(high, low) || context.addresses.isOwn(high, low);
    }

    private static boolean resolveLoopback(Path path, boolean choose) {
        path.loopback = true;
        if (choose) {
            boolean loopback = IpAddress.isLoopback(path.remoteHigh, path.remoteLow);
            IpAddress own =
                    IpAddress.isV4(path.remoteHigh, path.remoteLow) ? IpAddress.LOOPBACK_V4 : IpAddress.LOOPBACK_V6;
            path.localHigh = loopback ? own.high() : path.remoteHigh;
            path.localLow = loopback ? own.low() : path.remoteLow;
        }
        path.mtu = IpContext.LOOPBACK_MTU;
        path.maxTcpSegmentationBytes = IpContext.LOOPBACK_MTU;
        return true;
    }

    private boolean resolveRemote(Path path, boolean choose, boolean v4) {
        long hopHigh = path.remoteHigh;
        long hopLow = path.remoteLow;
        path.multicast = IpAddress.isMulticast(hopHigh, hopLow);
        path.broadcast = v4 && context.addresses.isBroadcast((int) hopLow);
        if (!v4 && context.mtuV6 < Ipv6Header.MIN_MTU) {
            // RFC 8200 §5: a link that cannot carry this much does not carry IPv6.
            return false;
        }
        int entry = context.destinations.find(hopHigh, hopLow);
        boolean gateway = false;
        boolean beyond = false;
        if (context.destinations.isRedirected(entry)) {
            long redirectHigh = context.destinations.nextHopHigh(entry);
            long redirectLow = context.destinations.nextHopLow(entry);
            gateway = redirectLow != hopLow || redirectHigh != hopHigh;
            beyond = gateway;
            hopHigh = redirectHigh;
            hopLow = redirectLow;
        } else if (!path.multicast && !path.broadcast && !isLinkLocalV6(hopHigh, hopLow)) {
            Route route = context.routes.lookup(hopHigh, hopLow);
            if (route == null) {
                return false;
            }
            gateway = route.gateway() != null;
            // Where a link without addresses leads to everything, its other end is no more than the first hop.
            beyond = gateway || route.prefixLength() == 0;
            if (gateway) {
                hopHigh = route.gateway().high();
                hopLow = route.gateway().low();
            }
        }
        if (choose && !(v4 ? chooseSource(path, hopHigh, hopLow) : chooseSourceV6(path))) {
            return false;
        }
        if (context.ethernet) {
            if (path.multicast || path.broadcast) {
                long linkAddress = path.broadcast ? EthernetHeader.BROADCAST : groupLinkAddress(hopLow, v4);
                path.nextHop = context.neighbors.permanent(hopHigh, hopLow, v4, linkAddress);
            } else {
                path.nextHop = context.neighbors.lookupOrCreate(hopHigh, hopLow, v4);
                path.nextHop.router |= gateway;
            }
        }
        path.mtu = Math.min(v4 ? context.mtu : context.mtuV6, context.destinations.mtu(entry));
        // What a router would have to split all by itself is not worth it.
        path.maxTcpSegmentationBytes = beyond ? context.maxSegmentationBytes : context.maxTcpSegmentationBytes;
        return true;
    }

    /** Whether packets to a destination are at present given to this next hop. */
    boolean isNextHop(long hopHigh, long hopLow, long destinationHigh, long destinationLow) {
        int entry = context.destinations.find(destinationHigh, destinationLow);
        if (context.destinations.isRedirected(entry)) {
            return context.destinations.nextHopHigh(entry) == hopHigh
                    && context.destinations.nextHopLow(entry) == hopLow;
        }
        Route route = context.routes.lookup(destinationHigh, destinationLow);
        return route != null && route.gateway() != null && route.gateway().is(hopHigh, hopLow);
    }

    private boolean chooseSourceV6(Path path) {
        InterfaceAddress best = sources.select(path.remoteHigh, path.remoteLow);
        if (best == null) {
            return false;
        }
        path.localHigh = best.address().high();
        path.localLow = best.address().low();
        return true;
    }

    /** fe80::/10, which is on the link without a route. */
    private static boolean isLinkLocalV6(long high, long low) {
        return high != 0 && IpAddress.isLinkLocal(high, low);
    }

    private boolean chooseSource(Path path, long hopHigh, long hopLow) {
        InterfaceAddress best = sourceFor(hopHigh, hopLow);
        if (best != null) {
            path.localHigh = best.address().high();
            path.localLow = best.address().low();
            return true;
        }
        // A host that does not know its address yet may say so where it speaks to all (RFC 1122 §3.2.1.3 (a)).
        path.localHigh = IpAddress.ANY_V4.high();
        path.localLow = IpAddress.ANY_V4.low();
        return path.broadcast;
    }

    /**
     * The address to speak from to a next hop: one in its subnet, or else the first (RFC 1122 §3.3.4.3).
     *
     * @return {@code null} if there is none
     */
    InterfaceAddress sourceFor(long hopHigh, long hopLow) {
        boolean v4 = IpAddress.isV4(hopHigh, hopLow);
        InterfaceAddress first = null;
        for (int i = 0; i < context.addresses.size(); i++) {
            InterfaceAddress candidate = context.addresses.get(i);
            IpAddress address = candidate.address();
            if (address.isV4() == v4) {
                if (IpAddress.prefixMatches(hopHigh, hopLow, address.high(), address.low(), candidate.prefixLength())) {
                    return candidate;
                }
                if (first == null) {
                    first = candidate;
                }
            }
        }
        return first;
    }

    /** The Ethernet address of a multicast group (RFC 1112 §6.4, RFC 2464 §7). */
    static long groupLinkAddress(long low, boolean v4) {
        return v4 ? 0x0100_5e00_0000L | low & 0x7f_ffffL : 0x3333_0000_0000L | low & 0xffff_ffffL;
    }
}
