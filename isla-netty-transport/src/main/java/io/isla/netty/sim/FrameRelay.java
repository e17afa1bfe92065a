/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.TcpHeader;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;

/**
 * A frame that came in on one Ethernet link and is to go out on another as it is: a checksum that was left to be filled in still is, and segments that were
 * joined stay joined. Stateless.
 */
final class FrameRelay {
    private FrameRelay() {}

    /**
     * The bytes before the payload of a TCP or UDP packet, or 0 for anything else and for what is not whole.
     *
     * @param at index of the Ethernet header
     */
    private static int headerLength(ByteBuf frame, int at, int length) {
        int transport = transport(frame, at, length);
        if (transport == 0) {
            return 0;
        }
        int end;
        switch (protocol(frame, at)) {
            case IpProtocol.TCP -> {
                if (length < transport - at + TcpHeader.MIN_LENGTH) {
                    return 0;
                }
                end = transport + TcpHeader.headerLength(frame, transport);
            }
            case IpProtocol.UDP -> end = transport + UdpHeader.LENGTH;
            default -> {
                return 0;
            }
        }
        return end - at <= length && end - at <= OutboundFrame.HEADROOM ? end - at : 0;
    }

    /** Index of the transport header, or 0 if there is none that can be told. */
    private static int transport(ByteBuf frame, int at, int length) {
        int network = at + EthernetHeader.LENGTH;
        if (length < EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH) {
            return 0;
        }
        if (EthernetHeader.type(frame, at) == EtherType.IPV4) {
            return Ipv4Header.isFragment(frame, network) ? 0 : network + Ipv4Header.headerLength(frame, network);
        }
        boolean v6 =
                EthernetHeader.type(frame, at) == EtherType.IPV6 && length >= EthernetHeader.LENGTH + Ipv6Header.LENGTH;
        return v6 ? network + Ipv6Header.LENGTH : 0;
    }

    private static int protocol(ByteBuf frame, int at) {
        int network = at + EthernetHeader.LENGTH;
        return EthernetHeader.type(frame, at) == EtherType.IPV4
                ? Ipv4Header.protocol(frame, network)
                : Ipv6Header.nextHeader(frame, network);
    }

    /** How many packets a frame is. */
    static int packets(InboundFrame frame) {
        if (frame.segmentation() == SegmentationType.NONE) {
            return 1;
        }
        int payload = frame.length() - headerLength(frame.buffer(), frame.offset(), frame.length());
        return Math.max(1, (payload + frame.segmentSize() - 1) / frame.segmentSize());
    }

    /** Bytes of a frame once its segments are packets of their own, each with headers. */
    static int bytesAsPackets(InboundFrame frame) {
        int headers = headerLength(frame.buffer(), frame.offset(), frame.length());
        return frame.length() + (packets(frame) - 1) * headers;
    }

    /**
     * Makes a frame that goes out of one that came in.
     *
     * @param frame copied from one that came in; not released
     * @param checksum what was said of its checksum
     * @param type of segments joined
     * @param segmentSize of them
     */
    static void prepare(
            OutboundFrame out, ByteBuf frame, InboundFrame.Checksum checksum, SegmentationType type, int segmentSize) {
        out.reset();
        int length = frame.readableBytes();
        int headers = checksum == InboundFrame.Checksum.PARTIAL ? headerLength(frame, 0, length) : 0;
        if (headers == 0) {
            out.addPayload(frame, 0, length);
            return;
        }
        int at = out.prepend(headers);
        out.header().setBytes(at, frame, 0, headers);
        if (length > headers) {
            out.addPayload(frame, headers, length - headers);
        }
        int transport = transport(frame, 0, length);
        boolean tcp = protocol(frame, 0) == IpProtocol.TCP;
        out.requestChecksum(at + transport, tcp ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET);
        if (type != SegmentationType.NONE) {
            out.requestSegmentation(type, segmentSize);
            out.congestionWindowReduced(tcp && (TcpHeader.flags(frame, transport) & TcpHeader.CWR) != 0);
        }
    }
}
