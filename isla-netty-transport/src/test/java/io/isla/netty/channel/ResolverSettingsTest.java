/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHostAddress;
import io.isla.netty.host.IslaHostRoute;
import io.netty.resolver.ResolvedAddressTypes;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResolverSettingsTest {
    private static InetAddress address(String text) {
        try {
            return InetAddress.getByAddress(NetUtil.createByteArrayFromIpAddressString(text));
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.2, 0.0.0.0, IPV4_ONLY",
        "192.0.2.2 fe80::2, 0.0.0.0, IPV4_ONLY",
        "192.0.2.2 2001:db8::2, 0.0.0.0 ::, IPV6_PREFERRED",
        "192.0.2.2 2001:db8::2, 0.0.0.0, IPV4_PREFERRED",
        "192.0.2.2 fd00::2, 0.0.0.0 ::, IPV4_PREFERRED",
        "2001:db8::2 fe80::2, ::, IPV6_ONLY",
        "fd00::2, ::, IPV6_ONLY",
    })
    void findsAddressesThatTheHostCanReach(String own, String defaultRoutes, ResolvedAddressTypes types) {
        List<IslaHostAddress> addresses = Arrays.stream(own.split(" "))
                .map(text -> new IslaHostAddress(address(text), 24, false, false, false))
                .toList();
        List<IslaHostRoute> routes = Arrays.stream(defaultRoutes.split(" "))
                .map(text -> new IslaHostRoute(address(text), 0, null, false))
                .toList();

        assertThat(ResolverSettings.types(addresses, routes)).isEqualTo(types);
    }

    @Test
    void leavesNoFamilyOutWhileThereIsNoAddress() {
        List<IslaHostAddress> local = List.of(new IslaHostAddress(address("fe80::2"), 64, true, false, false));

        assertThat(ResolverSettings.types(List.of(), List.of())).isEqualTo(ResolvedAddressTypes.IPV4_PREFERRED);
        assertThat(ResolverSettings.types(local, List.of())).isEqualTo(ResolvedAddressTypes.IPV4_PREFERRED);
    }
}
