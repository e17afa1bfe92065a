/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static io.isla.netty.stack.HostileNetwork.OWN;
import static io.isla.netty.stack.HostileNetwork.OWN6;
import static io.isla.netty.stack.HostileNetwork.PORT;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.ip.Packets;
import io.isla.netty.link.Link;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Throws damaged frames at a whole host of two shards: through the link, the network layer, UDP and TCP, with checksums that are mostly right.
 * Nothing is thrown out of the loop, each frame is accounted for by a counter, and nothing leaks. {@code -Disla.fuzz.seed=} repeats a run.
 */
class HostFuzzTest {
    private static final int PEER = Packets.v4("10.0.0.9");
    private static final IpAddress PEER6 = Packets.address("fd00::9");
    private static final long PEER_LINK = 0x0200_0000_0009L;
    private static final int FRAMES = Integer.getInteger("isla.fuzz.frames", 10_000);

    /** Seed 0 stands for a fresh one. */
    @ParameterizedTest(name = "{0}, seed {1}")
    @CsvSource({"ETHERNET, 1", "ETHERNET, 0", "IP, 2", "IP, 0"})
    void survivesDamagedFramesAndCountsWhatBecomesOfThem(Link.Medium medium, long fixed) {
        long seed = fixed != 0 ? fixed : Long.getLong("isla.fuzz.seed", System.nanoTime());
        Random random = new Random(seed);
        try (HostileNetwork network = new HostileNetwork(medium, seed)) {
            List<byte[]> corpus = corpus(network, medium);
            for (int i = 0; i < FRAMES; i++) {
                byte[] bytes = damage(corpus.get(random.nextInt(corpus.size())).clone(), random);
                repair(bytes, medium, random);
                long[] before = network.outcomes();
                network.receive(bytes);
                if (Arrays.equals(network.outcomes(), before)) {
                    throw new AssertionError("frame " + i + " is not accounted for: " + ByteBufUtil.hexDump(bytes));
                }
                if (random.nextInt(100) == 0) {
                    network.pass(random.nextInt(5000), TimeUnit.MILLISECONDS);
                }
            }
            assertThat(network.answers()).as("the host is alive").isPositive();
            network.pass(10, TimeUnit.MINUTES);
        } catch (Throwable e) {
            throw new AssertionError("seed " + seed + "; repeat it with -Disla.fuzz.seed=" + seed, e);
        }
    }

