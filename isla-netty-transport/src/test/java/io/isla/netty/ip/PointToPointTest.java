/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.ALL_NODES;
import static io.isla.netty.ip.IpFixture.FAR6;
import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.OWN6;
import static io.isla.netty.ip.IpFixture.OWN_LOCAL6;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PEER_LOCAL6;
import static io.isla.netty.ip.IpFixture.ROUTER6;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.Link;
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

/** Neighbour discovery where there are no link addresses: nobody is looked for, but addresses are found to be free, and routers heard. */
class PointToPointTest {
    private final IpFixture host = new IpFixture(Link.Medium.IP, 1);

    PointToPointTest() {
        host.queue.ignoreMembershipReports = true;
        host.stack.addAddress(OWN_LOCAL6, 64, host.now);
        host.queue.sent.clear();
    }

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

    private byte[] awaitSent(int type) {
        for (int i = 0; i < 100; i++) {
            while (!host.queue.sent.isEmpty()) {
                byte[] packet = host.nextSent();
                if (packet[0] >>> 4 == 6 && packet[6] == 58 && (packet[40] & 0xff) == type) {
                    return packet;
                }
            }
            host.pass(100, TimeUnit.MILLISECONDS);
        }
        throw new AssertionError("nothing of ICMPv6 type " + type + " was sent");
    }

    @Test
    void sendsWithoutLookingForAnybody() {
        host.stack.addAddress(OWN6, 64, host.now);
        host.queue.sent.clear();

        host.send6(Packets.address("2001:db8::77"), Packets.bytes(20));

        assertThat(host.nextSent()).hasSize(60).endsWith(Packets.bytes(20));
        host.expectNothingSent();
    }

    @Test
    void answersASolicitationWithoutALinkAddress() {
        host.receive(solicitation(PEER_LOCAL6, OWN_LOCAL6));

        assertThat(host.nextSent())
                .isEqualTo(Packets.discovery(
                        OWN_LOCAL6,
                        PEER_LOCAL6,
                        Icmpv6Header.NEIGHBOR_ADVERTISEMENT,
                        NeighborDiscoveryHeader.SOLICITED | NeighborDiscoveryHeader.OVERRIDE,
                        Packets.bytes(OWN_LOCAL6)));
    }

    @Test
    void tellsAPeerThatWantsAnAddressOfOurs() {
        host.receive(solicitation(IpAddress.ANY_V6, OWN_LOCAL6));

        assertThat(host.nextSent())
                .isEqualTo(Packets.discovery(
                        OWN_LOCAL6,
                        ALL_NODES,
                        Icmpv6Header.NEIGHBOR_ADVERTISEMENT,
                        NeighborDiscoveryHeader.OVERRIDE,
                        Packets.bytes(OWN_LOCAL6)));
    }

    @Test
    void findsOutThatThePeerHasAnAddress() {
        List<Boolean> results = new ArrayList<>();
        host.stack.detectDuplicate(OWN6, (address, duplicate, other, now) -> results.add(duplicate), host.now);
        byte[] probe = awaitSent(Icmpv6Header.NEIGHBOR_SOLICITATION);
        assertThat(Arrays.copyOfRange(probe, 8, 24)).as("from nowhere").containsOnly(0);

        host.receive(Packets.discovery(
                OWN6,
                ALL_NODES,
                Icmpv6Header.NEIGHBOR_ADVERTISEMENT,
                NeighborDiscoveryHeader.OVERRIDE,
                Packets.bytes(OWN6)));

        assertThat(results).containsExactly(true);
    }

    @Test
    void findsOutThatAnAddressIsFree() {
        List<Boolean> results = new ArrayList<>();
        host.stack.detectDuplicate(OWN6, (address, duplicate, other, now) -> results.add(duplicate), host.now);
        host.pass(3, TimeUnit.SECONDS);
        assertThat(results).containsExactly(false);

        // Without ARP there is nobody to be asked.
        host.stack.detectDuplicate(
                IpAddress.v4(OWN), (address, duplicate, other, now) -> results.add(duplicate), host.now);
        assertThat(results).as("not from within the call").hasSize(1);
        host.pass(1, TimeUnit.MILLISECONDS);
        assertThat(results).containsExactly(false, false);
    }

    @Test
    void takesARouterAtItsWord() {
        host.stack.ipv6(Ipv6Config.automatic(1, 2));
        host.stack.start(host.now);
        byte[] solicitation = awaitSent(Icmpv6Header.ROUTER_SOLICITATION);
        assertThat(solicitation).as("without a link address").hasSize(48);

        // A link address makes no sense here, and no harm.
        host.receive(Packets.discovery(
                ROUTER6,
                ALL_NODES,
                Icmpv6Header.ROUTER_ADVERTISEMENT,
                0x4000_0708,
                new byte[8],
                Packets.linkOption(NeighborDiscoveryOption.SOURCE_LINK_ADDRESS, PEER_LINK),
                Packets.ints(0x0304_40c0, 3600, 1800, 0),
                Packets.bytes(Packets.address("2001:db8:1::"))));
        host.pass(3, TimeUnit.SECONDS);

        assertThat(host.stack.addresses().list())
                .anyMatch(address -> address.address().high()
                        == Packets.address("2001:db8:1::").high());
        host.queue.sent.clear();
        host.send6(FAR6, Packets.bytes(20));
        assertThat(host.nextSent()).endsWith(Packets.bytes(20));
    }

    @Test
    void takesNoRedirect() {
        host.stack.addAddress(OWN6, 64, host.now);
        host.stack.routes().add(Route.byDefault(ROUTER6));
        host.receive(Packets.discovery(
                ROUTER6, OWN_LOCAL6, Icmpv6Header.REDIRECT, 0, Packets.bytes(PEER_LOCAL6), Packets.bytes(FAR6)));

        assertThat(host.count(IpCounter.ICMP6_IN_BAD_DISCOVERY)).isEqualTo(1);
    }
}
