/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.ALL_NODES;
import static io.isla.netty.ip.IpFixture.BROADCAST_LINK;
import static io.isla.netty.ip.IpFixture.FAR;
import static io.isla.netty.ip.IpFixture.FAR6;
import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.OWN6;
import static io.isla.netty.ip.IpFixture.OWN_LINK;
import static io.isla.netty.ip.IpFixture.OWN_LOCAL6;
import static io.isla.netty.ip.IpFixture.PEER;
import static io.isla.netty.ip.IpFixture.PEER6;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PEER_LOCAL6;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static io.isla.netty.ip.IpFixture.ROUTER6;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IgmpHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Throws damaged frames at a stack. Nothing may be thrown, nothing may leak (the fixture looks), and of every frame some counter must tell
 * what became of it. {@code -Disla.fuzz.seed=} repeats a run.
 */
class IpFuzzTest {
    /** What counts frames that were of use. */
    private static final Set<IpCounter> USES = EnumSet.of(
            IpCounter.IP_IN_DELIVERS,
            IpCounter.IP_REASM_REQDS,
            IpCounter.ARP_IN_REQUESTS,
            IpCounter.ARP_IN_REPLIES,
            IpCounter.IP6_IN_DELIVERS,
            IpCounter.IP6_REASM_REQDS);

    private static final IpCounter[] OUTCOMES = Arrays.stream(IpCounter.values())
            .filter(counter -> counter.isDrop() || USES.contains(counter))
            .toArray(IpCounter[]::new);

