/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.link.MacAddress;
import io.isla.netty.sim.VirtualTime;
import io.isla.netty.sim.VirtualWire;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A peer out of its mind: it follows its conversations with a host closely enough to send what is nearly right, and sends that, or the right thing, or
 * rubbish, as a random generator says.
 */
final class FuzzPeer {
    private static final long MAC = 0x02_00_00_00_00_02L;
    private static final int MAX_TALKS = 48;

    /** What the peer knows of one 4-tuple. */
    private static final class Talk {
        final int hostPort;
        final int port;
        /** The next sequence number of the host, as far as it has been seen; and the one that it expects. */
        int hostNext;

        int expected;
        int hostWindow;
        int hostTimestamp;
        boolean timestamps;
        byte[] cookie;

        Talk(int hostPort, int port) {
            this.hostPort = hostPort;
            this.port = port;
        }
    }

    private final VirtualTime time;
    private final VirtualWire wire;
    private final SplittableRandom random;
    private final ByteBufAllocator allocator;
    private final int hostAddress;
    private final int address;
    private final long hostMac;
    private final List<Talk> talks = new ArrayList<>();
    private int nextPort = 1024;
    private byte[] cookie = {};

    /** TCP segments that the host has sent, and that it was sent with a good IP header. */
    long received;

    long sent;

    FuzzPeer(
            VirtualTime time,
            VirtualWire wire,
            IpAddress host,
            IpAddress self,
            SplittableRandom random,
            ByteBufAllocator allocator) {
        this.time = time;
        this.wire = wire;
        this.random = random;
        this.allocator = allocator;
        hostAddress = host.v4Bits();
        address = self.v4Bits();
        hostMac = MacAddress.locallyAdministered(host.low() & 0xffff).bits();
        wire.observer((fromHost, t, frame, fate) -> {
            if (fromHost) {
                onFrame(frame);
            }
        });
    }

    // ---------------------------------------------------------------- what the host says

    private void onFrame(ByteBuf frame) {
        if (frame.getUnsignedShort(12) == EtherType.ARP) {
            if (ArpHeader.operation(frame, 14) == ArpHeader.REQUEST
                    && ArpHeader.targetProtocolAddress(frame, 14) == address) {
                ByteBuf reply = allocator.directBuffer(42).writeZero(42);
                EthernetHeader.write(reply, 0, hostMac, MAC, EtherType.ARP);
                ArpHeader.write(reply, 14, ArpHeader.REPLY, MAC, address, hostMac, hostAddress);
                time.schedule(0, () -> wire.injectFromB(reply));
            }
            return;
        }
        if (frame.getUnsignedShort(12) != EtherType.IPV4 || frame.getByte(23) != IpProtocol.TCP) {
            return;
        }
        received++;
        int at = 34;
        int length = Ipv4Header.totalLength(frame, 14) - 20;
        int header = TcpHeader.headerLength(frame, at);
        int flags = TcpHeader.flags(frame, at);
        Talk talk = talk(TcpHeader.sourcePort(frame, at), TcpHeader.destinationPort(frame, at));
        int end = TcpHeader.sequenceNumber(frame, at)
                + (length - header)
                + ((flags & TcpHeader.SYN) != 0 ? 1 : 0)
                + ((flags & TcpHeader.FIN) != 0 ? 1 : 0);
        if ((flags & TcpHeader.RST) != 0) {
            talks.remove(talk);
            return;
        }
        if (end - talk.hostNext > 0 || (flags & TcpHeader.SYN) != 0) {
            talk.hostNext = end;
        }
        if ((flags & TcpHeader.ACK) != 0) {
            talk.expected = TcpHeader.acknowledgmentNumber(frame, at);
        }
        talk.hostWindow = TcpHeader.window(frame, at);
        for (int i = at + 20; i < at + header; ) {
            int kind = frame.getUnsignedByte(i);
            if (kind == 0) {
                break;
            }
            if (kind == 1) {
                i++;
                continue;
            }
            int size = frame.getUnsignedByte(i + 1);
            if (kind == 8) {
                talk.timestamps = true;
                talk.hostTimestamp = frame.getInt(i + 2);
            } else if (kind == 34 && size > 2) {
                cookie = new byte[size - 2];
                frame.getBytes(i + 2, cookie);
            }
            i += size;
        }
    }

    private Talk talk(int hostPort, int port) {
        for (Talk talk : talks) {
            if (talk.hostPort == hostPort && talk.port == port) {
                return talk;
            }
        }
        Talk talk = new Talk(hostPort, port);
        talk.expected = random.nextInt();
        if (talks.size() == MAX_TALKS) {
            talks.remove(0);
        }
        talks.add(talk);
        return talk;
    }

    // ---------------------------------------------------------------- what the peer says

