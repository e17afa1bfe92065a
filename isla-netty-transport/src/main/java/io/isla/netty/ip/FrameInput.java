/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6ExtensionHeader;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBuf;

/** Looks at what a frame starts with, and hands the rest to the protocol it is for. */
final class FrameInput {
    private final IpContext context;
    private final ArpProtocol arp;
    private final Ipv4Input ipv4;
    private final Ipv6Input ipv6;
    private final Counters<IpCounter> counters;

    FrameInput(IpContext context, ArpProtocol arp, Ipv4Input ipv4, Ipv6Input ipv6) {
        this.context = context;
        this.arp = arp;
        this.ipv4 = ipv4;
        this.ipv6 = ipv6;
        counters = context.counters;
    }

    /**
     * A frame has arrived from the link.
     *
     * @param first whether this shard is the one that has received it; if not it is a copy, to be learnt from and not to be answered
     */
    void receive(InboundFrame frame, boolean first, long now) {
        if (!context.ethernet) {
            receivePacket(frame, frame.offset(), frame.length(), Arrival.UNICAST, now);
            return;
        }
        ByteBuf buf = frame.buffer();
        int offset = frame.offset();
        int length = frame.length();
        if (!EthernetHeader.isValid(length)) {
            counters.increment(IpCounter.ETH_IN_TRUNCATED);
            return;
        }
        // Destination and first two octets of the source; source and type.
        long destination = buf.getLong(offset) >>> 16;
        long sourceAndType = buf.getLong(offset + EthernetHeader.LENGTH - 8);
        long source = sourceAndType >>> 16;
        boolean unicast = destination == context.linkAddress;
        if (!unicast && !EthernetHeader.isGroup(destination)) {
            counters.increment(IpCounter.ETH_IN_NOT_FOR_US);
            return;
        }
        if (EthernetHeader.isGroup(source) || source == context.linkAddress) {
            counters.increment(IpCounter.ETH_IN_BAD_SOURCE);
            return;
        }
        int packetOffset = offset + EthernetHeader.LENGTH;
        int packetLength = length - EthernetHeader.LENGTH;
        switch ((int) sourceAndType & 0xffff) {
            case EtherType.IPV4:
                ipv4.receive(frame, packetOffset, packetLength, unicast ? Arrival.UNICAST : Arrival.GROUP, now);
                break;
            case EtherType.ARP:
                arp.receive(buf, packetOffset, packetLength, unicast, first, now);
                break;
            case EtherType.IPV6:
                ipv6.receive(frame, packetOffset, packetLength, unicast ? Arrival.UNICAST : Arrival.GROUP, !first, now);
                break;
            default:
                counters.increment(IpCounter.ETH_IN_UNKNOWN_TYPE);
                break;
        }
    }

    /** An IP packet without anything before it has arrived. */
    void receivePacket(InboundFrame frame, int offset, int length, Arrival arrival, long now) {
        int version = length == 0 ? 0 : frame.buffer().getUnsignedByte(offset) >>> 4;
        if (version == 4) {
            ipv4.receive(frame, offset, length, arrival, now);
        } else if (version == 6) {
            ipv6.receive(frame, offset, length, arrival, context.copied, now);
        } else {
            counters.increment(IpCounter.LINK_IN_UNKNOWN_VERSION);
        }
    }

    /** See {@link IpStack#concernsEveryShard}. */
    static boolean concernsEveryShard(InboundFrame frame, Link.Medium medium) {
        ByteBuf buf = frame.buffer();
        int offset = frame.offset();
        int length = frame.length();
        if (medium == Link.Medium.ETHERNET) {
            if (length < EthernetHeader.LENGTH) {
                return false;
            }
            int type = EthernetHeader.type(buf, offset);
            if (type != EtherType.IPV6 && type != EtherType.IPV4) {
                return type == EtherType.ARP;
            }
            offset += EthernetHeader.LENGTH;
            length -= EthernetHeader.LENGTH;
        }
        if (length < Ipv4Header.MIN_LENGTH) {
            return false;
        }
        if (Ipv4Header.version(buf, offset) == 4) {
            return Ipv4Header.protocol(buf, offset) == IpProtocol.IGMP;
        }
        if (length <= Ipv6Header.LENGTH || Ipv6Header.version(buf, offset) != 6) {
            return false;
        }
        int nextHeader = Ipv6Header.nextHeader(buf, offset);
        int at = offset + Ipv6Header.LENGTH;
        if (nextHeader == IpProtocol.HOP_BY_HOP && length > Ipv6Header.LENGTH + Ipv6ExtensionHeader.MIN_LENGTH) {
            // The Router Alert of multicast listener discovery.
            nextHeader = buf.getUnsignedByte(at);
            at += Ipv6ExtensionHeader.MIN_LENGTH;
        }
        if (nextHeader != IpProtocol.ICMPV6) {
            return false;
        }
        int type = Icmpv6Header.type(buf, at);
        return type >= Icmpv6Header.MULTICAST_LISTENER_QUERY && type <= Icmpv6Header.REDIRECT;
    }
}
