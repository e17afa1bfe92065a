/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.ByteBuf;

/** Sends the messages of neighbour discovery (RFC 4861 §4). */
final class NeighborDiscoverySender {
    /** First half of ff02::1 and ff02::2. */
    static final long LINK_LOCAL_GROUP_HIGH = 0xff02_0000_0000_0000L;

    static final long ALL_NODES_LOW = 1;
    static final long ALL_ROUTERS_LOW = 2;

    private final IpContext context;
    private final SourceAddressSelector sources;
    private final Counters<IpCounter> counters;
    private final OutboundFrame frame = new OutboundFrame();

    NeighborDiscoverySender(IpContext context, SourceAddressSelector sources) {
        this.context = context;
        this.sources = sources;
        counters = context.counters;
    }

    /** Second half of the solicited-node group of an address (RFC 4291 §2.7.1). */
    static long solicitedNodeLow(long addressLow) {
        return 0x1_ff00_0000L | addressLow & 0xff_ffffL;
    }

    /** The solicited-node group of an address. */
    static IpAddress solicitedNode(IpAddress address) {
        return IpAddress.of(LINK_LOCAL_GROUP_HIGH, solicitedNodeLow(address.low()));
    }

    /** Asks for a neighbour's link address: its solicited-node group, or to see whether it is still right itself alone. */
    void solicit(Neighbor neighbor, boolean unicast) {
        long sourceHigh = neighbor.solicitHigh;
        long sourceLow = neighbor.solicitLow;
        if (IpAddress.isV4(sourceHigh, sourceLow) || !context.addresses.isOwn(sourceHigh, sourceLow)) {
            InterfaceAddress source = sources.select(neighbor.high, neighbor.low);
            if (source == null) {
                // From nowhere one asks only whether an address is free.
                counters.increment(IpCounter.ICMP6_OUT_ERRORS);
                return;
            }
            sourceHigh = source.address().high();
            sourceLow = source.address().low();
        }
        int at = begin(Icmpv6Header.NEIGHBOR_SOLICITATION, 0, NeighborDiscoveryHeader.NEIGHBOR_LENGTH);
        NeighborDiscoveryHeader.target(frame.header(), at, neighbor.high, neighbor.low);
        appendOwnLinkAddress(NeighborDiscoveryOption.SOURCE_LINK_ADDRESS);
        counters.increment(IpCounter.ICMP6_OUT_NEIGHBOR_SOLICITS);
        if (unicast) {
            finish(at, sourceHigh, sourceLow, neighbor.high, neighbor.low);
            context.output.sendTo(frame, neighbor.linkAddress, EtherType.IPV6);
        } else {
            sendToGroup(at, sourceHigh, sourceLow, solicitedNodeLow(neighbor.low));
        }
    }

    /**
     * Asks whether an address that is to be ours is free (RFC 4862 §5.4.2).
     *
     * @param nonce 48 bits by which the question is known again if it comes back (RFC 7527)
     */
    void probe(long addressHigh, long addressLow, long nonce) {
        int at = begin(Icmpv6Header.NEIGHBOR_SOLICITATION, 0, NeighborDiscoveryHeader.NEIGHBOR_LENGTH);
        NeighborDiscoveryHeader.target(frame.header(), at, addressHigh, addressLow);
        appendLinkAddress(NeighborDiscoveryOption.NONCE, nonce);
        counters.increment(IpCounter.ICMP6_OUT_NEIGHBOR_SOLICITS);
        sendToGroup(at, 0, 0, solicitedNodeLow(addressLow));
    }

    /**
     * Tells our link address.
     *
     * @param flags {@link NeighborDiscoveryHeader#SOLICITED} and {@link NeighborDiscoveryHeader#OVERRIDE}
     */
    void advertise(long targetHigh, long targetLow, long destinationHigh, long destinationLow, int flags, long now) {
        int at = begin(Icmpv6Header.NEIGHBOR_ADVERTISEMENT, flags, NeighborDiscoveryHeader.NEIGHBOR_LENGTH);
        NeighborDiscoveryHeader.target(frame.header(), at, targetHigh, targetLow);
        appendOwnLinkAddress(NeighborDiscoveryOption.TARGET_LINK_ADDRESS);
        counters.increment(IpCounter.ICMP6_OUT_NEIGHBOR_ADVERTISEMENTS);
        if (IpAddress.isMulticast(destinationHigh, destinationLow)) {
            sendToGroup(at, targetHigh, targetLow, destinationLow);
        } else {
            finish(at, targetHigh, targetLow, destinationHigh, destinationLow);
            // Who asked is on the link, whatever the routes say.
            Neighbor neighbor =
                    context.ethernet ? context.neighbors.lookupOrCreate(destinationHigh, destinationLow, false) : null;
            context.output.send(frame, neighbor, targetHigh, targetLow, now);
        }
    }

    /** Asks routers to advertise themselves, from an address of ours or, without one, from nowhere (RFC 4861 §4.1). */
    void solicitRouters(InterfaceAddress source) {
        int at = begin(Icmpv6Header.ROUTER_SOLICITATION, 0, NeighborDiscoveryHeader.ROUTER_SOLICITATION_LENGTH);
        long sourceHigh = 0;
        long sourceLow = 0;
        if (source != null) {
            sourceHigh = source.address().high();
            sourceLow = source.address().low();
            appendOwnLinkAddress(NeighborDiscoveryOption.SOURCE_LINK_ADDRESS);
        }
        counters.increment(IpCounter.ICMP6_OUT_ROUTER_SOLICITS);
        sendToGroup(at, sourceHigh, sourceLow, ALL_ROUTERS_LOW);
    }

    void close() {
        frame.release();
    }

    private int begin(int type, int flags, int length) {
        frame.reset();
        int at = frame.append(length);
        Icmpv6Header.write(frame.header(), at, type, 0, flags);
        return at;
    }

    /** Adds our link address, where there are such (RFC 4861 §4.2, §4.3, §4.4). */
    private void appendOwnLinkAddress(int type) {
        if (context.ethernet) {
            appendLinkAddress(type, context.linkAddress);
        }
    }

    private void appendLinkAddress(int type, long address) {
        int at = frame.append(NeighborDiscoveryOption.LINK_ADDRESS_LENGTH);
        NeighborDiscoveryOption.writeLinkAddress(frame.header(), at, type, address);
    }

    private void sendToGroup(int at, long sourceHigh, long sourceLow, long groupLow) {
        finish(at, sourceHigh, sourceLow, LINK_LOCAL_GROUP_HIGH, groupLow);
        context.output.sendTo(frame, PathResolver.groupLinkAddress(groupLow, false), EtherType.IPV6);
    }

    private void finish(int at, long sourceHigh, long sourceLow, long destinationHigh, long destinationLow) {
        ByteBuf header = frame.header();
        int length = frame.length();
        int sum = InternetChecksum.pseudoHeaderV6(
                sourceHigh, sourceLow, destinationHigh, destinationLow, IpProtocol.ICMPV6, length);
        sum = InternetChecksum.add(sum, InternetChecksum.sum(header, at, length));
        Icmpv6Header.checksum(header, at, InternetChecksum.complement(sum));
        Ipv6Header.write(
                header,
                frame.prepend(Ipv6Header.LENGTH),
                0,
                0,
                length,
                IpProtocol.ICMPV6,
                NeighborDiscoveryHeader.HOP_LIMIT,
                sourceHigh,
                sourceLow,
                destinationHigh,
                destinationLow);
        counters.increment(IpCounter.ICMP6_OUT_MSGS);
    }
}
