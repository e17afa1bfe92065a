/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad values fail at once, named. */
class TapLinkBuilderTest {
    private static void assertRefused(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"isla0", "a", "tap-1.20_x", "fifteen-letters"})
    void takesNames(String name) {
        assertThat(TapLink.builder(name)).isNotNull();
    }

    @Test
    void refusesANameThatIsTooLong() {
        assertRefused(
                () -> TapLink.builder("sixteen-letters-"),
                "the name of a TAP device has 1 to 15 characters; 'sixteen-letters-' has 16");
        assertRefused(() -> TapLink.builder(""), "the name of a TAP device has 1 to 15 characters; '' has 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a/b", "a:b", "a b", "tap%d", ".", "..", "täp", "tap\n", "\u0000"})
    void refusesANameThatNoDeviceCanHave(String name) {
        assertRefused(
                () -> TapLink.builder(name),
                "the name of a TAP device is made of letters, digits and punctuation, without '/', ':', '%' and blanks: '"
                        + name + "'");
    }

    @Test
    void refusesValuesOutOfRange() throws Exception {
        TapLinkBuilder builder = TapLink.builder("isla0");
        assertRefused(() -> builder.queues(0), "queues: 0 is not in 1 to 255");
        assertRefused(() -> builder.queues(256), "queues: 256 is not in 1 to 255");
        assertRefused(() -> builder.mtu(67), "mtu: 67 is not in 68 to 65521");
        assertRefused(() -> builder.mtu(65_522), "mtu: 65522 is not in 68 to 65521");
        assertRefused(() -> builder.transmitQueueLength(0), "transmitQueueLength: 0 is not in 1 to 2147483647");
        InetAddress v4 = InetAddress.getByName("10.0.0.1");
        assertRefused(() -> builder.hostAddress(v4, 33), "prefix length of hostAddress 10.0.0.1: 33 is not in 0 to 32");
        InetAddress v6 = InetAddress.getByName("fd00::1");
        assertRefused(
                () -> builder.hostAddress(v6, 129),
                "prefix length of hostAddress fd00:0:0:0:0:0:0:1: 129 is not in 0 to 128");
        assertRefused(
                () -> builder.hostAddress(InetAddress.getByName("224.0.0.1"), 24),
                "hostAddress: not the address of a host: 224.0.0.1");
        assertRefused(
                () -> builder.hostAddress(InetAddress.getByName("0.0.0.0"), 24),
                "hostAddress: not the address of a host: 0.0.0.0");
        assertRefused(
                () -> builder.hostMacAddress(MacAddress.BROADCAST),
                "hostMacAddress: not the address of a host: ff:ff:ff:ff:ff:ff");
    }
}
