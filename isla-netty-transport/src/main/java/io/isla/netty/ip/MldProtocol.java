/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IgmpHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.MulticastListenerHeader;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The messages of Multicast Listener Discovery, version 2 and 1 (RFC 9777, RFC 2710). */
final class MldProtocol implements MembershipReporter.Messages {
    private static final long LINK_LOCAL_HIGH = NeighborDiscoverySender.LINK_LOCAL_GROUP_HIGH;
    private static final long ALL_ROUTERS_LOW = NeighborDiscoverySender.ALL_ROUTERS_LOW;
    private static final long ALL_MLDV2_ROUTERS_LOW = 0x16;
    /** A Hop-by-Hop Options header with the Router Alert option for MLD (RFC 2711), ICMPv6 next. */
    private static final long ROUTER_ALERT = 0x3a00_0502_0000_0100L;

    private static final int ROUTER_ALERT_LENGTH = 8;

    private final IpContext context;
    private final Counters<IpCounter> counters;
    private final OutboundFrame frame = new OutboundFrame();
    private final MembershipReport report;
    private MembershipReporter reporter;

    MldProtocol(IpContext context) {
        this.context = context;
        counters = context.counters;
        report = new MembershipReport(context.allocator);
    }

    void reporter(MembershipReporter membershipReporter) {
        reporter = membershipReporter;
    }

    /** A message of MLD, whose checksum is right, has arrived; returns whether it was good. */
    boolean receive(InboundPacket packet, long now) {
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int length = packet.transportLength;
        if (packet.hopLimit != 1) {
            return false;
        }
        switch (Icmpv6Header.type(buf, at)) {
            case Icmpv6Header.MULTICAST_LISTENER_QUERY:
                counters.increment(IpCounter.ICMP6_IN_GROUP_MEMB_QUERIES);
                // RFC 9777 §5.1.14: from a router on the link.
                return packet.sourceHigh != 0
                        && IpAddress.isLinkLocal(packet.sourceHigh, packet.sourceLow)
                        && receiveQuery(buf, at, length, now);
            case Icmpv6Header.MULTICAST_LISTENER_REPORT:
                if (length < MulticastListenerHeader.V1_LENGTH) {
                    return false;
                }
                reporter.receiveReport(group(buf, at), now);
                return true;
            default:
                // For routers.
                return true;
        }
    }

    @Override
    public void beginReport() {
        report.clear();
    }

    @Override
    public void addRecord(int type, IpAddress group, Collection<IpAddress> sources) {
        int length = MulticastListenerHeader.RECORD_LENGTH + 16 * sources.size();
        int before = Ipv6Header.LENGTH + ROUTER_ALERT_LENGTH + Icmpv6Header.LENGTH + report.length();
        if (before + length > context.mtuV6) {
            endReport();
        }
        int at = report.append(length);
        ByteBuf buf = report.buffer();
        MulticastListenerHeader.writeRecord(buf, at, type, sources.size(), group.high(), group.low());
        at += MulticastListenerHeader.RECORD_LENGTH;
        for (IpAddress source : sources) {
            buf.setLong(at, source.high());
            buf.setLong(at + 8, source.low());
            at += 16;
        }
    }

    @Override
    public void endReport() {
        if (report.count() > 0) {
            frame.reset();
            int at = frame.append(Icmpv6Header.LENGTH);
            Icmpv6Header.write(frame.header(), at, Icmpv6Header.MULTICAST_LISTENER_REPORT_V2, 0, report.count());
            frame.addPayload(report.buffer(), 0, report.length());
            send(LINK_LOCAL_HIGH, ALL_MLDV2_ROUTERS_LOW);
        }
        report.clear();
    }

    @Override
    public void sendOldReport(IpAddress group, boolean oldest) {
        begin(Icmpv6Header.MULTICAST_LISTENER_REPORT, group);
        send(group.high(), group.low());
    }

    @Override
    public void sendOldLeave(IpAddress group) {
        begin(Icmpv6Header.MULTICAST_LISTENER_DONE, group);
        send(LINK_LOCAL_HIGH, ALL_ROUTERS_LOW);
    }

    void close() {
        report.clear();
        frame.release();
    }

