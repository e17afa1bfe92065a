/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;

/**
 * Receives IPv4 packets: the checks of RFC 1122 §3.2.1 in the order of the header, then to the protocol they are for.
 *
 * <p>A TTL of 0 is no reason to drop a packet that has arrived (RFC 1122 §3.2.1.7).
 */
final class Ipv4Input {
    private static final int OPTION_END = 0;
    private static final int OPTION_NOP = 1;
    private static final int OPTION_LOOSE_SOURCE_ROUTE = 131;
    private static final int OPTION_STRICT_SOURCE_ROUTE = 137;

    private final IpContext context;
    private final IcmpProtocol icmp;
    private final IgmpProtocol igmp;
    private final Counters<IpCounter> counters;
    private final Reassembler reassembler;
    private final InboundPacket packet = new InboundPacket();
    private final InboundFrame whole = new InboundFrame();

    Ipv4Input(IpContext context, IcmpProtocol icmp, IgmpProtocol igmp) {
        this.context = context;
        this.icmp = icmp;
        this.igmp = igmp;
        counters = context.counters;
        reassembler = new Reassembler(
                context, this::reassemblyTimeExceeded, Reassembler.Counts.V4, Reassembler.TIMEOUT_V4_NANOS);
    }

    /**
     * An IPv4 packet has arrived.
     *
     * @param frame says what is known about its transport checksum, and what was joined
     * @param offset index of the IP header
     * @param length bytes from there, padding of the link included
     */
    void receive(InboundFrame frame, int offset, int length, Arrival arrival, long now) {
        counters.increment(IpCounter.IP_IN_RECEIVES);
        ByteBuf buf = frame.buffer();
        if (length < Ipv4Header.MIN_LENGTH) {
            counters.increment(IpCounter.IP_IN_TRUNCATED);
            return;
        }
        int headerLength = Ipv4Header.headerLength(buf, offset);
        if (Ipv4Header.version(buf, offset) != 4 || headerLength < Ipv4Header.MIN_LENGTH) {
            headerError(IpCounter.IP_IN_BAD_HEADER);
            return;
        }
        int totalLength = Ipv4Header.totalLength(buf, offset);
        if (totalLength > length) {
            counters.increment(IpCounter.IP_IN_TRUNCATED);
            return;
        }
        if (totalLength < headerLength) {
            headerError(IpCounter.IP_IN_BAD_HEADER);
            return;
        }
        if (!Ipv4Header.isChecksumValid(buf, offset)) {
            headerError(IpCounter.IP_IN_CSUM_ERRORS);
            return;
        }
        int source = Ipv4Header.source(buf, offset);
        int destination = Ipv4Header.destination(buf, offset);
        packet.buffer = buf;
        packet.networkOffset = offset;
        packet.transportOffset = offset + headerLength;
        packet.transportLength = totalLength - headerLength;
        packet.sourceHigh = 0;
        packet.sourceLow = IpAddress.v4Low(source);
        packet.destinationHigh = 0;
        packet.destinationLow = IpAddress.v4Low(destination);
        packet.protocol = Ipv4Header.protocol(buf, offset);
        packet.trafficClass = Ipv4Header.typeOfService(buf, offset);
        packet.hopLimit = Ipv4Header.timeToLive(buf, offset);
        packet.checksum = frame.checksum();
        packet.segmentation = frame.segmentation();
        packet.segmentSize = frame.segmentSize();
        if (!acceptsDestination(destination, arrival) || !acceptsSource(source, arrival)) {
            return;
        }
        if (headerLength > Ipv4Header.MIN_LENGTH && !acceptsOptions(buf, offset, headerLength, now)) {
            return;
        }
        if (Ipv4Header.isFragment(buf, offset)) {
            receiveFragment(arrival, now);
        } else {
            deliver(now);
        }
        packet.buffer = null;
    }

    /** Frees the fragments. */
    void close() {
        reassembler.clear();
    }

