/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.wire.IpAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SourceAddressSelectorTest {
    private final IpFixture host = new IpFixture();

    @AfterEach
    void close() {
        host.close();
    }

    private void add(String address, int prefixLength, boolean temporary) {
        host.stack.addAddress(Packets.address(address), prefixLength, false, temporary, host.now);
    }

    private IpAddress sourceFor(String destination) {
        IpAddress remote = Packets.address(destination);
        host.stack.routes().add(Route.byDefault(Packets.address("fe80::1")));
        assertThat(host.stack.resolve(host.path, 0, 0, remote.high(), remote.low()))
                .isTrue();
        return IpAddress.of(host.path.localHigh(), host.path.localLow());
    }

    /** The examples of RFC 6724 §10.1 that have a single interface, and some more; candidates in both orders. */
    @ParameterizedTest
    @CsvSource({
        // Scope.
        "2001:db8:1::1, 2001:db8:3::1, fe80::1234, 2001:db8:3::1",
        "ff05::1, 2001:db8:3::1, fe80::1234, 2001:db8:3::1",
        "fe80::99, fe80::1234, 2001:db8:3::1, fe80::1234",
        "ff02::fb, fe80::1234, 2001:db8:3::1, fe80::1234",
        // Longest prefix.
        "2001:db8:1::1, 2001:db8:1::2, 2001:db8:3::2, 2001:db8:1::2",
        // Label.
        "2002:c633:6401::1, 2002:c633:6401::d5e3:7953:13eb:22e8, 2001:db8:1::2, 2002:c633:6401::d5e3:7953:13eb:22e8",
        "fd00:1::9, fd77::2, 2001:db8:1::2, fd77::2",
        "2001:db8:1::1, fd77::2, 2001:db8:1::2, 2001:db8:1::2"
    })
    void choosesByTheRules(String destination, String one, String other, String expected) {
        add(one, 64, false);
        add(other, 64, false);
        assertThat(sourceFor(destination)).isEqualTo(Packets.address(expected));
        host.stack.removeAddress(Packets.address(one), host.now);
        add(one, 64, false);
        assertThat(sourceFor(destination)).isEqualTo(Packets.address(expected));
    }

    @Test
    void prefersWhatIsNotDeprecatedAndThenWhatIsTemporary() {
        add("2001:db8:1::2", 64, false);
        add("2001:db8:3::2", 64, false);
        add("2001:db8:3::77", 64, true);
        assertThat(sourceFor("2001:db8:1::1")).isEqualTo(Packets.address("2001:db8:3::77"));

        host.stack.deprecate(Packets.address("2001:db8:3::77"), true);
        assertThat(sourceFor("2001:db8:1::1")).isEqualTo(Packets.address("2001:db8:1::2"));
        host.stack.deprecate(Packets.address("2001:db8:1::2"), true);
        assertThat(sourceFor("2001:db8:1::1")).isEqualTo(Packets.address("2001:db8:3::2"));
    }

    @Test
    void onlyBitsOfThePrefixCount() {
        add("2001:db8:1:0::1", 48, false);
        add("2001:db8:1:1::1", 64, false);
        assertThat(sourceFor("2001:db8:1:0::2")).isEqualTo(Packets.address("2001:db8:1:1::1"));
    }

    @Test
    void withoutAnAddressOfTheFamilyThereIsNoWay() {
        host.stack.addAddress(Packets.address("10.0.0.2"), 24, host.now);
        IpAddress remote = Packets.address("fe80::9");

        assertThat(host.stack.resolve(host.path, 0, 0, remote.high(), remote.low()))
                .isFalse();
    }
}
