/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6ExtensionHeader;
import io.isla.netty.wire.Ipv6FragmentHeader;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;

/** Which flow a packet belongs to, read from its headers alone; packets whose flow cannot be told belong to whoever has them. */
final class PacketFlow {
    private static final int ICMPV6_FIRST_INFORMATIONAL = 128;
    /** As many as the network layer takes. */
    private static final int MAX_EXTENSION_HEADERS = 8;

    private PacketFlow() {}

    /** The shard that owns the flow of a whole packet that arrives at this host; {@code otherwise} if it cannot be told. */
    static Shard owner(FlowSteering steering, InboundFrame packet, Shard otherwise) {
        return owner(steering, packet.buffer(), packet.offset(), packet.length(), otherwise);
    }

    /** The same for a packet whose headers start at {@code offset}. */
    static Shard owner(FlowSteering steering, ByteBuf buf, int offset, int length, Shard otherwise) {
        if (steering.table().shardCount() <= 1 || length < Ipv4Header.MIN_LENGTH) {
            return otherwise;
        }
        boolean v4 = buf.getByte(offset) >>> 4 == 4;
        int headerLength = v4 ? Ipv4Header.headerLength(buf, offset) : Ipv6Header.LENGTH;
        if (length < headerLength + 4) {
            return otherwise;
        }
        int protocol = v4 ? Ipv4Header.protocol(buf, offset) : Ipv6Header.nextHeader(buf, offset);
        if (protocol != IpProtocol.TCP) {
            return otherwise;
        }
        int transport = offset + headerLength;
        int remotePort = TcpHeader.sourcePort(buf, transport);
        int localPort = TcpHeader.destinationPort(buf, transport);
        Shard owner = v4
                ? steering.owner(
                        protocol,
                        0,
                        IpAddress.v4Low(Ipv4Header.destination(buf, offset)),
                        localPort,
                        0,
                        IpAddress.v4Low(Ipv4Header.source(buf, offset)),
                        remotePort)
                : steering.owner(
                        protocol,
                        Ipv6Header.destinationHigh(buf, offset),
                        Ipv6Header.destinationLow(buf, offset),
                        localPort,
                        Ipv6Header.sourceHigh(buf, offset),
                        Ipv6Header.sourceLow(buf, offset),
                        remotePort);
        return owner == null ? otherwise : owner;
    }

    /**
     * Whether a frame from the link is an ICMP or ICMPv6 error, or an ICMP redirect. Fragments are not: what they are a part of is told once it is whole. Safe
     * for any bytes.
     */
    static boolean isIcmpError(InboundFrame frame, Link.Medium medium) {
        ByteBuf buf = frame.buffer();
        int offset = frame.offset();
        int length = frame.length();
        if (medium == Link.Medium.ETHERNET) {
            if (length < EthernetHeader.LENGTH) {
                return false;
            }
            int type = EthernetHeader.type(buf, offset);
            if (type != EtherType.IPV4 && type != EtherType.IPV6) {
                return false;
            }
            offset += EthernetHeader.LENGTH;
            length -= EthernetHeader.LENGTH;
        }
        if (length < Ipv4Header.MIN_LENGTH + 1) {
            return false;
        }
        if (buf.getByte(offset) >>> 4 == 4) {
            int headerLength = Ipv4Header.headerLength(buf, offset);
            return Ipv4Header.protocol(buf, offset) == IpProtocol.ICMP
                    && !Ipv4Header.isFragment(buf, offset)
                    && length > headerLength
                    && isError(buf.getUnsignedByte(offset + headerLength));
        }
        int icmp = icmpv6(buf, offset, offset + length);
        return icmp >= 0 && buf.getUnsignedByte(icmp) < ICMPV6_FIRST_INFORMATIONAL;
    }

    /** The index of the ICMPv6 header of an IPv6 packet, behind extension headers perhaps; -1 if it has none. */
    private static int icmpv6(ByteBuf buf, int offset, int end) {
        int at = offset + Ipv6Header.LENGTH;
        if (at >= end) {
            return -1;
        }
        int next = Ipv6Header.nextHeader(buf, offset);
        for (int i = 0; i < MAX_EXTENSION_HEADERS && next != IpProtocol.ICMPV6; i++) {
            boolean fragment = next == IpProtocol.FRAGMENT;
            boolean extension = fragment
                    || next == IpProtocol.HOP_BY_HOP
                    || next == IpProtocol.ROUTING
                    || next == IpProtocol.DESTINATION_OPTIONS;
            if (!extension || end - at < Ipv6ExtensionHeader.MIN_LENGTH) {
                return -1;
            }
            if (fragment
                    && (Ipv6FragmentHeader.fragmentOffset(buf, at) != 0
                            || Ipv6FragmentHeader.hasMoreFragments(buf, at))) {
                return -1;
            }
            next = buf.getUnsignedByte(at);
            at += fragment ? Ipv6FragmentHeader.LENGTH : Ipv6ExtensionHeader.length(buf, at);
        }
        return next == IpProtocol.ICMPV6 && at < end ? at : -1;
    }

    private static boolean isError(int type) {
        return type == IcmpHeader.DESTINATION_UNREACHABLE
                || type == IcmpHeader.TIME_EXCEEDED
                || type == IcmpHeader.PARAMETER_PROBLEM
                || type == IcmpHeader.REDIRECT;
    }
}
