/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;

/** Packets that no stack would send. */
final class TestPackets {
    private TestPackets() {}

    /** A datagram. */
    static ByteBuf udpV4(
            VirtualNetwork network,
            long destinationMac,
            long sourceMac,
            String source,
            String destination,
            int ttl,
            int bytes) {
        int total = Ipv4Header.MIN_LENGTH + UdpHeader.LENGTH + bytes;
        ByteBuf frame = network.allocator().directBuffer(Packet.IP + total).writeZero(Packet.IP + total);
        EthernetHeader.write(frame, 0, destinationMac, sourceMac, EtherType.IPV4);
        Ipv4Header.write(
                frame,
                Packet.IP,
                0,
                total,
                1,
                0,
                ttl,
                IpProtocol.UDP,
                Subnet.parse("source", source).address().v4Bits(),
                Subnet.parse("destination", destination).address().v4Bits());
        UdpHeader.write(frame, Packet.IP + Ipv4Header.MIN_LENGTH, 1, 2, UdpHeader.LENGTH + bytes, 0);
        return frame;
    }

    /** Has a packet say that it is not the first fragment. */
    static ByteBuf fragment(ByteBuf frame) {
        Ipv4Header.flagsAndFragmentOffset(frame, Packet.IP, 8);
        Ipv4Header.fillChecksum(frame, Packet.IP);
        return frame;
    }
}
