/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.ip.IpOutput.Result;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv6FragmentHeader;
import io.isla.netty.wire.Ipv6Header;
import java.util.function.LongSupplier;

/** Writes IPv6 headers, and splits what is too big and may be split. */
final class Ipv6Output {
    private final IpContext context;
    private final Loopback loopback;
    private final Counters<IpCounter> counters;
    private final LongSupplier random;
    private final Fragmenter fragmenter = new Fragmenter();
    private final AddressHash hash;

    Ipv6Output(IpContext context, Loopback loopback) {
        this.context = context;
        this.loopback = loopback;
        counters = context.counters;
        random = context.random;
        hash = new AddressHash(random);
    }

    /** See {@link IpOutput#send}; the path is up to date. */
    Result send(OutboundFrame frame, Path path, int protocol, int trafficClass, int hopLimit, int flags, long now) {
        counters.increment(IpCounter.IP6_OUT_REQUESTS);
        if ((flags & IpOutput.LOOP) != 0 && path.multicast && frame.length() <= Ipv6Header.MAX_PAYLOAD_LENGTH) {
            int start = frame.headerStart();
            writeHeader(frame, path, protocol, trafficClass, flowLabel(frame, path, protocol), hopLimit);
            loopback.deliver(frame);
            frame.headerStart(start);
        }
        if (path.multicast && (hopLimit == 0 || path.loopback || (path.remoteHigh >>> 48 & 0xf) <= 1)) {
            // RFC 4291 §2.7: interface-local scope, like a hop limit of 0 or a loopback address, stays within the host.
            return Result.SENT;
        }
        int length = frame.length() + Ipv6Header.LENGTH;
        if (frame.segmentation() != SegmentationType.NONE) {
            int segment = Ipv6Header.LENGTH + frame.headerLength() + frame.segmentSize();
            if (segment > path.mtu || length > path.maxSegmentationBytes(protocol)) {
                counters.increment(IpCounter.IP6_FRAG_FAILS);
                return Result.TOO_BIG;
            }
        } else if (length > path.mtu) {
            if ((flags & IpOutput.DONT_FRAGMENT) != 0 || frame.length() > Ipv6Header.MAX_PAYLOAD_LENGTH) {
                counters.increment(IpCounter.IP6_FRAG_FAILS);
                return Result.TOO_BIG;
            }
            sendFragments(frame, path, protocol, trafficClass, hopLimit, now);
            return Result.SENT;
        }
        if (path.multicast) {
            counters.increment(IpCounter.IP6_OUT_MCAST_PKTS);
        }
        write(frame, path, protocol, trafficClass, flowLabel(frame, path, protocol), hopLimit, now);
        return Result.SENT;
    }

    void close() {
        fragmenter.close();
    }

    private void write(
            OutboundFrame frame, Path path, int nextHeader, int trafficClass, int flowLabel, int hopLimit, long now) {
        int start = frame.headerStart();
        writeHeader(frame, path, nextHeader, trafficClass, flowLabel, hopLimit);
        if (path.loopback) {
            loopback.deliver(frame);
        } else {
            context.output.send(frame, path.nextHop, path.localHigh, path.localLow, now);
        }
        frame.headerStart(start);
    }

    private static void writeHeader(
            OutboundFrame frame, Path path, int nextHeader, int trafficClass, int flowLabel, int hopLimit) {
        // Of a packet that is longer than the field can say, the link tells the length.
        int payloadLength = frame.length() > Ipv6Header.MAX_PAYLOAD_LENGTH ? 0 : frame.length();
        int at = frame.prepend(Ipv6Header.LENGTH);
        Ipv6Header.write(
                frame.header(),
                at,
                trafficClass,
                flowLabel,
                payloadLength,
                nextHeader,
                hopLimit,
                path.localHigh,
                path.localLow,
                path.remoteHigh,
                path.remoteLow);
    }

    private void sendFragments(OutboundFrame frame, Path path, int protocol, int trafficClass, int hopLimit, long now) {
        int flowLabel = flowLabel(frame, path, protocol);
        // RFC 7739 §5: what nobody can guess. Of the packets on their way at one time hardly two will have the same.
        int identification = (int) random.getAsLong();
        int room = path.mtu - Ipv6Header.LENGTH - Ipv6FragmentHeader.LENGTH & ~7;
        int offset = 0;
        fragmenter.begin(frame);
        while (fragmenter.left() > 0) {
            OutboundFrame fragment = fragmenter.next(room);
            int length = fragment.length();
            int at = fragment.prepend(Ipv6FragmentHeader.LENGTH);
            Ipv6FragmentHeader.write(fragment.header(), at, protocol, offset, fragmenter.left() > 0, identification);
            offset += length;
            write(fragment, path, IpProtocol.FRAGMENT, trafficClass, flowLabel, hopLimit, now);
            counters.increment(IpCounter.IP6_FRAG_CREATES);
        }
        fragmenter.end();
        counters.increment(IpCounter.IP6_FRAG_OKS);
    }

    /** The same for all packets of a flow, and nothing that tells others what flows there are (RFC 6437 §3). */
    private int flowLabel(OutboundFrame frame, Path path, int protocol) {
        int ports = protocol == IpProtocol.TCP || protocol == IpProtocol.UDP
                ? frame.header().getInt(frame.headerStart())
                : 0;
        return (int) (hash.of(path.localHigh, path.localLow, path.remoteHigh, path.remoteLow, ports ^ protocol) >>> 44);
    }
}
