/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.TcpHeader;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.Random;

/** Builds frames as the layers above a link do: headers in front, checksum and segmentation left to the link. */
final class TestFrames {
    static final long ISLA_MAC = 0x0200_0000_0002L;

    private TestFrames() {}

    /** Both ends of a flow, as the sender of a frame sees them. */
    record Flow(IpAddress source, int sourcePort, IpAddress destination, int destinationPort, long destinationMac) {}

    /** Adds an array's bytes as payload, in slices of random lengths of {@code buffers} memory. */
    static void addPayload(OutboundFrame frame, byte[] bytes, int slices, Random random, SliceFactory buffers) {
        int done = 0;
        for (int i = 0; i < slices; i++) {
            int left = bytes.length - done;
            int length = i == slices - 1 ? left : random.nextInt(left / (slices - i) * 2 + 1);
            frame.addPayload(buffers.slice(bytes, done, length), 1, length);
            done += length;
        }
    }

    /** Makes a buffer with the bytes from index 1 on. */
    interface SliceFactory {
        ByteBuf slice(byte[] bytes, int offset, int length);
    }

    /** Writes headers before the payload that is there, and requests the checksum. */
    static void tcp(OutboundFrame frame, Flow flow, int sequence, int acknowledgment, int flags) {
        int at = frame.prepend(TcpHeader.MIN_LENGTH);
        TcpHeader.write(
                frame.header(),
                at,
                flow.sourcePort(),
                flow.destinationPort(),
                sequence,
                acknowledgment,
                TcpHeader.MIN_LENGTH,
                flags,
                0xffff,
                0);
        finish(frame, flow, at, IpProtocol.TCP, TcpHeader.CHECKSUM_OFFSET);
    }

    /** Writes headers before the payload that is there, and requests the checksum. */
    static void udp(OutboundFrame frame, Flow flow) {
        int at = frame.prepend(UdpHeader.LENGTH);
        UdpHeader.write(frame.header(), at, flow.sourcePort(), flow.destinationPort(), frame.length(), 0);
        finish(frame, flow, at, IpProtocol.UDP, UdpHeader.CHECKSUM_OFFSET);
    }

    private static void finish(OutboundFrame frame, Flow flow, int transport, int protocol, int checksumOffset) {
        ByteBuf header = frame.header();
        int length = frame.length();
        IpAddress source = flow.source();
        IpAddress destination = flow.destination();
        header.setShort(
                transport + checksumOffset,
                InternetChecksum.pseudoHeader(
                        source.high(), source.low(), destination.high(), destination.low(), protocol, length));
        frame.requestChecksum(transport, checksumOffset);
        if (source.isV4()) {
            int at = frame.prepend(Ipv4Header.MIN_LENGTH);
            Ipv4Header.write(
                    header,
                    at,
                    0,
                    Ipv4Header.MIN_LENGTH + length,
                    0xfffe,
                    0,
                    64,
                    protocol,
                    source.v4Bits(),
                    destination.v4Bits());
        } else {
            int at = frame.prepend(Ipv6Header.LENGTH);
            Ipv6Header.write(
                    header,
                    at,
                    0,
                    0x12345,
                    length,
                    protocol,
                    64,
                    source.high(),
                    source.low(),
                    destination.high(),
                    destination.low());
        }
        int at = frame.prepend(EthernetHeader.LENGTH);
        EthernetHeader.write(
                header, at, flow.destinationMac(), ISLA_MAC, source.isV4() ? EtherType.IPV4 : EtherType.IPV6);
    }

    /** Index of the IP header's end in an Ethernet frame without IP options or extension headers. */
    static int transportOffset(ByteBuf frame) {
        return EthernetHeader.type(frame, 0) == EtherType.IPV4
                ? EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH
                : EthernetHeader.LENGTH + Ipv6Header.LENGTH;
    }

    /** What an Ethernet frame with a datagram carries. */
    static byte[] udpPayload(ByteBuf frame) {
        int data = transportOffset(frame) + UdpHeader.LENGTH;
        return ByteBufUtil.getBytes(frame, data, frame.writerIndex() - data);
    }

    /** The transport protocol of an Ethernet frame; -1 if it is not an IP packet. */
    static int protocol(ByteBuf frame) {
        return switch (EthernetHeader.type(frame, 0)) {
            case EtherType.IPV4 -> Ipv4Header.protocol(frame, EthernetHeader.LENGTH);
            case EtherType.IPV6 -> Ipv6Header.nextHeader(frame, EthernetHeader.LENGTH);
            default -> -1;
        };
    }

    /** Whether lengths and all checksums of an Ethernet frame that ends with the buffer are right. */
    static boolean isIntact(ByteBuf frame) {
        int ip = EthernetHeader.LENGTH;
        int bytes = frame.writerIndex();
        int transport = transportOffset(frame);
        int pseudoHeader;
        if (EthernetHeader.type(frame, 0) == EtherType.IPV4) {
            if (!Ipv4Header.isValid(frame, ip, bytes - ip)
                    || !Ipv4Header.isChecksumValid(frame, ip)
                    || Ipv4Header.totalLength(frame, ip) != bytes - ip) {
                return false;
            }
            pseudoHeader = InternetChecksum.pseudoHeaderV4(
                    Ipv4Header.source(frame, ip),
                    Ipv4Header.destination(frame, ip),
                    Ipv4Header.protocol(frame, ip),
                    bytes - transport);
        } else {
            if (!Ipv6Header.isValid(frame, ip, bytes - ip)
                    || Ipv6Header.payloadLength(frame, ip) != bytes - transport) {
                return false;
            }
            pseudoHeader = InternetChecksum.pseudoHeaderV6(
                    Ipv6Header.sourceHigh(frame, ip),
                    Ipv6Header.sourceLow(frame, ip),
                    Ipv6Header.destinationHigh(frame, ip),
                    Ipv6Header.destinationLow(frame, ip),
                    Ipv6Header.nextHeader(frame, ip),
                    bytes - transport);
        }
        return InternetChecksum.isValid(frame, transport, bytes - transport, pseudoHeader);
    }
}
