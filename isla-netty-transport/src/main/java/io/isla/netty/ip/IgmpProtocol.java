/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.IgmpHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The messages of the Internet Group Management Protocol, version 3 and before (RFC 9776). */
final class IgmpProtocol implements MembershipReporter.Messages {
    private static final int ALL_SYSTEMS = 0xe000_0001;
    private static final int ALL_ROUTERS = 0xe000_0002;
    private static final int ALL_IGMPV3_ROUTERS = 0xe000_0016;
    /** The Router Alert option (RFC 2113). */
    private static final int ROUTER_ALERT = 0x9404_0000;

    private static final int IP_HEADER_LENGTH = Ipv4Header.MIN_LENGTH + 4;
    private static final int INTERNETWORK_CONTROL = 0xc0;
    private static final long TENTH_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    /** Version 1 has no such field: 10 s (RFC 2236 §4). */
    private static final long V1_DELAY_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final IpContext context;
    private final Counters<IpCounter> counters;
    private final OutboundFrame frame = new OutboundFrame();
    private final MembershipReport report;
    private MembershipReporter reporter;

    IgmpProtocol(IpContext context) {
        this.context = context;
        counters = context.counters;
        report = new MembershipReport(context.allocator);
    }

    void reporter(MembershipReporter membershipReporter) {
        reporter = membershipReporter;
    }

    /** A packet of protocol IGMP has arrived. */
    void receive(InboundPacket packet, long now) {
        counters.increment(IpCounter.IGMP_IN_MSGS);
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int length = packet.transportLength;
        if (length < IgmpHeader.LENGTH || !InternetChecksum.isValid(buf, at, length, 0)) {
            counters.increment(IpCounter.IGMP_IN_ERRORS);
            return;
        }
        switch (IgmpHeader.type(buf, at)) {
            case IgmpHeader.QUERY:
                if (!receiveQuery(packet, now)) {
                    counters.increment(IpCounter.IGMP_IN_ERRORS);
                }
                break;
            case IgmpHeader.REPORT_V1, IgmpHeader.REPORT_V2:
                reporter.receiveReport(IpAddress.v4(IgmpHeader.group(buf, at)), now);
                break;
            case IgmpHeader.REPORT_V3, IgmpHeader.LEAVE:
                // For routers.
                break;
            default:
                counters.increment(IpCounter.IGMP_IN_ERRORS);
                break;
        }
    }

    @Override
    public void beginReport() {
        report.clear();
    }

    @Override
    public void addRecord(int type, IpAddress group, Collection<IpAddress> sources) {
        int length = IgmpHeader.RECORD_LENGTH + 4 * sources.size();
        if (IP_HEADER_LENGTH + IgmpHeader.LENGTH + report.length() + length > context.mtu) {
            endReport();
        }
        int at = report.append(length);
        ByteBuf buf = report.buffer();
        IgmpHeader.writeRecord(buf, at, type, sources.size(), group.v4Bits());
        at += IgmpHeader.RECORD_LENGTH;
        for (IpAddress source : sources) {
            buf.setInt(at, source.v4Bits());
            at += 4;
        }
    }

    @Override
    public void endReport() {
        if (report.count() > 0) {
            begin(IgmpHeader.REPORT_V3, report.count());
            frame.addPayload(report.buffer(), 0, report.length());
            send(ALL_IGMPV3_ROUTERS);
        }
        report.clear();
    }

    @Override
    public void sendOldReport(IpAddress group, boolean oldest) {
        begin(oldest ? IgmpHeader.REPORT_V1 : IgmpHeader.REPORT_V2, group.v4Bits());
        send(group.v4Bits());
    }

    @Override
    public void sendOldLeave(IpAddress group) {
        begin(IgmpHeader.LEAVE, group.v4Bits());
        send(ALL_ROUTERS);
    }

    void close() {
        report.clear();
        frame.release();
    }

    private boolean receiveQuery(InboundPacket packet, long now) {
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int length = packet.transportLength;
        int code = IgmpHeader.maxResponseCode(buf, at);
        int group = IgmpHeader.group(buf, at);
        boolean general = group == 0;
        if (general ? (int) packet.destinationLow != ALL_SYSTEMS : group >>> 28 != 0xe) {
            return false;
        }
        IpAddress address = general ? null : IpAddress.v4(group);
        // RFC 9776 §7.1: the version of a query is told by its length.
        if (length == IgmpHeader.LENGTH) {
            MembershipReporter.Version version =
                    code == 0 ? MembershipReporter.Version.OLDEST : MembershipReporter.Version.OLD;
            reporter.receiveQuery(
                    version, address, List.of(), code == 0 ? V1_DELAY_NANOS : code * TENTH_NANOS, 0, 0, now);
            return true;
        }
        if (length < IgmpHeader.QUERY_V3_LENGTH) {
            return false;
        }
        int count = IgmpHeader.sourceCount(buf, at);
        if (count * 4 > length - IgmpHeader.QUERY_V3_LENGTH || general && count > 0) {
            return false;
        }
        List<IpAddress> sources = new ArrayList<>();
        for (int i = 0; i < Math.min(count, MulticastMembership.MAX_SOURCES); i++) {
            sources.add(IpAddress.v4(buf.getInt(at + IgmpHeader.QUERY_V3_LENGTH + 4 * i)));
        }
        reporter.receiveQuery(
                MembershipReporter.Version.CURRENT,
                address,
                sources,
                IgmpHeader.decode(code) * TENTH_NANOS,
                IgmpHeader.robustness(buf, at),
                TimeUnit.SECONDS.toNanos(IgmpHeader.decode(IgmpHeader.queryIntervalCode(buf, at))),
                now);
        return true;
    }

    private void begin(int type, int word) {
        frame.reset();
        IgmpHeader.write(frame.header(), frame.append(IgmpHeader.LENGTH), type, word);
    }

    private void send(int destination) {
        ByteBuf header = frame.header();
        int at = frame.headerStart();
        int sum = InternetChecksum.sum(header, at, IgmpHeader.LENGTH);
        if (frame.payloadCount() > 0) {
            sum = InternetChecksum.add(sum, InternetChecksum.sum(report.buffer(), 0, report.length()));
        }
        IgmpHeader.checksum(header, at, InternetChecksum.complement(sum));
        int length = IP_HEADER_LENGTH + frame.length();
        int ip = frame.prepend(IP_HEADER_LENGTH);
        // A host without an address may report too (RFC 9776 §4.2.13).
        int source = 0;
        for (int i = 0; i < context.addresses.size() && source == 0; i++) {
            IpAddress address = context.addresses.get(i).address();
            source = address.isV4() ? address.v4Bits() : 0;
        }
        Ipv4Header.write(
                header,
                ip,
                INTERNETWORK_CONTROL,
                length,
                0,
                Ipv4Header.DONT_FRAGMENT,
                1,
                IpProtocol.IGMP,
                source,
                destination);
        header.setByte(ip, 0x40 | IP_HEADER_LENGTH >> 2);
        header.setInt(ip + Ipv4Header.MIN_LENGTH, ROUTER_ALERT);
        Ipv4Header.fillChecksum(header, ip);
        context.output.sendTo(frame, PathResolver.groupLinkAddress(destination, true), EtherType.IPV4);
        counters.increment(IpCounter.IGMP_OUT_MSGS);
        frame.reset();
    }
}
