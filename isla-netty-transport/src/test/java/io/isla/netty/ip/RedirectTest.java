/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.FAR;
import static io.isla.netty.ip.IpFixture.FAR6;
import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.OWN6;
import static io.isla.netty.ip.IpFixture.OWN_LOCAL6;
import static io.isla.netty.ip.IpFixture.PEER;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PEER_LOCAL6;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static io.isla.netty.ip.IpFixture.ROUTER;
import static io.isla.netty.ip.IpFixture.ROUTER6;
import static io.isla.netty.ip.IpFixture.ROUTER_LINK;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.NeighborDiscoveryOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RedirectTest {
    private final IpFixture host = IpFixture.configured();
    private final IpFixture host6 = IpFixture.configured6();

    @BeforeEach
    void knowTheNeighbours() {
        host.resolve(ROUTER, ROUTER_LINK);
        host.resolvePeer();
        host6.resolve6(ROUTER6, ROUTER_LINK);
        host6.resolve6(PEER_LOCAL6, PEER_LINK);
    }

    @AfterEach
    void close() {
        host.close();
        host6.close();
    }

    private static byte[] redirect(int from, int gateway, int source, int destination) {
        return Packets.ipv4(
                from,
                OWN,
                IpProtocol.ICMP,
                Packets.icmp(5, 1, gateway, Packets.ipv4(source, destination, PROTOCOL, Packets.bytes(8))));
    }

    private static byte[] redirect6(IpAddress from, IpAddress target, IpAddress destination) {
        return Packets.discovery(
                from,
                OWN_LOCAL6,
                Icmpv6Header.REDIRECT,
                0,
                Packets.bytes(target),
                Packets.bytes(destination),
                Packets.linkOption(NeighborDiscoveryOption.TARGET_LINK_ADDRESS, PEER_LINK));
    }

    @Test
    void followsItsGatewayToAnotherForAWhile() {
        host.send(FAR, Packets.bytes(10));
        host.nextPacketTo(ROUTER_LINK);

        host.receiveIp(redirect(ROUTER, PEER, OWN, FAR));

        host.sendOn(host.path, Packets.bytes(10), 0);
        host.nextPacketTo(PEER_LINK);
        host.send(FAR + 1, Packets.bytes(10));
        host.nextPacketTo(ROUTER_LINK);
        host.stack.confirm(host.path, host.now);
        host.pass(12, TimeUnit.MINUTES);
        host.resolve(ROUTER, ROUTER_LINK);
        host.send(FAR, Packets.bytes(10));
        host.nextPacketTo(ROUTER_LINK);
    }

    @Test
    void followsNobodyElseAndNowhereElse() {
        host.receiveIp(redirect(PEER, PEER, OWN, FAR));
        host.receiveIp(redirect(ROUTER, FAR, OWN, FAR));
        host.receiveIp(redirect(ROUTER, OWN, OWN, FAR));
        host.receiveIp(redirect(ROUTER, Packets.v4("10.0.0.255"), OWN, FAR));
        host.receiveIp(redirect(ROUTER, PEER, PEER, FAR));
        host.receiveIp(redirect(ROUTER, PEER, OWN, Packets.v4("224.1.1.1")));
        host.receiveIp(Packets.ipv4(ROUTER, OWN, IpProtocol.ICMP, Packets.icmp(5, 1, PEER, new byte[10])));

        assertThat(host.count(IpCounter.ICMP_IN_REDIRECTS)).isEqualTo(7);
        assertThat(host.count(IpCounter.ICMP_IN_IGNORED)).isEqualTo(7);
        host.send(FAR, Packets.bytes(10));
        host.nextPacketTo(ROUTER_LINK);
    }

    @Test
    void leavesAGatewayThatDoesNotAnswer() {
        int silent = Packets.v4("10.0.0.99");
        host.receiveIp(redirect(ROUTER, silent, OWN, FAR));
        host.send(FAR, Packets.bytes(10));
        host.pass(4, TimeUnit.SECONDS);
        host.queue.sent.clear();

        host.send(FAR, Packets.bytes(10));

        host.nextPacketTo(ROUTER_LINK);
    }

    @Test
    void followsItsIpv6RouterToAnotherOrToTheDestinationItself() {
        host6.receiveIp6(redirect6(ROUTER6, PEER_LOCAL6, FAR6), ROUTER_LINK);
        host6.send6(FAR6, Packets.bytes(10));
        host6.nextPacketTo(PEER_LINK);

        IpAddress near = Packets.address("2001:db8:aaaa::5");
        host6.receiveIp6(redirect6(ROUTER6, near, near), ROUTER_LINK);
        host6.send6(near, Packets.bytes(10));
        host6.nextPacketTo(PEER_LINK);
        host6.pass(12, TimeUnit.MINUTES);
    }

    @Test
    void followsNobodyElseInIpv6() {
        host6.receiveIp6(redirect6(PEER_LOCAL6, PEER_LOCAL6, FAR6), PEER_LINK);
        host6.receiveIp6(redirect6(ROUTER6, Packets.address("2001:db8::99"), FAR6), ROUTER_LINK);
        host6.receiveIp6(redirect6(ROUTER6, OWN_LOCAL6, FAR6), ROUTER_LINK);
        host6.receiveIp6(redirect6(ROUTER6, PEER_LOCAL6, Packets.address("ff05::1")), ROUTER_LINK);
        host6.receiveIp6(redirect6(ROUTER6, PEER_LOCAL6, OWN6), ROUTER_LINK);

        assertThat(host6.count(IpCounter.ICMP6_IN_REDIRECTS)).isEqualTo(5);
        assertThat(host6.count(IpCounter.ICMP6_IN_BAD_DISCOVERY)).isEqualTo(5);
        host6.send6(FAR6, Packets.bytes(10));
        host6.nextPacketTo(ROUTER_LINK);
    }
}