    private void receiveFragment(Arrival arrival, long now) {
        ByteBuf buf = packet.buffer;
        int networkOffset = packet.networkOffset;
        boolean more = Ipv4Header.hasMoreFragments(buf, networkOffset);
        int length = packet.transportLength;
        if (length == 0 || more && (length & 7) != 0) {
            counters.increment(IpCounter.IP_REASM_REQDS);
            counters.increment(IpCounter.IP_REASM_FAILS);
            counters.increment(IpCounter.IP_REASM_BAD_FRAGMENT);
            return;
        }
        FragmentedPacket fragmented = reassembler.packet(
                packet.sourceHigh,
                packet.sourceLow,
                packet.destinationHigh,
                packet.destinationLow,
                Ipv4Header.identification(buf, networkOffset),
                packet.protocol,
                arrival,
                now);
        boolean complete = reassembler.add(
                fragmented,
                buf,
                networkOffset,
                packet.transportOffset - networkOffset,
                packet.transportOffset,
                length,
                Ipv4Header.fragmentOffset(buf, networkOffset),
                more,
                packet.trafficClass & 3);
        if (complete) {
            deliverWhole(fragmented, now);
        }
    }

    private void deliverWhole(FragmentedPacket fragmented, long now) {
        int headerLength = fragmented.headerLength;
        int length = headerLength + fragmented.totalLength;
        if (length > Ipv4Header.MAX_TOTAL_LENGTH) {
            counters.increment(IpCounter.IP_REASM_BAD_FRAGMENT);
            reassembler.giveUp(fragmented);
            return;
        }
        ByteBuf buf = fragmented.assemble(context.allocator);
        boolean congestion = fragmented.isCongestionExperienced();
        reassembler.remove(fragmented);
        Ipv4Header.totalLength(buf, 0, length);
        Ipv4Header.flagsAndFragmentOffset(buf, 0, 0);
        if (congestion) {
            buf.setByte(1, buf.getByte(1) | 3);
        }
        Ipv4Header.fillChecksum(buf, 0);
        if (!packet.unicast || !context.steering.handOver(whole.set(buf, 0, length))) {
            packet.buffer = buf;
            packet.networkOffset = 0;
            packet.transportOffset = headerLength;
            packet.transportLength = fragmented.totalLength;
            packet.trafficClass = Ipv4Header.typeOfService(buf, 0);
            packet.hopLimit = Ipv4Header.timeToLive(buf, 0);
            packet.checksum = InboundFrame.Checksum.UNKNOWN;
            packet.segmentation = SegmentationType.NONE;
            packet.segmentSize = 0;
            deliver(now);
        }
        buf.release();
    }

    /** RFC 1122 §3.3.2: said to the source if the first fragment has come. */
    private void reassemblyTimeExceeded(FragmentedPacket fragmented, long now) {
        FragmentedPacket.Fragment first = fragmented.first;
        packet.buffer = first.bytes;
        packet.networkOffset = 0;
        packet.transportOffset = first.payloadIndex;
        packet.transportLength = first.length;
        packet.sourceHigh = fragmented.sourceHigh;
        packet.sourceLow = fragmented.sourceLow;
        packet.destinationHigh = fragmented.destinationHigh;
        packet.destinationLow = fragmented.destinationLow;
        packet.protocol = fragmented.protocol;
        packet.unicast = context.addresses.isAccepted(0, fragmented.destinationLow);
        icmp.sendError(packet, IcmpHeader.TIME_EXCEEDED, IcmpHeader.REASSEMBLY_TIME_EXCEEDED, 0, now);
        packet.buffer = null;
    }

    private void deliver(long now) {
        int protocol = packet.protocol;
        TransportReceiver receiver = context.receivers[protocol];
        if (receiver != null) {
            counters.increment(IpCounter.IP_IN_DELIVERS);
            receiver.receive(packet, now);
        } else if (protocol == IpProtocol.ICMP) {
            counters.increment(IpCounter.IP_IN_DELIVERS);
            icmp.receive(packet, now);
        } else if (protocol == IpProtocol.IGMP) {
            counters.increment(IpCounter.IP_IN_DELIVERS);
            igmp.receive(packet, now);
        } else {
            counters.increment(IpCounter.IP_IN_UNKNOWN_PROTOS);
            icmp.sendError(packet, IcmpHeader.DESTINATION_UNREACHABLE, IcmpHeader.PROTOCOL_UNREACHABLE, 0, now);
        }
    }

