/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.ALL_NODES;
import static io.isla.netty.ip.IpFixture.FAR6;
import static io.isla.netty.ip.IpFixture.OWN_LINK;
import static io.isla.netty.ip.IpFixture.PEER6;
import static io.isla.netty.ip.IpFixture.ROUTER6;
import static io.isla.netty.ip.IpFixture.ROUTER_LINK;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RouterDiscoveryTest {
    private static final int INFINITY = -1;
    private static final int ON_LINK = NeighborDiscoveryOption.ON_LINK;
    private static final int AUTONOMOUS = NeighborDiscoveryOption.AUTONOMOUS;
    private static final IpAddress PREFIX = Packets.address("2001:db8::");

    private final IpFixture host = new IpFixture();
    private final List<String> events = new ArrayList<>();

    private void begin(boolean temporary) {
        host.stack.ipv6(new Ipv6Config(true, true, temporary, 0x1122_3344_5566_7788L, 42));
        host.stack.listener(new IpListener() {
            @Override
            public void addressConflict(InterfaceAddress address, MacAddress other) {
                events.add("conflict " + address);
            }

            @Override
            public void addressAdded(InterfaceAddress address) {
                events.add("added " + address);
            }

            @Override
            public void addressChanged(InterfaceAddress address) {
                events.add((address.isDeprecated() ? "deprecated " : "preferred ") + address);
            }

            @Override
            public void addressRemoved(InterfaceAddress address) {
                events.add("removed " + address);
            }

            @Override
            public void autoconfigurationFailed(IpAddress lastTried) {
                events.add("failed");
            }

            @Override
            public void recursiveDnsServers(List<IpAddress> servers, long lifetimeSeconds) {
                events.add("dns " + servers + " " + lifetimeSeconds);
            }

            @Override
            public void dnsSearchList(List<String> domains, long lifetimeSeconds) {
                events.add("search " + domains + " " + lifetimeSeconds);
            }
        });
        host.queue.ignoreMembershipReports = true;
        host.stack.start(host.now);
    }

    /** Begins, and waits until the link-local address can be used. */
    private void beginAndSettle(boolean temporary) {
        begin(temporary);
        host.pass(2500, TimeUnit.MILLISECONDS);
        assertThat(events).hasSize(1);
        events.clear();
    }

    @AfterEach
    void close() {
        host.close();
    }

    private static byte[] advertisement(IpAddress router, int flags, int lifetime, byte[]... options) {
        return Packets.discovery(
                router,
                ALL_NODES,
                Icmpv6Header.ROUTER_ADVERTISEMENT,
                flags << 16 | lifetime,
                new byte[8],
                Packets.linkOption(NeighborDiscoveryOption.SOURCE_LINK_ADDRESS, ROUTER_LINK),
                Packets.concat(options));
    }

    private static byte[] prefix(IpAddress prefix, int length, int flags, int valid, int preferred) {
        return Packets.concat(
                Packets.ints(0x0304_0000 | length << 8 | flags, valid, preferred, 0), Packets.bytes(prefix));
    }

    private void advertise(int lifetime, byte[]... options) {
        host.receiveIp6(advertisement(ROUTER6, 0, lifetime, options), ROUTER_LINK);
    }

    private List<InterfaceAddress> addresses(boolean temporary) {
        return host.stack.addresses().list().stream()
                .filter(address -> !address.address().isLinkLocal() && address.isTemporary() == temporary)
                .toList();
    }

    private IpAddress linkLocal() {
        return host.stack.addresses().list().get(0).address();
    }

    @Test
    void makesALinkLocalAddressAndAsksForRouters() {
        begin(false);
        host.pass(1, TimeUnit.SECONDS);
        assertThat(host.nextSent()[54]).isEqualTo((byte) Icmpv6Header.NEIGHBOR_SOLICITATION);
        assertThat(events).isEmpty();

        host.pass(1, TimeUnit.SECONDS);
        assertThat(events).singleElement().asString().startsWith("added fe80:").endsWith("/64");
        host.pass(1001, TimeUnit.MILLISECONDS);

        assertThat(host.nextSent())
                .isEqualTo(Packets.ethernet(
                        0x3333_0000_0002L,
                        OWN_LINK,
                        EtherType.IPV6,
                        Packets.discovery(
                                linkLocal(),
                                Packets.address("ff02::2"),
                                Icmpv6Header.ROUTER_SOLICITATION,
                                0,
                                Packets.linkOption(NeighborDiscoveryOption.SOURCE_LINK_ADDRESS, OWN_LINK))));
    }

    @Test
    void asksLessAndLessOftenUntilARouterSpeaks() {
        beginAndSettle(false);
        host.queue.sent.clear();
        host.pass(1, TimeUnit.HOURS);
        assertThat(host.queue.sent).hasSizeBetween(8, 11);
        host.queue.sent.clear();

        advertise(1800);
        host.pass(1, TimeUnit.HOURS);

        host.expectNothingSent();
    }

    @Test
    void theIdentifierIsStableAndDiffersFromPrefixToPrefix() {
        long one = InterfaceIdentifiers.stable(PREFIX.high(), OWN_LINK, 0, 1, 2);

        assertThat(InterfaceIdentifiers.stable(PREFIX.high(), OWN_LINK, 0, 1, 2))
                .isEqualTo(one);
        assertThat(InterfaceIdentifiers.stable(PREFIX.high() + 1, OWN_LINK, 0, 1, 2))
                .isNotEqualTo(one);
        assertThat(InterfaceIdentifiers.stable(PREFIX.high(), OWN_LINK + 1, 0, 1, 2))
                .isNotEqualTo(one);
        assertThat(InterfaceIdentifiers.stable(PREFIX.high(), OWN_LINK, 1, 1, 2))
                .isNotEqualTo(one);
        assertThat(InterfaceIdentifiers.stable(PREFIX.high(), OWN_LINK, 0, 1, 3))
                .isNotEqualTo(one);
        assertThat(InterfaceIdentifiers.isReserved(0)).isTrue();
        assertThat(InterfaceIdentifiers.isReserved(0xfdff_ffff_ffff_ff80L)).isTrue();
        assertThat(InterfaceIdentifiers.isReserved(0xfdff_ffff_ffff_ffffL)).isTrue();
        assertThat(InterfaceIdentifiers.isReserved(0xfdff_ffff_ffff_ff7fL)).isFalse();
    }

    @Test
    void triesOtherAddressesWhereTheFirstIsTaken() {
        begin(false);
        List<IpAddress> tried = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            host.pass(1, TimeUnit.SECONDS);
            byte[] probe = host.nextSent();
            IpAddress target = IpAddress.of(
                    Unpooled.wrappedBuffer(probe).getLong(62),
                    Unpooled.wrappedBuffer(probe).getLong(70));
            assertThat(tried).doesNotContain(target);
            tried.add(target);
            host.receiveIp6(Packets.discovery(
                    target,
                    ALL_NODES,
                    Icmpv6Header.NEIGHBOR_ADVERTISEMENT,
                    NeighborDiscoveryHeader.OVERRIDE,
                    Packets.bytes(target)));
        }
        assertThat(events).containsExactly("failed");
        host.pass(1, TimeUnit.MINUTES);
        host.expectNothingSent();
    }

    @Test
    void anAdvertisementBringsRouterPrefixAddressAndTimes() {
        beginAndSettle(false);
        advertise(1800, prefix(PREFIX, 64, ON_LINK | AUTONOMOUS, 3600, 1800), Packets.ints(0x0501_0000, 1400));
        host.pass(2001, TimeUnit.MILLISECONDS);
        host.queue.sent.clear();

        assertThat(events).singleElement().asString().startsWith("added 2001:db8:0:0:");
        IpAddress own = addresses(false).get(0).address();
        assertThat(host.stack.resolve(host.path, 0, 0, FAR6.high(), FAR6.low())).isTrue();
        assertThat(host.path.mtu()).isEqualTo(1400);
        assertThat(host.path.localHigh()).isEqualTo(own.high());
        host.send6(FAR6, Packets.bytes(20));
        host.nextPacketTo(ROUTER_LINK);
        host.send6(PEER6, Packets.bytes(20));
        host.expectSolicitation(own, PEER6, false, 0);
    }

    @Test
    void takesOverHopLimitAndTimers() {
        beginAndSettle(false);
        host.receiveIp6(
                Packets.discovery(
                        ROUTER6, ALL_NODES, Icmpv6Header.ROUTER_ADVERTISEMENT, 77 << 24, Packets.ints(10_000, 200)),
                ROUTER_LINK);
        host.queue.sent.clear();
        assertThat(host.stack.defaultHopLimit(false)).isEqualTo(77);
        assertThat(host.stack.defaultHopLimit(true)).isEqualTo(64);

        host.send6(Packets.address("fe80::99"), Packets.bytes(20));
        host.pass(601, TimeUnit.MILLISECONDS);

        assertThat(host.failed).as("three solicitations, 200 ms apart").hasSize(1);
        host.queue.sent.clear();
    }

    @Test
    void whatWasAdvertisedEnds() {
        beginAndSettle(false);
        advertise(100, prefix(PREFIX, 64, ON_LINK | AUTONOMOUS, 10_000, 50));
        host.pass(3, TimeUnit.SECONDS);
        IpAddress own = addresses(false).get(0).address();
        events.clear();

        host.pass(48, TimeUnit.SECONDS);
        assertThat(events).containsExactly("deprecated " + own + "/64");
        host.pass(50, TimeUnit.SECONDS);
        assertThat(host.stack.resolve(host.path, 0, 0, FAR6.high(), FAR6.low()))
                .as("no router any more")
                .isFalse();
        assertThat(host.stack.resolve(host.path, 0, 0, PEER6.high(), PEER6.low()))
                .isTrue();
        host.pass(10_000, TimeUnit.SECONDS);
        assertThat(events).last().isEqualTo("removed " + own + "/64");
        assertThat(host.stack.resolve(host.path, 0, 0, PEER6.high(), PEER6.low()))
                .isFalse();
        assertThat(host.stack.routes().routes()).isEmpty();
    }

    @Test
    void aRenewedPrefixIsPreferredAgain() {
        beginAndSettle(false);
        advertise(100, prefix(PREFIX, 64, AUTONOMOUS, INFINITY, 50));
        host.pass(60, TimeUnit.SECONDS);
        events.clear();

        advertise(100, prefix(PREFIX, 64, AUTONOMOUS, INFINITY, INFINITY));

        assertThat(events).singleElement().asString().startsWith("preferred ");
        host.pass(1000, TimeUnit.DAYS);
        assertThat(addresses(false)).hasSize(1);
        assertThat(events).hasSize(1);
    }

    @Test
    void anAdvertisementCannotEndAnAddressAtOnce() {
        beginAndSettle(false);
        advertise(100, prefix(PREFIX, 64, AUTONOMOUS, 100_000, 100_000));
        host.pass(3, TimeUnit.SECONDS);

        advertise(100, prefix(PREFIX, 64, AUTONOMOUS, 0, 0));
        host.pass(7100, TimeUnit.SECONDS);
        assertThat(addresses(false)).hasSize(1);
        advertise(100, prefix(PREFIX, 64, AUTONOMOUS, 5, 5));
        host.pass(90, TimeUnit.SECONDS);
        assertThat(addresses(false)).hasSize(1);
        host.pass(20, TimeUnit.SECONDS);

        assertThat(addresses(false)).isEmpty();
    }

    @Test
    void ignoresPrefixesThatAreOfNoUse() {
        beginAndSettle(false);
        advertise(
                0,
                prefix(Packets.address("fe80::"), 64, ON_LINK | AUTONOMOUS, 3600, 1800),
                prefix(PREFIX, 48, AUTONOMOUS, 3600, 1800),
                prefix(PREFIX, 129, ON_LINK | AUTONOMOUS, 3600, 1800),
                prefix(PREFIX, 64, AUTONOMOUS, 1800, 3600),
                prefix(PREFIX, 64, AUTONOMOUS, 0, 0),
                prefix(PREFIX, 64, 0, 3600, 1800),
                prefix(Packets.address("ff05::"), 64, ON_LINK | AUTONOMOUS, 3600, 1800));
        host.pass(3, TimeUnit.SECONDS);

        assertThat(events).isEmpty();
        assertThat(host.stack.routes().routes()).isEmpty();
    }

    @Test
    void prefersRoutersAsTheyWish() {
        IpAddress other = Packets.address("fe80::ff");
        beginAndSettle(false);
        host.receiveIp6(advertisement(ROUTER6, 0x18, 1800), ROUTER_LINK);
        host.receiveIp6(advertisement(other, 0, 1800), ROUTER_LINK);
        assertThat(host.stack.routes().routes()).extracting(Route::gateway).containsExactly(other, ROUTER6);

        host.receiveIp6(advertisement(ROUTER6, 0x08, 1800), ROUTER_LINK);
        assertThat(host.stack.routes().routes()).extracting(Route::gateway).containsExactly(ROUTER6, other);
        host.receiveIp6(advertisement(ROUTER6, 0, 0), ROUTER_LINK);
        assertThat(host.stack.routes().routes()).extracting(Route::gateway).containsExactly(other);
    }

    @Test
    void takesMoreSpecificRoutes() {
        beginAndSettle(false);
        IpAddress other = Packets.address("fe80::ff");
        byte[] route = Packets.concat(
                Packets.ints(0x1802_3000, 600), Arrays.copyOf(Packets.bytes(Packets.address("2001:db8:ffff::")), 8));
        advertise(1800);
        host.receiveIp6(advertisement(other, 0, 0, route), ROUTER_LINK);

        assertThat(host.stack.routes().routes())
                .extracting(Route::toString)
                .containsExactly(
                        "2001:db8:ffff:0:0:0:0:0/48 via fe80:0:0:0:0:0:0:ff metric 1024",
                        "0:0:0:0:0:0:0:0/0 via fe80:0:0:0:0:0:0:1 metric 1024");
        host.pass(601, TimeUnit.SECONDS);
        assertThat(host.stack.routes().routes()).hasSize(1);
    }

    @Test
    void aRouterThatIsOneNoMoreIsLeft() {
        beginAndSettle(false);
        advertise(1800);
        assertThat(host.stack.routes().routes()).hasSize(1);

        host.receiveIp6(
                Packets.discovery(
                        ROUTER6,
                        ALL_NODES,
                        Icmpv6Header.NEIGHBOR_ADVERTISEMENT,
                        NeighborDiscoveryHeader.OVERRIDE,
                        Packets.bytes(ROUTER6),
                        Packets.linkOption(NeighborDiscoveryOption.TARGET_LINK_ADDRESS, ROUTER_LINK)),
                ROUTER_LINK);

        assertThat(host.stack.routes().routes()).isEmpty();
    }

    @Test
    void tellsOfNameServers() {
        beginAndSettle(false);
        advertise(
                1800,
                Packets.concat(
                        Packets.ints(0x1905_0000, 300),
                        Packets.bytes(Packets.address("2001:db8::53")),
                        Packets.bytes(Packets.address("2001:db8::54"))),
                Packets.concat(
                        Packets.ints(0x1f04_0000, 600),
                        new byte[] {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 4, 'h', 'o', 'm', 'e', 0
                        },
                        new byte[5]));

        assertThat(events)
                .containsExactly(
                        "dns [2001:db8:0:0:0:0:0:53, 2001:db8:0:0:0:0:0:54] 300", "search [example.org, home] 600");
        advertise(1800, Packets.concat(Packets.ints(0x1f02_0000, 600), new byte[] {70, 'a', 0, 0, 0, 0, 0, 0}));
        advertise(1800, Packets.concat(Packets.ints(0x1901_0000, 600)));
        assertThat(events).hasSize(2);
    }

    @Test
    void temporaryAddressesFollowOneAnother() {
        beginAndSettle(true);
        advertise(0, prefix(PREFIX, 64, AUTONOMOUS, INFINITY, INFINITY));
        host.pass(3, TimeUnit.SECONDS);
        assertThat(addresses(false)).hasSize(1);
        assertThat(addresses(true)).hasSize(1);
        assertThat(host.stack.resolve(host.path, 0, 0, PEER6.high(), PEER6.low()))
                .isFalse();
        IpAddress first = addresses(true).get(0).address();

        host.pass(25, TimeUnit.HOURS);
        assertThat(addresses(true)).hasSizeGreaterThanOrEqualTo(2);
        assertThat(addresses(true).get(0).isDeprecated()).isTrue();
        assertThat(addresses(true)).last().matches(address -> !address.isDeprecated());
        host.pass(24, TimeUnit.HOURS);
        assertThat(addresses(true)).extracting(InterfaceAddress::address).doesNotContain(first);
        host.pass(30, TimeUnit.DAYS);
        assertThat(addresses(true)).hasSizeBetween(2, 4);
        assertThat(addresses(false)).hasSize(1);
    }

    @Test
    void whatIsAdvertisedIsBounded() {
        beginAndSettle(false);
        for (int i = 1; i <= 200; i++) {
            host.receiveIp6(
                    advertisement(
                            IpAddress.of(ROUTER6.high(), i + 100),
                            0,
                            1800,
                            prefix(IpAddress.of(PREFIX.high() + i, 0), 64, ON_LINK | AUTONOMOUS, 3600, 1800)),
                    ROUTER_LINK);
        }
        host.pass(3, TimeUnit.SECONDS);

        assertThat(host.stack.routes().routes()).hasSize(RouterDiscovery.MAX_ROUTERS + RouterDiscovery.MAX_ROUTES);
        assertThat(host.stack.addresses().list()).hasSize(AddressAutoconfiguration.MAX_ADDRESSES);
    }

    @Test
    void onlyARouterOnTheLinkIsListenedTo() {
        beginAndSettle(false);
        host.receiveIp6(advertisement(PEER6, 0, 1800), ROUTER_LINK);
        byte[] passedARouter = advertisement(ROUTER6, 0, 1800);
        passedARouter[7] = 64;
        host.receiveIp6(passedARouter, ROUTER_LINK);

        assertThat(host.stack.routes().routes()).isEmpty();
        assertThat(host.count(IpCounter.ICMP6_IN_BAD_DISCOVERY)).isEqualTo(2);
    }

    @Test
    void whoIsConfiguredByHandListensToNoRouter() {
        try (IpFixture manual = IpFixture.configured6()) {
            manual.queue.ignoreMembershipReports = true;
            manual.stack.start(manual.now);
            manual.receiveIp6(
                    advertisement(Packets.address("fe80::ff"), 0, 1800, prefix(PREFIX, 64, AUTONOMOUS, 100, 100)),
                    ROUTER_LINK);
            manual.pass(10, TimeUnit.SECONDS);

            manual.expectNothingSent();
            assertThat(manual.stack.addresses().list()).hasSize(2);
            assertThat(manual.stack.routes().routes())
                    .extracting(Route::gateway)
                    .doesNotContain(Packets.address("fe80::ff"));
        }
    }
}
