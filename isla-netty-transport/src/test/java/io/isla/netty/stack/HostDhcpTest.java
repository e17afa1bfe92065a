/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static io.isla.netty.stack.Shards.OWN_LINK;
import static io.isla.netty.stack.Shards.PEER_LINK;
import static io.isla.netty.stack.Shards.address;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.dhcp.ClientMessage;
import io.isla.netty.dhcp.DhcpLease;
import io.isla.netty.dhcp.DhcpParameters;
import io.isla.netty.dhcp.ServerMessage;
import io.isla.netty.ip.InterfaceAddress;
import io.isla.netty.ip.Packets;
import io.isla.netty.ip.Path;
import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.DhcpOption;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A host whose address is from a DHCP server, which is a script: what of it reaches which shard, and when. */
class HostDhcpTest {
    private static final IpAddress SERVER = address("192.0.2.1");
    private static final IpAddress LEASED = address("192.0.2.77");
    private static final long BROADCAST_LINK = 0xffff_ffff_ffffL;
    private static final int LEASE_SECONDS = 100;

    private final List<String> events = new ArrayList<>();
    private Shards shards;

    private void host(int count, boolean detectConflicts) throws IOException {
        Shards.HostSetup setup = new Shards.HostSetup();
        setup.dhcp = new DhcpParameters(OWN_LINK, null, null, null, detectConflicts, 1500);
        shards = new Shards(setup);
        shards.host.network().addListener(new NetworkListener() {
            @Override
            public void addressAdded(HostAddress address) {
                assertThat(haveAll(address.address())).isTrue();
                events.add("added " + address);
            }

            @Override
            public void addressRemoved(HostAddress address) {
                events.add("removed " + address);
            }

            @Override
            public void addressDuplicate(IpAddress address, MacAddress other) {
                events.add("duplicate " + address + " of " + other);
            }

            @Override
            public void routesChanged() {
                events.add("routes " + shards.host.network().routes());
            }

            @Override
            public void resolutionChanged() {
                events.add("dns " + shards.host.network().nameServers() + " "
                        + shards.host.network().searchDomains());
            }

            @Override
            public void mtuChanged(int mtu) {
                events.add("mtu " + mtu);
            }

            @Override
            public void leaseChanged(DhcpLease lease) {
                events.add("lease " + (lease == null ? "ended" : lease.address().toString()));
            }
        });
        shards.start(count);
        shards.settle();
    }

    @AfterEach
    void close() throws IOException {
        shards.close();
    }

    private boolean haveAll(IpAddress address) {
        return !shards.shards.isEmpty()
                && shards.shards.stream()
                        .allMatch(shard -> shard.ip().addresses().list().stream()
                                .map(InterfaceAddress::address)
                                .anyMatch(address::equals));
    }

    // ------------------------------------------------------------------------------------------------ the server

    /** The next message of the client, which must be of a type; ARP is answered as it should be meanwhile. */
    private ClientMessage next(int type) {
        for (byte[] frame : List.copyOf(shards.sent)) {
            ByteBuf buf = Unpooled.wrappedBuffer(frame);
            int udp = EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH;
            boolean ip = EthernetHeader.type(buf, 0) == EtherType.IPV4;
            if (ip && Ipv4Header.protocol(buf, EthernetHeader.LENGTH) == IpProtocol.UDP) {
                shards.sent.remove(frame);
                assertThat(UdpHeader.sourcePort(buf, udp)).isEqualTo(68);
                assertThat(UdpHeader.destinationPort(buf, udp)).isEqualTo(67);
                IpAddress destination = IpAddress.v4(Ipv4Header.destination(buf, EthernetHeader.LENGTH));
                assertThat(EthernetHeader.destination(buf, 0))
                        .isEqualTo(destination.equals(SERVER) ? PEER_LINK : BROADCAST_LINK);
                int message = udp + UdpHeader.LENGTH;
                ClientMessage read = ClientMessage.of(
                        buf.slice(message, UdpHeader.length(buf, udp) - UdpHeader.LENGTH),
                        IpAddress.v4(Ipv4Header.source(buf, EthernetHeader.LENGTH)),
                        destination,
                        shards.ticker.nanoTime());
                assertThat(read.type()).isEqualTo(type);
                return read;
            }
        }
        throw new AssertionError("the client has sent nothing");
    }

    private void noMessage() {
        assertThat(shards.take(EtherType.IPV4)).isEmpty();
    }

    /** Sends to the address that is being given, as RFC 2131 has it, in a frame to the host alone. */
    private void answer(ServerMessage message) {
        byte[] bytes = ByteBufUtil.getBytes(message.end());
        shards.receive(Packets.ethernet(
                OWN_LINK,
                PEER_LINK,
                EtherType.IPV4,
                Packets.ipv4(
                        SERVER.v4Bits(),
                        LEASED.v4Bits(),
                        IpProtocol.UDP,
                        Packets.udp(SERVER.v4Bits(), LEASED.v4Bits(), 67, 68, bytes))));
    }

