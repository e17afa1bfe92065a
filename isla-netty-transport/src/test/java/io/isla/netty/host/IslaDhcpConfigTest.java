/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.dhcp.DhcpParameters;
import io.isla.netty.link.Link;
import io.isla.netty.link.MemoryLink;
import java.net.InetAddress;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IslaDhcpConfigTest {
    private static final long MAC = 0x0200_5e10_0001L;

    @Test
    void handsOnWhatItIsTold() throws Exception {
        byte[] id = {1, 2, 3};
        DhcpParameters parameters = IslaDhcpConfig.create()
                .hostName("web-1")
                .clientId(id)
                .previousAddress(InetAddress.getByName("192.0.2.7"))
                .detectConflicts(false)
                .parameters(MAC, 1400);
        id[0] = 9;

        assertThat(parameters.hostName()).isEqualTo("web-1");
        assertThat(parameters.clientId()).containsExactly(1, 2, 3);
        assertThat(parameters.previousAddress()).hasToString("192.0.2.7");
        assertThat(parameters.detectConflicts()).isFalse();
        assertThat(parameters.mtu()).isEqualTo(1400);
        assertThat(IslaDhcpConfig.create().parameters(MAC, 68).mtu())
                .as("what every host can receive")
                .isEqualTo(576);
        assertThat(IslaDhcpConfig.create().parameters(MAC, 1500).detectConflicts())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "-web", "web..example", "a_b", "wéb"})
    void refusesWhatIsNoNameOfAHost(String name) {
        refuses(config -> config.hostName(name), "hostName: ");
    }

    @Test
    void refusesWhatMakesNoSense() throws Exception {
        InetAddress group = InetAddress.getByName("224.0.0.1");
        InetAddress v6 = InetAddress.getByName("2001:db8::1");

        refuses(config -> config.clientId(new byte[1]), "clientId: ");
        refuses(config -> config.clientId(new byte[256]), "clientId: ");
        refuses(config -> config.previousAddress(group), "previousAddress: ");
        refuses(config -> config.previousAddress(v6), "previousAddress: ");
    }

    private static void refuses(UnaryOperator<IslaDhcpConfig> change, String message) {
        assertThatThrownBy(() -> change.apply(IslaDhcpConfig.create()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void thereIsNoDhcpWithoutEthernet() {
        MemoryLink.Pair link = MemoryLink.builder().medium(Link.Medium.IP).pair("one", "other");

        assertThatThrownBy(() -> IslaHost.builder().link(link.first()).dhcp().build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("dhcp: ");
    }

    @Test
    void aHostWithDhcpNeedsNoOtherAddressAndMayHaveSome() {
        MemoryLink.Pair link = MemoryLink.pair("one", "other");
        try (IslaHost host = IslaHost.builder().link(link.first()).dhcp().build();
                IslaHost both = IslaHost.builder()
                        .link(link.second())
                        .dhcp()
                        .address("fd00::2/64")
                        .build()) {
            assertThat(host.addresses()).isEmpty();
            assertThat(host.dhcpLease()).isNull();
            assertThat(both.addresses()).hasSize(1);
        }
    }
}
