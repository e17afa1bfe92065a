/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBuf;

/** Tells the transport that sent a packet what became of it, whether an ICMP error says so or this host has found out itself. */
final class IcmpErrorDelivery {
    /** A transport needs this much of its header to know what it is about (RFC 792). */
    static final int MIN_QUOTE = 8;

    private final IpContext context;
    private final IcmpEcho echo;
    private final PathMtuDiscovery pathMtus;
    private final IcmpError error = new IcmpError();
    private final Ipv6HeaderChain chain = new Ipv6HeaderChain();
    private boolean reported;

    IcmpErrorDelivery(IpContext context, IcmpEcho echo, PathMtuDiscovery pathMtus) {
        this.context = context;
        this.echo = echo;
        this.pathMtus = pathMtus;
    }

    /** Says who reports the next error; if nobody does, it is this host. */
    void reporter(long high, long low) {
        reported = true;
        error.reporterHigh = high;
        error.reporterLow = low;
    }

    /**
     * Reports an error about an IPv4 packet.
     *
     * @param buf holds the packet, or its beginning
     * @param offset index of its IP header
     * @param length bytes there are
     * @return whether the packet could be understood and may have been sent by this host
     */
    boolean deliverV4(ByteBuf buf, int offset, int length, IcmpErrorKind kind, int type, int code, int mtu, long now) {
        boolean understood = understandV4(buf, offset, length, kind, type, code, mtu, now);
        reported = false;
        return understood;
    }

    private boolean understandV4(
            ByteBuf buf, int offset, int length, IcmpErrorKind kind, int type, int code, int mtu, long now) {
        if (length < Ipv4Header.MIN_LENGTH || Ipv4Header.version(buf, offset) != 4) {
            return false;
        }
        int headerLength = Ipv4Header.headerLength(buf, offset);
        long localLow = IpAddress.v4Low(Ipv4Header.source(buf, offset));
        if (headerLength < Ipv4Header.MIN_LENGTH
                || length - headerLength < MIN_QUOTE
                || Ipv4Header.fragmentOffset(buf, offset) != 0
                || !isOurs(0, localLow)) {
            return false;
        }
        error.localHigh = 0;
        error.localLow = localLow;
        error.remoteHigh = 0;
        error.remoteLow = IpAddress.v4Low(Ipv4Header.destination(buf, offset));
        error.protocol = Ipv4Header.protocol(buf, offset);
        deliver(buf, offset + headerLength, length - headerLength, kind, type, code, mtu, now);
        return true;
    }

    /**
     * Reports an error about an IPv6 packet.
     *
     * @param buf holds the packet, or its beginning
     * @param offset index of its IP header
     * @param length bytes there are
     * @return whether the packet could be understood and may have been sent by this host
     */
    boolean deliverV6(ByteBuf buf, int offset, int length, IcmpErrorKind kind, int type, int code, int mtu, long now) {
        boolean understood = understandV6(buf, offset, length, kind, type, code, mtu, now);
        reported = false;
        return understood;
    }

    private boolean understandV6(
            ByteBuf buf, int offset, int length, IcmpErrorKind kind, int type, int code, int mtu, long now) {
        if (length < Ipv6Header.LENGTH || Ipv6Header.version(buf, offset) != 6) {
            return false;
        }
        int end = offset + length;
        error.localHigh = Ipv6Header.sourceHigh(buf, offset);
        error.localLow = Ipv6Header.sourceLow(buf, offset);
        error.remoteHigh = Ipv6Header.destinationHigh(buf, offset);
        error.remoteLow = Ipv6Header.destinationLow(buf, offset);
        if (IpAddress.isV4(error.localHigh, error.localLow)
                || IpAddress.isV4(error.remoteHigh, error.remoteLow)
                || !isOurs(error.localHigh, error.localLow)
                || !chain.walk(buf, offset, end)
                || end - chain.offset < MIN_QUOTE) {
            return false;
        }
        error.protocol = chain.protocol;
        deliver(buf, chain.offset, end - chain.offset, kind, type, code, mtu, now);
        return true;
    }

    private boolean isOurs(long high, long low) {
        return context.addresses.isAccepted(high, low) || IpAddress.isLoopback(high, low);
    }

    private void deliver(
            ByteBuf buf,
            int transportOffset,
            int transportLength,
            IcmpErrorKind kind,
            int type,
            int code,
            int mtu,
            long now) {
        if (!reported) {
            error.reporterHigh = error.localHigh;
            error.reporterLow = error.localLow;
        }
        error.copied = context.copied;
        error.kind = kind;
        error.type = type;
        error.code = code;
        error.mtu = mtu;
        error.buffer = buf;
        error.transportOffset = transportOffset;
        error.transportLength = transportLength;
        if (error.protocol == IpProtocol.ICMP) {
            if (IcmpHeader.type(buf, transportOffset) == IcmpHeader.ECHO_REQUEST) {
                echo.receiveError(
                        error,
                        IcmpHeader.identifier(buf, transportOffset),
                        IcmpHeader.sequenceNumber(buf, transportOffset),
                        now);
            }
        } else if (error.protocol == IpProtocol.ICMPV6) {
            int quotedType = Icmpv6Header.type(buf, transportOffset);
            if (quotedType == Icmpv6Header.ECHO_REQUEST) {
                echo.receiveError(
                        error,
                        Icmpv6Header.identifier(buf, transportOffset),
                        Icmpv6Header.sequenceNumber(buf, transportOffset),
                        now);
            } else if (quotedType == Icmpv6Header.ECHO_REPLY && kind == IcmpErrorKind.PACKET_TOO_BIG) {
                // Nobody remembers the reply; but without this none that is too long would ever arrive, as no router
                // splits it.
                pathMtus.update(error.remoteHigh, error.remoteLow, mtu, now);
            }
        } else {
            TransportReceiver receiver = context.receivers[error.protocol];
            if (receiver != null) {
                receiver.receiveError(error, now);
            }
        }
        error.buffer = null;
    }
}
