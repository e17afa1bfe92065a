/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.InboundFrame.Checksum;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBuf;

/** The Internet Control Message Protocol of IPv4 (RFC 792), by the rules of RFC 1122 §3.2.2. */
final class IcmpProtocol {
    /** An error must not exceed this with its IP header (RFC 1812 §4.3.2.3). */
    private static final int MAX_ERROR_PACKET = 576;

    private static final int MAX_QUOTE = MAX_ERROR_PACKET - 20 - IcmpHeader.LENGTH;
    /** Where RFC 4884 puts the length of the quoted packet, in words of 32 bits. */
    private static final int QUOTE_LENGTH_OFFSET = 5;

    private final IpContext context;
    private final IpOutput output;
    private final IcmpErrorDelivery errors;
    private final IcmpEcho echo;
    private final IcmpRateLimiter rateLimiter;
    private final Redirects redirects;
    private final Counters<IpCounter> counters;
    private final OutboundFrame frame = new OutboundFrame();
    private final Path path = new Path();

    IcmpProtocol(
            IpContext context,
            IpOutput output,
            IcmpErrorDelivery errors,
            IcmpEcho echo,
            IcmpRateLimiter rateLimiter,
            Redirects redirects) {
        this.context = context;
        this.output = output;
        this.errors = errors;
        this.echo = echo;
        this.rateLimiter = rateLimiter;
        this.redirects = redirects;
        counters = context.counters;
    }

    /** A packet of protocol ICMP has arrived. */
    void receive(InboundPacket packet, long now) {
        counters.increment(IpCounter.ICMP_IN_MSGS);
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int length = packet.transportLength;
        if (!IcmpHeader.isValid(length)) {
            counters.increment(IpCounter.ICMP_IN_ERRORS);
            return;
        }
        if (packet.checksum == Checksum.UNKNOWN && !InternetChecksum.isValid(buf, at, length, 0)) {
            counters.increment(IpCounter.ICMP_IN_CSUM_ERRORS);
            return;
        }
        switch (IcmpHeader.type(buf, at)) {
            case IcmpHeader.ECHO_REQUEST:
                receiveEchoRequest(packet, now);
                break;
            case IcmpHeader.ECHO_REPLY:
                counters.increment(IpCounter.ICMP_IN_ECHO_REPS);
                if (!echo.receiveReply(packet, IcmpHeader.identifier(buf, at), IcmpHeader.sequenceNumber(buf, at), now)
                        && !context.steering.handOverEchoReply(packet, IcmpHeader.identifier(buf, at))) {
                    counters.increment(IpCounter.ICMP_IN_UNRELATED);
                }
                break;
            case IcmpHeader.DESTINATION_UNREACHABLE:
                counters.increment(IpCounter.ICMP_IN_DEST_UNREACHS);
                receiveError(packet, now);
                break;
            case IcmpHeader.TIME_EXCEEDED:
                counters.increment(IpCounter.ICMP_IN_TIME_EXCDS);
                receiveError(packet, now);
                break;
            case IcmpHeader.PARAMETER_PROBLEM:
                counters.increment(IpCounter.ICMP_IN_PARM_PROBS);
                receiveError(packet, now);
                break;
            case IcmpHeader.SOURCE_QUENCH:
                // RFC 6633 §3: ignored.
                counters.increment(IpCounter.ICMP_IN_SRC_QUENCHS);
                counters.increment(IpCounter.ICMP_IN_IGNORED);
                break;
            case IcmpHeader.REDIRECT:
                counters.increment(IpCounter.ICMP_IN_REDIRECTS);
                if (!redirects.receiveV4(packet, now)) {
                    counters.increment(IpCounter.ICMP_IN_IGNORED);
                }
                break;
            case IcmpHeader.TIMESTAMP_REQUEST, IcmpHeader.TIMESTAMP_REPLY:
                // RFC 1122 §3.2.2.8 leaves answering to us; a clock of the day is nothing to tell strangers.
                counters.increment(IpCounter.ICMP_IN_IGNORED);
                break;
            default:
                // RFC 1122 §3.2.2: silently discarded.
                counters.increment(IpCounter.ICMP_IN_ERRORS);
                break;
        }
    }

