/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.BROADCAST_LINK;
import static io.isla.netty.ip.IpFixture.FAR;
import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.PEER;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static io.isla.netty.ip.IpFixture.ROUTER;
import static io.isla.netty.ip.IpFixture.ROUTER_LINK;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.ip.IpOutput.Result;
import io.isla.netty.link.Link;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class Ipv4OutputTest {
    private final IpFixture host = IpFixture.configured();

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void writesTheHeader() {
        host.resolvePeer();
        byte[] payload = Packets.bytes(77);

        assertThat(host.send(PEER, payload)).isEqualTo(Result.SENT);

        assertThat(host.nextPacketTo(PEER_LINK))
                .isEqualTo(Packets.ipv4(OWN, PEER, PROTOCOL, 64, 0x4000, 0, new byte[0], payload));
        assertThat(host.count(IpCounter.IP_OUT_REQUESTS)).isEqualTo(1);
    }

    @Test
    void theHeaderChecksumIsRightForAllKindsOfValues() {
        host.resolvePeer();
        host.stack.addBlock(new AddressBlock(IpAddress.ANY_V4, 0, AddressBlock.Kind.INTERCEPTED));
        for (int i = 0; i < 5000; i++) {
            int source = host.random.nextInt() & 0x3fff_ffff | 0x4000_0000;
            if (source >>> 24 == 127) {
                continue;
            }
            host.stack.resolve(host.path, 0, IpAddress.v4Low(source), 0, IpAddress.v4Low(PEER));
            host.frame.reset();
            int length = host.random.nextInt(90);
            host.frame.append(length);
            Result result = host.stack.send(
                    host.frame,
                    host.path,
                    host.random.nextInt(256),
                    host.random.nextInt(256),
                    1 + host.random.nextInt(255),
                    host.random.nextInt(2),
                    host.now);
            assertThat(result).isEqualTo(Result.SENT);
            ByteBuf packet = Unpooled.wrappedBuffer(host.nextPacketTo(PEER_LINK));
            assertThat(Ipv4Header.isValid(packet, 0, packet.readableBytes())).isTrue();
            assertThat(Ipv4Header.isChecksumValid(packet, 0)).isTrue();
            assertThat(Ipv4Header.source(packet, 0)).isEqualTo(source);
        }
    }

    @Test
    void sendsToTheGatewayWhatIsNotOnTheLink() {
        host.resolve(ROUTER, ROUTER_LINK);

        host.send(FAR, Packets.bytes(10));

        assertThat(host.nextPacketTo(ROUTER_LINK)).hasSize(30);
    }

    @Test
    void prefersTheLongestPrefixThenTheLowestMetric() {
        host.stack.routes().add(new Route(Packets.address("192.0.2.0"), 24, IpAddress.v4(PEER), 9));
        host.stack.routes().add(new Route(Packets.address("192.0.2.0"), 24, IpAddress.v4(ROUTER), 10));
        host.stack.routes().add(new Route(Packets.address("192.0.0.0"), 16, IpAddress.v4(ROUTER), 0));
        host.resolvePeer();

        host.send(FAR, Packets.bytes(10));

        host.nextPacketTo(PEER_LINK);
    }

    @Test
    void aPathNoticesThatRoutesChange() {
        host.resolvePeer();
        host.resolve(ROUTER, ROUTER_LINK);
        host.send(FAR, Packets.bytes(10));
        host.nextPacketTo(ROUTER_LINK);

        Route route = new Route(Packets.address("192.0.2.0"), 24, IpAddress.v4(PEER), 0);
        host.stack.routes().add(route);
        host.sendOn(host.path, Packets.bytes(10), 0);
        host.nextPacketTo(PEER_LINK);
        host.stack.routes().remove(route);
        host.sendOn(host.path, Packets.bytes(10), 0);
        host.nextPacketTo(ROUTER_LINK);
        host.stack.routes().remove(Route.byDefault(IpAddress.v4(ROUTER)));

        assertThat(host.stack.refresh(host.path)).isFalse();
        assertThat(host.sendOn(host.path, Packets.bytes(10), 0)).isEqualTo(Result.NO_ROUTE);
        assertThat(host.count(IpCounter.IP_OUT_NO_ROUTES)).isEqualTo(1);
    }

    @Test
    void turnsToAnotherGatewayWhenOneDoesNotAnswer() {
        int second = Packets.v4("10.0.0.254");
        host.stack.routes().add(new Route(IpAddress.ANY_V4, 0, IpAddress.v4(second), 5));
        host.send(FAR, Packets.bytes(10));
        host.expectArpRequest(BROADCAST_LINK, OWN, ROUTER);
        host.pass(4, TimeUnit.SECONDS);
        host.queue.sent.clear();

        host.sendOn(host.path, Packets.bytes(10), 0);

        host.expectArpRequest(BROADCAST_LINK, OWN, second);
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, ROUTER_LINK, ROUTER, 0, OWN));
        host.queue.sent.clear();
        host.sendOn(host.path, Packets.bytes(10), 0);
        host.nextPacketTo(ROUTER_LINK);
    }

    @Test
    void whenAllGatewaysFailEachGetsItsTurn() {
        int second = Packets.v4("10.0.0.254");
        host.stack.routes().add(new Route(IpAddress.ANY_V4, 0, IpAddress.v4(second), 5));
        for (int gateway : new int[] {ROUTER, second, ROUTER, second}) {
            host.send(FAR, Packets.bytes(10));
            host.expectArpRequest(BROADCAST_LINK, OWN, gateway);
            host.pass(4, TimeUnit.SECONDS);
            host.queue.sent.clear();
        }
    }

    @Test
    void aSourceThatIsGoneIsSaid() {
        host.send(PEER, Packets.bytes(10));
        host.stack.addAddress(Packets.address("10.0.0.3"), 24, host.now);

        host.stack.removeAddress(IpAddress.v4(OWN), host.now);

        assertThat(host.sendOn(host.path, Packets.bytes(10), 0)).isEqualTo(Result.NO_SOURCE);
    }

    @Test
    void refusesASourceThatIsNotOurs() {
        assertThat(host.stack.resolve(host.path, 0, IpAddress.v4Low(PEER), 0, IpAddress.v4Low(FAR)))
                .isFalse();
        assertThat(host.stack.resolve(host.path, 0, IpAddress.LOOPBACK_V4.low(), 0, IpAddress.v4Low(FAR)))
                .isFalse();
        assertThat(host.stack.resolve(host.path, 0, 0, 0, IpAddress.ANY_V4.low()))
                .isFalse();
    }

    @Test
    void choosesTheSourceInTheSubnetOfTheNextHop() {
        host.stack.addAddress(Packets.address("10.5.0.2"), 16, host.now);

        host.stack.resolve(host.path, 0, IpAddress.ANY_V4.low(), 0, IpAddress.v4Low(Packets.v4("10.5.9.9")));
        assertThat(host.path.localLow()).isEqualTo(IpAddress.v4Low(Packets.v4("10.5.0.2")));
        host.stack.resolve(host.path, 0, IpAddress.ANY_V4.low(), 0, IpAddress.v4Low(FAR));
        assertThat(host.path.localLow()).isEqualTo(IpAddress.v4Low(OWN));
    }

    @Test
    void splitsWhatMayBeSplitAndCompletesItsChecksumFirst() {
        host.resolvePeer();
        byte[] datagram = Packets.udp(OWN, PEER, 1000, 2000, Packets.bytes(4000));
        host.stack.resolve(host.path, 0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(PEER));
        host.frame.reset();
        int at = host.frame.append(8);
        host.frame.header().setBytes(at, datagram, 0, 8);
        host.frame
                .header()
                .setShort(at + 6, InternetChecksum.pseudoHeaderV4(OWN, PEER, IpProtocol.UDP, datagram.length));
        host.frame.requestChecksum(at, 6);
        ByteBuf data = Unpooled.wrappedBuffer(datagram);
        for (int i = 8; i < datagram.length; i += 63) {
            host.frame.addPayload(data, i, Math.min(63, datagram.length - i));
        }

        Result result = host.stack.send(host.frame, host.path, IpProtocol.UDP, 0, 64, 0, host.now);

        assertThat(result).isEqualTo(Result.SENT);
        byte[] whole = {};
        int identification = -1;
        while (!host.queue.sent.isEmpty()) {
            byte[] fragment = host.nextPacketTo(PEER_LINK);
            ByteBuf buf = Unpooled.wrappedBuffer(fragment);
            assertThat(fragment.length).isLessThanOrEqualTo(IpFixture.MTU);
            assertThat(Ipv4Header.isChecksumValid(buf, 0)).isTrue();
            assertThat(Ipv4Header.fragmentOffset(buf, 0)).isEqualTo(whole.length);
            assertThat(Ipv4Header.hasMoreFragments(buf, 0)).isEqualTo(!host.queue.sent.isEmpty());
            if (identification >= 0) {
                assertThat(Ipv4Header.identification(buf, 0)).isEqualTo(identification);
            }
            identification = Ipv4Header.identification(buf, 0);
            whole = Packets.concat(whole, Arrays.copyOfRange(fragment, 20, fragment.length));
        }
        assertThat(whole).isEqualTo(datagram);
        assertThat(host.count(IpCounter.IP_FRAG_OKS)).isEqualTo(1);
        assertThat(host.count(IpCounter.IP_FRAG_CREATES)).isEqualTo(3);
    }

    @Test
    void doesNotSplitWhatMustNotBe() {
        host.resolvePeer();

        assertThat(host.send(PEER, Packets.bytes(1481))).isEqualTo(Result.TOO_BIG);
        assertThat(host.send(PEER, Packets.bytes(1480))).isEqualTo(Result.SENT);

        assertThat(host.count(IpCounter.IP_FRAG_FAILS)).isEqualTo(1);
    }

    @Test
    void aPacketLongerThanAnyIsTooBigEvenInPieces() {
        assertThat(host.send(IpAddress.v4(PEER), Packets.bytes(65_516), 0)).isEqualTo(Result.TOO_BIG);
    }

    @Test
    void asksTheLinkToSegmentWhatFitsInSegments() {
        host.resolvePeer();
        host.stack.resolve(host.path, 0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(PEER));
        ByteBuf data = Unpooled.wrappedBuffer(new byte[60_000]);
        host.frame.reset();
        int at = host.frame.append(20);
        host.frame.addPayload(data, 0, 60_000);
        host.frame.requestChecksum(at, 16);
        host.frame.requestSegmentation(SegmentationType.TCP_V4, 1460);

        assertThat(host.stack.send(host.frame, host.path, IpProtocol.TCP, 0, 64, 1, host.now))
                .isEqualTo(Result.SENT);
        assertThat(host.queue.sent.remove().segmentSize()).isEqualTo(1460);
        host.frame.requestSegmentation(SegmentationType.TCP_V4, 1461);
        assertThat(host.stack.send(host.frame, host.path, IpProtocol.TCP, 0, 64, 1, host.now))
                .isEqualTo(Result.TOO_BIG);
        host.expectNothingSent();
    }

    @Test
    void aTcpPacketLongerThanItsHeaderCanTellGoesToNeighboursOnly() {
        host.resolvePeer();
        host.stack.resolve(host.path, 0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(PEER));
        assertThat(host.path.maxSegmentationBytes()).isEqualTo(65_535);
        assertThat(host.path.maxTcpSegmentationBytes()).isEqualTo(200_000);
        ByteBuf data = Unpooled.wrappedBuffer(new byte[200_000]);

        assertThat(sendSegmented(data, 200_000 - 20 - 20, IpProtocol.TCP)).isEqualTo(Result.SENT);
        ByteBuf packet = Unpooled.wrappedBuffer(host.nextPacketTo(PEER_LINK));
        assertThat(packet.readableBytes()).isEqualTo(200_000);
        assertThat(Ipv4Header.totalLength(packet, 0)).isZero();
        assertThat(InternetChecksum.isValid(packet, 0, Ipv4Header.MIN_LENGTH, 0))
                .isTrue();
        assertThat(sendSegmented(data, 200_000 - 20 - 20 + 1, IpProtocol.TCP)).isEqualTo(Result.TOO_BIG);
        assertThat(sendSegmented(data, 65_536 - 20 - 20, IpProtocol.UDP)).isEqualTo(Result.TOO_BIG);

        assertThat(sendSegmented(data, 65_535 - 20 - 20, IpProtocol.TCP)).isEqualTo(Result.SENT);
        assertThat(Ipv4Header.totalLength(Unpooled.wrappedBuffer(host.nextPacketTo(PEER_LINK)), 0))
                .isEqualTo(65_535);

        Path far = new Path();
        host.stack.resolve(far, 0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(FAR));
        assertThat(far.maxTcpSegmentationBytes()).isEqualTo(65_535);
    }

    private Result sendSegmented(ByteBuf data, int length, int protocol) {
        host.frame.reset();
        int at = host.frame.append(20);
        host.frame.addPayload(data, 0, length);
        host.frame.requestChecksum(at, 16);
        host.frame.requestSegmentation(
                protocol == IpProtocol.TCP ? SegmentationType.TCP_V4 : SegmentationType.UDP, 1400);
        return host.stack.send(host.frame, host.path, protocol, 0, 64, 1, host.now);
    }

    @Test
    void identificationsOfPacketsThatMayBeSplitDiffer() {
        host.resolvePeer();
        Set<Integer> seen = new HashSet<>();
        for (int i = 0; i < 1000; i++) {
            host.send(IpAddress.v4(PEER), Packets.bytes(10), 0);
            ByteBuf packet = Unpooled.wrappedBuffer(host.nextPacketTo(PEER_LINK));
            assertThat(Ipv4Header.isDontFragment(packet, 0)).isFalse();
            assertThat(seen.add(Ipv4Header.identification(packet, 0))).isTrue();
        }
    }

    @Test
    void broadcastsOnlyWhereThatIsMeant() {
        IpAddress subnet = Packets.address("10.0.0.255");
        IpAddress all = Packets.address("255.255.255.255");

        assertThat(host.send(subnet, Packets.bytes(10), 0)).isEqualTo(Result.NOT_PERMITTED);
        assertThat(host.send(subnet, Packets.bytes(10), IpOutput.ALLOW_BROADCAST))
                .isEqualTo(Result.SENT);
        host.nextPacketTo(BROADCAST_LINK);
        assertThat(host.send(all, Packets.bytes(10), IpOutput.ALLOW_BROADCAST)).isEqualTo(Result.SENT);
        host.nextPacketTo(BROADCAST_LINK);
        assertThat(host.count(IpCounter.IP_OUT_BCAST_PKTS)).isEqualTo(2);
    }

    @Test
    void aHostWithoutAnAddressMayOnlyBroadcast() {
        try (IpFixture bare = new IpFixture()) {
            assertThat(bare.send(Packets.address("255.255.255.255"), Packets.bytes(10), IpOutput.ALLOW_BROADCAST))
                    .isEqualTo(Result.SENT);
            ByteBuf packet = Unpooled.wrappedBuffer(bare.nextPacketTo(BROADCAST_LINK));
            assertThat(Ipv4Header.source(packet, 0)).isZero();
            bare.stack.routes().add(Route.onLink(Packets.address("10.0.0.0"), 24));
            assertThat(bare.send(IpAddress.v4(PEER), Packets.bytes(10), 0)).isEqualTo(Result.NO_ROUTE);
        }
    }

    @Test
    void multicastGoesToTheLinkAddressOfTheGroup() {
        host.send(Packets.address("239.129.2.3"), Packets.bytes(10), 0);

        host.nextPacketTo(0x0100_5e01_0203L);
        assertThat(host.count(IpCounter.IP_OUT_MCAST_PKTS)).isEqualTo(1);
    }

    @Test
    void sendsBarePacketsOnALinkWithoutEthernet() {
        try (IpFixture tun = new IpFixture(Link.Medium.IP, 1)) {
            tun.stack.addAddress(IpAddress.v4(OWN), 24, tun.now);

            tun.send(PEER, Packets.bytes(10));

            assertThat(tun.nextSent())
                    .isEqualTo(Packets.ipv4(OWN, PEER, PROTOCOL, 64, 0x4000, 0, new byte[0], Packets.bytes(10)));
        }
    }

    @Test
    void packetsToThisHostAreLoopedBackAndNeverTouchTheLink() {
        host.stack.addBlock(new AddressBlock(Packets.address("10.9.0.0"), 16, AddressBlock.Kind.OWN));
        for (String own : new String[] {"127.0.0.1", "127.9.9.9", "10.0.0.2", "10.9.3.4"}) {
            byte[] payload = Packets.bytes(60_000);

            assertThat(host.send(Packets.address(own), payload, 0)).isEqualTo(Result.SENT);
            assertThat(host.path.isLoopback()).isTrue();

            assertThat(host.received).as("not from within the call that sent").isEmpty();
            host.receiveLoopback(host.queue.loopedBack.remove());
            assertThat(host.received).singleElement().satisfies(received -> {
                assertThat(received.destination()).isEqualTo(Packets.address(own));
                assertThat(received.payload()).isEqualTo(payload);
                assertThat(received.unicast()).isTrue();
            });
            host.received.clear();
        }
        host.expectNothingSent();
    }

    @Test
    void pathMtusAreLearntAndAge() {
        host.resolve(ROUTER, ROUTER_LINK);
        assertThat(host.send(FAR, Packets.bytes(1480))).isEqualTo(Result.SENT);
        assertThat(host.path.mtu()).isEqualTo(1500);

        host.stack.updatePathMtu(0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(FAR), 1400, host.now);

        assertThat(host.sendOn(host.path, Packets.bytes(1480), IpOutput.DONT_FRAGMENT))
                .isEqualTo(Result.TOO_BIG);
        assertThat(host.path.mtu()).isEqualTo(1400);
        host.stack.updatePathMtu(0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(FAR), 1450, host.now);
        host.stack.refresh(host.path);
        assertThat(host.path.mtu()).as("is not raised by a message").isEqualTo(1400);
        host.pass(9, TimeUnit.MINUTES);
        host.stack.refresh(host.path);
        assertThat(host.path.mtu()).isEqualTo(1400);
        host.pass(2, TimeUnit.MINUTES);
        host.stack.refresh(host.path);
        assertThat(host.path.mtu()).isEqualTo(1500);
    }

    @Test
    void aPathMtuHasALeastValueAndAPlateauWhereTheRouterDoesNotTell() {
        host.stack.updatePathMtu(0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(FAR), 0, host.now);
        host.stack.resolve(host.path, 0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(FAR));
        assertThat(host.path.mtu()).isEqualTo(1492);

        host.stack.updatePathMtu(0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(FAR), 68, host.now);
        host.stack.refresh(host.path);
        assertThat(host.path.mtu()).isEqualTo(552);
    }

    @Test
    void pathMtusAreBounded() {
        for (int i = 0; i < 100_000; i++) {
            host.stack.updatePathMtu(0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(FAR + i), 1400, host.now);
        }
        host.stack.resolve(host.path, 0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(FAR + 99_999));
        assertThat(host.path.mtu()).isEqualTo(1400);
        host.pass(11, TimeUnit.MINUTES);
    }
}
