/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.ByteBuf;

/** Makes the packets that a router sends of its own accord, and fragments. */
final class RouterMessages {
    private static final int HOP_LIMIT = 64;
    /** The most that an ICMP error quotes: as much as keeps it within 576 bytes (RFC 1812 §4.3.2.3), and within the least MTU of IPv6 (RFC 4443 §2.4). */
    private static final int MAX_ERROR_V4 = 576;

    private final VirtualRouter router;

    RouterMessages(VirtualRouter router) {
        this.router = router;
    }

    private ByteBuf frame(int length) {
        return router.network().allocator().heapBuffer(length, length).writeZero(length);
    }

    /** The router's address that it speaks with on a link: one there, or any other; {@code null} if it has none of the family. */
    private IpAddress speakingFor(Port port, boolean v4) {
        IpAddress own = first(port, v4);
        for (Port other : router.ports()) {
            if (own == null) {
                own = first(other, v4);
            }
        }
        return own;
    }

    private IpAddress first(Port port, boolean v4) {
        for (Subnet subnet : router.addresses(port)) {
            if (subnet.address().isV4() == v4) {
                return subnet.address();
            }
        }
        return null;
    }

    /** An ICMP error to the source of a packet; {@code null} if the router has no address to send it from. */
    ByteBuf errorV4(Port port, ByteBuf about, int type, int code, int mtu) {
        IpAddress own = speakingFor(port, true);
        if (own == null) {
            return null;
        }
        int at = Packet.network(about);
        int quoted =
                Math.min(Ipv4Header.totalLength(about, at), MAX_ERROR_V4 - Ipv4Header.MIN_LENGTH - IcmpHeader.LENGTH);
        int total = Ipv4Header.MIN_LENGTH + IcmpHeader.LENGTH + quoted;
        ByteBuf frame = frame(Packet.IP + total);
        answer(port, about, frame, EtherType.IPV4);
        Ipv4Header.write(
                frame,
                Packet.IP,
                0,
                total,
                0,
                0,
                HOP_LIMIT,
                IpProtocol.ICMP,
                own.v4Bits(),
                Ipv4Header.source(about, at));
        int icmp = Packet.IP + Ipv4Header.MIN_LENGTH;
        IcmpHeader.write(frame, icmp, type, code, mtu);
        frame.setBytes(icmp + IcmpHeader.LENGTH, about, at, quoted);
        IcmpHeader.checksum(
                frame,
                icmp,
                InternetChecksum.complement(InternetChecksum.sum(frame, icmp, IcmpHeader.LENGTH + quoted)));
        return frame;
    }

    /** An ICMPv6 error to the source of a packet; {@code null} if the router has no address to send it from. */
    ByteBuf errorV6(Port port, ByteBuf about, int type, int code, int mtu) {
        IpAddress own = speakingFor(port, false);
        if (own == null) {
            return null;
        }
        int at = Packet.network(about);
        int quoted = Math.min(
                Ipv6Header.LENGTH + Ipv6Header.payloadLength(about, at),
                Ipv6Header.MIN_MTU - Ipv6Header.LENGTH - Icmpv6Header.LENGTH);
        ByteBuf frame = frame(Packet.IP + Ipv6Header.LENGTH + Icmpv6Header.LENGTH + quoted);
        answer(port, about, frame, EtherType.IPV6);
        int icmp = Packet.IP + Ipv6Header.LENGTH;
        Icmpv6Header.write(frame, icmp, type, code, mtu);
        frame.setBytes(icmp + Icmpv6Header.LENGTH, about, at, quoted);
        IpAddress to = IpAddress.of(Ipv6Header.sourceHigh(about, at), Ipv6Header.sourceLow(about, at));
        finishV6(frame, own, to, HOP_LIMIT);
        return frame;
    }

    /** The answer to an echo request; {@code null} if the packet is none. */
    ByteBuf echoReply(Port port, ByteBuf request) {
        int at = Packet.network(request);
        if (Packet.isV4(request)) {
            int icmp = at + Ipv4Header.headerLength(request, at);
            int total = Ipv4Header.totalLength(request, at);
            if (Ipv4Header.protocol(request, at) != IpProtocol.ICMP
                    || total < Ipv4Header.headerLength(request, at) + IcmpHeader.LENGTH
                    || IcmpHeader.type(request, icmp) != IcmpHeader.ECHO_REQUEST) {
                return null;
            }
            int length = total - Ipv4Header.headerLength(request, at);
            ByteBuf reply = frame(Packet.IP + Ipv4Header.MIN_LENGTH + length);
            answer(port, request, reply, EtherType.IPV4);
            Ipv4Header.write(
                    reply,
                    Packet.IP,
                    0,
                    Ipv4Header.MIN_LENGTH + length,
                    0,
                    0,
                    HOP_LIMIT,
                    IpProtocol.ICMP,
                    Ipv4Header.destination(request, at),
                    Ipv4Header.source(request, at));
            int to = Packet.IP + Ipv4Header.MIN_LENGTH;
            reply.setBytes(to, request, icmp, length);
            reply.setByte(to, IcmpHeader.ECHO_REPLY);
            IcmpHeader.checksum(reply, to, 0);
            IcmpHeader.checksum(reply, to, InternetChecksum.complement(InternetChecksum.sum(reply, to, length)));
            return reply;
        }
        if (Packet.icmpv6Type(request) != Icmpv6Header.ECHO_REQUEST) {
            return null;
        }
        int length = Ipv6Header.payloadLength(request, at);
        ByteBuf reply = frame(Packet.IP + Ipv6Header.LENGTH + length);
        answer(port, request, reply, EtherType.IPV6);
        int to = Packet.IP + Ipv6Header.LENGTH;
        reply.setBytes(to, request, at + Ipv6Header.LENGTH, length);
        reply.setByte(to, Icmpv6Header.ECHO_REPLY);
        Icmpv6Header.checksum(reply, to, 0);
        IpAddress asker = IpAddress.of(Ipv6Header.sourceHigh(request, at), Ipv6Header.sourceLow(request, at));
        finishV6(reply, Packet.destination(request), asker, HOP_LIMIT);
        return reply;
    }