    /**
     * Sends an error about a packet, unless one must not be sent (RFC 1122 §3.2.2) or too many have been.
     *
     * @param packet what the error is about; need not have a transport header, but an IP header
     * @param word the second word of the message
     */
    void sendError(InboundPacket packet, int type, int code, int word, long now) {
        if (!packet.unicast || !isSingleHost((int) packet.sourceLow) || isIcmpError(packet)) {
            return;
        }
        if (!output.resolve(path, packet.destinationHigh, packet.destinationLow, packet.sourceHigh, packet.sourceLow)) {
            return;
        }
        if (!path.loopback && !rateLimiter.tryAcquire(packet.sourceHigh, packet.sourceLow, now)) {
            return;
        }
        int length = packet.transportOffset + packet.transportLength - packet.networkOffset;
        int quoted = Math.min(length, MAX_QUOTE);
        frame.reset();
        int at = frame.append(IcmpHeader.LENGTH);
        IcmpHeader.write(frame.header(), at, type, code, word);
        frame.addPayload(packet.buffer, packet.networkOffset, quoted);
        int sum = InternetChecksum.add(
                InternetChecksum.sum(frame.header(), at, IcmpHeader.LENGTH),
                InternetChecksum.sum(packet.buffer, packet.networkOffset, quoted));
        IcmpHeader.checksum(frame.header(), at, InternetChecksum.complement(sum));
        // RFC 1812 §4.3.2.5: Internetwork Control, as Linux sends.
        if (send(0xc0, now)) {
            switch (type) {
                case IcmpHeader.DESTINATION_UNREACHABLE -> counters.increment(IpCounter.ICMP_OUT_DEST_UNREACHS);
                case IcmpHeader.TIME_EXCEEDED -> counters.increment(IpCounter.ICMP_OUT_TIME_EXCDS);
                default -> counters.increment(IpCounter.ICMP_OUT_PARM_PROBS);
            }
        }
    }

    void close() {
        frame.release();
    }

    private void receiveEchoRequest(InboundPacket packet, long now) {
        counters.increment(IpCounter.ICMP_IN_ECHOS);
        // RFC 1122 §3.2.2.6 lets us be silent where many are asked at once, which spares the one who is said to have
        // asked.
        if (!packet.unicast
                || !output.resolve(
                        path, packet.destinationHigh, packet.destinationLow, packet.sourceHigh, packet.sourceLow)) {
            counters.increment(IpCounter.ICMP_IN_IGNORED);
            return;
        }
        ByteBuf buf = packet.buffer;
        int from = packet.transportOffset;
        int length = packet.transportLength;
        frame.reset();
        int at = frame.append(IcmpHeader.LENGTH);
        ByteBuf header = frame.header();
        header.setBytes(at, buf, from, IcmpHeader.LENGTH);
        header.setShort(at, IcmpHeader.ECHO_REPLY << 8);
        if (packet.checksum == Checksum.PARTIAL) {
            IcmpHeader.checksum(header, at, 0);
            int sum = InternetChecksum.add(
                    InternetChecksum.sum(header, at, IcmpHeader.LENGTH),
                    InternetChecksum.sum(buf, from + IcmpHeader.LENGTH, length - IcmpHeader.LENGTH));
            IcmpHeader.checksum(header, at, InternetChecksum.complement(sum));
        } else {
            // Only the word of type and code has changed: the data need not be summed again.
            IcmpHeader.checksum(
                    header,
                    at,
                    InternetChecksum.update(
                            IcmpHeader.checksum(buf, from), buf.getUnsignedShort(from), IcmpHeader.ECHO_REPLY << 8));
        }
        if (length > IcmpHeader.LENGTH) {
            frame.addPayload(buf, from + IcmpHeader.LENGTH, length - IcmpHeader.LENGTH);
        }
        // The differentiated service of the request, but not what its way has said about congestion.
        if (send(packet.trafficClass & ~3, now)) {
            counters.increment(IpCounter.ICMP_OUT_ECHO_REPS);
        }
    }

