/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.Link;
import io.isla.netty.timer.TimerWheel;
import io.netty.buffer.ByteBufAllocator;
import java.util.function.LongSupplier;

/** What the classes of this room share on one shard. */
final class IpContext {
    /** The largest packet that is sent to this host itself; both families can say so in their length fields. */
    static final int LOOPBACK_MTU = 65_535;
    /** The TTL and hop limit of what this room itself sends (RFC 1122 §3.2.1.7; IANA's value). */
    static final int DEFAULT_HOP_LIMIT = 64;

    private static final long SOLICITED_NODE_LOW = 0x1_ff00_0000L;

    /** Whether this shard speaks for the host. */
    boolean leader;

    final boolean ethernet;
    final long linkAddress;
    /** The largest frame with segmentation requested. */
    int maxSegmentationBytes;

    int maxTcpSegmentationBytes;

    private final int linkSegmentationBytes;
    private final int linkTcpSegmentationBytes;
    final TimerWheel timers;
    final ByteBufAllocator allocator;
    final LongSupplier random;
    final Counters<IpCounter> counters;
    final LinkOutput output;
    final InterfaceAddresses addresses = new InterfaceAddresses();
    final RouteTable routes = new RouteTable(this::changed);
    final MulticastGroups groups = new MulticastGroups();
    final DestinationCache destinations;
    final TransportReceiver[] receivers = new TransportReceiver[256];
    /** Set once by {@link IpStack}, whose parts need each other. */
    NeighborCache neighbors;

    IpListener listener = IpListener.NONE;
    Steering steering = Steering.NONE;
    Ipv6Config ipv6 = Ipv6Config.MANUAL;
    /** The largest packet that this host sends on the link. */
    int mtu;
    /** The same for IPv6; routers may advise a smaller one. */
    int mtuV6;
    /** The hop limit of what this room itself sends over IPv6; routers may advise another. */
    int hopLimit = DEFAULT_HOP_LIMIT;
    /** The UDP port at which datagrams are taken whatever address they are for; 0 for none. */
    int unconfiguredPort;

    /** Whether what is being received is a copy of what another shard has received. */
    boolean copied;
    /** Changes whenever a path might come out differently. */
    int generation;

    IpContext(
            IpStack.Interface config,
            LinkOutput output,
            TimerWheel timers,
            ByteBufAllocator allocator,
            LongSupplier random,
            Counters<IpCounter> counters) {
        leader = config.leader();
        ethernet = config.medium() == Link.Medium.ETHERNET;
        linkAddress = config.macAddress().bits();
        mtu = config.mtu();
        mtuV6 = mtu;
        linkSegmentationBytes = config.maxSegmentationBytes();
        maxSegmentationBytes = linkSegmentationBytes;
        linkTcpSegmentationBytes = config.maxTcpSegmentationBytes();
        maxTcpSegmentationBytes = linkTcpSegmentationBytes;
        this.output = output;
        this.timers = timers;
        this.allocator = allocator;
        this.random = random;
        this.counters = counters;
        destinations = new DestinationCache(timers, new AddressHash(random), this::changed);
    }

    /** Whether a group is the solicited-node group of an address in a block of ours; those of single addresses are joined. */
    boolean isSolicitedNode(long high, long low) {
        return high == NeighborDiscoverySender.LINK_LOCAL_GROUP_HIGH
                && (low & 0xffff_ffff_ff00_0000L) == SOLICITED_NODE_LOW
                && addresses.hasBlockForSolicitedNode(low);
    }

    /** Sets the largest packet; what routers have advised for IPv6 still holds if it is smaller. */
    void mtu(int bytes) {
        boolean advised = mtuV6 < mtu;
        mtu = bytes;
        mtuV6 = advised ? Math.min(mtuV6, bytes) : bytes;
        maxSegmentationBytes = Math.max(bytes, linkSegmentationBytes);
        maxTcpSegmentationBytes = Math.max(maxSegmentationBytes, linkTcpSegmentationBytes);
        changed();
    }

    /** Something has changed that paths depend on. */
    void changed() {
        generation++;
    }
}