    private boolean acceptsDestination(int destination, Arrival arrival) {
        long low = packet.destinationLow;
        packet.unicast = false;
        if (context.addresses.isAccepted(0, low)) {
            if (arrival == Arrival.GROUP) {
                // RFC 1122 §3.3.6: who sends a frame to all means all.
                addressError(IpCounter.IP_IN_UNICAST_IN_LINK_BROADCAST);
                return false;
            }
            packet.unicast = true;
            return true;
        }
        if (IpAddress.isMulticast(0, low)) {
            counters.increment(IpCounter.IP_IN_MCAST_PKTS);
            if (context.groups.isMember(0, low)) {
                return true;
            }
        } else if (context.addresses.isBroadcast(destination)) {
            counters.increment(IpCounter.IP_IN_BCAST_PKTS);
            return true;
        } else if (arrival == Arrival.LOOPBACK && IpAddress.isLoopback(0, low)) {
            packet.unicast = true;
            return true;
        } else if (context.unconfiguredPort != 0 && arrival != Arrival.LOOPBACK && isForUnconfigured()) {
            // RFC 2131 §4.1: what a server sends to the address that this host is about to have.
            packet.unicast = true;
            return true;
        }
        addressError(IpCounter.IP_IN_NOT_FOR_US);
        return false;
    }

    private boolean isForUnconfigured() {
        return packet.protocol == IpProtocol.UDP
                && packet.transportLength >= UdpHeader.LENGTH
                && !Ipv4Header.isFragment(packet.buffer, packet.networkOffset)
                && UdpHeader.destinationPort(packet.buffer, packet.transportOffset) == context.unconfiguredPort;
    }

    private boolean acceptsSource(int source, Arrival arrival) {
        long low = packet.sourceLow;
        boolean good;
        if (source >>> 24 == 0) {
            // RFC 1122 §3.2.1.3 (a): "this host on this network", from one that does not know its address yet.
            good = source == 0 && !packet.unicast;
        } else if (IpAddress.isMulticast(0, low) || context.addresses.isBroadcast(source)) {
            good = false;
        } else if (arrival == Arrival.LOOPBACK) {
            good = true;
        } else {
            // From the link, nothing can come from a loopback address or our own.
            good = !IpAddress.isLoopback(0, low) && !context.addresses.isOwn(0, low);
        }
        if (!good) {
            addressError(IpCounter.IP_IN_MARTIAN_SOURCE);
        }
        return good;
    }

    /** Walks over the options. None of them asks anything of a host; source routes are refused (RFC 7126 §4.3, §4.4). */
    private boolean acceptsOptions(ByteBuf buf, int offset, int headerLength, long now) {
        int at = offset + Ipv4Header.MIN_LENGTH;
        int end = offset + headerLength;
        while (at < end) {
            int type = buf.getUnsignedByte(at);
            if (type == OPTION_END) {
                return true;
            }
            if (type == OPTION_NOP) {
                at++;
                continue;
            }
            int length = at + 1 < end ? buf.getUnsignedByte(at + 1) : 0;
            if (length < 2 || at + length > end) {
                headerError(IpCounter.IP_IN_BAD_OPTIONS);
                icmp.sendError(packet, IcmpHeader.PARAMETER_PROBLEM, 0, at - offset << 24, now);
                return false;
            }
            if (type == OPTION_LOOSE_SOURCE_ROUTE || type == OPTION_STRICT_SOURCE_ROUTE) {
                headerError(IpCounter.IP_IN_SOURCE_ROUTED);
                return false;
            }
            at += length;
        }
        return true;
    }

    private void headerError(IpCounter reason) {
        counters.increment(IpCounter.IP_IN_HDR_ERRORS);
        counters.increment(reason);
    }

    private void addressError(IpCounter reason) {
        counters.increment(IpCounter.IP_IN_ADDR_ERRORS);
        counters.increment(reason);
    }
}
