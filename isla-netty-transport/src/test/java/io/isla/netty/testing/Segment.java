/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A TCP segment in an IPv4 packet on an Ethernet, as tests write and read it. Sequence numbers are absolute. */
public final class Segment {
    public static final int FIN = TcpHeader.FIN;
    public static final int SYN = TcpHeader.SYN;
    public static final int RST = TcpHeader.RST;
    public static final int PSH = TcpHeader.PSH;
    public static final int ACK = TcpHeader.ACK;
    public static final int URG = TcpHeader.URG;
    public static final int ECE = TcpHeader.ECE;
    public static final int CWR = TcpHeader.CWR;

    public int flags;
    public int sourcePort;
    public int destinationPort;
    public int sequence;
    public int acknowledgment;
    public int window = 65_535;
    public int urgentPointer;
    public int trafficClass;
    public int ttl = 64;
    public byte[] data = {};
    public byte[] options = {};
    public boolean checksumGood = true;
    public long time;
    public boolean dontFragment = true;

    public static Segment of(int... flags) {
        Segment s = new Segment();
        for (int flag : flags) {
            s.flags |= flag;
        }
        return s;
    }

    public Segment seq(int value) {
        sequence = value;
        return this;
    }

    public Segment ack(int value) {
        acknowledgment = value;
        return this;
    }

    public Segment win(int value) {
        window = value;
        return this;
    }

    public Segment urg(int value) {
        urgentPointer = value;
        return this;
    }

    public Segment tos(int value) {
        trafficClass = value;
        return this;
    }

    public Segment data(byte[] value) {
        data = value;
        return this;
    }

    public Segment data(String value) {
        return data(value.getBytes(StandardCharsets.US_ASCII));
    }

    public Segment length(int bytes) {
        return data(new byte[bytes]);
    }

    public Segment badChecksum() {
        checksumGood = false;
        return this;
    }

    /** Raw options; padded with zeros. */
    public Segment options(int... bytes) {
        byte[] more = new byte[options.length + bytes.length];
        System.arraycopy(options, 0, more, 0, options.length);
        for (int i = 0; i < bytes.length; i++) {
            more[options.length + i] = (byte) bytes[i];
        }
        options = more;
        return this;
    }

    public Segment mss(int value) {
        return options(2, 4, value >> 8, value);
    }

    public Segment windowScale(int shift) {
        return options(1, 3, 3, shift);
    }

    public Segment sackPermitted() {
        return options(1, 1, 4, 2);
    }

    public Segment timestamps(int value, int echo) {
        return options(
                1, 1, 8, 10, value >> 24, value >> 16, value >> 8, value, echo >> 24, echo >> 16, echo >> 8, echo);
    }

    public Segment sack(int... edges) {
        options(1, 1, 5, 2 + edges.length * 4);
        for (int edge : edges) {
            options(edge >> 24, edge >> 16, edge >> 8, edge);
        }
        return this;
    }

    public boolean has(int flag) {
        return (flags & flag) == flag;
    }

    /** The value bytes of an option, or {@code null} if it is absent. */
    public byte[] option(int kind) {
        int at = 0;
        while (at < options.length) {
            int k = options[at] & 0xff;
            if (k == 0) {
                return null;
            }
            if (k == 1) {
                at++;
                continue;
            }
            int length = options[at + 1] & 0xff;
            if (k == kind) {
                return java.util.Arrays.copyOfRange(options, at + 2, at + length);
            }
            at += length;
        }
        return null;
    }

    public int mssOption() {
        byte[] value = option(2);
        return value == null ? 0 : (value[0] & 0xff) << 8 | value[1] & 0xff;
    }

    public int timestampValue() {
        return Unpooled.wrappedBuffer(option(8)).getInt(0);
    }

    public int timestampEcho() {
        return Unpooled.wrappedBuffer(option(8)).getInt(4);
    }

    /** SACK blocks as start, end, start, end... */
    public List<Integer> sackBlocks() {
        List<Integer> edges = new ArrayList<>();
        byte[] value = option(5);
        if (value != null) {
            ByteBuf buf = Unpooled.wrappedBuffer(value);
            while (buf.isReadable()) {
                edges.add(buf.readInt());
            }
        }
        return edges;
    }