    private static final ByteBuf MEMORY = Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(4096));
    private static final int FRAMES = Integer.getInteger("isla.fuzz.frames", 100_000);

    @ParameterizedTest
    @EnumSource(Link.Medium.class)
    void survivesDamagedFramesAndCountsWhatBecomesOfThem(Link.Medium medium) {
        long seed = Long.getLong("isla.fuzz.seed", System.nanoTime());
        Random random = new Random(seed);
        try (IpFixture host = new IpFixture(medium, seed)) {
            configure(host);
            List<byte[]> corpus = corpus(medium);
            for (int i = 0; i < FRAMES; i++) {
                byte[] bytes = corpus.get(random.nextInt(corpus.size())).clone();
                bytes = damage(bytes, random);
                repair(bytes, medium, random);
                feed(host, bytes, random, i);
                if (random.nextInt(50) == 0) {
                    host.pass(random.nextInt(3000), TimeUnit.MILLISECONDS);
                }
                if (random.nextInt(20) == 0) {
                    host.send(random.nextBoolean() ? PEER + random.nextInt(100) : FAR, Packets.bytes(100));
                    host.send6(random.nextBoolean() ? PEER6 : FAR6, Packets.bytes(100));
                }
                host.queue.sent.clear();
                host.queue.loopedBack.clear();
                host.received.clear();
                host.failed.clear();
            }
            assertThat(host.count(IpCounter.IP_IN_DELIVERS))
                    .as("some get through, seed %d", seed)
                    .isPositive();
            host.pass(5, TimeUnit.MINUTES);
            host.pass(12, TimeUnit.MINUTES);
        } catch (Throwable e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    private static void configure(IpFixture host) {
        host.stack.addAddress(IpAddress.v4(OWN), 24, host.now);
        host.stack.addBlock(new AddressBlock(Packets.address("10.9.0.0"), 16, AddressBlock.Kind.OWN));
        host.stack.routes().add(Route.byDefault(Packets.address("10.0.0.1")));
        host.stack.addAddress(OWN6, 64, host.now);
        host.stack.addAddress(OWN_LOCAL6, 64, host.now);
        host.stack.addBlock(new AddressBlock(Packets.address("2001:db8:9::"), 48, AddressBlock.Kind.OWN));
        MulticastMembership membership = host.stack.join(Packets.address("224.1.2.3"), host.now);
        host.stack.setSources(membership, true, List.of(IpAddress.v4(PEER)), host.now);
        host.stack.join(Packets.address("ff05::1:3"), host.now);
        host.stack.ipv6(new Ipv6Config(true, true, true, 1, 2));
        host.stack.start(host.now);
        host.register(IpProtocol.UDP);
        host.register(IpProtocol.TCP);
    }

    private static List<byte[]> corpus(Link.Medium medium) {
        List<byte[]> packets = new ArrayList<>();
        byte[] udp = Packets.udp(PEER, OWN, 1000, 2000, Packets.bytes(60));
        packets.add(Packets.ipv4(PEER, OWN, IpProtocol.UDP, udp));
        packets.add(Packets.ipv4(FAR, OWN, IpProtocol.TCP, Packets.bytes(40)));
        packets.add(Packets.ipv4(PEER, -1, IpProtocol.UDP, udp));
        packets.add(Packets.ipv4(PEER, Packets.v4("224.1.2.3"), IpProtocol.UDP, udp));
        packets.add(Packets.ipv4(PEER, OWN, 99, udp));
        packets.add(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(8, 0, 5, Packets.bytes(64))));
        packets.add(Packets.ipv4(
                FAR,
                OWN,
                IpProtocol.ICMP,
                Packets.icmp(3, 4, 1300, Packets.ipv4(OWN, FAR, PROTOCOL, Packets.bytes(20)))));
        packets.add(Packets.ipv4(
                FAR,
                OWN,
                IpProtocol.ICMP,
                Packets.icmp(11, 0, 0, Packets.ipv4(OWN, FAR, IpProtocol.ICMP, Packets.icmp(8, 0, 7, new byte[8])))));
        packets.add(Packets.ipv4(
                PEER,
                OWN,
                IpProtocol.UDP,
                64,
                0,
                1,
                new byte[] {7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 68, 4, 5, 0},
                udp));
        packets.add(Packets.ipv4(PEER, OWN, IpProtocol.UDP, 64, 0x2000, 9, new byte[0], udp));
        packets.add(Packets.ipv4(PEER, OWN, IpProtocol.UDP, 64, 8, 9, new byte[0], udp));
        packets.add(igmp(0xe000_0001, Packets.ints(0x1164_0000, 0)));
        packets.add(igmp(0xe000_0001, Packets.ints(0x1100_0000, 0)));
        packets.add(
                igmp(Packets.v4("224.1.2.3"), Packets.ints(0x1164_0000, Packets.v4("224.1.2.3"), 0x0220_0001, PEER)));
        packets.add(igmp(Packets.v4("224.1.2.3"), Packets.ints(0x1600_0000, Packets.v4("224.1.2.3"))));
        packets.addAll(corpus6());
        if (medium == Link.Medium.IP) {
            return packets;
        }
        List<byte[]> frames = new ArrayList<>();
        for (byte[] packet : packets) {
            int type = packet[0] >>> 4 == 6 ? EtherType.IPV6 : EtherType.IPV4;
            frames.add(Packets.ethernet(OWN_LINK, PEER_LINK, type, packet));
        }
        frames.add(Packets.ethernet(BROADCAST_LINK, PEER_LINK, EtherType.IPV4, packets.get(2)));
        frames.add(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, OWN));
        frames.add(Packets.arp(OWN_LINK, ArpHeader.REPLY, PEER_LINK, PEER, OWN_LINK, OWN));
        frames.add(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, OWN, 0, OWN));
        return frames;
    }

    private static byte[] igmp(int destination, byte[] message) {
        ByteBuf buf = Unpooled.wrappedBuffer(message);
        IgmpHeader.checksum(buf, 0, InternetChecksum.complement(InternetChecksum.sum(buf, 0, message.length)));
        return Packets.ipv4(PEER, destination, IpProtocol.IGMP, 1, 0, 0, new byte[] {(byte) 0x94, 4, 0, 0}, message);
    }

    private static List<byte[]> corpus6() {
        byte[] options = Packets.extension(IpProtocol.UDP, 5, 2, 0, 0, 0x1e, 0);
        byte[] payload = Packets.bytes(64);
        byte[] quoted = Packets.ipv6(OWN6, FAR6, PROTOCOL, payload);
        byte[] link = Packets.linkOption(1, PEER_LINK);
        List<byte[]> packets = new ArrayList<>();
        packets.add(Packets.ipv6(PEER6, OWN6, IpProtocol.UDP, payload));
        packets.add(Packets.ipv6(PEER6, OWN6, IpProtocol.HOP_BY_HOP, options, payload));
        packets.add(Packets.ipv6(PEER6, OWN6, IpProtocol.DESTINATION_OPTIONS, options, payload));
        packets.add(Packets.ipv6(
                PEER6, OWN6, IpProtocol.ROUTING, Packets.extension(IpProtocol.UDP, 1, 4, 0, 0, 0, 0), payload));
        packets.add(Packets.ipv6(
                PEER6, OWN6, IpProtocol.FRAGMENT, Packets.fragmentHeader(IpProtocol.UDP, 0, true, 9), payload));
        packets.add(Packets.ipv6(
                PEER6, OWN6, IpProtocol.FRAGMENT, Packets.fragmentHeader(IpProtocol.UDP, 64, false, 9), payload));
        for (int type : new int[] {1, 2, 3, 4}) {
            packets.add(Packets.ipv6(FAR6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(FAR6, OWN6, type, 0, 1300, quoted)));
        }
        packets.add(Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 128, 0, 5, payload)));
        packets.add(Packets.discovery(PEER6, OWN6, 135, 0, Packets.bytes(OWN6), link));
        packets.add(Packets.discovery(PEER6, OWN6, 136, 0x6000_0000, Packets.bytes(PEER6), link));
        packets.add(Packets.discovery(
                ROUTER6,
                ALL_NODES,
                134,
                0x4000_0708,
                new byte[8],
                link,
                Packets.ints(0x0304_40c0, 3600, 1800, 0),
                Packets.bytes(Packets.address("2001:db8:1::")),
                Packets.ints(0x0501_0000, 1400),
                Packets.ints(0x1802_3000, 600, 0x2001_0db8, 0),
                Packets.ints(0x1903_0000, 300),
                Packets.bytes(PEER6),
                Packets.ints(0x1f02_0000, 300, 0x0361_6263, 0)));
        packets.add(
                Packets.discovery(ROUTER6, OWN_LOCAL6, 137, 0, Packets.bytes(PEER_LOCAL6), Packets.bytes(FAR6), link));
        return packets;
    }

    private static byte[] damage(byte[] bytes, Random random) {
        byte[] damaged = bytes;
        for (int flips = random.nextInt(4); flips > 0; flips--) {
            damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
        }
        return switch (random.nextInt(10)) {
            case 0 -> Arrays.copyOf(damaged, random.nextInt(damaged.length + 1));
            case 1 -> Arrays.copyOf(damaged, damaged.length + random.nextInt(50));
            default -> damaged;
        };
    }

    /** Makes the checksums right again, mostly: else nothing would get past them. */
    private static void repair(byte[] bytes, Link.Medium medium, Random random) {
        int at = medium == Link.Medium.ETHERNET ? 14 : 0;
        if (bytes.length < at + 20 || random.nextInt(10) == 0) {
            return;
        }
        ByteBuf buf = Unpooled.wrappedBuffer(bytes);
        if (bytes[at] >>> 4 == 4) {
            int headerLength = (bytes[at] & 0xf) * 4;
            if (headerLength >= 20 && at + headerLength <= bytes.length) {
                Ipv4Header.fillChecksum(buf, at);
            }
        } else if (bytes.length >= at + 48
                && bytes[at + 6] == IpProtocol.ICMPV6
                && Ipv6Header.payloadLength(buf, at) >= 8
                && Ipv6Header.isValid(buf, at, bytes.length - at)) {
            int length = Ipv6Header.payloadLength(buf, at);
            Icmpv6Header.checksum(buf, at + 40, 0);
            int sum = InternetChecksum.add(
                    InternetChecksum.pseudoHeaderV6(
                            Ipv6Header.sourceHigh(buf, at),
                            Ipv6Header.sourceLow(buf, at),
                            Ipv6Header.destinationHigh(buf, at),
                            Ipv6Header.destinationLow(buf, at),
                            IpProtocol.ICMPV6,
                            length),
                    InternetChecksum.sum(buf, at + 40, length));
            Icmpv6Header.checksum(buf, at + 40, InternetChecksum.complement(sum));
        }
    }

    private static void feed(IpFixture host, byte[] bytes, Random random, int index) {
        long[] before = values(host);
        // Nothing may read beyond the frame: it ends where its buffer ends.
        ByteBuf buf = Unpooled.wrappedBuffer(bytes);
        if (random.nextBoolean()) {
            int start = MEMORY.capacity() - bytes.length;
            MEMORY.setBytes(start, bytes);
            buf = MEMORY.slice(start, bytes.length);
        }
        InboundFrame frame = new InboundFrame()
                .set(buf, 0, bytes.length)
                .checksum(InboundFrame.Checksum.values()[random.nextInt(3)])
                .segmentation(SegmentationType.NONE, 0);
        switch (random.nextInt(10)) {
            case 0 -> host.stack.receiveCopy(frame, host.now);
            case 1 -> host.stack.receiveLoopback(frame, host.now);
            default -> host.stack.receive(frame, host.now);
        }
        IpStack.concernsEveryShard(frame, Link.Medium.ETHERNET);
        IpStack.concernsEveryShard(frame, Link.Medium.IP);
        assertThat(buf.refCnt()).isEqualTo(1);
        if (Arrays.equals(values(host), before)) {
            throw new AssertionError("frame " + index + " is not accounted for: " + ByteBufUtil.hexDump(bytes));
        }
    }

    /** Of all that may become of a frame: how often each has. */
    private static long[] values(IpFixture host) {
        long[] values = new long[OUTCOMES.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = host.count(OUTCOMES[i]);
        }
        return values;
    }
}
