/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import static io.isla.netty.dhcp.ScriptedDhcp.ADDRESS;
import static io.isla.netty.dhcp.ScriptedDhcp.MAC;
import static io.isla.netty.dhcp.ScriptedDhcp.SERVER;
import static io.isla.netty.dhcp.ServerMessage.ip;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.counter.Counters;
import io.isla.netty.wire.DhcpHeader;
import io.isla.netty.wire.DhcpOption;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LeaseReaderTest {
    private final Counters<DhcpCounter> counters = new Counters<>(DhcpCounter.class);

    private static ServerMessage ack() {
        return new ServerMessage(DhcpOption.ACK, 7, MAC)
                .your(ADDRESS)
                .server(SERVER)
                .lease(3600);
    }

    private DhcpLease read(ServerMessage message) {
        return new LeaseReader(counters).read(parse(message.end()));
    }

    private static DhcpMessage parse(ByteBuf buf) {
        return DhcpMessage.read(buf, 0, buf.readableBytes());
    }

    private void expectBadOptions(int count) {
        assertThat(counters.get(DhcpCounter.IN_BAD_OPTIONS)).isEqualTo(count);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void readsWhatTheServerSaysOfTheNetwork() {
        DhcpLease lease = read(ack().addresses(DhcpOption.SUBNET_MASK, "255.255.254.0")
                .addresses(DhcpOption.ROUTERS, "192.0.2.254", "192.0.2.253")
                .addresses(DhcpOption.DOMAIN_NAME_SERVERS, "192.0.2.53", "198.51.100.53")
                .addresses(DhcpOption.NTP_SERVERS, "192.0.2.123")
                .option(DhcpOption.DOMAIN_NAME, ascii("example.com"))
                .option(DhcpOption.INTERFACE_MTU, 1400 >> 8, 1400 & 0xff));

        assertThat(lease.prefixLength()).isEqualTo(23);
        assertThat(lease.routes())
                .containsExactly(
                        new DhcpLease.Route(IpAddress.ANY_V4, 0, ip("192.0.2.254")),
                        new DhcpLease.Route(IpAddress.ANY_V4, 0, ip("192.0.2.253")));
        assertThat(lease.nameServers()).containsExactly(ip("192.0.2.53"), ip("198.51.100.53"));
        assertThat(lease.timeServers()).containsExactly(ip("192.0.2.123"));
        assertThat(lease.domainName()).isEqualTo("example.com");
        assertThat(lease.mtu()).isEqualTo(1400);
        assertThat(lease.leaseSeconds()).isEqualTo(3600);
        assertThat(lease.renewalSeconds()).isEqualTo(1800);
        assertThat(lease.rebindingSeconds()).isEqualTo(3150);
        expectBadOptions(0);
    }

    @Test
    void whatTheServerDoesNotSayIsLeftOpen() {
        DhcpLease lease = read(ack());

        assertThat(lease.routes()).isEmpty();
        assertThat(lease.nameServers()).isEmpty();
        assertThat(lease.searchDomains()).isEmpty();
        assertThat(lease.domainName()).isNull();
        assertThat(lease.mtu()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"10.1.2.3, 8", "172.16.1.2, 16", "192.0.2.7, 24"})
    void withoutAMaskItIsThatOfTheAddressesClass(String address, int prefixLength) {
        assertThat(read(ack().your(address)).prefixLength()).isEqualTo(prefixLength);
        assertThat(read(ack().your(address).addresses(DhcpOption.SUBNET_MASK, "255.0.255.0"))
                        .prefixLength())
                .as("with one that is none")
                .isEqualTo(prefixLength);
        expectBadOptions(1);
    }

    @Test
    void classlessRoutesReplaceTheRouters() {
        DhcpLease lease = read(ack().addresses(DhcpOption.ROUTERS, "192.0.2.254")
                .option(
                        DhcpOption.CLASSLESS_STATIC_ROUTES,
                        // 0.0.0.0/0, 10.17.0.0/16, 10.27.129.128/25, 198.51.100.0/24 on the link
                        0,
                        192,
                        0,
                        2,
                        1,
                        16,
                        10,
                        17,
                        192,
                        0,
                        2,
                        2,
                        25,
                        10,
                        27,
                        129,
                        128,
                        192,
                        0,
                        2,
                        3,
                        24,
                        198,
                        51,
                        100,
                        0,
                        0,
                        0,
                        0));

        assertThat(lease.routes())
                .containsExactly(
                        new DhcpLease.Route(IpAddress.ANY_V4, 0, ip("192.0.2.1")),
                        new DhcpLease.Route(ip("10.17.0.0"), 16, ip("192.0.2.2")),
                        new DhcpLease.Route(ip("10.27.129.128"), 25, ip("192.0.2.3")),
                        new DhcpLease.Route(ip("198.51.100.0"), 24, null));
    }

    @Test
    void bitsBeyondThePrefixOfARouteAreTakenToBeZero() {
        assertThat(read(ack().option(DhcpOption.CLASSLESS_STATIC_ROUTES, 20, 10, 17, 255, 192, 0, 2, 2))
                        .routes())
                .containsExactly(new DhcpLease.Route(ip("10.17.240.0"), 20, ip("192.0.2.2")));
    }

    @Test
    void classlessRoutesThatAreMalformedLeaveTheRouters() {
        for (int[] bad :
                new int[][] {{}, {33, 1, 2, 3, 4, 5, 192, 0, 2, 1}, {24, 10, 1}, {0, 127, 0, 0, 1}, {0, 1, 2, 3}}) {
            assertThat(read(ack().addresses(DhcpOption.ROUTERS, "192.0.2.254")
                                    .option(DhcpOption.CLASSLESS_STATIC_ROUTES, bad))
                            .routes())
                    .containsExactly(new DhcpLease.Route(IpAddress.ANY_V4, 0, ip("192.0.2.254")));
        }
        expectBadOptions(5);
    }

    @Test
    void aLongValueIsJoinedFromItsParts() {
        // RFC 3396: split in the middle of a route.
        DhcpLease lease = read(ack().option(DhcpOption.CLASSLESS_STATIC_ROUTES, 16, 10, 17, 192)
                .option(DhcpOption.PAD)
                .option(DhcpOption.CLASSLESS_STATIC_ROUTES, 0, 2, 2));

        assertThat(lease.routes()).containsExactly(new DhcpLease.Route(ip("10.17.0.0"), 16, ip("192.0.2.2")));
    }

    @Test
    void optionsMayBeInTheFieldsForNames() {
        DhcpLease lease = read(new ServerMessage(DhcpOption.ACK, 7, MAC)
                .your(ADDRESS)
                .option(DhcpOption.OVERLOAD, 3)
                .option(DhcpOption.DOMAIN_NAME_SERVERS, 192, 0)
                .at(DhcpHeader.FILE, DhcpOption.DOMAIN_NAME_SERVERS, 1, 2, DhcpOption.LEASE_TIME, 4, 0, 0, 0, 60, 255)
                .at(
                        DhcpHeader.SERVER_NAME,
                        DhcpOption.SERVER_IDENTIFIER,
                        4,
                        192,
                        0,
                        2,
                        1,
                        DhcpOption.DOMAIN_NAME_SERVERS,
                        1,
                        53,
                        255));

        assertThat(lease.server()).isEqualTo(ip(SERVER));
        assertThat(lease.leaseSeconds()).isEqualTo(60);
        assertThat(lease.nameServers()).containsExactly(ip("192.0.2.53"));
    }

    @Test
    void withoutOverloadTheFieldsForNamesAreNames() {
        assertThat(read(ack().at(DhcpHeader.FILE, DhcpOption.DOMAIN_NAME_SERVERS, 4, 192, 0, 2, 53, 255)
                                .at(DhcpHeader.SERVER_NAME, DhcpOption.DOMAIN_NAME_SERVERS, 255))
                        .nameServers())
                .isEmpty();
    }

    @Test
    void aMessageWhoseOptionsDoNotEndIsRead() {
        assertThat(parse(ack().unended()).type()).isEqualTo(DhcpOption.ACK);
    }

    @Test
    void aMessageThatIsNotWholeIsNone() {
        assertThat(parse(ack().unended().writeByte(DhcpOption.ROUTERS))).isNull();
        assertThat(parse(ack().unended()
                        .writeByte(DhcpOption.ROUTERS)
                        .writeByte(4)
                        .writeByte(1)))
                .isNull();
        ByteBuf shorter = ack().end();
        assertThat(DhcpMessage.read(shorter, 0, DhcpHeader.LENGTH - 1)).isNull();
        assertThat(parse(ack().at(236, 0).end())).as("another cookie").isNull();
        assertThat(parse(ack().at(1, 6).end())).as("another kind of link").isNull();
        assertThat(parse(ack().option(DhcpOption.OVERLOAD, 1)
                        .at(DhcpHeader.FILE + 127, DhcpOption.ROUTERS)
                        .end()))
                .as("an option that goes beyond its field")
                .isNull();
    }

    @Test
    void addressesThatNobodyCanHaveAreLeftOut() {
        DhcpLease lease = read(ack().addresses(DhcpOption.ROUTERS, "0.0.0.0", "255.255.255.255")
                .addresses(DhcpOption.DOMAIN_NAME_SERVERS, "127.0.0.1", "192.0.2.53", "192.0.2.53")
                .option(DhcpOption.NTP_SERVERS, 192, 0, 2)
                .option(DhcpOption.INTERFACE_MTU, 0, 67));

        assertThat(lease.routes()).isEmpty();
        assertThat(lease.nameServers()).containsExactly(ip("192.0.2.53"));
        assertThat(lease.timeServers()).isEmpty();
        assertThat(lease.mtu()).isZero();
        expectBadOptions(3);
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "none",
            value = {
                "example.com, example.com",
                "example.com., example.com",
                "my_lan, my_lan",
                "'', none",
                "., none",
                "a..b, none",
                "-a.b, none",
                "'a b', none",
                "a;rm, none"
            })
    void aDomainIsANameOrNothing(String text, String name) {
        assertThat(read(ack().option(DhcpOption.DOMAIN_NAME, ascii(text))).domainName())
                .isEqualTo(name);
    }

    @Test
    void aDomainMayEndInZeros() {
        assertThat(read(ack().option(DhcpOption.DOMAIN_NAME, ascii("example.com\0")))
                        .domainName())
                .isEqualTo("example.com");
    }

    // ------------------------------------------------------------------------------------------------ RFC 3397

    private List<String> search(String... parts) {
        ServerMessage message = ack();
        for (String part : parts) {
            message.option(DhcpOption.DOMAIN_SEARCH, part.getBytes(StandardCharsets.ISO_8859_1));
        }
        return read(message).searchDomains();
    }

    @Test
    void readsACompressedSearchListInTwoParts() {
        // The example of RFC 3397 §2.
        assertThat(search("\3eng\5apple\3com\0\11marketing", "\u00c0\4"))
                .containsExactly("eng.apple.com", "marketing.apple.com");
    }

    @Test
    void pointersMayLeadToPointers() {
        assertThat(search("\3com\0\7example\u00c0\0\3www\u00c0\5"))
                .containsExactly("com", "example.com", "www.example.com");
    }

    @Test
    void malformedSearchListsAreDropped() {
        assertThat(search("\u00c0\0")).as("a name that is itself").isEmpty();
        assertThat(search("\1a\u00c0\0")).as("a name in a circle").isEmpty();
        assertThat(search("\1a\u00c0\5\1b\0")).as("a pointer forward").isEmpty();
        assertThat(search("\3com")).as("a name without end").isEmpty();
        assertThat(search("\11com\0")).as("a label without end").isEmpty();
        assertThat(search("\1a\u00c0")).as("half of a pointer").isEmpty();
        assertThat(search("\0")).as("the root").isEmpty();
        assertThat(search("\3a b\0")).as("a name with a blank").isEmpty();
        assertThat(search("\100" + "a".repeat(64) + "\0"))
                .as("a label too long")
                .isEmpty();
        String label = "\77" + "a".repeat(63);
        assertThat(search(label + label, label + label + "\0"))
                .as("a name too long")
                .isEmpty();
        expectBadOptions(10);
    }

    @Test
    void aListOfMoreDomainsThanAnybodySearchesIsCut() {
        assertThat(search(String.join("", Collections.nCopies(40, "\1a\2bc\0"))))
                .hasSize(16);
    }
}
