/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.FAR6;
import static io.isla.netty.ip.IpFixture.OWN6;
import static io.isla.netty.ip.IpFixture.PEER6;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static io.isla.netty.ip.IpFixture.ROUTER6;
import static io.isla.netty.ip.IpFixture.ROUTER_LINK;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.ip.IpOutput.Result;
import io.isla.netty.link.Link;
import io.isla.netty.link.MacAddress;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class Ipv6OutputTest {
    private final IpFixture host = IpFixture.configured6();

    @BeforeEach
    void knowTheNeighbours() {
        host.resolve6(PEER6, PEER_LINK);
        host.resolve6(ROUTER6, ROUTER_LINK);
    }

    @AfterEach
    void close() {
        host.close();
    }

    private int flowLabelOf(IpAddress destination, int protocol, int ports) {
        host.stack.resolve(host.path, 0, 0, destination.high(), destination.low());
        host.frame.reset();
        host.frame.header().setInt(host.frame.append(20), ports);
        assertThat(host.stack.send(host.frame, host.path, protocol, 0xb8, 33, 0, host.now))
                .isEqualTo(Result.SENT);
        ByteBuf packet = Unpooled.wrappedBuffer(host.nextPacketTo(destination.equals(PEER6) ? PEER_LINK : ROUTER_LINK));
        assertThat(Ipv6Header.isValid(packet, 0, packet.readableBytes())).isTrue();
        assertThat(Ipv6Header.payloadLength(packet, 0)).isEqualTo(20);
        assertThat(Ipv6Header.trafficClass(packet, 0)).isEqualTo(0xb8);
        assertThat(Ipv6Header.hopLimit(packet, 0)).isEqualTo(33);
        assertThat(Ipv6Header.nextHeader(packet, 0)).isEqualTo(protocol);
        assertThat(Ipv6Header.sourceLow(packet, 0)).isEqualTo(OWN6.low());
        assertThat(Ipv6Header.destinationHigh(packet, 0)).isEqualTo(destination.high());
        return Ipv6Header.flowLabel(packet, 0);
    }

    @Test
    void writesTheHeaderWithALabelForEachFlow() {
        Set<Integer> labels = new HashSet<>();
        for (int port = 0; port < 100; port++) {
            int label = flowLabelOf(PEER6, IpProtocol.TCP, 40_000 + port << 16 | 80);
            assertThat(flowLabelOf(PEER6, IpProtocol.TCP, 40_000 + port << 16 | 80))
                    .isEqualTo(label);
            labels.add(label);
            labels.add(flowLabelOf(FAR6, IpProtocol.TCP, 40_000 + port << 16 | 80));
        }
        assertThat(labels).hasSizeGreaterThan(198);
        assertThat(flowLabelOf(PEER6, PROTOCOL, 1)).isEqualTo(flowLabelOf(PEER6, PROTOCOL, 2));
    }

    @Test
    void doesNotSplitWhatMustNotBe() {
        assertThat(host.send6(PEER6, Packets.bytes(1461))).isEqualTo(Result.TOO_BIG);
        assertThat(host.send6(PEER6, Packets.bytes(1460))).isEqualTo(Result.SENT);
        assertThat(host.count(IpCounter.IP6_FRAG_FAILS)).isEqualTo(1);
    }

    @Test
    void asksTheLinkToSegmentWhatFitsInSegments() {
        host.stack.resolve(host.path, 0, 0, PEER6.high(), PEER6.low());
        ByteBuf data = Unpooled.wrappedBuffer(new byte[60_000]);
        host.frame.reset();
        int at = host.frame.append(20);
        host.frame.addPayload(data, 0, 60_000);
        host.frame.requestChecksum(at, 16);
        host.frame.requestSegmentation(SegmentationType.TCP_V6, 1440);

        assertThat(host.stack.send(host.frame, host.path, IpProtocol.TCP, 0, 64, 1, host.now))
                .isEqualTo(Result.SENT);
        assertThat(host.queue.sent.remove().segmentSize()).isEqualTo(1440);
        host.frame.requestSegmentation(SegmentationType.TCP_V6, 1441);
        assertThat(host.stack.send(host.frame, host.path, IpProtocol.TCP, 0, 64, 1, host.now))
                .isEqualTo(Result.TOO_BIG);
    }

    @Test
    void aTcpPacketLongerThanItsHeaderCanTellGoesToNeighboursOnly() {
        host.resolve6(PEER6, PEER_LINK);
        host.queue.sent.clear();
        host.stack.resolve(host.path, 0, 0, PEER6.high(), PEER6.low());
        assertThat(host.path.maxTcpSegmentationBytes()).isEqualTo(200_000);
        ByteBuf data = Unpooled.wrappedBuffer(new byte[200_000]);
        for (int payload : new int[] {65_535, 65_536}) {
            host.frame.reset();
            int at = host.frame.append(20);
            host.frame.addPayload(data, 0, payload - 20);
            host.frame.requestChecksum(at, 16);
            host.frame.requestSegmentation(SegmentationType.TCP_V6, 1400);
            assertThat(host.stack.send(host.frame, host.path, IpProtocol.TCP, 0, 64, 1, host.now))
                    .isEqualTo(Result.SENT);
            ByteBuf packet = Unpooled.wrappedBuffer(host.nextPacketTo(PEER_LINK));
            assertThat(packet.readableBytes()).isEqualTo(40 + payload);
            assertThat(Ipv6Header.payloadLength(packet, 0)).isEqualTo(payload > 65_535 ? 0 : payload);
        }

        Path far = new Path();
        host.stack.resolve(far, 0, 0, FAR6.high(), FAR6.low());
        assertThat(far.maxTcpSegmentationBytes()).isEqualTo(65_535);
    }

    @Test
    void multicastGoesToTheLinkAddressOfTheGroup() {
        host.send6(Packets.address("ff05::1:3"), Packets.bytes(10));

        host.nextPacketTo(0x3333_0001_0003L);
        assertThat(host.count(IpCounter.IP6_OUT_MCAST_PKTS)).isEqualTo(1);
    }

    @Test
    void bothFamiliesLiveOnOneHost() {
        host.stack.addAddress(IpAddress.v4(IpFixture.OWN), 24, host.now);
        host.resolvePeer();

        assertThat(host.send(IpFixture.PEER, Packets.bytes(10))).isEqualTo(Result.SENT);
        host.nextPacketTo(PEER_LINK);
        // A socket that is bound to :: may speak to an IPv4 destination.
        assertThat(host.stack.resolve(host.path, 0, 0, 0, IpAddress.v4Low(IpFixture.PEER)))
                .isTrue();
        assertThat(host.path.localLow()).isEqualTo(IpAddress.v4Low(IpFixture.OWN));
        assertThat(host.stack.resolve(host.path, OWN6.high(), OWN6.low(), 0, IpAddress.v4Low(IpFixture.PEER)))
                .isFalse();
    }

    @Test
    void aLinkThatIsTooNarrowDoesNotCarryIpv6() {
        IpStack.Interface narrow =
                new IpStack.Interface(Link.Medium.ETHERNET, 1279, 1279, 1279, new MacAddress(IpFixture.OWN_LINK), true);
        IpStack stack = new IpStack(
                narrow, host.queue, host.queue, host.timers, host.allocator, host.random::nextLong, host.counters);
        stack.addAddress(OWN6, 64, host.now);

        assertThat(stack.resolve(host.path, 0, 0, PEER6.high(), PEER6.low())).isFalse();
        stack.close();
    }
}
