/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv6ExtensionHeader;
import io.isla.netty.wire.Ipv6FragmentHeader;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.TcpHeader;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;

/** Receives IPv6 packets: checks the header, walks over the extension headers (RFC 8200 §4), and hands the rest to its protocol. */
final class Ipv6Input {
    /** RFC 7112: code of a parameter problem whose first fragment does not hold all headers. */
    static final int INCOMPLETE_HEADER_CHAIN = 3;
    /** RFC 8504 §5.3 lets a host set a limit to the extension headers of a packet, */
    static final int MAX_EXTENSION_HEADERS = 8;
    /** to the options in one of them, */
    static final int MAX_OPTIONS = 8;
    /** and to consecutive padding. */
    static final int MAX_PADDING = 7;

    private static final int NEXT_HEADER_INDEX = 6;
    private static final int PAYLOAD_LENGTH_INDEX = 4;
    private static final int NO_MESSAGE = -1;

    private final IpContext context;
    private final Icmpv6Protocol icmp;
    private final Counters<IpCounter> counters;
    private final Reassembler reassembler;
    private final InboundPacket packet = new InboundPacket();
    private final InboundFrame whole = new InboundFrame();
    private final Ipv6HeaderChain chain = new Ipv6HeaderChain();

    Ipv6Input(IpContext context, Icmpv6Protocol icmp) {
        this.context = context;
        this.icmp = icmp;
        counters = context.counters;
        reassembler = new Reassembler(
                context, this::reassemblyTimeExceeded, Reassembler.Counts.V6, Reassembler.TIMEOUT_V6_NANOS);
    }

    /**
     * An IPv6 packet has arrived.
     *
     * @param frame says what is known about its transport checksum, and what was joined
     * @param offset index of the IP header
     * @param length bytes from there, padding of the link included
     * @param copied whether another shard has received it, and this is a copy to learn from
     */
    void receive(InboundFrame frame, int offset, int length, Arrival arrival, boolean copied, long now) {
        counters.increment(IpCounter.IP6_IN_RECEIVES);
        ByteBuf buf = frame.buffer();
        if (length < Ipv6Header.LENGTH) {
            counters.increment(IpCounter.IP6_IN_TRUNCATED);
            return;
        }
        if (Ipv6Header.version(buf, offset) != 6) {
            headerError(IpCounter.IP6_IN_BAD_HEADER);
            return;
        }
        int payloadLength = Ipv6Header.payloadLength(buf, offset);
        if (Ipv6Header.LENGTH + payloadLength > length) {
            counters.increment(IpCounter.IP6_IN_TRUNCATED);
            return;
        }
        packet.buffer = buf;
        packet.networkOffset = offset;
        packet.transportOffset = offset + Ipv6Header.LENGTH;
        packet.transportLength = payloadLength;
        packet.sourceHigh = Ipv6Header.sourceHigh(buf, offset);
        packet.sourceLow = Ipv6Header.sourceLow(buf, offset);
        packet.destinationHigh = Ipv6Header.destinationHigh(buf, offset);
        packet.destinationLow = Ipv6Header.destinationLow(buf, offset);
        packet.protocol = Ipv6Header.nextHeader(buf, offset);
        packet.trafficClass = Ipv6Header.trafficClass(buf, offset);
        packet.hopLimit = Ipv6Header.hopLimit(buf, offset);
        packet.checksum = frame.checksum();
        packet.segmentation = frame.segmentation();
        packet.segmentSize = frame.segmentSize();
        packet.fragmented = false;
        packet.copied = copied;
        if (acceptsDestination(arrival) && acceptsSource(arrival)) {
            processHeaders(
                    offset + NEXT_HEADER_INDEX,
                    offset + Ipv6Header.LENGTH,
                    offset + Ipv6Header.LENGTH + payloadLength,
                    arrival,
                    now);
        }
        packet.buffer = null;
    }

    /** Frees the fragments. */
    void close() {
        reassembler.clear();
    }

    private boolean acceptsDestination(Arrival arrival) {
        long high = packet.destinationHigh;
        long low = packet.destinationLow;
        packet.unicast = false;
        if (high >>> 56 == 0xff) {
            counters.increment(IpCounter.IP6_IN_MCAST_PKTS);
            int scope = (int) (high >>> 48) & 0xf;
            // RFC 4291 §2.7: scope 0 is reserved, scope 1 never leaves an interface.
            if ((scope > 1 || scope == 1 && arrival == Arrival.LOOPBACK)
                    && (context.groups.isMember(high, low) || context.isSolicitedNode(high, low))) {
                return true;
            }
        } else if (!IpAddress.isV4(high, low)) {
            // An IPv4-mapped address stands for IPv4 in this room, and must not come out of an IPv6 packet.
            if (context.addresses.isAccepted(high, low)) {
                packet.unicast = arrival != Arrival.GROUP;
                return true;
            }
            if (arrival == Arrival.LOOPBACK && IpAddress.isLoopback(high, low)) {
                packet.unicast = true;
                return true;
            }
        }
        addressError(IpCounter.IP6_IN_NOT_FOR_US);
        return false;
    }

