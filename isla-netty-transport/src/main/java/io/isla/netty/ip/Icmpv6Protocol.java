/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.InboundFrame.Checksum;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBuf;

/** The Internet Control Message Protocol of IPv6 (RFC 4443). */
final class Icmpv6Protocol {
    /** An error must fit into the smallest MTU with its IP header (RFC 4443 §2.4 (c)). */
    private static final int MAX_QUOTE = Ipv6Header.MIN_MTU - Ipv6Header.LENGTH - Icmpv6Header.LENGTH;

    private final IpContext context;
    private final IpOutput output;
    private final IcmpErrorDelivery errors;
    private final IcmpEcho echo;
    private final IcmpRateLimiter rateLimiter;
    private final NeighborDiscovery discovery;
    private final MldProtocol mld;
    private final Counters<IpCounter> counters;
    private final OutboundFrame frame = new OutboundFrame();
    private final Path path = new Path();
    private final Ipv6HeaderChain chain = new Ipv6HeaderChain();

    Icmpv6Protocol(
            IpContext context,
            IpOutput output,
            IcmpErrorDelivery errors,
            IcmpEcho echo,
            IcmpRateLimiter rateLimiter,
            NeighborDiscovery discovery,
            MldProtocol mld) {
        this.context = context;
        this.output = output;
        this.errors = errors;
        this.echo = echo;
        this.rateLimiter = rateLimiter;
        this.discovery = discovery;
        this.mld = mld;
        counters = context.counters;
    }

    /** A packet of protocol ICMPv6 has arrived. */
    void receive(InboundPacket packet, long now) {
        counters.increment(IpCounter.ICMP6_IN_MSGS);
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int length = packet.transportLength;
        if (!Icmpv6Header.isValid(length)) {
            counters.increment(IpCounter.ICMP6_IN_ERRORS);
            return;
        }
        if (packet.checksum == Checksum.UNKNOWN
                && !InternetChecksum.isValid(
                        buf,
                        at,
                        length,
                        InternetChecksum.pseudoHeaderV6(
                                packet.sourceHigh,
                                packet.sourceLow,
                                packet.destinationHigh,
                                packet.destinationLow,
                                IpProtocol.ICMPV6,
                                length))) {
            counters.increment(IpCounter.ICMP6_IN_CSUM_ERRORS);
            return;
        }
        switch (Icmpv6Header.type(buf, at)) {
            case Icmpv6Header.ECHO_REQUEST:
                receiveEchoRequest(packet, now);
                break;
            case Icmpv6Header.ECHO_REPLY:
                counters.increment(IpCounter.ICMP6_IN_ECHO_REPLIES);
                if (!echo.receiveReply(
                                packet, Icmpv6Header.identifier(buf, at), Icmpv6Header.sequenceNumber(buf, at), now)
                        && !context.steering.handOverEchoReply(packet, Icmpv6Header.identifier(buf, at))) {
                    counters.increment(IpCounter.ICMP6_IN_UNRELATED);
                }
                break;
            case Icmpv6Header.DESTINATION_UNREACHABLE:
                counters.increment(IpCounter.ICMP6_IN_DEST_UNREACHS);
                receiveError(packet, now);
                break;
            case Icmpv6Header.PACKET_TOO_BIG:
                counters.increment(IpCounter.ICMP6_IN_PKT_TOO_BIGS);
                receiveError(packet, now);
                break;
            case Icmpv6Header.TIME_EXCEEDED:
                counters.increment(IpCounter.ICMP6_IN_TIME_EXCDS);
                receiveError(packet, now);
                break;
            case Icmpv6Header.PARAMETER_PROBLEM:
                counters.increment(IpCounter.ICMP6_IN_PARM_PROBLEMS);
                receiveError(packet, now);
                break;
            case Icmpv6Header.NEIGHBOR_SOLICITATION,
                    Icmpv6Header.NEIGHBOR_ADVERTISEMENT,
                    Icmpv6Header.ROUTER_ADVERTISEMENT,
                    Icmpv6Header.REDIRECT:
                discovery.receive(packet, now);
                break;
            case Icmpv6Header.MULTICAST_LISTENER_QUERY,
                    Icmpv6Header.MULTICAST_LISTENER_REPORT,
                    Icmpv6Header.MULTICAST_LISTENER_DONE,
                    Icmpv6Header.MULTICAST_LISTENER_REPORT_V2:
                if (!mld.receive(packet, now)) {
                    counters.increment(IpCounter.ICMP6_IN_ERRORS);
                }
                break;
            case Icmpv6Header.ROUTER_SOLICITATION:
                // For routers.
                counters.increment(IpCounter.ICMP6_IN_IGNORED);
                break;
            default:
                // RFC 4443 §2.4 (b): an unknown informational message is discarded.
                counters.increment(IpCounter.ICMP6_IN_ERRORS);
                break;
        }
    }

