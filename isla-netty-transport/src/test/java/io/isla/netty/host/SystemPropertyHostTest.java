/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.link.TunLink;
import io.isla.netty.testing.KernelTest;
import java.net.NetworkInterface;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong with a system property is said of the property. */
@KernelTest
class SystemPropertyHostTest {
    private static final String DEVICE = "props0";

    private final Properties before = (Properties) System.getProperties().clone();

    @BeforeEach
    void set() {
        System.setProperty("io.isla.link", "tap:" + DEVICE);
        System.setProperty("io.isla.address", "10.12.0.2/24");
    }

    @AfterEach
    void restore() throws Exception {
        System.setProperties(before);
        assertThat(NetworkInterface.getByName(DEVICE)).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "gateway, 10.13.0.1, 10.13.0.1 is not on the link",
        "gateway, 10.12.0.2, own address",
        "gateway, 224.0.0.1, not the address of a router",
        "gateway, somewhere, somewhere",
        "address, 10.12.0.2, 10.12.0.2",
        "address, '10.12.0.2/24, 10.12.0.2/24', there already",
        "mac, 01:00:5e:00:00:01, not the address of one host",
        "mac, nonsense, nonsense",
        "mtu, 10, 10 is not in",
        "mtu, many, not a number",
        "queues, 0, 0",
        "link, wire:x, no link",
        "link, tun:a/b, the name of a TUN device",
        "host-address, 10.12.0.1, 10.12.0.1",
        "nameserver, nowhere, nowhere"
    })
    void aBadValueIsSaidOfItsProperty(String property, String value, String what) {
        System.setProperty("io.isla." + property, value);

        assertThatThrownBy(IslaHost::fromSystemProperties)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("io.isla." + property + ": ")
                .hasMessageContaining(what)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("io.isla." + property + ": " + property));
    }

    @Test
    void theLinkMayBeATun() throws Exception {
        System.setProperty("io.isla.link", "tun:" + DEVICE);
        try (IslaHost host = IslaHost.fromSystemProperties()) {
            assertThat(host.link()).isInstanceOf(TunLink.class);
            assertThat(host.link().name()).isEqualTo(DEVICE);
            assertThat(NetworkInterface.getByName(DEVICE).isPointToPoint()).isTrue();
        }
    }
}
