/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.counter.Counters;
import io.isla.netty.ip.RecordingQueue.Sent;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.MacAddress;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.timer.TimerWheel;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** One stack on a link that goes nowhere, in virtual time, and a transport that notes what it is told. */
final class IpFixture implements AutoCloseable {
    static final long OWN_LINK = 0x02_00_5e_10_00_01L;
    static final long PEER_LINK = 0x02_00_5e_10_00_02L;
    static final long ROUTER_LINK = 0x02_00_5e_10_00_feL;
    static final long BROADCAST_LINK = 0xffff_ffff_ffffL;
    static final int OWN = Packets.v4("10.0.0.2");
    static final int PEER = Packets.v4("10.0.0.7");
    static final int ROUTER = Packets.v4("10.0.0.1");
    static final int FAR = Packets.v4("192.0.2.9");
    static final int MTU = 1500;
    static final IpAddress OWN6 = Packets.address("2001:db8::2");
    static final IpAddress OWN_LOCAL6 = Packets.address("fe80::2");
    static final IpAddress PEER6 = Packets.address("2001:db8::7");
    static final IpAddress PEER_LOCAL6 = Packets.address("fe80::7");
    static final IpAddress ROUTER6 = Packets.address("fe80::1");
    static final IpAddress FAR6 = Packets.address("2001:db8:ffff::9");
    static final IpAddress ALL_NODES = Packets.address("ff02::1");
    /** A protocol number of no other use: RFC 3692's first for experiments. */
    static final int PROTOCOL = 253;

    /** A packet that the transport has received. */
    record Received(
            IpAddress source,
            IpAddress destination,
            byte[] payload,
            boolean unicast,
            int hopLimit,
            InboundFrame.Checksum checksum,
            SegmentationType segmentation) {}

    /** An error that the transport has received. */
    record Failed(IcmpErrorKind kind, int mtu, int protocol, IpAddress local, IpAddress remote, byte[] transport) {}

