/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6FragmentHeader;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Builds frames for tests, layer by layer, each as a plain array. */
public final class Packets {
    private Packets() {}

    public static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (i * 7 + (i >> 8));
        }
        return bytes;
    }

    public static byte[] concat(byte[]... parts) {
        byte[] all = new byte[Arrays.stream(parts).mapToInt(part -> part.length).sum()];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }

    public static byte[] ethernet(long destination, long source, int type, byte[] payload) {
        byte[] header = new byte[EthernetHeader.LENGTH];
        EthernetHeader.write(Unpooled.wrappedBuffer(header), 0, destination, source, type);
        return concat(header, payload);
    }

    public static byte[] arp(
            long destination, int operation, long senderLink, int sender, long targetLink, int target) {
        byte[] packet = new byte[ArpHeader.LENGTH];
        ArpHeader.write(Unpooled.wrappedBuffer(packet), 0, operation, senderLink, sender, targetLink, target);
        return ethernet(destination, senderLink, EtherType.ARP, packet);
    }

    public static byte[] ipv4(int source, int destination, int protocol, byte[] payload) {
        return ipv4(source, destination, protocol, 64, 0, 0x1234, new byte[0], payload);
    }

    public static byte[] ipv4(
            int source,
            int destination,
            int protocol,
            int timeToLive,
            int flagsAndFragmentOffset,
            int identification,
            byte[] options,
            byte[] payload) {
        byte[] header = new byte[Ipv4Header.MIN_LENGTH];
        ByteBuf buf = Unpooled.wrappedBuffer(header);
        int length = header.length + options.length + payload.length;
        Ipv4Header.write(
                buf, 0, 0, length, identification, flagsAndFragmentOffset, timeToLive, protocol, source, destination);
        header[0] = (byte) (0x40 | (header.length + options.length) / 4);
        byte[] packet = concat(header, options, payload);
        Ipv4Header.fillChecksum(Unpooled.wrappedBuffer(packet), 0);
        return packet;
    }

    public static byte[] icmp(int type, int code, int word, byte[] data) {
        byte[] header = new byte[IcmpHeader.LENGTH];
        IcmpHeader.write(Unpooled.wrappedBuffer(header), 0, type, code, word);
        byte[] message = concat(header, data);
        ByteBuf buf = Unpooled.wrappedBuffer(message);
        IcmpHeader.checksum(buf, 0, InternetChecksum.complement(InternetChecksum.sum(buf, 0, message.length)));
        return message;
    }

    public static byte[] udp(int source, int destination, int sourcePort, int destinationPort, byte[] data) {
        byte[] header = new byte[UdpHeader.LENGTH];
        int length = header.length + data.length;
        UdpHeader.write(Unpooled.wrappedBuffer(header), 0, sourcePort, destinationPort, length, 0);
        byte[] datagram = concat(header, data);
        ByteBuf buf = Unpooled.wrappedBuffer(datagram);
        int sum = InternetChecksum.add(
                InternetChecksum.pseudoHeaderV4(source, destination, IpProtocol.UDP, length),
                InternetChecksum.sum(buf, 0, length));
        UdpHeader.checksum(buf, 0, InternetChecksum.complementUdp(sum));
        return datagram;
    }

    public static byte[] ipv6(IpAddress source, IpAddress destination, int nextHeader, byte[]... payload) {
        return ipv6(source, destination, nextHeader, 64, payload);
    }

    public static byte[] ipv6(
            IpAddress source, IpAddress destination, int nextHeader, int hopLimit, byte[]... payload) {
        byte[] header = new byte[Ipv6Header.LENGTH];
        byte[] all = concat(payload);
        Ipv6Header.write(
                Unpooled.wrappedBuffer(header),
                0,
                0,
                0,
                all.length,
                nextHeader,
                hopLimit,
                source.high(),
                source.low(),
                destination.high(),
                destination.low());
        return concat(header, all);
    }

    /** An extension header whose length field is made from its contents, which must fill it up to a multiple of eight. */
    public static byte[] extension(int nextHeader, int... contents) {
        byte[] header = new byte[2 + contents.length];
        if (header.length % 8 != 0) {
            throw new IllegalArgumentException("not a multiple of eight: " + header.length);
        }
        header[0] = (byte) nextHeader;
        header[1] = (byte) (header.length / 8 - 1);
        for (int i = 0; i < contents.length; i++) {
            header[2 + i] = (byte) contents[i];
        }
        return header;
    }

    public static byte[] fragmentHeader(int nextHeader, int offset, boolean more, int identification) {
        byte[] header = new byte[Ipv6FragmentHeader.LENGTH];
        Ipv6FragmentHeader.write(Unpooled.wrappedBuffer(header), 0, nextHeader, offset, more, identification);
        return header;
    }

    public static byte[] icmpv6(IpAddress source, IpAddress destination, int type, int code, int word, byte[]... data) {
        byte[] header = new byte[Icmpv6Header.LENGTH];
        Icmpv6Header.write(Unpooled.wrappedBuffer(header), 0, type, code, word);
        byte[] message = concat(header, concat(data));
        ByteBuf buf = Unpooled.wrappedBuffer(message);
        int sum = InternetChecksum.add(
                InternetChecksum.pseudoHeaderV6(
                        source.high(),
                        source.low(),
                        destination.high(),
                        destination.low(),
                        IpProtocol.ICMPV6,
                        message.length),
                InternetChecksum.sum(buf, 0, message.length));
        Icmpv6Header.checksum(buf, 0, InternetChecksum.complement(sum));
        return message;
    }

    /** A message of neighbour discovery in its packet, with a hop limit of 255. */
    public static byte[] discovery(IpAddress source, IpAddress destination, int type, int word, byte[]... rest) {
        return ipv6(source, destination, IpProtocol.ICMPV6, 255, icmpv6(source, destination, type, 0, word, rest));
    }

    /** A link address option, or a nonce. */
    public static byte[] linkOption(int type, long link) {
        byte[] option = new byte[8];
        NeighborDiscoveryOption.writeLinkAddress(Unpooled.wrappedBuffer(option), 0, type, link);
        return option;
    }

    public static byte[] bytes(IpAddress address) {
        return ByteBuffer.allocate(16)
                .putLong(address.high())
                .putLong(address.low())
                .array();
    }

    public static byte[] ints(int... words) {
        ByteBuffer bytes = ByteBuffer.allocate(words.length * 4);
        for (int word : words) {
            bytes.putInt(word);
        }
        return bytes.array();
    }

    public static IpAddress solicitedNode(IpAddress address) {
        return IpAddress.of(0xff02_0000_0000_0000L, 0x1_ff00_0000L | address.low() & 0xff_ffffL);
    }

    public static int v4(String address) {
        return address(address).v4Bits();
    }

    public static IpAddress address(String literal) {
        try {
            return IpAddress.of(InetAddress.getByName(literal));
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