    private boolean acceptsSource(Arrival arrival) {
        long high = packet.sourceHigh;
        long low = packet.sourceLow;
        boolean good;
        if (high >>> 56 == 0xff || IpAddress.isV4(high, low)) {
            good = false;
        } else if (arrival == Arrival.LOOPBACK) {
            good = true;
        } else if (IpAddress.isUnspecified(high, low)) {
            // Only what has to do with addresses that are not there yet is sent from nowhere, and that goes to groups.
            good = !packet.unicast;
        } else if (IpAddress.isLoopback(high, low)) {
            good = false;
        } else {
            // Another's claim to an address of ours is heard, nothing else that seems to come from it.
            good = !context.addresses.isOwn(high, low) || isNeighborAdvertisement();
        }
        if (!good) {
            addressError(IpCounter.IP6_IN_MARTIAN_SOURCE);
        }
        return good;
    }

    private boolean isNeighborAdvertisement() {
        return packet.protocol == IpProtocol.ICMPV6
                && packet.transportLength > 0
                && Icmpv6Header.type(packet.buffer, packet.transportOffset) == Icmpv6Header.NEIGHBOR_ADVERTISEMENT;
    }

    /**
     * Walks over the extension headers.
     *
     * @param firstNextHeaderAt index of the field that says what comes first
     * @param firstAt index of what comes first
     * @param end index after the packet
     */
    private void processHeaders(int firstNextHeaderAt, int firstAt, int end, Arrival arrival, long now) {
        ByteBuf buf = packet.buffer;
        int nextHeaderAt = firstNextHeaderAt;
        int at = firstAt;
        for (int count = 0; ; count++) {
            int nextHeader = buf.getUnsignedByte(nextHeaderAt);
            if (!Ipv6HeaderChain.isExtension(nextHeader)) {
                deliver(nextHeader, nextHeaderAt, at, end, now);
                return;
            }
            if (count == MAX_EXTENSION_HEADERS || end - at < Ipv6ExtensionHeader.MIN_LENGTH) {
                headerError(IpCounter.IP6_IN_BAD_EXTENSION);
                return;
            }
            int length =
                    nextHeader == IpProtocol.FRAGMENT ? Ipv6FragmentHeader.LENGTH : Ipv6ExtensionHeader.length(buf, at);
            if (length > end - at) {
                headerError(IpCounter.IP6_IN_BAD_EXTENSION);
                return;
            }
            switch (nextHeader) {
                case IpProtocol.HOP_BY_HOP:
                    if (nextHeaderAt != packet.networkOffset + NEXT_HEADER_INDEX) {
                        // RFC 8200 §4.1: only right after the IPv6 header.
                        headerError(IpCounter.IP6_IN_BAD_EXTENSION);
                        parameterProblem(Icmpv6Header.UNRECOGNIZED_NEXT_HEADER, nextHeaderAt, now);
                        return;
                    }
                    if (!acceptsOptions(at, length, true, now)) {
                        return;
                    }
                    break;
                case IpProtocol.DESTINATION_OPTIONS:
                    if (!acceptsOptions(at, length, false, now)) {
                        return;
                    }
                    break;
                case IpProtocol.ROUTING:
                    if (Ipv6ExtensionHeader.segmentsLeft(buf, at) != 0) {
                        // RFC 8200 §4.4, and RFC 5095 §3 for type 0: no type is known here.
                        headerError(IpCounter.IP6_IN_SOURCE_ROUTED);
                        parameterProblem(
                                Icmpv6Header.ERRONEOUS_HEADER_FIELD, at + Ipv6ExtensionHeader.ROUTING_TYPE_OFFSET, now);
                        return;
                    }
                    break;
                default:
                    if (packet.fragmented) {
                        // A fragment of a fragment: nobody has a use for it but to confuse.
                        headerError(IpCounter.IP6_IN_BAD_EXTENSION);
                        return;
                    }
                    packet.fragmented = true;
                    if (Ipv6FragmentHeader.fragmentOffset(buf, at) != 0
                            || Ipv6FragmentHeader.hasMoreFragments(buf, at)) {
                        receiveFragment(nextHeaderAt, at, end, arrival, now);
                        return;
                    }
                    // RFC 6946: a packet in one fragment is whole, whatever other fragments say.
                    break;
            }
            nextHeaderAt = at;
            at += length;
        }
    }