    public int end() {
        return sequence + data.length + (has(SYN) ? 1 : 0) + (has(FIN) ? 1 : 0);
    }

    /** The frame. */
    public ByteBuf encode(long destinationMac, long sourceMac, int destination, int source) {
        int optionLength = options.length + 3 & ~3;
        int tcpLength = 20 + optionLength + data.length;
        ByteBuf frame = Unpooled.directBuffer(34 + tcpLength).writeZero(34 + tcpLength);
        EthernetHeader.write(frame, 0, destinationMac, sourceMac, EtherType.IPV4);
        frame.setByte(14, 0x45);
        frame.setByte(15, trafficClass);
        frame.setShort(16, 20 + tcpLength);
        frame.setShort(20, dontFragment ? 0x4000 : 0);
        frame.setByte(22, ttl);
        frame.setByte(23, IpProtocol.TCP);
        frame.setInt(26, source);
        frame.setInt(30, destination);
        frame.setShort(24, InternetChecksum.complement(InternetChecksum.sum(frame, 14, 20)));
        TcpHeader.write(
                frame,
                34,
                sourcePort,
                destinationPort,
                sequence,
                acknowledgment,
                20 + optionLength,
                flags,
                window,
                urgentPointer);
        frame.setBytes(54, options);
        frame.setBytes(54 + optionLength, data);
        int pseudo = InternetChecksum.pseudoHeaderV4(source, destination, IpProtocol.TCP, tcpLength);
        int checksum =
                InternetChecksum.complement(InternetChecksum.add(pseudo, InternetChecksum.sum(frame, 34, tcpLength)));
        TcpHeader.checksum(frame, 34, checksumGood ? checksum : checksum ^ 0x5555);
        return frame;
    }

    /** Reads a frame; {@code null} if it holds no TCP over IPv4. */
    public static Segment decode(ByteBuf frame, long time) {
        if (frame.readableBytes() < 54
                || frame.getUnsignedShort(12) != EtherType.IPV4
                || frame.getByte(23) != IpProtocol.TCP) {
            return null;
        }
        Segment s = new Segment();
        int at = 14 + Ipv4Header.headerLength(frame, 14);
        int total = frame.getUnsignedShort(16);
        int headerLength = TcpHeader.headerLength(frame, at);
        s.time = time;
        s.trafficClass = frame.getUnsignedByte(15);
        s.ttl = frame.getUnsignedByte(22);
        s.dontFragment = (frame.getByte(20) & 0x40) != 0;
        s.sourcePort = TcpHeader.sourcePort(frame, at);
        s.destinationPort = TcpHeader.destinationPort(frame, at);
        s.sequence = TcpHeader.sequenceNumber(frame, at);
        s.acknowledgment = TcpHeader.acknowledgmentNumber(frame, at);
        s.flags = TcpHeader.flags(frame, at);
        s.window = TcpHeader.window(frame, at);
        s.urgentPointer = TcpHeader.urgentPointer(frame, at);
        s.options = ByteBufUtil.getBytes(frame, at + 20, headerLength - 20, true);
        s.data = ByteBufUtil.getBytes(frame, at + headerLength, total - (at - 14) - headerLength, true);
        int pseudo =
                InternetChecksum.pseudoHeaderV4(frame.getInt(26), frame.getInt(30), IpProtocol.TCP, total - (at - 14));
        s.checksumGood = InternetChecksum.isValid(frame, at, total - (at - 14), pseudo);
        return s;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        String names = "FSRPAUEC";
        for (int i = 0; i < 8; i++) {
            if ((flags & 1 << i) != 0) {
                text.append(names.charAt(i));
            }
        }
        return String.format(
                "%.6f %d>%d [%s] seq %d ack %d win %d len %d%s",
                time / 1e9,
                sourcePort,
                destinationPort,
                text,
                sequence & 0xffff_ffffL,
                acknowledgment & 0xffff_ffffL,
                window,
                data.length,
                options.length == 0 ? "" : " options " + ByteBufUtil.hexDump(options));
    }
}
