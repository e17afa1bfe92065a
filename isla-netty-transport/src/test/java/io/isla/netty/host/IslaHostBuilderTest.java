/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.link.Link;
import io.isla.netty.link.MemoryLink;
import java.net.InetAddress;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a host is built of, and what is said of what makes no sense. */
class IslaHostBuilderTest {
    private final MemoryLink.Pair link = MemoryLink.pair("host", "nobody");

    @AfterEach
    void close() {
        link.close();
    }

    private IslaHostBuilder builder() {
        return IslaHost.builder().link(link.first());
    }

    private static Arguments wrong(String name, Consumer<IslaHostBuilder> change, String... saying) {
        return Arguments.of(Named.of(name, change), saying);
    }

    static Stream<Arguments> whatMakesNoSense() {
        return Stream.of(
                wrong("no address", b -> {}, "address: not set", "slaac"),
                wrong("an address twice", b -> b.address("10.0.0.2/24").address("10.0.0.2/16"), "address: 10.0.0.2"),
                wrong("a group", b -> b.address("ff02::1/64"), "address: ff02", "multicast"),
                wrong("loopback", b -> b.address("::1/128"), "address: ", "loopback"),
                wrong("a router's anycast address", b -> b.address("fd00::/64"), "address: fd00", "anycast"),
                wrong("a broadcast address", b -> b.address("10.0.0.255/24"), "address: 10.0.0.255", "broadcast"),
                wrong("no prefix length", b -> b.address("fd00::2"), "address: 'fd00::2'", "/64"),
                wrong("a prefix too long", b -> b.address("fd00::2/129"), "prefix length 129", "0 to 128"),
                wrong("no address at all", b -> b.address("nowhere/24"), "address: 'nowhere'"),
                wrong(
                        "a gateway off the link",
                        b -> b.address("fd00::2/64").gateway("fd01::1"),
                        "gateway: fd01",
                        "not on the link"),
                wrong(
                        "a gateway of the other family",
                        b -> b.address("10.0.0.2/24").gateway("fd00::1"),
                        "not on the link"),
                wrong("its own gateway", b -> b.address("fd00::2/64").gateway("fd00::2"), "gateway: ", "own address"),
                wrong(
                        "two gateways",
                        b -> b.address("fd00::2/64").gateway("fd00::1").gateway("fd00::3"),
                        "gateway: ",
                        "already"),
                wrong(
                        "a gateway in its own block",
                        b -> b.address("10.0.0.2/16")
                                .addressBlock("10.0.1.0/24")
                                .gateway("10.0.1.1"),
                        "gateway: 10.0.1.1",
                        "10.0.1.0/24"),
                wrong(
                        "blocks that overlap",
                        b -> b.addressBlock("10.9.0.0/16").addressBlock("10.9.3.0/24"),
                        "addressBlock: 10.9.3.0/24 overlaps with 10.9.0.0/16"),
                wrong(
                        "a block with bits behind its length",
                        b -> b.addressBlock("10.9.0.1/16"),
                        "addressBlock: ",
                        "10.9.0.1/16"),
                wrong("a block of all addresses of its own", b -> b.addressBlock("0.0.0.0/0"), "addressBlock: "),
                wrong("a block of groups", b -> b.addressBlock("224.0.0.0/4"), "addressBlock: 224.0.0.0/4"),
                wrong("a block without a length", b -> b.interceptedBlock("10.0.0.0"), "interceptedBlock: ", "/16"),
                wrong("a name server that is a group", b -> b.nameServer("ff02::fb"), "nameServer: "),
                wrong("a short secret", b -> b.stableSecret(new byte[8]), "stableSecret: 8 bytes"),
                wrong(
                        "temporary addresses without any",
                        b -> b.address("fd00::2/64").temporaryAddresses(true),
                        "temporaryAddresses: ",
                        "slaac"),
                wrong("an MTU too small for IPv6", b -> b.address("fd00::2/64").mtu(1279), "mtu: 1279", "1280"),
                wrong("an MTU too small for slaac", b -> b.slaac(true).mtu(1000), "mtu: 1000", "1280"),
                wrong(
                        "an MTU larger than the link's",
                        b -> b.address("10.0.0.2/24").mtu(9000),
                        "mtu: 9000",
                        "1500"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("whatMakesNoSense")
    void saysWhatMakesNoSense(Consumer<IslaHostBuilder> change, String[] saying) {
        assertThatThrownBy(() -> {
                    IslaHostBuilder builder = builder();
                    change.accept(builder);
                    builder.build();
                })
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(saying);
    }

    @Test
    void aLinkWithoutEthernetHasNoDhcpServers() {
        try (MemoryLink.Pair point = MemoryLink.builder().medium(Link.Medium.IP).pair("point", "other")) {
            assertThatThrownBy(
                            () -> IslaHost.builder().link(point.first()).dhcp().build())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("dhcp: link point");
        }
    }

    @Test
    void aHostHasWhatItWasGiven() throws Exception {
        try (IslaHost host = builder()
                .address("10.0.0.2/24")
                .address("fd00::2/64")
                .gateway("10.0.0.1")
                .gateway("fe80::1")
                .addressBlock("10.9.0.0/16")
                .nameServer("10.0.0.53")
                .nameServer("fd00::53")
                .searchDomain("example.org")
                .mtu(1400)
                .build()) {
            assertThat(host.hostAddresses())
                    .extracting(IslaHostAddress::toString)
                    .containsExactly("10.0.0.2/24", "fd00:0:0:0:0:0:0:2/64");
            assertThat(host.routes())
                    .extracting(IslaHostRoute::toString)
                    .containsExactly("0.0.0.0/0 via 10.0.0.1", "0:0:0:0:0:0:0:0/0 via fe80:0:0:0:0:0:0:1");
            assertThat(host.nameServers())
                    .containsExactly(InetAddress.getByName("10.0.0.53"), InetAddress.getByName("fd00::53"));
            assertThat(host.searchDomains()).containsExactly("example.org");
            assertThat(host.mtu()).isEqualTo(1400);
        }
    }

    @Test
    void whatAHostIsAskedWithoutAnEventLoopFails() throws Exception {
        try (IslaHost host = builder().address("10.0.0.2/24").build()) {
            assertThat(host.echo(InetAddress.getByName("10.0.0.1")).await().cause())
                    .hasMessageContaining("event loop");
            // Changes take effect all the same.
            host.addAddress("10.0.0.3/24").sync();
            assertThat(host.addresses()).hasSize(2);
        }
    }
}