    private void deliver(int protocol, int nextHeaderAt, int at, int end, long now) {
        packet.protocol = protocol;
        packet.transportOffset = at;
        packet.transportLength = end - at;
        TransportReceiver receiver = context.receivers[protocol];
        if (protocol == IpProtocol.ICMPV6) {
            counters.increment(IpCounter.IP6_IN_DELIVERS);
            icmp.receive(packet, now);
        } else if (receiver != null && protocol != IpProtocol.ICMP) {
            counters.increment(IpCounter.IP6_IN_DELIVERS);
            receiver.receive(packet, now);
        } else if (protocol == IpProtocol.NO_NEXT_HEADER) {
            counters.increment(IpCounter.IP6_IN_NO_NEXT_HEADER);
        } else {
            counters.increment(IpCounter.IP6_IN_UNKNOWN_PROTOS);
            if (packet.unicast) {
                parameterProblem(Icmpv6Header.UNRECOGNIZED_NEXT_HEADER, nextHeaderAt, now);
            }
        }
    }

    /** Walks over the options of a Hop-by-Hop or Destination Options header (RFC 8200 §4.2). */
    private boolean acceptsOptions(int header, int length, boolean hopByHop, long now) {
        ByteBuf buf = packet.buffer;
        int end = header + length;
        int at = header + Ipv6ExtensionHeader.OPTIONS_OFFSET;
        int options = 0;
        int padding = 0;
        while (at < end) {
            int type = buf.getUnsignedByte(at);
            int optionLength = type == Ipv6ExtensionHeader.PAD1
                    ? 1
                    : at + 1 < end ? 2 + buf.getUnsignedByte(at + 1) : Integer.MAX_VALUE;
            if (optionLength > end - at) {
                headerError(IpCounter.IP6_IN_BAD_EXTENSION);
                return false;
            }
            if (type == Ipv6ExtensionHeader.PAD1 || type == Ipv6ExtensionHeader.PADN) {
                padding += optionLength;
            } else {
                padding = 0;
                options++;
                boolean known = hopByHop && type == Ipv6ExtensionHeader.ROUTER_ALERT;
                if (!known && !mayIgnore(type, at, now)) {
                    return false;
                }
            }
            if (padding > MAX_PADDING || options > MAX_OPTIONS) {
                headerError(IpCounter.IP6_IN_BAD_EXTENSION);
                return false;
            }
            at += optionLength;
        }
        return true;
    }

    private boolean mayIgnore(int type, int at, long now) {
        int action = Ipv6ExtensionHeader.action(type);
        if (action == 0) {
            return true;
        }
        headerError(IpCounter.IP6_IN_UNKNOWN_OPTION);
        // 1: silently; 2: saying so, to a group too; 3: saying so, but not to a group.
        if (action == 2 || action == 3 && packet.unicast) {
            parameterProblem(Icmpv6Header.UNRECOGNIZED_OPTION, at, now);
        }
        return false;
    }

    private void receiveFragment(int nextHeaderAt, int fragmentAt, int end, Arrival arrival, long now) {
        ByteBuf buf = packet.buffer;
        int networkOffset = packet.networkOffset;
        int offset = Ipv6FragmentHeader.fragmentOffset(buf, fragmentAt);
        boolean more = Ipv6FragmentHeader.hasMoreFragments(buf, fragmentAt);
        int nextHeader = Ipv6FragmentHeader.nextHeader(buf, fragmentAt);
        int payloadOffset = fragmentAt + Ipv6FragmentHeader.LENGTH;
        int length = end - payloadOffset;
        int headerLength = fragmentAt - networkOffset;
        if (more && (length & 7) != 0) {
            badFragment(Icmpv6Header.ERRONEOUS_HEADER_FIELD, networkOffset + PAYLOAD_LENGTH_INDEX, now);
            return;
        }
        if (headerLength - Ipv6Header.LENGTH + offset + length > Ipv6Header.MAX_PAYLOAD_LENGTH) {
            badFragment(
                    Icmpv6Header.ERRONEOUS_HEADER_FIELD, fragmentAt + Ipv6FragmentHeader.FRAGMENT_OFFSET_OFFSET, now);
            return;
        }
        if (offset == 0 && nextHeader == IpProtocol.HOP_BY_HOP) {
            // RFC 8200 §4.1: only right after the IPv6 header, and so before the Fragment header.
            badFragment(Icmpv6Header.UNRECOGNIZED_NEXT_HEADER, fragmentAt, now);
            return;
        }
        if (offset == 0 && !holdsAllHeaders(nextHeader, payloadOffset, end)) {
            badFragment(INCOMPLETE_HEADER_CHAIN, networkOffset, now);
            return;
        }
        if (length == 0) {
            badFragment(NO_MESSAGE, 0, now);
            return;
        }
        FragmentedPacket fragmented = reassembler.packet(
                packet.sourceHigh,
                packet.sourceLow,
                packet.destinationHigh,
                packet.destinationLow,
                Ipv6FragmentHeader.identification(buf, fragmentAt),
                0,
                arrival,
                now);
        if (offset == 0 && !fragmented.hasFirst()) {
            fragmented.nextHeaderIndex = nextHeaderAt - networkOffset;
            fragmented.nextHeader = nextHeader;
        }
        boolean complete = reassembler.add(
                fragmented,
                buf,
                networkOffset,
                headerLength,
                payloadOffset,
                length,
                offset,
                more,
                packet.trafficClass & 3);
        if (complete) {
            deliverWhole(fragmented, now);
        }
    }