    private boolean receiveQuery(ByteBuf buf, int at, int length, long now) {
        if (length < MulticastListenerHeader.V1_LENGTH) {
            return false;
        }
        IpAddress group = group(buf, at);
        boolean general = group.isUnspecified();
        if (!general && !group.isMulticast()) {
            return false;
        }
        IpAddress asked = general ? null : group;
        int code = MulticastListenerHeader.maxResponseCode(buf, at);
        // RFC 9777 §8.1: the version of a query is told by its length.
        if (length == MulticastListenerHeader.V1_LENGTH) {
            reporter.receiveQuery(
                    MembershipReporter.Version.OLD, asked, List.of(), TimeUnit.MILLISECONDS.toNanos(code), 0, 0, now);
            return true;
        }
        if (length < MulticastListenerHeader.QUERY_V2_LENGTH) {
            return false;
        }
        int count = MulticastListenerHeader.sourceCount(buf, at);
        if (count * 16 > length - MulticastListenerHeader.QUERY_V2_LENGTH || general && count > 0) {
            return false;
        }
        List<IpAddress> sources = new ArrayList<>();
        for (int i = 0; i < Math.min(count, MulticastMembership.MAX_SOURCES); i++) {
            int source = at + MulticastListenerHeader.QUERY_V2_LENGTH + 16 * i;
            sources.add(IpAddress.of(buf.getLong(source), buf.getLong(source + 8)));
        }
        reporter.receiveQuery(
                MembershipReporter.Version.CURRENT,
                asked,
                sources,
                TimeUnit.MILLISECONDS.toNanos(MulticastListenerHeader.decode(code)),
                MulticastListenerHeader.robustness(buf, at),
                TimeUnit.SECONDS.toNanos(IgmpHeader.decode(MulticastListenerHeader.queryIntervalCode(buf, at))),
                now);
        return true;
    }

    private static IpAddress group(ByteBuf buf, int at) {
        return IpAddress.of(MulticastListenerHeader.groupHigh(buf, at), MulticastListenerHeader.groupLow(buf, at));
    }

    private void begin(int type, IpAddress group) {
        frame.reset();
        int at = frame.append(MulticastListenerHeader.V1_LENGTH);
        Icmpv6Header.write(frame.header(), at, type, 0, 0);
        MulticastListenerHeader.group(frame.header(), at, group.high(), group.low());
    }

    private void send(long destinationHigh, long destinationLow) {
        ByteBuf header = frame.header();
        int at = frame.headerStart();
        int length = frame.length();
        // RFC 3590: before there is a link-local address, from nowhere.
        long sourceHigh = 0;
        long sourceLow = 0;
        for (int i = 0; i < context.addresses.size() && sourceHigh == 0; i++) {
            IpAddress address = context.addresses.get(i).address();
            if (!address.isV4() && address.isLinkLocal()) {
                sourceHigh = address.high();
                sourceLow = address.low();
            }
        }
        int sum = InternetChecksum.pseudoHeaderV6(
                sourceHigh, sourceLow, destinationHigh, destinationLow, IpProtocol.ICMPV6, length);
        sum = InternetChecksum.add(sum, InternetChecksum.sum(header, at, frame.headerLength()));
        if (frame.payloadCount() > 0) {
            sum = InternetChecksum.add(sum, InternetChecksum.sum(report.buffer(), 0, report.length()));
        }
        Icmpv6Header.checksum(header, at, InternetChecksum.complement(sum));
        header.setLong(frame.prepend(ROUTER_ALERT_LENGTH), ROUTER_ALERT);
        int payloadLength = frame.length();
        Ipv6Header.write(
                header,
                frame.prepend(Ipv6Header.LENGTH),
                0,
                0,
                payloadLength,
                IpProtocol.HOP_BY_HOP,
                1,
                sourceHigh,
                sourceLow,
                destinationHigh,
                destinationLow);
        context.output.sendTo(frame, PathResolver.groupLinkAddress(destinationLow, false), EtherType.IPV6);
        counters.increment(IpCounter.ICMP6_OUT_MSGS);
        counters.increment(IpCounter.ICMP6_OUT_MLD_REPORTS);
        frame.reset();
    }
}