    /** Without leak detection, which is slow: {@link #close} looks at what is left. */
    final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);

    final Counters<IpCounter> counters = new Counters<>(IpCounter.class);
    final RecordingQueue queue = new RecordingQueue();
    final List<Received> received = new ArrayList<>();
    final List<Failed> failed = new ArrayList<>();
    final OutboundFrame frame = new OutboundFrame();
    final Path path = new Path();
    /** Of what is sent. */
    int hopLimit = 64;

    final Random random;
    final TimerWheel timers;
    final IpStack stack;
    /** Starts anywhere but at zero. */
    long now = -12_345_678_901L;

    IpFixture() {
        this(Link.Medium.ETHERNET, 1);
    }

    IpFixture(Link.Medium medium, long seed) {
        random = new Random(seed);
        timers = new TimerWheel(now);
        stack = new IpStack(
                new IpStack.Interface(medium, MTU, 65_535, 200_000, new MacAddress(OWN_LINK), true),
                queue,
                queue,
                timers,
                allocator,
                random::nextLong,
                counters);
        register(PROTOCOL);
    }

    /** With the address 10.0.0.2/24 and 10.0.0.1 as the gateway. */
    static IpFixture configured() {
        IpFixture fixture = new IpFixture();
        fixture.stack.addAddress(IpAddress.v4(OWN), 24, fixture.now);
        fixture.stack.routes().add(Route.byDefault(IpAddress.v4(ROUTER)));
        return fixture;
    }

    /** With 2001:db8::2/64 and fe80::2/64, and fe80::1 as the gateway. */
    static IpFixture configured6() {
        IpFixture fixture = new IpFixture();
        fixture.stack.addAddress(OWN6, 64, fixture.now);
        fixture.stack.addAddress(OWN_LOCAL6, 64, fixture.now);
        fixture.stack.routes().add(Route.byDefault(ROUTER6));
        return fixture;
    }

    void register(int protocol) {
        stack.register(protocol, new TransportReceiver() {
            @Override
            public void receive(InboundPacket packet, long at) {
                received.add(new Received(
                        IpAddress.of(packet.sourceHigh(), packet.sourceLow()),
                        IpAddress.of(packet.destinationHigh(), packet.destinationLow()),
                        ByteBufUtil.getBytes(packet.buffer(), packet.transportOffset(), packet.transportLength()),
                        packet.isUnicast(),
                        packet.hopLimit(),
                        packet.checksum(),
                        packet.segmentation()));
            }

            @Override
            public void receiveError(IcmpError error, long at) {
                failed.add(new Failed(
                        error.kind(),
                        error.mtu(),
                        error.protocol(),
                        IpAddress.of(error.localHigh(), error.localLow()),
                        IpAddress.of(error.remoteHigh(), error.remoteLow()),
                        ByteBufUtil.getBytes(error.buffer(), error.transportOffset(), error.transportLength())));
            }
        });
    }

    /** Passes time, in steps at which timers are due. */
    void pass(long amount, TimeUnit unit) {
        long end = now + unit.toNanos(amount);
        while (timers.size() > 0 && timers.nextDeadline() - end < 0) {
            now = Math.max(now, timers.nextDeadline());
            timers.advance(now);
        }
        now = end;
        timers.advance(now);
    }

    void receive(byte[] bytes) {
        receive(bytes, InboundFrame.Checksum.UNKNOWN);
    }

    void receive(byte[] bytes, InboundFrame.Checksum checksum) {
        ByteBuf buf = Unpooled.directBuffer(bytes.length + 10).writeZero(10).writeBytes(bytes);
        stack.receive(new InboundFrame().set(buf, 10, bytes.length).checksum(checksum), now);
        assertThat(buf.refCnt()).isEqualTo(1);
        buf.release();
    }

    /** Receives an IPv4 packet in a frame from the peer to this host. */
    void receiveIp(byte[] packet) {
        receive(Packets.ethernet(OWN_LINK, PEER_LINK, EtherType.IPV4, packet));
    }

    /** Receives an IPv6 packet in a frame from the peer to this host, or to the group that it is for. */
    void receiveIp6(byte[] packet) {
        receiveIp6(packet, PEER_LINK);
    }

    void receiveIp6(byte[] packet, long sourceLink) {
        ByteBuf buf = Unpooled.wrappedBuffer(packet);
        boolean group = packet.length >= Ipv6Header.LENGTH && Ipv6Header.destinationHigh(buf, 0) >>> 56 == 0xff;
        long link = group ? 0x3333_0000_0000L | Ipv6Header.destinationLow(buf, 0) & 0xffff_ffffL : OWN_LINK;
        receive(Packets.ethernet(link, sourceLink, EtherType.IPV6, packet));
    }

    /** Makes an IPv6 neighbour known, as its own solicitation would, and reachable, as its answer to one. */
    void resolve6(IpAddress address, long link) {
        receiveIp6(
                Packets.discovery(
                        address,
                        OWN_LOCAL6,
                        Icmpv6Header.NEIGHBOR_SOLICITATION,
                        0,
                        Packets.bytes(OWN_LOCAL6),
                        Packets.linkOption(NeighborDiscoveryOption.SOURCE_LINK_ADDRESS, link)),
                link);
        receiveIp6(
                Packets.discovery(
                        address,
                        OWN_LOCAL6,
                        Icmpv6Header.NEIGHBOR_ADVERTISEMENT,
                        NeighborDiscoveryHeader.SOLICITED,
                        Packets.bytes(address)),
                link);
        queue.sent.clear();
    }

    IpOutput.Result send6(IpAddress destination, byte[] payload) {
        return send(destination, payload, IpOutput.DONT_FRAGMENT);
    }

    /** Expects a neighbour solicitation to a group, or to a link address with {@code unicast}. */
    void expectSolicitation(IpAddress source, IpAddress target, boolean unicast, long link) {
        IpAddress destination = unicast ? target : Packets.solicitedNode(target);
        long linkDestination = unicast ? link : 0x3333_0000_0000L | destination.low() & 0xffff_ffffL;
        assertThat(nextSent())
                .isEqualTo(Packets.ethernet(
                        linkDestination,
                        OWN_LINK,
                        EtherType.IPV6,
                        Packets.discovery(
                                source,
                                destination,
                                Icmpv6Header.NEIGHBOR_SOLICITATION,
                                0,
                                Packets.bytes(target),
                                Packets.linkOption(NeighborDiscoveryOption.SOURCE_LINK_ADDRESS, OWN_LINK))));
    }

    void receiveLoopback(Sent sent) {
        ByteBuf buf = Unpooled.copiedBuffer(sent.bytes());
        InboundFrame inbound = new InboundFrame().set(buf, 0, sent.bytes().length);
        if (sent.checksumStart() >= 0) {
            inbound.checksum(InboundFrame.Checksum.PARTIAL);
        }
        inbound.segmentation(sent.segmentation(), sent.segmentSize());
        stack.receiveLoopback(inbound, now);
        buf.release();
    }

    /** Sends a payload of the test protocol to a destination, from whatever source is chosen. */
    IpOutput.Result send(IpAddress destination, byte[] payload, int flags) {
        IpAddress any = destination.isV4() ? IpAddress.ANY_V4 : IpAddress.ANY_V6;
        if (!stack.resolve(path, any.high(), any.low(), destination.high(), destination.low())) {
            return IpOutput.Result.NO_ROUTE;
        }
        return sendOn(path, payload, flags);
    }

    IpOutput.Result sendOn(Path path, byte[] payload, int flags) {
        frame.reset();
        int headerLength = Math.min(8, payload.length);
        frame.header().setBytes(frame.append(headerLength), payload, 0, headerLength);
        ByteBuf rest = Unpooled.copiedBuffer(payload, headerLength, payload.length - headerLength);
        frame.addPayload(rest, 0, rest.readableBytes());
        int start = frame.headerStart();
        IpOutput.Result result = stack.send(frame, path, PROTOCOL, 0, hopLimit, flags, now);
        assertThat(frame.headerStart()).as("the frame is as it was").isEqualTo(start);
        frame.reset();
        rest.release();
        return result;
    }

    IpOutput.Result send(int destination, byte[] payload) {
        return send(IpAddress.v4(destination), payload, IpOutput.DONT_FRAGMENT);
    }

    /** Makes the peer known, as its answer to a request would. */
    void resolvePeer() {
        resolve(PEER, PEER_LINK);
    }

    void resolve(int address, long link) {
        receive(Packets.arp(OWN_LINK, ArpHeader.REQUEST, link, address, 0, OWN));
        queue.sent.clear();
    }

    /** The oldest frame sent that was not looked at yet. */
    byte[] nextSent() {
        assertThat(queue.sent).as("frames sent").isNotEmpty();
        return queue.sent.remove().bytes();
    }

    /** The IPv4 packet in the oldest frame sent, which must be addressed to {@code link}. */
    byte[] nextPacketTo(long link) {
        byte[] bytes = nextSent();
        assertThat(EthernetHeader.destination(Unpooled.wrappedBuffer(bytes), 0)).isEqualTo(link);
        assertThat(EthernetHeader.source(Unpooled.wrappedBuffer(bytes), 0)).isEqualTo(OWN_LINK);
        return Arrays.copyOfRange(bytes, 14, bytes.length);
    }

    void expectNothingSent() {
        assertThat(queue.sent).isEmpty();
    }

    void expectArpRequest(long destination, int sender, int target) {
        long targetLink = destination == BROADCAST_LINK ? 0 : destination;
        assertThat(nextSent())
                .isEqualTo(Packets.ethernet(
                        destination,
                        OWN_LINK,
                        EtherType.ARP,
                        Arrays.copyOfRange(
                                Packets.arp(0, ArpHeader.REQUEST, OWN_LINK, sender, targetLink, target), 14, 42)));
    }

    long count(IpCounter counter) {
        return counters.get(counter);
    }

    /** The sum of all counters of dropped packets. */
    long drops() {
        long sum = 0;
        for (IpCounter counter : IpCounter.values()) {
            sum += counter.isDrop() ? counters.get(counter) : 0;
        }
        return sum;
    }

    @Override
    public void close() {
        stack.close();
        frame.release();
        assertThat(timers.size()).as("timers left").isZero();
        assertThat(allocator.metric().usedDirectMemory() + allocator.metric().usedHeapMemory())
                .as("bytes left")
                .isZero();
    }
}