    /**
     * Sends an error about a packet, unless one must not be sent (RFC 4443 §2.4 (e)) or too many have been.
     *
     * @param packet what the error is about; need not have a transport header, but an IP header
     * @param word what follows the checksum
     */
    void sendError(InboundPacket packet, int type, int code, int word, long now) {
        boolean group = type == Icmpv6Header.PARAMETER_PROBLEM && code == Icmpv6Header.UNRECOGNIZED_OPTION;
        if (!packet.unicast && !group
                || IpAddress.isUnspecified(packet.sourceHigh, packet.sourceLow)
                || IpAddress.isMulticast(packet.sourceHigh, packet.sourceLow)
                || isIcmpError(packet)
                || !resolveReply(packet)) {
            return;
        }
        if (!path.loopback && !rateLimiter.tryAcquire(packet.sourceHigh, packet.sourceLow, now)) {
            return;
        }
        int length = packet.transportOffset + packet.transportLength - packet.networkOffset;
        int quoted = Math.min(length, MAX_QUOTE);
        frame.reset();
        int at = frame.append(Icmpv6Header.LENGTH);
        Icmpv6Header.write(frame.header(), at, type, code, word);
        frame.addPayload(packet.buffer, packet.networkOffset, quoted);
        fillChecksum(at, packet.buffer, packet.networkOffset, quoted);
        if (send(0, now)) {
            switch (type) {
                case Icmpv6Header.DESTINATION_UNREACHABLE -> counters.increment(IpCounter.ICMP6_OUT_DEST_UNREACHS);
                case Icmpv6Header.TIME_EXCEEDED -> counters.increment(IpCounter.ICMP6_OUT_TIME_EXCDS);
                default -> counters.increment(IpCounter.ICMP6_OUT_PARM_PROBLEMS);
            }
        }
    }

    void close() {
        frame.release();
    }

    private void receiveEchoRequest(InboundPacket packet, long now) {
        counters.increment(IpCounter.ICMP6_IN_ECHOS);
        // Unlike with IPv4, one to a group is answered too (RFC 4443 §4.2).
        if (IpAddress.isUnspecified(packet.sourceHigh, packet.sourceLow) || !resolveReply(packet)) {
            counters.increment(IpCounter.ICMP6_IN_IGNORED);
            return;
        }
        ByteBuf buf = packet.buffer;
        int from = packet.transportOffset;
        int dataLength = packet.transportLength - Icmpv6Header.LENGTH;
        frame.reset();
        int at = frame.append(Icmpv6Header.LENGTH);
        Icmpv6Header.write(frame.header(), at, Icmpv6Header.ECHO_REPLY, 0, Icmpv6Header.word(buf, from));
        if (dataLength > 0) {
            frame.addPayload(buf, from + Icmpv6Header.LENGTH, dataLength);
        }
        fillChecksum(at, buf, from + Icmpv6Header.LENGTH, dataLength);
        if (send(packet.trafficClass & ~3, now)) {
            counters.increment(IpCounter.ICMP6_OUT_ECHO_REPLIES);
        }
    }

    /** Finds the way back, from the address the packet was sent to if that is one of ours (RFC 4443 §2.2). */
    private boolean resolveReply(InboundPacket packet) {
        boolean toUs = !IpAddress.isMulticast(packet.destinationHigh, packet.destinationLow);
        return output.resolve(
                path,
                toUs ? packet.destinationHigh : IpAddress.ANY_V6.high(),
                toUs ? packet.destinationLow : IpAddress.ANY_V6.low(),
                packet.sourceHigh,
                packet.sourceLow);
    }