    /** Tells who asks for one of the router's addresses where it is (RFC 4861 §7.2.4). */
    ByteBuf neighborAdvertisement(Port port, ByteBuf solicitation, IpAddress target) {
        int at = Packet.network(solicitation);
        IpAddress asker = IpAddress.of(Ipv6Header.sourceHigh(solicitation, at), Ipv6Header.sourceLow(solicitation, at));
        ByteBuf frame = frame(Packet.IP
                + Ipv6Header.LENGTH
                + NeighborDiscoveryHeader.NEIGHBOR_LENGTH
                + NeighborDiscoveryOption.LINK_ADDRESS_LENGTH);
        answer(port, solicitation, frame, EtherType.IPV6);
        int icmp = Packet.IP + Ipv6Header.LENGTH;
        int flags =
                NeighborDiscoveryHeader.ROUTER | NeighborDiscoveryHeader.SOLICITED | NeighborDiscoveryHeader.OVERRIDE;
        Icmpv6Header.write(frame, icmp, Icmpv6Header.NEIGHBOR_ADVERTISEMENT, 0, flags);
        NeighborDiscoveryHeader.target(frame, icmp, target.high(), target.low());
        NeighborDiscoveryOption.writeLinkAddress(
                frame,
                icmp + NeighborDiscoveryHeader.NEIGHBOR_LENGTH,
                NeighborDiscoveryOption.TARGET_LINK_ADDRESS,
                port.mac());
        finishV6(frame, target, asker, NeighborDiscoveryHeader.HOP_LIMIT);
        return frame;
    }

    /** Addresses a frame to where another came from. */
    private static void answer(Port port, ByteBuf to, ByteBuf frame, int type) {
        EthernetHeader.write(frame, 0, EthernetHeader.source(to, to.readerIndex()), port.mac(), type);
    }

    /** Writes the header of an ICMPv6 message and its checksum. */
    private static void finishV6(ByteBuf frame, IpAddress from, IpAddress to, int hopLimit) {
        int icmp = Packet.IP + Ipv6Header.LENGTH;
        int length = frame.writerIndex() - icmp;
        Ipv6Header.write(
                frame,
                Packet.IP,
                0,
                0,
                length,
                IpProtocol.ICMPV6,
                hopLimit,
                from.high(),
                from.low(),
                to.high(),
                to.low());
        int pseudo = InternetChecksum.pseudoHeaderV6(
                from.high(), from.low(), to.high(), to.low(), IpProtocol.ICMPV6, length);
        Icmpv6Header.checksum(
                frame,
                icmp,
                InternetChecksum.complement(InternetChecksum.add(pseudo, InternetChecksum.sum(frame, icmp, length))));
    }

    /** Splits an IPv4 packet to an MTU, sends the fragments, and releases it (RFC 791 §2.3). Options go with each. */
    void fragment(ByteBuf packet, int mtu, Port out) {
        int headerLength = Ipv4Header.headerLength(packet, Packet.IP);
        int total = Ipv4Header.totalLength(packet, Packet.IP);
        int field = Ipv4Header.flagsAndFragmentOffset(packet, Packet.IP);
        int most = mtu - headerLength & ~7;
        for (int done = 0; done < total - headerLength; done += most) {
            int length = Math.min(most, total - headerLength - done);
            boolean last = done + length == total - headerLength;
            ByteBuf fragment = frame(Packet.IP + headerLength + length);
            fragment.setBytes(0, packet, 0, Packet.IP + headerLength);
            fragment.setBytes(Packet.IP + headerLength, packet, Packet.IP + headerLength + done, length);
            int more = last ? field & Ipv4Header.MORE_FRAGMENTS : Ipv4Header.MORE_FRAGMENTS;
            int offset = (field & Ipv4Header.FRAGMENT_OFFSET_MASK) + (done >> 3);
            Ipv4Header.totalLength(fragment, Packet.IP, headerLength + length);
            Ipv4Header.flagsAndFragmentOffset(fragment, Packet.IP, more | offset);
            Ipv4Header.fillChecksum(fragment, Packet.IP);
            out.send(fragment);
        }
        packet.release();
    }
}