    private void badFragment(int code, int pointer, long now) {
        counters.increment(IpCounter.IP6_REASM_REQDS);
        counters.increment(IpCounter.IP6_REASM_FAILS);
        counters.increment(IpCounter.IP6_REASM_BAD_FRAGMENT);
        if (code != NO_MESSAGE) {
            parameterProblem(code, pointer, now);
        }
    }

    private void deliverWhole(FragmentedPacket fragmented, long now) {
        int headerLength = fragmented.headerLength;
        int length = headerLength + fragmented.totalLength;
        if (length - Ipv6Header.LENGTH > Ipv6Header.MAX_PAYLOAD_LENGTH) {
            counters.increment(IpCounter.IP6_REASM_BAD_FRAGMENT);
            reassembler.giveUp(fragmented);
            return;
        }
        ByteBuf buf = fragmented.assemble(context.allocator);
        Ipv6Header.payloadLength(buf, 0, length - Ipv6Header.LENGTH);
        buf.setByte(fragmented.nextHeaderIndex, fragmented.nextHeader);
        if (fragmented.isCongestionExperienced()) {
            // The two ECN bits of the traffic class lie in the upper half of the second byte.
            buf.setByte(1, buf.getByte(1) | 0x30);
        }
        Arrival arrival = fragmented.arrival;
        int nextHeaderIndex = fragmented.nextHeaderIndex;
        reassembler.remove(fragmented);
        if (!packet.unicast || !context.steering.handOver(whole.set(buf, 0, length))) {
            packet.buffer = buf;
            packet.networkOffset = 0;
            packet.transportOffset = Ipv6Header.LENGTH;
            packet.transportLength = length - Ipv6Header.LENGTH;
            packet.trafficClass = Ipv6Header.trafficClass(buf, 0);
            packet.hopLimit = Ipv6Header.hopLimit(buf, 0);
            packet.checksum = InboundFrame.Checksum.UNKNOWN;
            packet.segmentation = SegmentationType.NONE;
            packet.segmentSize = 0;
            processHeaders(nextHeaderIndex, headerLength, length, arrival, now);
        }
        buf.release();
    }

    /** RFC 8200 §4.5: said to the source if the first fragment has come. */
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
        packet.protocol = fragmented.nextHeader;
        packet.unicast = context.addresses.isAccepted(fragmented.destinationHigh, fragmented.destinationLow);
        icmp.sendError(packet, Icmpv6Header.TIME_EXCEEDED, Icmpv6Header.REASSEMBLY_TIME_EXCEEDED, 0, now);
        packet.buffer = null;
    }

    /** Whether a first fragment holds all headers up to that of the transport (RFC 7112 §5). */
    private boolean holdsAllHeaders(int firstHeader, int firstAt, int end) {
        if (!chain.walk(packet.buffer, firstHeader, firstAt, end)) {
            return false;
        }
        int least = switch (chain.protocol) {
            case IpProtocol.TCP -> TcpHeader.MIN_LENGTH;
            case IpProtocol.UDP -> UdpHeader.LENGTH;
            case IpProtocol.ICMPV6 -> Icmpv6Header.LENGTH;
            default -> 0;
        };
        return end - chain.offset >= least;
    }

    /** Says what is wrong with the packet, as far as that may be said. */
    private void parameterProblem(int code, int at, long now) {
        icmp.sendError(packet, Icmpv6Header.PARAMETER_PROBLEM, code, at - packet.networkOffset, now);
    }

    private void headerError(IpCounter reason) {
        counters.increment(IpCounter.IP6_IN_HDR_ERRORS);
        counters.increment(reason);
    }

    private void addressError(IpCounter reason) {
        counters.increment(IpCounter.IP6_IN_ADDR_ERRORS);
        counters.increment(reason);
    }
}