    private static List<byte[]> corpus(HostileNetwork network, Link.Medium medium) {
        List<byte[]> packets = new ArrayList<>();
        byte[] data = Packets.bytes(40);
        byte[] udp = Packets.udp(PEER, OWN, 1000, PORT, data);
        packets.add(Packets.ipv4(PEER, OWN, IpProtocol.UDP, udp));
        packets.add(Packets.ipv4(PEER, OWN, IpProtocol.UDP, Packets.udp(PEER, OWN, 1000, 9, data)));
        packets.add(Packets.ipv4(PEER, OWN, IpProtocol.UDP, 64, 0x2000, 7, new byte[0], udp));
        packets.add(Packets.ipv4(PEER, OWN, IpProtocol.UDP, 64, 6, 7, new byte[0], data));
        packets.add(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(8, 0, 1, data)));
        byte[] segmentOfOurs = Packets.concat(Packets.ints(PORT << 16 | 1000, 5, 6, 0x5010_ffff, 0), data);
        packets.add(Packets.ipv4(
                PEER,
                OWN,
                IpProtocol.ICMP,
                Packets.icmp(3, 4, 1300, Packets.ipv4(OWN, PEER, IpProtocol.TCP, segmentOfOurs))));
        packets.add(Packets.ipv4(
                PEER, OWN, IpProtocol.ICMP, Packets.icmp(3, 3, 0, Packets.ipv4(OWN, PEER, IpProtocol.UDP, udp))));
        for (int flags : new int[] {0x02, 0x10, 0x18, 0x11, 0x04, 0x12, 0xc2}) {
            packets.add(Packets.ipv4(PEER, OWN, IpProtocol.TCP, segment(flags, data)));
            packets.add(Packets.ipv6(PEER6, OWN6, IpProtocol.TCP, segment(flags, data)));
        }
        packets.add(Packets.ipv6(PEER6, OWN6, IpProtocol.UDP, Packets.ints(1000 << 16 | PORT, 48 << 16), data));
        packets.add(Packets.ipv6(
                PEER6,
                OWN6,
                IpProtocol.HOP_BY_HOP,
                Packets.extension(IpProtocol.UDP, 5, 2, 0, 0, 0x1e, 0),
                Packets.ints(1000 << 16 | PORT, 48 << 16),
                data));
        packets.add(Packets.ipv6(
                PEER6, OWN6, IpProtocol.FRAGMENT, Packets.fragmentHeader(IpProtocol.UDP, 0, true, 9), data));
        packets.add(Packets.ipv6(
                PEER6, OWN6, IpProtocol.FRAGMENT, Packets.fragmentHeader(IpProtocol.UDP, 40, false, 9), data));
        for (int type : new int[] {1, 2, 3, 4, 128, 129}) {
            packets.add(Packets.ipv6(
                    PEER6,
                    OWN6,
                    IpProtocol.ICMPV6,
                    Packets.icmpv6(
                            PEER6, OWN6, type, 0, 1300, Packets.ipv6(OWN6, PEER6, IpProtocol.TCP, segmentOfOurs))));
        }
        byte[] link = Packets.linkOption(1, PEER_LINK);
        IpAddress router = Packets.address("fe80::9");
        packets.add(Packets.discovery(PEER6, OWN6, 135, 0, Packets.bytes(OWN6), link));
        packets.add(Packets.discovery(PEER6, OWN6, 136, 0x6000_0000, Packets.bytes(PEER6), link));
        packets.add(Packets.discovery(
                router,
                Packets.address("ff02::1"),
                134,
                0x4000_0708,
                new byte[8],
                link,
                Packets.ints(0x0304_40c0, 3600, 1800, 0),
                Packets.bytes(Packets.address("2001:db8:1::")),
                Packets.ints(0x1903_0000, 300),
                Packets.bytes(PEER6)));
        List<byte[]> frames = new ArrayList<>();
        for (byte[] packet : packets) {
            frames.add(network.frame(packet, PEER_LINK));
        }
        if (medium == Link.Medium.ETHERNET) {
            frames.add(Packets.arp(0xffff_ffff_ffffL, ArpHeader.REQUEST, PEER_LINK, PEER, 0, OWN));
            frames.add(Packets.arp(
                    HostileNetwork.OWN_LINK, ArpHeader.REPLY, PEER_LINK, PEER, HostileNetwork.OWN_LINK, OWN));
        }
        return frames;
    }

    private static byte[] segment(int flags, byte[] data) {
        int options = (flags & 0x02) != 0 ? 0x0204_05b4 : 0x0101_0101;
        return Packets.concat(Packets.ints(1000 << 16 | PORT, 100, 200, 0x6000_ffff | flags << 16, 0, options), data);
    }

    private static byte[] damage(byte[] bytes, Random random) {
        for (int flips = random.nextInt(4); flips > 0; flips--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        return switch (random.nextInt(10)) {
            case 0 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
            case 1 -> Arrays.copyOf(bytes, bytes.length + random.nextInt(50));
            default -> bytes;
        };
    }

    /** Makes checksums right again, mostly: else little would get past them. */
    private static void repair(byte[] bytes, Link.Medium medium, Random random) {
        int at = medium == Link.Medium.ETHERNET ? 14 : 0;
        if (bytes.length < at + 20 || random.nextInt(10) == 0) {
            return;
        }
        ByteBuf buf = Unpooled.wrappedBuffer(bytes);
        if (Ipv4Header.version(buf, at) == 4) {
            int headerLength = (bytes[at] & 0xf) * 4;
            if (headerLength < 20 || at + headerLength > bytes.length) {
                return;
            }
            Ipv4Header.fillChecksum(buf, at);
            if (!Ipv4Header.isValid(buf, at, bytes.length - at) || Ipv4Header.isFragment(buf, at)) {
                return;
            }
            int length = Ipv4Header.totalLength(buf, at) - headerLength;
            int protocol = Ipv4Header.protocol(buf, at);
            int pseudoHeader = InternetChecksum.pseudoHeaderV4(
                    Ipv4Header.source(buf, at), Ipv4Header.destination(buf, at), protocol, length);
            repairTransport(buf, at + headerLength, length, protocol, pseudoHeader);
        } else if (bytes.length >= at + 40 && Ipv6Header.isValid(buf, at, bytes.length - at)) {
            int length = Ipv6Header.payloadLength(buf, at);
            int protocol = Ipv6Header.nextHeader(buf, at);
            int pseudoHeader = InternetChecksum.pseudoHeaderV6(
                    Ipv6Header.sourceHigh(buf, at),
                    Ipv6Header.sourceLow(buf, at),
                    Ipv6Header.destinationHigh(buf, at),
                    Ipv6Header.destinationLow(buf, at),
                    protocol,
                    length);
            repairTransport(buf, at + 40, length, protocol, pseudoHeader);
        }
    }

    private static void repairTransport(ByteBuf buf, int at, int length, int protocol, int pseudoHeader) {
        int field = switch (protocol) {
            case IpProtocol.TCP -> 16;
            case IpProtocol.UDP -> 6;
            case IpProtocol.ICMP, IpProtocol.ICMPV6 -> 2;
            default -> length;
        };
        if (field + 2 > length || at + length > buf.capacity() || length < Icmpv6Header.LENGTH) {
            return;
        }
        buf.setShort(at + field, 0);
        int sum = InternetChecksum.sum(buf, at, length);
        if (protocol != IpProtocol.ICMP) {
            sum = InternetChecksum.add(sum, pseudoHeader);
        }
        buf.setShort(at + field, InternetChecksum.complement(sum));
    }
}
