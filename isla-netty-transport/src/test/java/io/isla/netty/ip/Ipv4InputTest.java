/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.BROADCAST_LINK;
import static io.isla.netty.ip.IpFixture.FAR;
import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.OWN_LINK;
import static io.isla.netty.ip.IpFixture.PEER;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.IpAddress;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Ipv4InputTest {
    private final IpFixture host = IpFixture.configured();
    private final byte[] payload = Packets.bytes(33);

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void deliversAPacketToItsProtocolWithoutThePaddingOfTheLink() {
        byte[] packet = Packets.ipv4(PEER, OWN, PROTOCOL, payload);

        host.receiveIp(Packets.concat(packet, new byte[13]));

        assertThat(host.received).singleElement().satisfies(received -> {
            assertThat(received.source()).isEqualTo(IpAddress.v4(PEER));
            assertThat(received.destination()).isEqualTo(IpAddress.v4(OWN));
            assertThat(received.payload()).isEqualTo(payload);
            assertThat(received.unicast()).isTrue();
            assertThat(received.hopLimit()).isEqualTo(64);
        });
        assertThat(host.count(IpCounter.IP_IN_DELIVERS)).isEqualTo(1);
    }

    @Test
    void passesOnWhatTheLinkKnowsOfTheChecksum() {
        byte[] frame =
                Packets.ethernet(OWN_LINK, PEER_LINK, EtherType.IPV4, Packets.ipv4(PEER, OWN, PROTOCOL, payload));

        host.receive(frame, InboundFrame.Checksum.VALID);

        assertThat(host.received.get(0).checksum()).isEqualTo(InboundFrame.Checksum.VALID);
    }

    @Test
    void skipsOptions() {
        byte[] options = {1, 7, 7, 4, 10, 0, 0, 9, 0, 0, 0, 0};

        host.receiveIp(Packets.ipv4(PEER, OWN, PROTOCOL, 64, 0, 0, options, payload));

        assertThat(host.received)
                .singleElement()
                .satisfies(received -> assertThat(received.payload()).isEqualTo(payload));
    }

    @Test
    void refusesSourceRoutes() {
        for (byte type : new byte[] {(byte) 131, (byte) 137}) {
            host.receiveIp(
                    Packets.ipv4(PEER, OWN, PROTOCOL, 64, 0, 0, new byte[] {type, 7, 4, 10, 0, 0, 9, 0}, payload));
        }

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP_IN_SOURCE_ROUTED)).isEqualTo(2);
    }

    @Test
    void refusesOptionsThatMakeNoSenseAndSaysWhere() {
        host.resolvePeer();
        byte[] packet = Packets.ipv4(PEER, OWN, PROTOCOL, 64, 0, 0, new byte[] {1, 1, 7, 40}, payload);

        host.receiveIp(packet);

        assertThat(host.count(IpCounter.IP_IN_BAD_OPTIONS)).isEqualTo(1);
        byte[] error = host.nextPacketTo(PEER_LINK);
        assertThat(Arrays.copyOfRange(error, 20, error.length)).isEqualTo(Packets.icmp(12, 0, 22 << 24, packet));
    }

    @Test
    void aTimeToLiveOfZeroIsNoReasonToDrop() {
        host.receiveIp(Packets.ipv4(PEER, OWN, PROTOCOL, 0, 0, 0, new byte[0], payload));

        assertThat(host.received).hasSize(1);
    }

    @Test
    void dropsMalformedHeadersUnderTheirNames() {
        byte[] good = Packets.ipv4(PEER, OWN, PROTOCOL, payload);
        byte[] badChecksum = good.clone();
        badChecksum[10] ^= 1;
        byte[] badVersion = good.clone();
        badVersion[0] = 0x65;
        byte[] shortHeader = good.clone();
        shortHeader[0] = 0x44;
        byte[] longerThanItself = good.clone();
        longerThanItself[3]++;
        byte[] shorterThanHeader = good.clone();
        shorterThanHeader[2] = 0;
        shorterThanHeader[3] = 19;

        host.receiveIp(badChecksum);
        host.receiveIp(badVersion);
        host.receiveIp(shortHeader);
        host.receiveIp(longerThanItself);
        host.receiveIp(shorterThanHeader);
        host.receiveIp(Arrays.copyOf(good, 19));

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP_IN_CSUM_ERRORS)).isEqualTo(1);
        assertThat(host.count(IpCounter.IP_IN_BAD_HEADER)).isEqualTo(3);
        assertThat(host.count(IpCounter.IP_IN_TRUNCATED)).isEqualTo(2);
        assertThat(host.count(IpCounter.IP_IN_HDR_ERRORS)).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.5", "255.255.255.255", "10.0.0.255", "10.0.0.2"})
    void dropsSourcesThatNoHostCanHaveThere(String source) {
        host.receiveIp(Packets.ipv4(Packets.v4(source), OWN, PROTOCOL, payload));

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP_IN_MARTIAN_SOURCE)).isEqualTo(1);
        assertThat(host.count(IpCounter.IP_IN_ADDR_ERRORS)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.3", "127.0.0.1", "224.1.2.3", "0.0.0.0"})
    void dropsWhatIsNotForThisHost(String destination) {
        host.receiveIp(Packets.ipv4(PEER, Packets.v4(destination), PROTOCOL, payload));

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP_IN_NOT_FOR_US)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"255.255.255.255", "10.0.0.255", "10.0.0.0"})
    void deliversBroadcasts(String destination) {
        host.receive(Packets.ethernet(
                BROADCAST_LINK,
                PEER_LINK,
                EtherType.IPV4,
                Packets.ipv4(PEER, Packets.v4(destination), PROTOCOL, payload)));

        assertThat(host.received)
                .singleElement()
                .satisfies(received -> assertThat(received.unicast()).isFalse());
        assertThat(host.count(IpCounter.IP_IN_BCAST_PKTS)).isEqualTo(1);
    }

    @Test
    void hearsAHostWithoutAnAddressWhereItSpeaksToAll() {
        host.receive(
                Packets.ethernet(BROADCAST_LINK, PEER_LINK, EtherType.IPV4, Packets.ipv4(0, -1, PROTOCOL, payload)));

        assertThat(host.received).hasSize(1);
    }

    @Test
    void deliversMulticastOfJoinedGroupsOnly() {
        byte[] frame = Packets.ethernet(
                0x0100_5e01_0203L,
                PEER_LINK,
                EtherType.IPV4,
                Packets.ipv4(PEER, Packets.v4("224.1.2.3"), PROTOCOL, payload));
        MulticastMembership first = host.stack.join(Packets.address("224.1.2.3"), host.now);
        MulticastMembership second = host.stack.join(Packets.address("224.1.2.3"), host.now);
        host.receive(frame);
        host.stack.leave(first, host.now);
        host.stack.leave(first, host.now);
        host.receive(frame);
        assertThat(host.received).hasSize(2);

        host.stack.leave(second, host.now);
        host.receive(frame);

        assertThat(host.received).hasSize(2);
        assertThat(host.count(IpCounter.IP_IN_NOT_FOR_US)).isEqualTo(1);
    }

    @Test
    void aPacketForOneInAFrameToAllIsDropped() {
        host.receive(Packets.ethernet(
                BROADCAST_LINK, PEER_LINK, EtherType.IPV4, Packets.ipv4(PEER, OWN, PROTOCOL, payload)));

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP_IN_UNICAST_IN_LINK_BROADCAST)).isEqualTo(1);
    }

    @Test
    void dropsFramesThatAreNotForThisHostOrNotIp() {
        byte[] packet = Packets.ipv4(PEER, OWN, PROTOCOL, payload);

        host.receive(Packets.ethernet(0x02_00_00_00_00_77L, PEER_LINK, EtherType.IPV4, packet));
        host.receive(Packets.ethernet(OWN_LINK, BROADCAST_LINK, EtherType.IPV4, packet));
        host.receive(Packets.ethernet(OWN_LINK, OWN_LINK, EtherType.IPV4, packet));
        host.receive(Packets.ethernet(OWN_LINK, PEER_LINK, 0x88cc, packet));
        host.receive(new byte[13]);

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.ETH_IN_NOT_FOR_US)).isEqualTo(1);
        assertThat(host.count(IpCounter.ETH_IN_BAD_SOURCE)).isEqualTo(2);
        assertThat(host.count(IpCounter.ETH_IN_UNKNOWN_TYPE)).isEqualTo(1);
        assertThat(host.count(IpCounter.ETH_IN_TRUNCATED)).isEqualTo(1);
    }

    @Test
    void saysThatItDoesNotSpeakAProtocol() {
        host.resolvePeer();
        byte[] packet = Packets.ipv4(PEER, OWN, 200, payload);

        host.receiveIp(packet);

        assertThat(host.count(IpCounter.IP_IN_UNKNOWN_PROTOS)).isEqualTo(1);
        byte[] error = host.nextPacketTo(PEER_LINK);
        assertThat(Arrays.copyOfRange(error, 20, error.length)).isEqualTo(Packets.icmp(3, 2, 0, packet));
    }

    @Test
    void standsInForABlockOfAddresses() {
        host.stack.addBlock(new AddressBlock(IpAddress.ANY_V4, 0, AddressBlock.Kind.INTERCEPTED));

        host.receiveIp(Packets.ipv4(PEER, FAR, PROTOCOL, payload));
        host.receiveIp(Packets.ipv4(PEER, Packets.v4("224.9.9.9"), PROTOCOL, payload));

        assertThat(host.received).singleElement().satisfies(received -> {
            assertThat(received.destination()).isEqualTo(IpAddress.v4(FAR));
            assertThat(received.unicast()).isTrue();
        });
    }

    @Test
    void receivesBarePacketsOnALinkWithoutEthernet() {
        try (IpFixture tun = new IpFixture(Link.Medium.IP, 1)) {
            tun.stack.addAddress(IpAddress.v4(OWN), 24, tun.now);

            tun.receive(Packets.ipv4(PEER, OWN, PROTOCOL, payload));
            tun.receive(new byte[0]);
            tun.receive(new byte[] {0x51, 2, 3});

            assertThat(tun.received).hasSize(1);
            assertThat(tun.count(IpCounter.LINK_IN_UNKNOWN_VERSION)).isEqualTo(2);
        }
    }

    @Test
    void forgetsAnAddressThatIsRemoved() {
        assertThat(host.stack.removeAddress(IpAddress.v4(OWN), host.now)).isTrue();

        host.receiveIp(Packets.ipv4(PEER, OWN, PROTOCOL, payload));

        assertThat(host.received).isEmpty();
        assertThat(host.stack.isLocal(0, IpAddress.v4Low(OWN))).isFalse();
    }

    @Test
    void knowsThousandsOfAddresses() {
        for (int i = 0; i < 3000; i++) {
            host.stack.addAddress(IpAddress.v4(Packets.v4("10.7.0.1") + i), 32, host.now);
        }
        for (int i = 0; i < 3000; i += 2) {
            host.stack.removeAddress(IpAddress.v4(Packets.v4("10.7.0.1") + i), host.now);
        }
        for (int i = 0; i < 3000; i++) {
            assertThat(host.stack.isLocal(0, IpAddress.v4Low(Packets.v4("10.7.0.1") + i)))
                    .isEqualTo(i % 2 == 1);
        }
    }
}