    /** Sends one segment; returns the 4-tuple's ports, the host's first. */
    void sendSegment() {
        Talk talk;
        if (talks.isEmpty() || random.nextInt(30) == 0) {
            talk = talk(80, nextPort++);
            nextPort = nextPort > 60_000 ? 1024 : nextPort;
        } else {
            talk = talks.get(random.nextInt(talks.size()));
        }
        int flags = flags(talk);
        int sequence = (flags & TcpHeader.SYN) != 0 && random.nextInt(4) != 0
                ? random.nextInt(3) == 0 ? talk.expected - 1 : talk.expected + random.nextInt(100_000)
                : near(talk.expected, talk.hostWindow);
        int acknowledgment = near(talk.hostNext, 3000);
        ByteBuf options = options(talk, flags, acknowledgment);
        int payload = payload(flags);
        int window = switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> random.nextInt(3000);
            case 2 -> random.nextInt(65_536);
            default -> 65_535;
        };
        int optionLength = options.readableBytes() + 3 & ~3;
        int tcpLength = 20 + optionLength + payload;
        ByteBuf frame = allocator.directBuffer(34 + tcpLength).writeZero(34 + tcpLength);
        ipHeader(frame, IpProtocol.TCP, 20 + tcpLength, random.nextInt(10) == 0 ? random.nextInt(4) : 0);
        TcpHeader.write(
                frame,
                34,
                talk.port,
                talk.hostPort,
                sequence,
                acknowledgment,
                20 + optionLength,
                flags,
                window,
                random.nextInt(20) == 0 ? random.nextInt(65_536) : random.nextInt(2000));
        frame.setBytes(54, options, options.readerIndex(), options.readableBytes());
        options.release();
        if (random.nextInt(50) == 0) {
            // A data offset that leads anywhere, or reserved bits.
            frame.setByte(46, random.nextInt(256));
        }
        int pseudo = InternetChecksum.pseudoHeaderV4(address, hostAddress, IpProtocol.TCP, tcpLength);
        int checksum =
                InternetChecksum.complement(InternetChecksum.add(pseudo, InternetChecksum.sum(frame, 34, tcpLength)));
        TcpHeader.checksum(frame, 34, random.nextInt(40) == 0 ? random.nextInt(65_536) : checksum);
        if (random.nextInt(80) == 0) {
            cut(frame, random.nextInt(tcpLength + 1));
        }
        sent++;
        wire.injectFromB(frame);
    }

    /** Cuts a segment anywhere, its header too, as a packet that is whole: a good checksum, where there is a place for it. */
    private void cut(ByteBuf frame, int tcpLength) {
        frame.writerIndex(34 + tcpLength);
        frame.setShort(16, 20 + tcpLength);
        frame.setShort(24, 0);
        frame.setShort(24, InternetChecksum.complement(InternetChecksum.sum(frame, 14, 20)));
        if (tcpLength >= 20) {
            TcpHeader.checksum(frame, 34, 0);
            int pseudo = InternetChecksum.pseudoHeaderV4(address, hostAddress, IpProtocol.TCP, tcpLength);
            int sum = InternetChecksum.add(pseudo, InternetChecksum.sum(frame, 34, tcpLength));
            TcpHeader.checksum(frame, 34, InternetChecksum.complement(sum));
        }
    }

    private int flags(Talk talk) {
        return switch (random.nextInt(40)) {
            case 0 -> random.nextInt(256);
            case 1, 2 -> TcpHeader.FIN | TcpHeader.ACK;
            case 3 -> TcpHeader.RST;
            case 4 -> TcpHeader.RST | TcpHeader.ACK;
            case 5 -> TcpHeader.SYN;
            case 6, 7 -> TcpHeader.SYN | TcpHeader.ACK;
            case 8 -> TcpHeader.ACK | TcpHeader.URG;
            case 9 -> TcpHeader.ACK | TcpHeader.ECE;
            case 10 -> TcpHeader.ACK | TcpHeader.CWR;
            case 11 -> TcpHeader.SYN | TcpHeader.ECE | TcpHeader.CWR;
            default -> talk.hostNext == 0 ? TcpHeader.SYN : TcpHeader.ACK;
        };
    }

    private int near(int value, int range) {
        return switch (random.nextInt(16)) {
            case 0 -> value - 1;
            case 1 -> value + 1;
            case 2 -> value - random.nextInt(3000);
            case 3 -> value + random.nextInt(3000);
            case 4 -> value + range;
            case 5 -> value + random.nextInt(range + 1);
            case 6 -> random.nextInt(8) == 0 ? random.nextInt() : value;
            default -> value;
        };
    }

    private int payload(int flags) {
        return switch (random.nextInt(12)) {
            case 0, 1, 2 -> random.nextInt(1460);
            case 3 -> 1 + random.nextInt(3);
            case 4 -> random.nextInt(6) == 0 ? random.nextInt(40_000) : 1000;
            default -> (flags & TcpHeader.PSH) != 0 ? 10 : 0;
        };
    }

    private ByteBuf options(Talk talk, int flags, int acknowledgment) {
        ByteBuf options = allocator.directBuffer(64);
        boolean syn = (flags & TcpHeader.SYN) != 0;
        if (syn && random.nextInt(4) != 0) {
            options.writeByte(2).writeByte(4).writeShort(random.nextInt(5) == 0 ? random.nextInt(65_536) : 1460);
        }
        if (syn && random.nextInt(2) == 0) {
            options.writeByte(3).writeByte(3).writeByte(random.nextInt(random.nextInt(4) == 0 ? 256 : 15));
        }
        if (syn && random.nextInt(2) == 0) {
            options.writeByte(4).writeByte(2);
        }
        if (syn && random.nextInt(6) == 0) {
            options.writeByte(34).writeByte(2 + cookie.length).writeBytes(cookie);
        }
        if (syn ? random.nextInt(2) == 0 : talk.timestamps && random.nextInt(20) != 0) {
            int value = 1000 + (int) (time.nanoTime() / 1_000_000);
            if (random.nextInt(20) == 0) {
                value = near(value, 100_000);
            }
            int echo = random.nextInt(20) == 0 ? near(talk.hostTimestamp, 1000) : talk.hostTimestamp;
            options.writeByte(1)
                    .writeByte(1)
                    .writeByte(8)
                    .writeByte(10)
                    .writeInt(value)
                    .writeInt(echo);
        }
        if (!syn && random.nextInt(4) == 0) {
            int blocks = 1 + random.nextInt(options.readableBytes() > 0 ? 3 : 4);
            options.writeByte(1).writeByte(1).writeByte(5).writeByte(2 + 8 * blocks);
            for (int i = 0; i < blocks; i++) {
                int start = near(acknowledgment - random.nextInt(6000), 6000);
                options.writeInt(start).writeInt(near(start + random.nextInt(4000), 1000));
            }
        }
        if (random.nextInt(25) == 0) {
            int rubbish = random.nextInt(12);
            for (int i = 0; i < rubbish; i++) {
                options.writeByte(random.nextInt(3) == 0 ? random.nextInt(40) : random.nextInt(256));
            }
        }
        if (random.nextInt(50) == 0 && options.readableBytes() > 2) {
            options.setByte(random.nextInt(options.readableBytes()), random.nextInt(256));
        }
        return options.writerIndex(Math.min(40, options.writerIndex()));
    }

    /** Sends an ICMP error, mostly about something that the host may have sent. */
    void sendIcmpError() {
        Talk talk = talks.isEmpty() ? new Talk(80, 4000) : talks.get(random.nextInt(talks.size()));
        int quote = random.nextInt(10) == 0 ? random.nextInt(60) : 28 + random.nextInt(40);
        ByteBuf frame = allocator.directBuffer(34 + 8 + quote).writeZero(34 + 8 + quote);
        ipHeader(frame, IpProtocol.ICMP, 28 + quote, 0);
        int at = 34;
        int type = new int[] {3, 3, 3, 4, 5, 11, 12, random.nextInt(256)}[random.nextInt(8)];
        frame.setByte(at, type);
        frame.setByte(at + 1, random.nextInt(10) == 0 ? random.nextInt(256) : random.nextInt(16));
        frame.setInt(at + 4, random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(1600));
        ByteBuf quoted = allocator.directBuffer(80).writeZero(80);
        quoted.setByte(0, random.nextInt(30) == 0 ? random.nextInt(256) : 0x45);
        quoted.setShort(2, 1500);
        quoted.setByte(8, 64);
        quoted.setByte(9, random.nextInt(30) == 0 ? random.nextInt(256) : IpProtocol.TCP);
        quoted.setInt(12, random.nextInt(30) == 0 ? random.nextInt() : hostAddress);
        quoted.setInt(16, random.nextInt(30) == 0 ? random.nextInt() : address);
        quoted.setShort(20, talk.hostPort);
        quoted.setShort(22, talk.port);
        quoted.setInt(24, near(talk.hostNext - random.nextInt(2000), 2000));
        frame.setBytes(at + 8, quoted, 0, quote);
        quoted.release();
        int checksum = InternetChecksum.complement(InternetChecksum.sum(frame, at, 8 + quote));
        frame.setShort(at + 2, random.nextInt(40) == 0 ? random.nextInt(65_536) : checksum);
        wire.injectFromB(frame);
    }

    private void ipHeader(ByteBuf frame, int protocol, int length, int trafficClass) {
        EthernetHeader.write(frame, 0, hostMac, MAC, EtherType.IPV4);
        frame.setByte(14, 0x45);
        frame.setByte(15, trafficClass);
        frame.setShort(16, length);
        frame.setByte(22, 64);
        frame.setByte(23, protocol);
        frame.setInt(26, address);
        frame.setInt(30, hostAddress);
        frame.setShort(24, InternetChecksum.complement(InternetChecksum.sum(frame, 14, 20)));
    }
}
