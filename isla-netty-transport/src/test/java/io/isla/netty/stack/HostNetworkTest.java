/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static io.isla.netty.stack.Shards.address;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.ip.InterfaceAddress;
import io.isla.netty.ip.Ipv6Config;
import io.isla.netty.ip.Packets;
import io.isla.netty.ip.Path;
import io.isla.netty.ip.Route;
import io.isla.netty.link.ForwardingLink;
import io.isla.netty.link.ForwardingQueue;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a host has on all its shards, however many there are and whichever of them has found it out. */
class HostNetworkTest {
    private static final IpAddress ROUTER = address("fe80::1");
    private static final IpAddress ALL_NODES = address("ff02::1");
    private static final long ALL_NODES_LINK = 0x3333_0000_0001L;
    private static final IpAddress PREFIX = address("2001:db8:7::");
    private static final IpAddress FAR = address("2001:db8:ffff::9");
    private static final int INFINITY = -1;

    private final List<String> events = new ArrayList<>();
    private Shards shards;

    private void host(int count, Consumer<Shards.HostSetup> change) throws IOException {
        Shards.HostSetup setup = new Shards.HostSetup();
        change.accept(setup);
        shards = new Shards(setup);
        shards.host.network().addListener(new NetworkListener() {
            @Override
            public void addressAdded(HostAddress address) {
                boolean all = addressesOfAll().stream().allMatch(each -> each.contains(address.address()));
                events.add((all ? "added " : "TOO EARLY added ") + address);
            }

            @Override
            public void addressChanged(HostAddress address) {
                events.add((address.deprecated() ? "deprecated " : "preferred ") + address);
            }

            @Override
            public void addressRemoved(HostAddress address) {
                boolean any = addressesOfAll().stream().anyMatch(each -> each.contains(address.address()));
                events.add((any ? "TOO EARLY removed " : "removed ") + address);
            }

            @Override
            public void addressDuplicate(IpAddress address, MacAddress other) {
                events.add("duplicate " + address + " of " + other);
            }

            @Override
            public void addressConflict(IpAddress address, MacAddress other) {
                events.add("conflict " + address + " with " + other);
            }

            @Override
            public void routesChanged() {
                events.add("routes");
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
        });
        shards.start(count);
        shards.settle();
    }

    @AfterEach
    void close() throws IOException {
        shards.close();
    }

    private List<List<IpAddress>> addressesOfAll() {
        return shards.shards.stream()
                .map(shard -> shard.ip().addresses().list().stream()
                        .map(InterfaceAddress::address)
                        .toList())
                .toList();
    }

    private void assertThatAllHave(IpAddress address) {
        assertThat(addressesOfAll())
                .isNotEmpty()
                .allSatisfy(each -> assertThat(each).contains(address));
    }

    private void assertThatNoneHas(IpAddress address) {
        assertThat(addressesOfAll())
                .isNotEmpty()
                .noneSatisfy(each -> assertThat(each).contains(address));
    }

    private static boolean reaches(Shard shard, IpAddress to) {
        IpAddress any = to.isV4() ? IpAddress.ANY_V4 : IpAddress.ANY_V6;
        return shard.ip().resolve(new Path(), any.high(), any.low(), to.high(), to.low());
    }

    private static Consumer<Shards.HostSetup> automatic(boolean temporary) {
        return setup -> setup.ipv6 = new Ipv6Config(true, true, temporary, 1, 2);
    }

    // ------------------------------------------------------------------------------------------------ routers

    private static byte[] prefix(int valid, int preferred) {
        int flags = NeighborDiscoveryOption.ON_LINK | NeighborDiscoveryOption.AUTONOMOUS;
        return Packets.concat(Packets.ints(0x0304_0000 | 64 << 8 | flags, valid, preferred, 0), Packets.bytes(PREFIX));
    }

    private static byte[] nameServer(String server, int lifetime) {
        return Packets.concat(Packets.ints(25 << 24 | 3 << 16, lifetime), Packets.bytes(address(server)));
    }

    private static byte[] searchDomain(int lifetime) {
        return Packets.concat(
                Packets.ints(31 << 24 | 3 << 16, lifetime),
                new byte[] {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3},
                new byte[] {'o', 'r', 'g', 0, 0, 0, 0});
    }

    private void advertise(int lifetime, byte[]... options) {
        shards.receiveIp6(
                ALL_NODES_LINK,
                Packets.discovery(
                        ROUTER,
                        ALL_NODES,
                        Icmpv6Header.ROUTER_ADVERTISEMENT,
                        lifetime,
                        new byte[8],
                        Packets.linkOption(NeighborDiscoveryOption.SOURCE_LINK_ADDRESS, Shards.PEER_LINK),
                        Packets.concat(options)));
    }

    private IpAddress autoconfigured() {
        return shards.host.network().addresses().stream()
                .map(HostAddress::address)
                .filter(address -> address.high() == PREFIX.high())
                .findFirst()
                .orElseThrow();
    }

    /** Waits for the link-local address, and forgets that it came. */
    private void awaitLinkLocal() {
        assertThat(shards.passUntil(
                        () -> events.stream().anyMatch(event -> event.startsWith("added fe80:")), 5, TimeUnit.SECONDS))
                .isTrue();
        events.clear();
    }

    @Test
    void whatOneShardHearsOfARouterAllShardsHave() throws Exception {
        host(3, automatic(false));
        awaitLinkLocal();

        advertise(1800, prefix(INFINITY, INFINITY), nameServer("2001:db8::53", 600), searchDomain(600));
        shards.pass(3, TimeUnit.SECONDS);

        IpAddress own = autoconfigured();
        assertThatAllHave(own);
        assertThat(events)
                .containsExactly(
                        // Both changes are there by the time they are told of.
                        "dns [2001:db8:0:0:0:0:0:53] [example.org]",
                        "dns [2001:db8:0:0:0:0:0:53] [example.org]",
                        "routes",
                        "added " + own + "/64");
        assertThat(shards.shards)
                .allSatisfy(shard -> assertThat(reaches(shard, FAR)).isTrue());
        assertThat(shards.host.network().advertisedRoutes())
                .extracting(Route::prefixLength)
                .containsExactly(0, 64);
        assertThat(shards.host.network().has(own)).isTrue();
    }

    @Test
    void onlyTheShardThatLeadsAsksAndConfigures() throws Exception {
        host(3, automatic(false));

        shards.pass(4, TimeUnit.SECONDS);

        // One question whether the link-local address is free, one for routers.
        assertThat(shards.take(EtherType.IPV6))
                .filteredOn(frame -> (frame[54] & 0xff) == Icmpv6Header.ROUTER_SOLICITATION)
                .hasSize(1);
        assertThat(addressesOfAll())
                .hasSize(3)
                .allSatisfy(each -> assertThat(each)
                        .hasSize(1)
                        .allSatisfy(address -> assertThat(address.isLinkLocal()).isTrue()));
    }

    @Test
    void aNeighborIsAnsweredOnceOnALinkWithoutLinkAddresses() throws Exception {
        IpAddress own = address("fd00::2");
        host(3, setup -> {
            setup.medium = Link.Medium.IP;
            setup.addresses = List.of(new HostConfiguration.Address(own, 64));
        });
        shards.pass(5, TimeUnit.SECONDS);
        shards.sent.clear();

        shards.receive(
                Packets.discovery(address("fd00::1"), own, Icmpv6Header.NEIGHBOR_SOLICITATION, 0, Packets.bytes(own)));

        assertThat(shards.sent)
                .filteredOn(packet -> (packet[40] & 0xff) == Icmpv6Header.NEIGHBOR_ADVERTISEMENT)
                .hasSize(1);
    }

    @Test
    void introducesItselfAgainWhereTheLinkComesUpAgain() throws Exception {
        host(3, automatic(false).andThen(setup -> setup.addresses = List.of(address("10.0.0.2", 24))));
        awaitLinkLocal();
        advertise(1800);
        int peer = Packets.v4("10.0.0.1");
        int own = Packets.v4("10.0.0.2");
        shards.receive(Packets.arp(Shards.OWN_LINK, ArpHeader.REQUEST, Shards.PEER_LINK, peer, 0, own));
        shards.pass(20, TimeUnit.SECONDS);

        shards.link.first().setUp(false);
        shards.settle();
        shards.sent.clear();
        shards.link.first().setUp(true);
        shards.pass(1, TimeUnit.SECONDS);

        assertThat(shards.take(EtherType.ARP))
                .containsExactly(Packets.arp(0xffff_ffff_ffffL, ArpHeader.REQUEST, Shards.OWN_LINK, own, 0, own));
        List<byte[]> sent = shards.take(EtherType.IPV6);
        assertThat(sent)
                .as("router solicitations")
                .filteredOn(frame -> (frame[54] & 0xff) == Icmpv6Header.ROUTER_SOLICITATION)
                .hasSize(1);
        // Behind a Hop-by-Hop Options header.
        assertThat(sent)
                .as("reports of groups")
                .filteredOn(frame -> frame[20] == 0 && (frame[62] & 0xff) == Icmpv6Header.MULTICAST_LISTENER_REPORT_V2)
                .isNotEmpty();
        // Its neighbours may be others now.
        for (Shard shard : shards.shards) {
            Path path = new Path();
            IpAddress to = address("10.0.0.1");
            assertThat(shard.ip().resolve(path, 0, IpAddress.ANY_V4.low(), to.high(), to.low()))
                    .isTrue();
            shard.ip().prepare(path, shard.now());
        }
        shards.settle();
        assertThat(shards.take(EtherType.ARP)).as("questions for a neighbour").hasSize(3);
    }

    private void reconnect() throws Exception {
        shards.link.first().setUp(false);
        shards.settle();
        events.clear();
        shards.sent.clear();
        shards.link.first().setUp(true);
        shards.settle();
    }

    private List<IpAddress> probedFor() {
        return shards.take(EtherType.IPV6).stream()
                .filter(frame -> (frame[54] & 0xff) == Icmpv6Header.NEIGHBOR_SOLICITATION)
                .filter(frame -> Arrays.equals(frame, 22, 38, new byte[16], 0, 16))
                .map(frame -> ByteBuffer.wrap(frame))
                .map(frame -> IpAddress.of(frame.getLong(62), frame.getLong(70)))
                .toList();
    }

    @Test
    void looksForDuplicatesAgainWhereTheLinkComesUpAgain() throws Exception {
        IpAddress given = address("2001:db8::2");
        host(3, automatic(false).andThen(setup -> setup.addresses = List.of(address("2001:db8::2", 64))));
        awaitLinkLocal();
        advertise(1800, prefix(3600, 1800));
        shards.pass(3, TimeUnit.SECONDS);
        IpAddress made = autoconfigured();

        reconnect();
        shards.pass(1100, TimeUnit.MILLISECONDS);

        assertThatAllHave(given);
        assertThatAllHave(made);
        assertThat(probedFor())
                .contains(given, made)
                .anyMatch(IpAddress::isLinkLocal)
                .doesNotHaveDuplicates();
        shards.pass(3, TimeUnit.SECONDS);
        assertThat(events).noneMatch(event -> event.startsWith("removed") || event.startsWith("added"));
    }

    @Test
    void givesUpAddressesThatOthersHaveWhereTheLinkComesUpAgain() throws Exception {
        IpAddress given = address("2001:db8::2");
        host(3, automatic(false).andThen(setup -> setup.addresses = List.of(address("2001:db8::2", 64))));
        awaitLinkLocal();
        advertise(1800, prefix(3600, 1800));
        shards.pass(3, TimeUnit.SECONDS);
        IpAddress made = autoconfigured();

        reconnect();
        claim(given);
        claim(made);
        shards.settle();

        assertThatNoneHas(given);
        assertThatNoneHas(made);
        assertThat(events).contains("removed " + given + "/64", "removed " + made + "/64");
        shards.pass(3, TimeUnit.SECONDS);
        IpAddress next = autoconfigured();
        assertThat(next).isNotEqualTo(made);
        assertThatAllHave(next);
    }

    @Test
    void anAddressThatEndsWhileItIsLookedForAgainIsNotMadeAgain() throws Exception {
        host(2, automatic(false));
        awaitLinkLocal();
        advertise(1800, prefix(6, 6));
        shards.pass(5, TimeUnit.SECONDS);
        IpAddress made = autoconfigured();

        reconnect();
        assertThat(shards.passUntil(() -> events.contains("removed " + made + "/64"), 2, TimeUnit.SECONDS))
                .isTrue();
        shards.sent.clear();
        claim(made);
        shards.pass(3, TimeUnit.SECONDS);

        assertThat(probedFor()).noneMatch(address -> address.high() == PREFIX.high());
    }

    @Test
    void aHostThatDetectsDuplicatesKeepsItsAddressesWhereTheLinkComesUpAgain() throws Exception {
        IpAddress own = address("2001:db8::2");
        host(2, setup -> {
            setup.addresses = List.of(address("2001:db8::2", 64));
            setup.detectDuplicates = true;
        });
        shards.pass(8, TimeUnit.SECONDS);
        assertThatAllHave(own);

        reconnect();
        shards.pass(1100, TimeUnit.MILLISECONDS);
        assertThat(probedFor()).containsExactly(own);
        claim(own);
        shards.settle();

        assertThat(events)
                .containsExactly(
                        "duplicate " + own + " of " + new MacAddress(Shards.PEER_LINK), "removed " + own + "/64");
    }

    @Test
    void addressesAndNameServersExpireOnAllShards() throws Exception {
        host(2, automatic(false));
        awaitLinkLocal();
        advertise(1800, prefix(20, 10), nameServer("2001:db8::53", 15));
        shards.pass(3, TimeUnit.SECONDS);
        IpAddress own = autoconfigured();
        events.clear();

        shards.pass(8, TimeUnit.SECONDS);
        assertThat(events).containsExactly("deprecated " + own + "/64");
        assertThat(shards.shards)
                .allSatisfy(shard -> assertThat(shard.ip().addresses().list())
                        .filteredOn(address -> address.address().equals(own))
                        .allSatisfy(
                                address -> assertThat(address.isDeprecated()).isTrue())
                        .hasSize(1));

        shards.pass(10, TimeUnit.SECONDS);
        assertThat(events)
                .containsExactly("deprecated " + own + "/64", "dns [] []", "removed " + own + "/64", "routes");
        assertThatNoneHas(own);
    }

    @Test
    void aShardThatStartsLaterHasWhatTheOthersHave() throws Exception {
        host(1, automatic(false));
        awaitLinkLocal();
        advertise(1800, prefix(INFINITY, INFINITY));
        shards.pass(3, TimeUnit.SECONDS);

        Shard late = shards.start();
        shards.settle();

        assertThat(late.isLeader()).isFalse();
        assertThatAllHave(autoconfigured());
        assertThat(reaches(late, FAR)).isTrue();
        // For as long as the others.
        shards.pass(1795, TimeUnit.SECONDS);
        assertThat(reaches(late, FAR)).isTrue();
        shards.pass(10, TimeUnit.SECONDS);
        assertThat(reaches(late, FAR)).isFalse();
    }

    @Test
    void whoLeadsNextGoesOnWithTheAddresses() throws Exception {
        host(2, automatic(true));
        awaitLinkLocal();
        advertise(1800, prefix(40, 20), nameServer("2001:db8::53", 30));
        shards.pass(4, TimeUnit.SECONDS);
        List<IpAddress> before = addressesOfAll().get(1);
        assertThat(before).hasSize(3);
        events.clear();

        shards.stop(shards.shards.get(0));

        assertThat(shards.shards.get(0).isLeader()).isTrue();
        assertThat(addressesOfAll()).containsExactly(before);
        assertThat(events).isEmpty();
        shards.pass(27, TimeUnit.SECONDS);
        assertThat(events).filteredOn(event -> event.startsWith("deprecated")).hasSize(2);
        assertThat(events).contains("dns [] []");
        shards.pass(10, TimeUnit.SECONDS);
        assertThat(events).filteredOn(event -> event.startsWith("removed")).hasSize(2);
        assertThat(addressesOfAll().get(0)).hasSize(1);
    }

    @Test
    void aHostThatHadNoShardsLeftBeginsAnew() throws Exception {
        host(1, automatic(false));
        awaitLinkLocal();
        advertise(1800, prefix(INFINITY, INFINITY));
        shards.pass(3, TimeUnit.SECONDS);

        shards.stop(shards.shards.get(0));
        assertThat(shards.host.network().addresses()).isEmpty();

        shards.start();
        events.clear();
        awaitLinkLocal();
    }

    /** A shard that comes just when the last one has gone leads, and may have said what there is before the latter takes back what there was. */
    @Test
    void whatALeaderThatHasGoneLeavesIsNotTakenBackFromTheNext() throws Exception {
        host(1, automatic(false));
        awaitLinkLocal();
        shards.host.autoconfiguration().abandoned();
        assertThat(shards.host.network().addresses()).hasSize(1);
    }

    // ------------------------------------------------------------------------------------------------ given addresses

    @Test
    void aGivenIpv6AddressIsUsedAtOnceAndGivenUpIfItIsAnothers() throws Exception {
        IpAddress own = address("2001:db8::2");
        host(2, setup -> {
            setup.addresses = List.of(address("2001:db8::2", 64));
            setup.ipv6 = new Ipv6Config(false, true, false, 1, 2);
        });
        assertThatAllHave(own);

        shards.pass(1100, TimeUnit.MILLISECONDS);
        claim(own);
        shards.settle();

        assertThatNoneHas(own);
        assertThat(events)
                .containsSubsequence(
                        "duplicate " + own + " of " + new MacAddress(Shards.PEER_LINK), "removed " + own + "/64");
    }

    @Test
    void whicheverShardHearsThatAnAddressIsAnothersItIsGivenUp() throws Exception {
        List<HostConfiguration.Address> own = new ArrayList<>();
        for (int i = 2; i < 10; i++) {
            own.add(address("2001:db8::" + i, 64));
        }
        host(4, setup -> {
            setup.addresses = own;
            setup.ipv6 = new Ipv6Config(false, true, false, 1, 2);
        });
        shards.pass(500, TimeUnit.MILLISECONDS);
        shards.sent.clear();

        own.forEach(each -> claim(each.address()));

        String heard = io.isla.netty.ip.IpCounter.ICMP6_IN_NEIGHBOR_ADVERTISEMENTS.toString();
        assertThat(shards.shards)
                .filteredOn(shard -> shard.counters().get(heard) > 0)
                .hasSizeGreaterThan(1);
        own.forEach(each -> assertThatNoneHas(each.address()));
        assertThat(events).noneMatch(event -> event.startsWith("conflict"));
        // Nobody was told that the addresses were ours.
        assertThat(shards.take(EtherType.IPV6))
                .noneMatch(frame -> (frame[54] & 0xff) == Icmpv6Header.NEIGHBOR_ADVERTISEMENT);
    }

    /** Says that an address is the peer's. */
    private void claim(IpAddress address) {
        shards.receiveIp6(
                ALL_NODES_LINK,
                Packets.discovery(
                        address,
                        ALL_NODES,
                        Icmpv6Header.NEIGHBOR_ADVERTISEMENT,
                        NeighborDiscoveryHeader.OVERRIDE,
                        Packets.bytes(address),
                        Packets.linkOption(NeighborDiscoveryOption.TARGET_LINK_ADDRESS, Shards.PEER_LINK)));
    }

    @Test
    void aHostThatDetectsDuplicatesUsesAnAddressOnceItIsKnownToBeFree() throws Exception {
        IpAddress v4 = address("10.0.0.2");
        IpAddress v6 = address("2001:db8::2");
        host(2, setup -> {
            setup.addresses = List.of(address("10.0.0.2", 24), address("2001:db8::2", 64));
            setup.detectDuplicates = true;
        });
        assertThatNoneHas(v4);
        assertThat(shards.host.network().has(v4)).isFalse();

        shards.pass(8, TimeUnit.SECONDS);

        assertThat(events).containsExactly("added " + v6 + "/64", "added 10.0.0.2/24");
        assertThatAllHave(v4);
        assertThatAllHave(v6);
    }

    @Test
    void aHostThatDetectsDuplicatesDoesNotUseTheAddressOfAnother() throws Exception {
        host(2, setup -> {
            setup.addresses = List.of(address("10.0.0.2", 24));
            setup.detectDuplicates = true;
        });

        shards.pass(1100, TimeUnit.MILLISECONDS);
        shards.receive(Packets.arp(
                Shards.OWN_LINK, ArpHeader.REPLY, Shards.PEER_LINK, Packets.v4("10.0.0.2"), Shards.OWN_LINK, 0));
        shards.pass(8, TimeUnit.SECONDS);

        assertThat(events).containsExactly("duplicate 10.0.0.2 of " + new MacAddress(Shards.PEER_LINK));
        assertThatNoneHas(address("10.0.0.2"));
        assertThatThrownBy(() -> shards.host.listeners().bindPort(address("10.0.0.2"), 0, false))
                .isInstanceOf(java.net.BindException.class);
    }

    @Test
    void detectionGoesOnWhenTheShardThatLeadsEnds() throws Exception {
        host(2, setup -> {
            setup.addresses = List.of(address("10.0.0.2", 24));
            setup.detectDuplicates = true;
        });
        shards.pass(3, TimeUnit.SECONDS);

        shards.stop(shards.shards.get(0));
        shards.pass(8, TimeUnit.SECONDS);

        assertThat(events).containsExactly("added 10.0.0.2/24");
        assertThatAllHave(address("10.0.0.2"));
    }

    @Test
    void aConflictIsToldOfOnceInASecond() throws Exception {
        host(2, setup -> setup.addresses = List.of(address("10.0.0.2", 24)));
        events.clear();
        byte[] claim = Packets.arp(
                -1L >>> 16, ArpHeader.REQUEST, Shards.PEER_LINK, Packets.v4("10.0.0.2"), 0, Packets.v4("10.0.0.9"));

        for (int i = 0; i < 100; i++) {
            shards.receive(claim);
        }

        assertThat(events).containsExactly("conflict 10.0.0.2 with " + new MacAddress(Shards.PEER_LINK));
        assertThatAllHave(address("10.0.0.2"));
    }

    @Test
    void theUserAddsAndRemovesAddresses() throws Exception {
        host(2, setup -> setup.addresses = List.of(address("10.0.0.2", 24)));
        events.clear();
        IpAddress added = address("10.1.0.2");

        shards.host.addAddress(added, 16, () -> events.add("done"));
        assertThat(shards.host.listeners().bindPort(added, 8080, false)).isEqualTo(8080);
        shards.settle();
        assertThatAllHave(added);
        assertThat(shards.shards)
                .allSatisfy(
                        shard -> assertThat(reaches(shard, address("10.1.2.3"))).isTrue());
        // Announced.
        shards.pass(3, TimeUnit.SECONDS);
        assertThat(shards.take(EtherType.ARP)).hasSizeGreaterThanOrEqualTo(4);

        assertThat(shards.host.removeAddress(added, () -> events.add("gone"))).isTrue();
        shards.settle();
        assertThatNoneHas(added);
        assertThat(shards.shards)
                .allSatisfy(
                        shard -> assertThat(reaches(shard, address("10.1.2.3"))).isFalse());
        assertThat(events).containsExactly("added 10.1.0.2/16", "done", "removed 10.1.0.2/16", "gone");
        assertThat(shards.host.removeAddress(added, () -> {})).isFalse();
    }

    // ------------------------------------------------------------------------------------------------ other sources

    @Test
    void aSourceBringsAddressRoutesMtuAndNameServersAndTakesThemBack() throws Exception {
        host(2, setup -> setup.addresses = List.of(address("192.168.0.2", 24)));
        events.clear();
        Object lease = new Object();
        IpAddress far = address("203.0.113.9");

        shards.host
                .network()
                .configure(
                        lease,
                        new NetworkSettings(
                                List.of(HostAddress.of(address("10.0.0.2"), 24)),
                                List.of(),
                                List.of(Route.byDefault(address("10.0.0.1"))),
                                1400,
                                List.of(address("10.0.0.53")),
                                List.of("example.org")),
                        () -> events.add("done"));
        shards.settle();

        assertThat(events)
                .containsExactly("added 10.0.0.2/24", "routes", "dns [10.0.0.53] [example.org]", "mtu 1400", "done");
        for (Shard shard : shards.shards) {
            Path path = new Path();
            assertThat(shard.ip().resolve(path, 0, IpAddress.ANY_V4.low(), far.high(), far.low()))
                    .isTrue();
            assertThat(path.mtu()).isEqualTo(1400);
        }

        events.clear();
        shards.host.network().withdraw(lease);
        shards.settle();
        assertThat(events).containsExactly("removed 10.0.0.2/24", "routes", "dns [] []", "mtu 1500");
        assertThat(shards.shards)
                .allSatisfy(shard -> assertThat(reaches(shard, far)).isFalse());
        assertThatAllHave(address("192.168.0.2"));
    }

    @Test
    void anAddressThatTwoSourcesGiveStaysUntilBothTakeItBack() throws Exception {
        host(1, setup -> setup.addresses = List.of(address("10.0.0.2", 24)));
        Object lease = new Object();
        shards.host
                .network()
                .configure(lease, NetworkSettings.NONE.withAddresses(List.of(HostAddress.of(address("10.0.0.2"), 24))));
        shards.settle();
        shards.host.removeAddress(address("10.0.0.2"), () -> {});
        shards.settle();
        assertThatAllHave(address("10.0.0.2"));

        shards.host.network().withdraw(lease);
        shards.settle();
        assertThatNoneHas(address("10.0.0.2"));
    }

    @Test
    void aListenerThatThrowsDoesNotKeepOthersFromHearing() throws Exception {
        host(1, setup -> {});
        shards.host.network().addListener(new NetworkListener() {
            @Override
            public void addressAdded(HostAddress address) {
                throw new IllegalStateException("on purpose");
            }
        });
        List<String> heard = new ArrayList<>();
        shards.host.network().addListener(new NetworkListener() {
            @Override
            public void addressAdded(HostAddress address) {
                heard.add(address.toString());
            }
        });

        shards.host.addAddress(address("10.0.0.2"), 24, () -> heard.add("done"));
        shards.settle();

        assertThat(heard).containsExactly("10.0.0.2/24", "done");
    }

    @Test
    void aTaskOfTheHostGoesFromLeaderToLeader() throws Exception {
        host(2, setup -> {});
        List<String> log = new ArrayList<>();
        LeaderTask task = new LeaderTask() {
            @Override
            public void begin(Shard leader, long now) {
                log.add("begin " + leader.index());
            }

            @Override
            public void end(Shard leader, long now) {
                log.add("end " + leader.index());
            }
        };

        shards.host.addLeaderTask(task);
        shards.settle();
        shards.stop(shards.shards.get(0));
        assertThat(log).containsExactly("begin 0", "end 0", "begin 1");

        shards.host.removeLeaderTask(task);
        shards.settle();
        assertThat(log).containsExactly("begin 0", "end 0", "begin 1", "end 1");
    }

    /** Such as for want of memory. */
    @Test
    void aShardThatCannotStartIsNotOneOfThem() throws Exception {
        host(0, setup -> {});
        LeaderTask task = new LeaderTask() {
            @Override
            public void begin(Shard leader, long now) {
                throw new IllegalStateException("expected");
            }

            @Override
            public void end(Shard leader, long now) {}
        };
        shards.host.addLeaderTask(task);
        assertThatThrownBy(() -> shards.start()).hasMessage("expected");
        assertThat(shards.host.shards()).isEmpty();

        shards.host.removeLeaderTask(task);
        shards.start();
        assertThat(shards.host.leader()).isSameAs(shards.shards.get(0));
    }

    /** Frames do not come to a queue that nobody reads. */
    @Test
    void aShardThatCannotBeMadeClosesItsQueue() throws Exception {
        List<String> queues = new ArrayList<>();
        host(
                0,
                setup -> setup.wrapping = link -> new ForwardingLink(link) {
                    @Override
                    public LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator)
                            throws IOException {
                        queues.add("opened");
                        return new ForwardingQueue(link().openQueue(receiver, wakeup, allocator)) {
                            @Override
                            public void close() {
                                queues.add("closed");
                                super.close();
                            }
                        };
                    }
                });
        shards.allocatorCalls = 1;
        assertThatThrownBy(() -> shards.start()).hasMessage("expected");
        assertThat(queues).containsExactly("opened", "closed");
        assertThat(shards.host.shards()).isEmpty();
        shards.allocatorCalls = Integer.MAX_VALUE;
        shards.start();
        assertThat(shards.host.leader()).isNotNull();
    }