    private static ServerMessage grant(int type, ClientMessage asked) {
        return new ServerMessage(type, asked)
                .your("192.0.2.77")
                .server("192.0.2.1")
                .lease(LEASE_SECONDS)
                .addresses(DhcpOption.SUBNET_MASK, "255.255.255.0")
                .addresses(DhcpOption.ROUTERS, "192.0.2.254", "192.0.2.253")
                .addresses(DhcpOption.DOMAIN_NAME_SERVERS, "192.0.2.53")
                .option(DhcpOption.DOMAIN_NAME, "example.com".getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                .option(DhcpOption.INTERFACE_MTU, 1400 >> 8, 1400 & 0xff);
    }

    /** Has the host come by its lease, and answers it where the server is. */
    private void bind() {
        answer(grant(DhcpOption.OFFER, next(DhcpOption.DISCOVER)));
        answer(grant(DhcpOption.ACK, next(DhcpOption.REQUEST)));
    }

    private void tellWhereTheServerIs() {
        shards.receive(Packets.arp(OWN_LINK, ArpHeader.REPLY, PEER_LINK, SERVER.v4Bits(), OWN_LINK, LEASED.v4Bits()));
        shards.sent.clear();
    }

    private void bound(int count) throws IOException {
        host(count, false);
        bind();
        tellWhereTheServerIs();
        events.clear();
    }

    // ------------------------------------------------------------------------------------------------ tests

    @Test
    void allShardsHaveWhatTheServerGrants() throws IOException {
        host(3, false);
        ClientMessage discover = next(DhcpOption.DISCOVER);
        assertThat(discover.source()).isEqualTo(IpAddress.ANY_V4);
        assertThat(discover.hardwareAddress()).isEqualTo(OWN_LINK);
        noMessage();

        answer(grant(DhcpOption.OFFER, discover));
        ClientMessage request = next(DhcpOption.REQUEST);
        assertThat(events).isEmpty();
        answer(grant(DhcpOption.ACK, request));

        assertThat(events)
                .containsExactly(
                        "added 192.0.2.77/24",
                        "routes [0.0.0.0/0 via 192.0.2.254, 0.0.0.0/0 via 192.0.2.253 metric 1]",
                        "dns [192.0.2.53] [example.com]",
                        "mtu 1400",
                        "lease 192.0.2.77");
        assertThat(haveAll(LEASED)).isTrue();
        for (Shard shard : shards.shards) {
            Path path = new Path();
            IpAddress far = address("198.51.100.9");
            assertThat(shard.ip().resolve(path, 0, IpAddress.ANY_V4.low(), far.high(), far.low()))
                    .isTrue();
            assertThat(path.mtu()).isEqualTo(1400);
        }
        assertThat(shards.host.dhcpLease().server()).isEqualTo(SERVER);
        assertThat(shards.host.counters()).containsEntry("DhcpInAcks", 1L);
    }

    @Test
    void announcesTheAddressAndAsksWhereTheServerIs() throws IOException {
        host(3, false);
        bind();

        assertThat(shards.take(EtherType.ARP))
                .contains(
                        Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, OWN_LINK, LEASED.v4Bits(), 0, LEASED.v4Bits()),
                        Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, OWN_LINK, LEASED.v4Bits(), 0, SERVER.v4Bits()))
                .hasSize(2);
    }

    @Test
    void usesAnAddressOnceItIsKnownToBeFree() throws IOException {
        host(2, true);
        bind();
        assertThat(events).isEmpty();

        shards.pass(7, TimeUnit.SECONDS);

        assertThat(events).contains("added 192.0.2.77/24");
        assertThat(shards.take(EtherType.ARP).subList(0, 3))
                .as("probes")
                .allMatch(frame -> Arrays.equals(
                        frame, Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, OWN_LINK, 0, 0, LEASED.v4Bits())));
    }

    @Test
    void declinesAnAddressThatAnotherStationUses() throws IOException {
        host(2, true);
        bind();
        shards.pass(1500, TimeUnit.MILLISECONDS);

        shards.receive(Packets.arp(OWN_LINK, ArpHeader.REPLY, PEER_LINK, LEASED.v4Bits(), OWN_LINK, 0));

        assertThat(next(DhcpOption.DECLINE).address(DhcpOption.REQUESTED_ADDRESS))
                .isEqualTo(LEASED);
        assertThat(events).containsExactly("duplicate 192.0.2.77 of 02:00:5e:10:00:02");
        shards.pass(11, TimeUnit.SECONDS);
        next(DhcpOption.DISCOVER);
    }

    @Test
    void givesUpAnAddressThatAnotherStationInsistsOn() throws IOException {
        bound(2);
        byte[] claim = Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, LEASED.v4Bits(), 0, LEASED.v4Bits());
        shards.receive(claim);
        assertThat(haveAll(LEASED)).isTrue();
        shards.pass(3, TimeUnit.SECONDS);

        shards.receive(claim);

        assertThat(events).contains("removed 192.0.2.77/24", "lease ended");
        next(DhcpOption.DECLINE);
    }

    @Test
    void asksItsServerForMoreTime() throws IOException {
        bound(3);
        shards.pass(51, TimeUnit.SECONDS);

        ClientMessage request = next(DhcpOption.REQUEST);
        assertThat(request.source()).isEqualTo(LEASED);
        assertThat(request.destination()).isEqualTo(SERVER);
        answer(grant(DhcpOption.ACK, request).addresses(DhcpOption.NTP_SERVERS, "192.0.2.123"));

        assertThat(events).containsExactly("lease 192.0.2.77");
        shards.pass(LEASE_SECONDS - 51, TimeUnit.SECONDS);
        assertThat(haveAll(LEASED)).isTrue();
    }

    @Test
    void takesOverWhatTheServerChanges() throws IOException {
        bound(3);
        shards.pass(51, TimeUnit.SECONDS);

        answer(new ServerMessage(DhcpOption.ACK, next(DhcpOption.REQUEST))
                .your("192.0.2.77")
                .server("192.0.2.1")
                .lease(LEASE_SECONDS)
                .addresses(DhcpOption.SUBNET_MASK, "255.255.255.0")
                .addresses(DhcpOption.DOMAIN_NAME_SERVERS, "192.0.2.54"));

        assertThat(events).containsExactly("routes []", "dns [192.0.2.54] []", "mtu 1500", "lease 192.0.2.77");
    }

    @Test
    void noShardHasTheAddressWhenTheLeaseIsOver() throws IOException {
        bound(3);
        shards.pass(LEASE_SECONDS + 1, TimeUnit.SECONDS);

        assertThat(events)
                .containsExactly("removed 192.0.2.77/24", "routes []", "dns [] []", "mtu 1500", "lease ended");
        for (Shard shard : shards.shards) {
            assertThat(shard.ip().addresses().list()).isEmpty();
        }
        assertThat(shards.host.dhcpLease()).isNull();
        assertThat(shards.host.counters()).containsEntry("DhcpLeasesExpired", 1L);
    }

    @Test
    void asksOnceWhetherTheLeaseIsGoodWhereTheLinkComesUpAgain() throws IOException {
        host(3, false);
        bind();

        shards.link.first().setUp(false);
        shards.settle();
        shards.sent.clear();
        shards.link.first().setUp(true);
        shards.settle();

        assertThat(next(DhcpOption.REQUEST).source()).isEqualTo(IpAddress.ANY_V4);
        noMessage();
    }

    @Test
    void anotherShardGoesOnWithTheLease() throws IOException {
        bound(3);
        shards.stop(shards.host.leader());
        noMessage();
        assertThat(events).isEmpty();

        shards.pass(51, TimeUnit.SECONDS);

        ClientMessage request = next(DhcpOption.REQUEST);
        assertThat(request.destination()).isEqualTo(SERVER);
        answer(grant(DhcpOption.ACK, request));
        assertThat(events).containsExactly("lease 192.0.2.77");
    }

    @Test
    void anotherShardBeginsAnewWhatWasUnderWay() throws IOException {
        host(2, true);
        bind();
        shards.stop(shards.host.leader());

        answer(grant(DhcpOption.OFFER, next(DhcpOption.DISCOVER)));
        answer(grant(DhcpOption.ACK, next(DhcpOption.REQUEST)));
        shards.pass(8, TimeUnit.SECONDS);
        assertThat(events).contains("added 192.0.2.77/24");
    }

    @Test
    void theLastShardGivesTheLeaseBack() throws IOException {
        bound(3);
        shards.stop(shards.shards.get(1));
        shards.stop(shards.shards.get(0));
        noMessage();

        shards.stop(shards.shards.get(0));

        ClientMessage release = next(DhcpOption.RELEASE);
        assertThat(release.source()).isEqualTo(LEASED);
        assertThat(release.destination()).isEqualTo(SERVER);
        assertThat(events).contains("removed 192.0.2.77/24", "lease ended");
    }

    @Test
    void aHostThatIsUsedAgainAsksForTheSameAddress() throws IOException {
        bound(1);
        shards.stop(shards.shards.get(0));
        next(DhcpOption.RELEASE);

        shards.start(2);
        shards.settle();

        assertThat(next(DhcpOption.REQUEST).address(DhcpOption.REQUESTED_ADDRESS))
                .isEqualTo(LEASED);
    }

    @Test
    void aHostThatIsClosedGivesTheLeaseBack() throws IOException {
        bound(2);

        shards.host.close();
        shards.settle();

        next(DhcpOption.RELEASE);
        assertThat(shards.host.dhcpLease()).isNull();
        shards.stop(shards.shards.get(0));
        shards.stop(shards.shards.get(0));
        noMessage();
    }

    @Test
    void whatIsForAnotherPortOfAnAddressOfOthersIsNotTaken() throws IOException {
        host(1, false);
        byte[] datagram = Packets.udp(SERVER.v4Bits(), LEASED.v4Bits(), 67, 69, new byte[300]);
        shards.receive(Packets.ethernet(
                OWN_LINK,
                PEER_LINK,
                EtherType.IPV4,
                Packets.ipv4(SERVER.v4Bits(), LEASED.v4Bits(), IpProtocol.UDP, datagram)));

        assertThat(shards.host.counters()).containsEntry("IpInNotForUs", 1L);
    }
}
