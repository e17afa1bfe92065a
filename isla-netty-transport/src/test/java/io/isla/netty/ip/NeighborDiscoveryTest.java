/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.ALL_NODES;
import static io.isla.netty.ip.IpFixture.FAR6;
import static io.isla.netty.ip.IpFixture.OWN6;
import static io.isla.netty.ip.IpFixture.OWN_LINK;
import static io.isla.netty.ip.IpFixture.OWN_LOCAL6;
import static io.isla.netty.ip.IpFixture.PEER6;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PEER_LOCAL6;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static io.isla.netty.ip.IpFixture.ROUTER6;
import static io.isla.netty.ip.IpFixture.ROUTER_LINK;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.Unpooled;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NeighborDiscoveryTest {
    private static final int SOLICITED_OVERRIDE = NeighborDiscoveryHeader.SOLICITED | NeighborDiscoveryHeader.OVERRIDE;

    private final IpFixture host = IpFixture.configured6();

    @AfterEach
    void close() {
        host.close();
    }

    private static byte[] solicitation(IpAddress source, IpAddress target, byte[]... options) {
        return Packets.discovery(
                source,
                Packets.solicitedNode(target),
                Icmpv6Header.NEIGHBOR_SOLICITATION,
                0,
                Packets.bytes(target),
                Packets.concat(options));
    }

    private static byte[] advertisement(
            IpAddress source, IpAddress destination, IpAddress target, int flags, byte[]... options) {
        return Packets.discovery(
                source,
                destination,
                Icmpv6Header.NEIGHBOR_ADVERTISEMENT,
                flags,
                Packets.bytes(target),
                Packets.concat(options));
    }

    private static byte[] sourceLink(long link) {
        return Packets.linkOption(NeighborDiscoveryOption.SOURCE_LINK_ADDRESS, link);
    }

    private static byte[] targetLink(long link) {
        return Packets.linkOption(NeighborDiscoveryOption.TARGET_LINK_ADDRESS, link);
    }

    private void expectAdvertisement(long link, IpAddress destination, IpAddress target, int flags) {
        assertThat(host.nextSent())
                .isEqualTo(Packets.ethernet(
                        link,
                        OWN_LINK,
                        EtherType.IPV6,
                        advertisement(target, destination, target, flags, targetLink(OWN_LINK))));
    }

    @Test
    void answersASolicitationAndLearnsWhoAsked() {
        host.receiveIp6(solicitation(PEER_LOCAL6, OWN6, sourceLink(PEER_LINK)));

        expectAdvertisement(PEER_LINK, PEER_LOCAL6, OWN6, SOLICITED_OVERRIDE);
        host.send6(PEER_LOCAL6, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);
    }

    @Test
    void answersASolicitationThatDoesNotTellALinkAddressOnceThatIsKnown() {
        host.receiveIp6(
                Packets.discovery(PEER_LOCAL6, OWN6, Icmpv6Header.NEIGHBOR_SOLICITATION, 0, Packets.bytes(OWN6)));

        host.expectSolicitation(OWN6, PEER_LOCAL6, false, 0);
        host.receiveIp6(advertisement(PEER_LOCAL6, OWN6, PEER_LOCAL6, SOLICITED_OVERRIDE, targetLink(PEER_LINK)));
        expectAdvertisement(PEER_LINK, PEER_LOCAL6, OWN6, SOLICITED_OVERRIDE);
    }

    @Test
    void tellsAllNodesWhereSomeoneElseWantsAnAddressOfOurs() {
        host.receiveIp6(solicitation(IpAddress.ANY_V6, OWN6));

        expectAdvertisement(0x3333_0000_0001L, ALL_NODES, OWN6, NeighborDiscoveryHeader.OVERRIDE);
    }

    @Test
    void answersForABlock() {
        host.stack.addBlock(new AddressBlock(Packets.address("2001:db8:9::"), 48, AddressBlock.Kind.OWN));
        IpAddress target = Packets.address("2001:db8:9:1::abcd:ef01");

        host.receiveIp6(solicitation(PEER6, target, sourceLink(PEER_LINK)));

        expectAdvertisement(PEER_LINK, PEER6, target, SOLICITED_OVERRIDE);
    }

    @Test
    void doesNotAnswerForOthers() {
        IpAddress other = Packets.address("2001:db8::ff00:2");
        host.receiveIp6(solicitation(PEER6, other, sourceLink(PEER_LINK)));

        host.expectNothingSent();
        assertThat(host.drops()).isEqualTo(1);
    }

    @Test
    void packetsWaitForTheAdvertisement() {
        host.send6(PEER6, Packets.bytes(20));
        host.expectSolicitation(OWN6, PEER6, false, 0);

        host.receiveIp6(advertisement(PEER6, OWN6, PEER6, SOLICITED_OVERRIDE, targetLink(PEER_LINK)));

        assertThat(host.nextPacketTo(PEER_LINK)).hasSize(60).endsWith(Packets.bytes(20));
        host.pass(10, TimeUnit.SECONDS);
        host.send6(PEER6, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);
        host.pass(4, TimeUnit.SECONDS);
        host.expectNothingSent();
    }

    @Test
    void asksThreeTimesAndThenTellsTheTransport() {
        byte[] payload = Packets.bytes(30);
        host.send6(PEER6, payload);
        for (int i = 0; i < 3; i++) {
            host.expectSolicitation(OWN6, PEER6, false, 0);
            host.pass(1001, TimeUnit.MILLISECONDS);
        }

        host.expectNothingSent();
        assertThat(host.failed).singleElement().satisfies(error -> {
            assertThat(error.kind()).isEqualTo(IcmpErrorKind.HOST_UNREACHABLE);
            assertThat(error.remote()).isEqualTo(PEER6);
            assertThat(error.protocol()).isEqualTo(PROTOCOL);
            assertThat(error.transport()).isEqualTo(payload);
        });
    }

    @Test
    void probesAStaleNeighbourItselfAlone() {
        host.resolve6(PEER6, PEER_LINK);
        // Reachable for 45 s at most.
        host.pass(46, TimeUnit.SECONDS);
        host.send6(PEER6, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);

        host.pass(5001, TimeUnit.MILLISECONDS);

        host.expectSolicitation(OWN6, PEER6, true, PEER_LINK);
        // Without a link address an answer still confirms.
        host.receiveIp6(advertisement(PEER6, OWN6, PEER6, NeighborDiscoveryHeader.SOLICITED));
        host.pass(10, TimeUnit.SECONDS);
        host.expectNothingSent();
    }

    @Test
    void withoutOverrideAnotherLinkAddressOnlyRaisesDoubt() {
        host.send6(PEER6, Packets.bytes(20));
        host.queue.sent.clear();
        host.receiveIp6(advertisement(PEER6, OWN6, PEER6, SOLICITED_OVERRIDE, targetLink(PEER_LINK)));
        host.queue.sent.clear();

        host.receiveIp6(advertisement(PEER6, ALL_NODES, PEER6, 0, targetLink(ROUTER_LINK)));
        host.send6(PEER6, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);
        host.pass(5001, TimeUnit.MILLISECONDS);
        host.expectSolicitation(OWN6, PEER6, true, PEER_LINK);

        host.receiveIp6(
                advertisement(PEER6, ALL_NODES, PEER6, NeighborDiscoveryHeader.OVERRIDE, targetLink(ROUTER_LINK)));
        host.send6(PEER6, Packets.bytes(20));
        host.nextPacketTo(ROUTER_LINK);
    }

    @Test
    void anAdvertisementNobodyAskedForMakesNoEntry() {
        host.receiveIp6(
                advertisement(PEER6, ALL_NODES, PEER6, NeighborDiscoveryHeader.OVERRIDE, targetLink(PEER_LINK)));

        host.send6(PEER6, Packets.bytes(20));

        host.expectSolicitation(OWN6, PEER6, false, 0);
    }

    @Test
    void linkLocalDestinationsNeedNoRoute() {
        host.stack.routes().remove(Route.byDefault(ROUTER6));

        host.send6(PEER_LOCAL6, Packets.bytes(20));

        host.expectSolicitation(OWN_LOCAL6, PEER_LOCAL6, false, 0);
        assertThat(host.send6(FAR6, Packets.bytes(20))).isEqualTo(IpOutput.Result.NO_ROUTE);
        assertThat(host.count(IpCounter.IP6_OUT_NO_ROUTES)).isZero();
    }

    @Test
    void defendsItsAddressAndTells() {
        StringBuilder told = new StringBuilder();
        host.stack.listener((address, other) ->
                told.append(address).append(' ').append(other).append('\n'));
        byte[] claim = advertisement(OWN6, ALL_NODES, OWN6, NeighborDiscoveryHeader.OVERRIDE, targetLink(PEER_LINK));

        host.receiveIp6(claim);
        host.receiveIp6(claim);

        expectAdvertisement(0x3333_0000_0001L, ALL_NODES, OWN6, NeighborDiscoveryHeader.OVERRIDE);
        host.expectNothingSent();
        assertThat(told.toString().split("\n")).hasSize(2).allMatch(line -> line.endsWith("02:00:5e:10:00:02"));
    }

    @Test
    void dropsWhatBreaksTheRules() {
        byte[] good = solicitation(PEER6, OWN6, sourceLink(PEER_LINK));
        byte[] passedARouter = good.clone();
        passedARouter[7] = (byte) 254;
        byte[] message = Packets.icmpv6(
                PEER6, OWN6, Icmpv6Header.NEIGHBOR_SOLICITATION, 0, 0, Packets.bytes(OWN6), sourceLink(PEER_LINK));
        host.receiveIp6(passedARouter);
        host.receiveIp6(Packets.ipv6(
                PEER6,
                OWN6,
                IpProtocol.FRAGMENT,
                255,
                Packets.fragmentHeader(IpProtocol.ICMPV6, 0, false, 1),
                message));
        host.receiveIp6(Packets.ipv6(
                PEER6,
                OWN6,
                IpProtocol.ICMPV6,
                255,
                Packets.icmpv6(PEER6, OWN6, Icmpv6Header.NEIGHBOR_SOLICITATION, 1, 0, Packets.bytes(OWN6))));
        host.receiveIp6(Packets.ipv6(
                PEER6,
                OWN6,
                IpProtocol.ICMPV6,
                255,
                Packets.icmpv6(PEER6, OWN6, Icmpv6Header.NEIGHBOR_SOLICITATION, 0, 0, new byte[15])));
        // Options: of length zero, cut short, and one that who speaks from nowhere must not have.
        host.receiveIp6(solicitation(PEER6, OWN6, new byte[8]));
        host.receiveIp6(solicitation(PEER6, OWN6, new byte[] {1, 2, 0, 0, 0, 0, 0, 0}));
        host.receiveIp6(solicitation(IpAddress.ANY_V6, OWN6, sourceLink(PEER_LINK)));
        host.receiveIp6(
                Packets.discovery(PEER6, OWN6, Icmpv6Header.NEIGHBOR_SOLICITATION, 0, Packets.bytes(ALL_NODES)));
        host.receiveIp6(
                advertisement(PEER6, ALL_NODES, PEER6, NeighborDiscoveryHeader.SOLICITED, targetLink(PEER_LINK)));

        host.expectNothingSent();
        assertThat(host.count(IpCounter.ICMP6_IN_BAD_DISCOVERY)).isEqualTo(9);
    }

    @Test
    void aLinkAddressOfAGroupIsNotBelieved() {
        host.receiveIp6(solicitation(PEER6, OWN6, sourceLink(0x3333_0000_0001L)));

        host.expectSolicitation(OWN6, PEER6, false, 0);
    }

    @Test
    void aCopyFromAnotherShardIsLearntFromAndNotAnswered() {
        byte[] bytes = Packets.ethernet(
                0x3333_ff00_0002L, PEER_LINK, EtherType.IPV6, solicitation(PEER6, OWN6, sourceLink(PEER_LINK)));
        InboundFrame frame = new InboundFrame().set(Unpooled.wrappedBuffer(bytes), 0, bytes.length);
        assertThat(IpStack.concernsEveryShard(frame, Link.Medium.ETHERNET)).isTrue();

        host.stack.receiveCopy(frame, host.now);

        host.expectNothingSent();
        host.send6(PEER6, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);
    }
}
