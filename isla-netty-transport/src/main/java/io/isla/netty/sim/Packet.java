/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.netty.buffer.ByteBuf;

/** Looks into Ethernet frames as far as the network itself must. Frames are whole buffers: from reader index to writer index. */
final class Packet {
    static final int IP = EthernetHeader.LENGTH;

    private Packet() {}

    static int type(ByteBuf frame) {
        return frame.readableBytes() < IP ? 0 : EthernetHeader.type(frame, frame.readerIndex());
    }

    /** Where its network header starts. */
    static int network(ByteBuf frame) {
        return frame.readerIndex() + IP;
    }

    static boolean isArp(ByteBuf frame) {
        return type(frame) == EtherType.ARP && ArpHeader.isValid(frame, network(frame), frame.readableBytes() - IP);
    }

    static boolean isV4(ByteBuf frame) {
        return type(frame) == EtherType.IPV4 && Ipv4Header.isValid(frame, network(frame), frame.readableBytes() - IP);
    }

    static boolean isV6(ByteBuf frame) {
        return type(frame) == EtherType.IPV6 && Ipv6Header.isValid(frame, network(frame), frame.readableBytes() - IP);
    }

    /** The address that a packet, or an ARP request, comes from; {@code null} if there is none. */
    static IpAddress source(ByteBuf frame) {
        int at = network(frame);
        if (isV4(frame)) {
            return IpAddress.v4(Ipv4Header.source(frame, at));
        }
        if (isV6(frame)) {
            return IpAddress.of(Ipv6Header.sourceHigh(frame, at), Ipv6Header.sourceLow(frame, at));
        }
        return isArp(frame) ? IpAddress.v4(ArpHeader.senderProtocolAddress(frame, at)) : null;
    }

    /** The address that a packet goes to, or that an ARP packet or a neighbour solicitation asks for; {@code null} if there is none. */
    static IpAddress destination(ByteBuf frame) {
        int at = network(frame);
        if (isV4(frame)) {
            return IpAddress.v4(Ipv4Header.destination(frame, at));
        }
        if (isV6(frame)) {
            if (isNeighborMessage(frame)) {
                int icmp = at + Ipv6Header.LENGTH;
                return IpAddress.of(
                        NeighborDiscoveryHeader.targetHigh(frame, icmp),
                        NeighborDiscoveryHeader.targetLow(frame, icmp));
            }
            return IpAddress.of(Ipv6Header.destinationHigh(frame, at), Ipv6Header.destinationLow(frame, at));
        }
        return isArp(frame) ? IpAddress.v4(ArpHeader.targetProtocolAddress(frame, at)) : null;
    }

    /** Whether it is a neighbour solicitation, or an advertisement to all nodes. */
    static boolean isNeighborMessage(ByteBuf frame) {
        int icmp = network(frame) + Ipv6Header.LENGTH;
        if (icmpv6Type(frame) == Icmpv6Header.NEIGHBOR_SOLICITATION) {
            return frame.writerIndex() - icmp >= NeighborDiscoveryHeader.NEIGHBOR_LENGTH;
        }
        return icmpv6Type(frame) == Icmpv6Header.NEIGHBOR_ADVERTISEMENT
                && frame.writerIndex() - icmp >= NeighborDiscoveryHeader.NEIGHBOR_LENGTH
                && EthernetHeader.isGroup(EthernetHeader.destination(frame, frame.readerIndex()));
    }

    /** The type of an ICMPv6 message without extension headers; -1 if it is none. */
    static int icmpv6Type(ByteBuf frame) {
        int at = network(frame);
        boolean icmp = isV6(frame)
                && Ipv6Header.nextHeader(frame, at) == IpProtocol.ICMPV6
                && frame.readableBytes() >= IP + Ipv6Header.LENGTH + Icmpv6Header.LENGTH;
        return icmp ? Icmpv6Header.type(frame, at + Ipv6Header.LENGTH) : -1;
    }

    /** Whether it is a report of a multicast listener: those of version 2 have a hop-by-hop header before them (RFC 3810 §5). */
    static boolean isMulticastListenerReport(ByteBuf frame) {
        int at = network(frame);
        if (!isV6(frame)
                || Ipv6Header.nextHeader(frame, at) != IpProtocol.HOP_BY_HOP
                || frame.readableBytes() < IP + Ipv6Header.LENGTH + 8 + Icmpv6Header.LENGTH
                || frame.getByte(at + Ipv6Header.LENGTH) != IpProtocol.ICMPV6) {
            return false;
        }
        int type = Icmpv6Header.type(frame, at + Ipv6Header.LENGTH + 8);
        return type == Icmpv6Header.MULTICAST_LISTENER_REPORT_V2
                || type == Icmpv6Header.MULTICAST_LISTENER_REPORT
                || type == Icmpv6Header.MULTICAST_LISTENER_DONE;
    }

    /** What a firewall drops that drops ICMP: errors and echoes, and with IPv4 everything else, too. */
    static boolean isFilteredIcmp(ByteBuf frame) {
        if (isV4(frame)) {
            return Ipv4Header.protocol(frame, network(frame)) == IpProtocol.ICMP;
        }
        int type = icmpv6Type(frame);
        return type >= 0 && type <= Icmpv6Header.ECHO_REPLY;
    }

    /** Whether ICMP must not answer it with an error: it is one itself, or a later fragment, or from or to more than one host (RFC 1122 §3.2.2). */
    static boolean allowsNoError(ByteBuf frame) {
        if (EthernetHeader.isGroup(EthernetHeader.destination(frame, frame.readerIndex()))) {
            return true;
        }
        IpAddress source = source(frame);
        if (source == null || source.isUnspecified() || source.isMulticast()) {
            return true;
        }
        if (isV4(frame)) {
            int at = network(frame);
            if (Ipv4Header.fragmentOffset(frame, at) != 0) {
                return true;
            }
            int icmp = at + Ipv4Header.headerLength(frame, at);
            if (Ipv4Header.protocol(frame, at) != IpProtocol.ICMP || frame.writerIndex() <= icmp) {
                return false;
            }
            int type = IcmpHeader.type(frame, icmp);
            return type != IcmpHeader.ECHO_REQUEST && type != IcmpHeader.ECHO_REPLY;
        }
        int type = icmpv6Type(frame);
        return type >= 0 && Icmpv6Header.isError(type);
    }
}