    private boolean send(int typeOfService, long now) {
        IpOutput.Result result =
                output.send(frame, path, IpProtocol.ICMP, typeOfService, IpContext.DEFAULT_HOP_LIMIT, 0, now);
        frame.reset();
        boolean sent = result == IpOutput.Result.SENT;
        counters.increment(sent ? IpCounter.ICMP_OUT_MSGS : IpCounter.ICMP_OUT_ERRORS);
        return sent;
    }

    private void receiveError(InboundPacket packet, long now) {
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int type = IcmpHeader.type(buf, at);
        int code = IcmpHeader.code(buf, at);
        IcmpErrorKind kind = kind(type, code);
        if (kind == null) {
            counters.increment(IpCounter.ICMP_IN_ERRORS);
            return;
        }
        int quoted = packet.transportLength - IcmpHeader.LENGTH;
        int said = buf.getUnsignedByte(at + QUOTE_LENGTH_OFFSET) << 2;
        if (said != 0 && said < quoted) {
            // Behind the quoted packet there are extensions (RFC 4884 §4).
            quoted = said;
        }
        int mtu = kind == IcmpErrorKind.PACKET_TOO_BIG ? IcmpHeader.nextHopMtu(buf, at) : 0;
        errors.reporter(packet.sourceHigh, packet.sourceLow);
        if (!errors.deliverV4(buf, at + IcmpHeader.LENGTH, quoted, kind, type, code, mtu, now)) {
            counters.increment(IpCounter.ICMP_IN_UNRELATED);
        }
    }

    private static IcmpErrorKind kind(int type, int code) {
        return switch (type) {
            case IcmpHeader.TIME_EXCEEDED -> code <= 1 ? IcmpErrorKind.TIME_EXCEEDED : null;
            case IcmpHeader.PARAMETER_PROBLEM -> IcmpErrorKind.PARAMETER_PROBLEM;
            default ->
                // RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1.
                switch (code) {
                    case 0, 6, 11 -> IcmpErrorKind.NETWORK_UNREACHABLE;
                    case 1, 7, 8, 12 -> IcmpErrorKind.HOST_UNREACHABLE;
                    case 2 -> IcmpErrorKind.PROTOCOL_UNREACHABLE;
                    case 3 -> IcmpErrorKind.PORT_UNREACHABLE;
                    case 4 -> IcmpErrorKind.PACKET_TOO_BIG;
                    case 5 -> IcmpErrorKind.SOURCE_ROUTE_FAILED;
                    case 9, 10, 13, 14, 15 -> IcmpErrorKind.ADMINISTRATIVELY_PROHIBITED;
                    default -> null;
                };
        };
    }

    private static boolean isIcmpError(InboundPacket packet) {
        if (packet.protocol != IpProtocol.ICMP) {
            return false;
        }
        if (packet.transportLength < 1) {
            return true;
        }
        return switch (IcmpHeader.type(packet.buffer, packet.transportOffset)) {
            case IcmpHeader.DESTINATION_UNREACHABLE,
                    IcmpHeader.SOURCE_QUENCH,
                    IcmpHeader.REDIRECT,
                    IcmpHeader.TIME_EXCEEDED,
                    IcmpHeader.PARAMETER_PROBLEM -> true;
            default -> false;
        };
    }

    /** RFC 1122 §3.2.2: no error to a source that does not name one host. */
    private boolean isSingleHost(int source) {
        return source >>> 24 != 0
                && !IpAddress.isMulticast(0, IpAddress.v4Low(source))
                && source >>> 28 != 0xf
                && !context.addresses.isBroadcast(source);
    }
}
