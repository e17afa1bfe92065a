/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.BROADCAST_LINK;
import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.OWN_LINK;
import static io.isla.netty.ip.IpFixture.PEER;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a host can do that does not know its address yet, such as a DHCP client. */
class UnconfiguredTest {
    private static final int PORT = 68;

    private final IpFixture host = new IpFixture();

    @AfterEach
    void close() {
        host.close();
    }

    private static byte[] datagram(int port) {
        return Packets.ipv4(PEER, OWN, IpProtocol.UDP, Packets.udp(PEER, OWN, 67, port, Packets.bytes(20)));
    }

    @Test
    void takesDatagramsToTheAddressThatItIsAboutToHave() {
        host.register(IpProtocol.UDP);
        host.receiveIp(datagram(PORT));
        assertThat(host.received).isEmpty();
        host.stack.unconfiguredPort(PORT);

        host.receiveIp(datagram(PORT));
        assertThat(host.received)
                .singleElement()
                .satisfies(received -> assertThat(received.destination()).isEqualTo(IpAddress.v4(OWN)));

        host.receiveIp(datagram(PORT + 1));
        host.receiveIp(Packets.ipv4(PEER, OWN, PROTOCOL, Packets.bytes(20)));
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.UDP, Packets.bytes(7)));
        assertThat(host.received).as("nothing else").hasSize(1);
        assertThat(host.count(IpCounter.IP_IN_NOT_FOR_US)).isEqualTo(4);

        host.stack.unconfiguredPort(0);
        host.receiveIp(datagram(PORT));
        assertThat(host.received).hasSize(1);
    }

    @Test
    void takesNoFragmentsToAnAddressThatItDoesNotHave() {
        host.register(IpProtocol.UDP);
        host.stack.unconfiguredPort(PORT);
        byte[] fragment = Packets.ipv4(
                PEER,
                OWN,
                IpProtocol.UDP,
                64,
                0x2000,
                7,
                new byte[0],
                Packets.udp(PEER, OWN, 67, PORT, Packets.bytes(24)));

        host.receiveIp(fragment);

        assertThat(host.count(IpCounter.IP_IN_NOT_FOR_US)).isEqualTo(1);
        assertThat(host.received).isEmpty();
    }

    private byte[] sendFromNowhere() {
        Path path = new Path();
        host.stack.resolveUnconfigured(path);
        assertThat(host.sendOn(path, Packets.bytes(30), IpOutput.ALLOW_BROADCAST))
                .isEqualTo(IpOutput.Result.SENT);
        return host.nextPacketTo(BROADCAST_LINK);
    }

    @Test
    void speaksToAllFromNowhere() {
        byte[] packet = sendFromNowhere();

        assertThat(Unpooled.wrappedBuffer(packet).getInt(12)).isZero();
        assertThat(Unpooled.wrappedBuffer(packet).getInt(16)).isEqualTo(-1);
    }

    @Test
    void speaksFromNowhereEvenIfItHasOtherAddresses() {
        host.stack.addAddress(IpAddress.v4(OWN), 24, host.now);

        assertThat(Unpooled.wrappedBuffer(sendFromNowhere()).getInt(12)).isZero();
    }

    @Test
    void asksForALinkAddressBeforeItIsNeeded() {
        host.stack.addAddress(IpAddress.v4(OWN), 24, host.now);
        Path path = new Path();
        host.stack.resolve(path, 0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(PEER));

        host.stack.prepare(path, host.now);
        host.expectArpRequest(BROADCAST_LINK, OWN, PEER);
        host.stack.prepare(path, host.now);
        host.expectNothingSent();

        host.receive(Packets.arp(OWN_LINK, 2, PEER_LINK, PEER, OWN_LINK, OWN));
        host.stack.prepare(path, host.now);
        host.expectNothingSent();
        host.pass(1, TimeUnit.HOURS);
        host.sendOn(path, Packets.bytes(30), 0);
        assertThat(Arrays.copyOf(host.nextSent(), 6))
                .as("an hour later still known")
                .isEqualTo(Arrays.copyOf(Packets.ethernet(PEER_LINK, OWN_LINK, EtherType.IPV4, new byte[0]), 6));
    }
}
