/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.ip.IpOutput.Result;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.Ipv4Header;
import io.netty.buffer.ByteBuf;

/** Writes IPv4 headers, and splits what is too big and may be split. */
final class Ipv4Output {
    private static final int IDENTIFICATIONS = 2048;

    private final IpContext context;
    private final Loopback loopback;
    private final Counters<IpCounter> counters;
    private final Fragmenter fragmenter = new Fragmenter();
    /** Next identifications, shared by hash of addresses and protocol, so that they tell nobody how much is sent elsewhere. */
    private final short[] identifications = new short[IDENTIFICATIONS];

    private final AddressHash hash;

    Ipv4Output(IpContext context, Loopback loopback) {
        this.context = context;
        this.loopback = loopback;
        counters = context.counters;
        hash = new AddressHash(context.random);
        for (int i = 0; i < IDENTIFICATIONS; i++) {
            identifications[i] = (short) context.random.getAsLong();
        }
    }

    /** See {@link IpOutput#send}; the path is up to date. */
    Result send(OutboundFrame frame, Path path, int protocol, int typeOfService, int timeToLive, int flags, long now) {
        counters.increment(IpCounter.IP_OUT_REQUESTS);
        if ((flags & IpOutput.LOOP) != 0 && (path.multicast || path.broadcast)) {
            loop(frame, path, protocol, typeOfService, timeToLive);
        }
        if (path.multicast && (timeToLive == 0 || path.loopback)) {
            // RFC 1112 §6.1: it stays within the host; and so does what comes from a loopback address.
            return Result.SENT;
        }
        int length = frame.length() + Ipv4Header.MIN_LENGTH;
        boolean dontFragment = (flags & IpOutput.DONT_FRAGMENT) != 0;
        boolean segmented = frame.segmentation() != SegmentationType.NONE;
        if (segmented) {
            int segment = Ipv4Header.MIN_LENGTH + frame.headerLength() + frame.segmentSize();
            if (segment > path.mtu || length > path.maxSegmentationBytes(protocol)) {
                counters.increment(IpCounter.IP_FRAG_FAILS);
                return Result.TOO_BIG;
            }
        } else if (length > path.mtu) {
            if (dontFragment || length > Ipv4Header.MAX_TOTAL_LENGTH) {
                counters.increment(IpCounter.IP_FRAG_FAILS);
                return Result.TOO_BIG;
            }
            sendFragments(frame, path, protocol, typeOfService, timeToLive, now);
            return Result.SENT;
        }
        if (path.broadcast) {
            counters.increment(IpCounter.IP_OUT_BCAST_PKTS);
        } else if (path.multicast) {
            counters.increment(IpCounter.IP_OUT_MCAST_PKTS);
        }
        // RFC 6864 §4.1: the identification of a packet that is never a fragment means nothing.
        int identification = dontFragment ? 0 : nextIdentification(path, protocol, segmented ? frame : null);
        write(
                frame,
                path,
                protocol,
                typeOfService,
                timeToLive,
                identification,
                dontFragment ? Ipv4Header.DONT_FRAGMENT : 0,
                now);
        return Result.SENT;
    }

    void close() {
        fragmenter.close();
    }

    private void write(
            OutboundFrame frame,
            Path path,
            int protocol,
            int typeOfService,
            int timeToLive,
            int identification,
            int flagsAndFragmentOffset,
            long now) {
        int start = frame.headerStart();
        int length = frame.length() + Ipv4Header.MIN_LENGTH;
        int at = frame.prepend(Ipv4Header.MIN_LENGTH);
        writeHeader(
                frame.header(),
                at,
                typeOfService,
                length,
                identification,
                flagsAndFragmentOffset,
                timeToLive,
                protocol,
                (int) path.localLow,
                (int) path.remoteLow);
        if (path.loopback) {
            loopback.deliver(frame);
        } else {
            context.output.send(frame, path.nextHop, path.localHigh, path.localLow, now);
        }
        frame.headerStart(start);
    }

    /** Gives this host's own members of a group what the others get. */
    private void loop(OutboundFrame frame, Path path, int protocol, int typeOfService, int timeToLive) {
        int length = frame.length() + Ipv4Header.MIN_LENGTH;
        if (length > Ipv4Header.MAX_TOTAL_LENGTH) {
            return;
        }
        int start = frame.headerStart();
        int at = frame.prepend(Ipv4Header.MIN_LENGTH);
        writeHeader(
                frame.header(),
                at,
                typeOfService,
                length,
                0,
                Ipv4Header.DONT_FRAGMENT,
                timeToLive,
                protocol,
                (int) path.localLow,
                (int) path.remoteLow);
        loopback.deliver(frame);
        frame.headerStart(start);
    }

    private void sendFragments(
            OutboundFrame frame, Path path, int protocol, int typeOfService, int timeToLive, long now) {
        int identification = nextIdentification(path, protocol, null);
        int room = path.mtu - Ipv4Header.MIN_LENGTH & ~7;
        int offset = 0;
        fragmenter.begin(frame);
        while (fragmenter.left() > 0) {
            OutboundFrame fragment = fragmenter.next(room);
            int flags = offset >> 3 | (fragmenter.left() > 0 ? Ipv4Header.MORE_FRAGMENTS : 0);
            offset += fragment.length();
            write(fragment, path, protocol, typeOfService, timeToLive, identification, flags, now);
            counters.increment(IpCounter.IP_FRAG_CREATES);
        }
        fragmenter.end();
        counters.increment(IpCounter.IP_FRAG_OKS);
    }

    /** The identification of the next packet; of the first of many, where {@code segmented} will be split into packets. */
    private int nextIdentification(Path path, int protocol, OutboundFrame segmented) {
        int i = (int) (hash.of(0, path.localLow, 0, path.remoteLow, protocol) >>> 53);
        int count = segmented == null
                ? 1
                : (segmented.payloadBytes() + segmented.segmentSize() - 1) / segmented.segmentSize();
        int identification = identifications[i] & 0xffff;
        identifications[i] += (short) count;
        return identification;
    }

    /** {@link Ipv4Header#write}, with the checksum made of the values instead of reading them back. */
    private static void writeHeader(
            ByteBuf buf,
            int at,
            int typeOfService,
            int totalLength,
            int identification,
            int flagsAndFragmentOffset,
            int timeToLive,
            int protocol,
            int source,
            int destination) {
        // Of a packet that is longer than the field can say, the link tells the length.
        int lengthField = totalLength > Ipv4Header.MAX_TOTAL_LENGTH ? 0 : totalLength;
        long first = 0x4500_0000L | (long) typeOfService << 16 | lengthField;
        long second = (long) identification << 16 | flagsAndFragmentOffset;
        long third = (long) timeToLive << 24 | (long) protocol << 16;
        long sum = first + second + third + (source & 0xffff_ffffL) + (destination & 0xffff_ffffL);
        sum = (sum >>> 32) + (sum & 0xffff_ffffL);
        sum = (sum >>> 16) + (sum & 0xffff);
        sum = (sum >>> 16) + (sum & 0xffff);
        sum = (sum >>> 16) + (sum & 0xffff);
        buf.setLong(at, first << 32 | second);
        buf.setLong(at + 8, (third | ~sum & 0xffff) << 32 | source & 0xffff_ffffL);
        buf.setInt(at + 16, destination);
    }
}
