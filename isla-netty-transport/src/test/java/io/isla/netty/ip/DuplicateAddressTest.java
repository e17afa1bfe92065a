/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.ALL_NODES;
import static io.isla.netty.ip.IpFixture.BROADCAST_LINK;
import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.OWN6;
import static io.isla.netty.ip.IpFixture.OWN_LINK;
import static io.isla.netty.ip.IpFixture.PEER;
import static io.isla.netty.ip.IpFixture.PEER6;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.isla.netty.wire.NeighborDiscoveryOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DuplicateAddressTest {
    private final IpFixture host = new IpFixture();
    private final List<String> results = new ArrayList<>();

    @AfterEach
    void close() {
        host.close();
    }

    private void detect(IpAddress address) {
        host.stack.detectDuplicate(
                address,
                (found, duplicate, other, now) -> results.add(found + (duplicate ? " taken by " + other : " free")),
                host.now);
    }

    private byte[] solicitation(byte[]... options) {
        return Packets.discovery(
                IpAddress.ANY_V6,
                Packets.solicitedNode(OWN6),
                Icmpv6Header.NEIGHBOR_SOLICITATION,
                0,
                Packets.bytes(OWN6),
                Packets.concat(options));
    }

    @Test
    void probesForAnIpv4AddressThreeTimes() {
        detect(IpAddress.v4(OWN));
        long start = host.now;
        for (int i = 0; i < 3; i++) {
            while (host.queue.sent.isEmpty()) {
                host.pass(100, TimeUnit.MILLISECONDS);
            }
            host.expectArpRequest(BROADCAST_LINK, 0, OWN);
        }
        assertThat(host.now - start).isBetween(TimeUnit.SECONDS.toNanos(2), TimeUnit.SECONDS.toNanos(6));
        assertThat(results).isEmpty();

        host.pass(2001, TimeUnit.MILLISECONDS);

        assertThat(results).containsExactly("10.0.0.2 free");
        host.expectNothingSent();
    }

    @Test
    void aTentativeIpv4AddressIsNotAnswered() {
        detect(IpAddress.v4(OWN));

        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, OWN));

        host.expectNothingSent();
        assertThat(results).isEmpty();
    }

    @Test
    void whoeverSpeaksFromTheIpv4AddressHasIt() {
        detect(IpAddress.v4(OWN));
        host.pass(1, TimeUnit.SECONDS);

        host.receive(Packets.arp(OWN_LINK, ArpHeader.REPLY, PEER_LINK, OWN, OWN_LINK, 0));

        assertThat(results).containsExactly("10.0.0.2 taken by 02:00:5e:10:00:02");
        assertThat(host.timers.size()).isZero();
    }

    @Test
    void whoeverProbesForTheSameIpv4AddressWantsIt() {
        detect(IpAddress.v4(OWN));

        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, 0, 0, OWN));

        assertThat(results).hasSize(1);
    }

    @Test
    void asksOnceForAnIpv6Address() {
        detect(OWN6);
        host.pass(1, TimeUnit.SECONDS);

        byte[] probe = host.nextPacketTo(0x3333_ff00_0002L);
        assertThat(Arrays.copyOfRange(probe, 8, 40))
                .isEqualTo(Packets.concat(new byte[16], Packets.bytes(Packets.solicitedNode(OWN6))));
        assertThat(probe[40]).isEqualTo((byte) Icmpv6Header.NEIGHBOR_SOLICITATION);
        assertThat(Arrays.copyOfRange(probe, 48, 64)).isEqualTo(Packets.bytes(OWN6));
        assertThat(probe[64]).isEqualTo((byte) NeighborDiscoveryOption.NONCE);
        assertThat(results).isEmpty();
        host.pass(1001, TimeUnit.MILLISECONDS);
        assertThat(results).containsExactly("2001:db8:0:0:0:0:0:2 free");
    }

    @Test
    void anAdvertisementSaysThatTheIpv6AddressIsTaken() {
        detect(OWN6);
        host.pass(1, TimeUnit.SECONDS);

        host.receiveIp6(Packets.discovery(
                OWN6,
                ALL_NODES,
                Icmpv6Header.NEIGHBOR_ADVERTISEMENT,
                NeighborDiscoveryHeader.OVERRIDE,
                Packets.bytes(OWN6),
                Packets.linkOption(NeighborDiscoveryOption.TARGET_LINK_ADDRESS, PEER_LINK)));

        assertThat(results).containsExactly("2001:db8:0:0:0:0:0:2 taken by 02:00:5e:10:00:02");
    }

    @Test
    void aSolicitationFromNowhereSaysSoTooUnlessItIsOurOwnComeBack() {
        detect(OWN6);
        host.pass(1, TimeUnit.SECONDS);
        byte[] ownNonce = Arrays.copyOfRange(host.nextPacketTo(0x3333_ff00_0002L), 64, 72);

        host.receiveIp6(solicitation(ownNonce));
        assertThat(results).isEmpty();
        host.receiveIp6(solicitation(Packets.linkOption(NeighborDiscoveryOption.NONCE, 77)));

        assertThat(results).containsExactly("2001:db8:0:0:0:0:0:2 taken by null");
    }

    @Test
    void whoOnlyLooksForTheAddressIsNotAnsweredYet() {
        detect(OWN6);
        host.receiveIp6(Packets.discovery(
                PEER6, Packets.solicitedNode(OWN6), Icmpv6Header.NEIGHBOR_SOLICITATION, 0, Packets.bytes(OWN6)));

        host.expectNothingSent();
        assertThat(results).isEmpty();
    }

    @Test
    void stopsWhenTold() {
        detect(OWN6);
        detect(IpAddress.v4(OWN));

        host.stack.cancelDuplicateDetection(OWN6, host.now);
        host.stack.cancelDuplicateDetection(IpAddress.v4(OWN), host.now);
        host.pass(1, TimeUnit.MINUTES);

        assertThat(results).isEmpty();
        host.expectNothingSent();
    }
}
