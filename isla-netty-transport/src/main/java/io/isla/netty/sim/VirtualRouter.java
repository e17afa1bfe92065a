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
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBuf;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A router: forwards IPv4 and IPv6 packets between its links by the shortest way, which does not change when links are cut; takes one off their time to
 * live, and says by ICMP why it drops one, unless told not to. On each link it has an address of every subnet there, the highest that is free, which hosts have as
 * their gateway unless they are told otherwise. A packet larger than the link that it is to leave by is split if it may be.
 */
public final class VirtualRouter extends VirtualNode {
    private final RouterMessages messages;
    private boolean icmpErrors = true;
    private long forwarded;
    private long ttlExceeded;
    private long noRoute;
    private long tooBig;
    private long fragmented;
    private long bad;

    VirtualRouter(VirtualNetwork network, String name) {
        super(network, name);
        messages = new RouterMessages(this);
    }

    /** Whether the router says by ICMP why it drops a packet; it does unless told not to. */
    public VirtualRouter icmpErrors(boolean areSent) {
        icmpErrors = areSent;
        return this;
    }

    /** The addresses of the router on one of its links. */
    public List<InetAddress> addresses(VirtualLink link) {
        Port port = portOf(link);
        return network.call(() -> addresses(port)).stream()
                .map(subnet -> subnet.address().toInetAddress())
                .toList();
    }

    private Port portOf(VirtualLink link) {
        for (Port port : ports()) {
            if (port.link() == link) {
                return port;
            }
        }
        throw new IllegalArgumentException("addresses: link " + link + " does not end at router " + name());
    }

    List<Subnet> addresses(Port port) {
        return network.topology().interfaceAddresses(port);
    }

    /** What the router has done: packets forwarded, and those that it dropped, by reason. */
    public Map<String, Long> counters() {
        return network.call(this::count);
    }

    private Map<String, Long> count() {
        Map<String, Long> counters = new LinkedHashMap<>();
        counters.put("forwarded", forwarded);
        counters.put("fragmented", fragmented);
        counters.put("ttl exceeded", ttlExceeded);
        counters.put("no route", noRoute);
        counters.put("too big", tooBig);
        counters.put("bad header", bad);
        return counters;
    }

    @Override
    void receive(Port port, ByteBuf frame) {
        try {
            if (Packet.isArp(frame)) {
                answerArp(port, frame);
            } else if (Packet.isNeighborMessage(frame)) {
                answerSolicitation(port, frame);
            } else if (EthernetHeader.destination(frame, frame.readerIndex()) == port.mac()) {
                if (Packet.isV4(frame) && Ipv4Header.isChecksumValid(frame, Packet.network(frame))
                        || Packet.isV6(frame)) {
                    route(port, frame);
                } else {
                    bad++;
                }
            }
        } finally {
            frame.release();
        }
    }

    private boolean isOwn(Port port, IpAddress address) {
        return addresses(port).stream().anyMatch(subnet -> subnet.address().equals(address));
    }

    private void answerArp(Port port, ByteBuf frame) {
        int at = Packet.network(frame);
        int target = ArpHeader.targetProtocolAddress(frame, at);
        if (ArpHeader.operation(frame, at) != ArpHeader.REQUEST || !isOwn(port, IpAddress.v4(target))) {
            return;
        }
        long asker = ArpHeader.senderHardwareAddress(frame, at);
        int length = EthernetHeader.LENGTH + ArpHeader.LENGTH;
        ByteBuf reply = network.allocator().heapBuffer(length, length).writeZero(length);
        EthernetHeader.write(reply, 0, asker, port.mac(), EtherType.ARP);
        ArpHeader.write(
                reply,
                EthernetHeader.LENGTH,
                ArpHeader.REPLY,
                port.mac(),
                target,
                asker,
                ArpHeader.senderProtocolAddress(frame, at));
        port.send(reply);
    }

    private void answerSolicitation(Port port, ByteBuf frame) {
        IpAddress target = Packet.destination(frame);
        if (Packet.icmpv6Type(frame) == Icmpv6Header.NEIGHBOR_SOLICITATION && isOwn(port, target)) {
            port.send(messages.neighborAdvertisement(port, frame, target));
        }
    }

    private void route(Port port, ByteBuf frame) {
        IpAddress destination = Packet.destination(frame);
        if (network.topology().ownerOf(destination) == this) {
            ByteBuf reply = messages.echoReply(port, frame);
            if (reply != null) {
                port.send(reply);
            }
            return;
        }
        boolean v4 = Packet.isV4(frame);
        int at = Packet.network(frame);
        if ((v4 ? Ipv4Header.timeToLive(frame, at) : Ipv6Header.hopLimit(frame, at)) <= 1) {
            ttlExceeded++;
            error(port, frame, IcmpHeader.TIME_EXCEEDED, 0, Icmpv6Header.TIME_EXCEEDED, 0, 0);
            return;
        }
        Topology.Hop hop = network.topology().route(this, destination);
        if (hop == null) {
            noRoute++;
            boolean known = network.topology().isKnown(destination);
            error(
                    port,
                    frame,
                    IcmpHeader.DESTINATION_UNREACHABLE,
                    known ? IcmpHeader.HOST_UNREACHABLE : IcmpHeader.NET_UNREACHABLE,
                    Icmpv6Header.DESTINATION_UNREACHABLE,
                    known ? Icmpv6Header.ADDRESS_UNREACHABLE : Icmpv6Header.NO_ROUTE,
                    0);
            return;
        }
        int bytes = v4 ? Ipv4Header.totalLength(frame, at) : Ipv6Header.LENGTH + Ipv6Header.payloadLength(frame, at);
        int mtu = hop.port().direction().conditions().mtu;
        if (bytes > mtu && (!v4 || Ipv4Header.isDontFragment(frame, at))) {
            tooBig++;
            error(
                    port,
                    frame,
                    IcmpHeader.DESTINATION_UNREACHABLE,
                    IcmpHeader.FRAGMENTATION_NEEDED,
                    Icmpv6Header.PACKET_TOO_BIG,
                    0,
                    mtu);
            return;
        }
        forwarded++;
        ByteBuf onwards = network.allocator().heapBuffer(Packet.IP + bytes, Packet.IP + bytes);
        onwards.writeBytes(frame, frame.readerIndex(), Packet.IP + bytes);
        EthernetHeader.destination(onwards, 0, hop.mac());
        EthernetHeader.source(onwards, 0, hop.port().mac());
        age(onwards, v4);
        if (bytes > mtu) {
            fragmented++;
            messages.fragment(onwards, mtu, hop.port());
        } else {
            hop.port().send(onwards);
        }
    }

    /** Takes one off the time to live. */
    private static void age(ByteBuf frame, boolean v4) {
        int field = Packet.IP + (v4 ? 8 : 7);
        if (v4) {
            int before = frame.getUnsignedShort(field);
            frame.setShort(field, before - 0x100);
            Ipv4Header.headerChecksum(
                    frame,
                    Packet.IP,
                    InternetChecksum.update(
                            Ipv4Header.headerChecksum(frame, Packet.IP), before, frame.getUnsignedShort(field)));
        } else {
            frame.setByte(field, frame.getByte(field) - 1);
        }
    }

    private void error(Port port, ByteBuf about, int type, int code, int typeV6, int codeV6, int mtu) {
        if (!icmpErrors || Packet.allowsNoError(about)) {
            return;
        }
        ByteBuf message = Packet.isV4(about)
                ? messages.errorV4(port, about, type, code, mtu)
                : messages.errorV6(port, about, typeV6, codeV6, mtu);
        if (message != null) {
            port.send(message);
        }
    }
}