    /** What an event loop does not run any more is told by whoever finds that out. */
    @Test
    void aChangeIsToldOfThoughTheLoopThatLeadsHasShutDown() throws Exception {
        host(1, setup -> {});
        events.clear();
        shards.loopsEnded = true;
        shards.host.addAddress(address("10.0.0.9"), 24, () -> events.add("settled"));
        shards.settle();
        assertThat(events).containsExactly("added 10.0.0.9/24", "settled");
    }

    @Test
    void aPathMtuThatOneShardFindsOutAllShardsKnow() throws Exception {
        host(3, setup -> {
            setup.addresses = List.of(address("10.0.0.2", 24));
            setup.gateways = List.of(address("10.0.0.1"));
        });
        IpAddress far = address("203.0.113.9");

        shards.shards.get(1).ip().updatePathMtu(0, 0, far.high(), far.low(), 1300, shards.ticker.nanoTime());
        shards.settle();

        for (Shard shard : shards.shards) {
            Path path = new Path();
            shard.ip().resolve(path, 0, IpAddress.ANY_V4.low(), far.high(), far.low());
            assertThat(path.mtu()).isEqualTo(1300);
        }
    }

    @Test
    void whatAllShardsSeeIsCountedOnce() throws Exception {
        host(3, setup -> setup.addresses = List.of(address("10.0.0.2", 24)));

        shards.receive(Packets.arp(
                Shards.OWN_LINK,
                ArpHeader.REQUEST,
                Shards.PEER_LINK,
                Packets.v4("10.0.0.1"),
                0,
                Packets.v4("10.0.0.2")));

        assertThat(shards.host.counters()).containsEntry(io.isla.netty.ip.IpCounter.ARP_IN_REQUESTS.toString(), 1L);
        assertThat(shards.host.counters()).containsEntry("ShardBacklogDrops", 0L);
    }
}