    private void fillChecksum(int at, ByteBuf payload, int offset, int length) {
        int sum = InternetChecksum.pseudoHeaderV6(
                path.localHigh,
                path.localLow,
                path.remoteHigh,
                path.remoteLow,
                IpProtocol.ICMPV6,
                Icmpv6Header.LENGTH + length);
        sum = InternetChecksum.add(sum, InternetChecksum.sum(frame.header(), at, Icmpv6Header.LENGTH));
        sum = InternetChecksum.add(sum, InternetChecksum.sum(payload, offset, length));
        Icmpv6Header.checksum(frame.header(), at, InternetChecksum.complement(sum));
    }

    private boolean send(int trafficClass, long now) {
        IpOutput.Result result = output.send(frame, path, IpProtocol.ICMPV6, trafficClass, context.hopLimit, 0, now);
        frame.reset();
        boolean sent = result == IpOutput.Result.SENT;
        counters.increment(sent ? IpCounter.ICMP6_OUT_MSGS : IpCounter.ICMP6_OUT_ERRORS);
        return sent;
    }

    private void receiveError(InboundPacket packet, long now) {
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int type = Icmpv6Header.type(buf, at);
        int code = Icmpv6Header.code(buf, at);
        int mtu = type == Icmpv6Header.PACKET_TOO_BIG ? Math.max(0, Icmpv6Header.word(buf, at)) : 0;
        int quoted = packet.transportLength - Icmpv6Header.LENGTH;
        if (type == Icmpv6Header.DESTINATION_UNREACHABLE || type == Icmpv6Header.TIME_EXCEEDED) {
            // Behind the quoted packet there may be extensions (RFC 4884 §4.3); its length is told in words of 64 bits.
            int said = buf.getUnsignedByte(at + Icmpv6Header.LENGTH - 4) << 3;
            if (said != 0 && said < quoted) {
                quoted = said;
            }
        }
        errors.reporter(packet.sourceHigh, packet.sourceLow);
        if (!errors.deliverV6(buf, at + Icmpv6Header.LENGTH, quoted, kind(type, code), type, code, mtu, now)) {
            counters.increment(IpCounter.ICMP6_IN_UNRELATED);
        }
    }

    private static IcmpErrorKind kind(int type, int code) {
        return switch (type) {
            case Icmpv6Header.PACKET_TOO_BIG -> IcmpErrorKind.PACKET_TOO_BIG;
            case Icmpv6Header.TIME_EXCEEDED -> IcmpErrorKind.TIME_EXCEEDED;
            case Icmpv6Header.PARAMETER_PROBLEM ->
                code == Icmpv6Header.UNRECOGNIZED_NEXT_HEADER
                        ? IcmpErrorKind.PROTOCOL_UNREACHABLE
                        : IcmpErrorKind.PARAMETER_PROBLEM;
            default ->
                // RFC 4443 §3.1; codes that are not known yet say at least that nothing arrives.
                switch (code) {
                    case Icmpv6Header.NO_ROUTE -> IcmpErrorKind.NETWORK_UNREACHABLE;
                    case Icmpv6Header.ADMINISTRATIVELY_PROHIBITED, 5, 6 -> IcmpErrorKind.ADMINISTRATIVELY_PROHIBITED;
                    case Icmpv6Header.PORT_UNREACHABLE -> IcmpErrorKind.PORT_UNREACHABLE;
                    case 7 -> IcmpErrorKind.SOURCE_ROUTE_FAILED;
                    default -> IcmpErrorKind.HOST_UNREACHABLE;
                };
        };
    }

    private boolean isIcmpError(InboundPacket packet) {
        int end = packet.transportOffset + packet.transportLength;
        if (!chain.walk(packet.buffer, packet.networkOffset, end)) {
            // Cut short before its transport header: what it is cannot be known, and need not be.
            return false;
        }
        if (chain.protocol != IpProtocol.ICMPV6) {
            return false;
        }
        if (chain.offset >= end) {
            return true;
        }
        int type = Icmpv6Header.type(packet.buffer, chain.offset);
        return Icmpv6Header.isError(type) || type == Icmpv6Header.REDIRECT;
    }
}
