/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapComboFactory;
import io.netty.testsuite.transport.socket.DatagramMulticastTest;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;

/**
 * Netty's tests of multicast. A subclass says on what they run. They look for an interface of the kernel first, on which the kernel itself can send to a group: that is the
 * loopback here, which such a thing has to be allowed. The packets are all ours; of the interface, only the addresses matter.
 */
abstract class MulticastTestsuite extends OnPairing {
    @BeforeAll
    static void allowMulticast() throws Exception {
        ip("link", "set", "lo", "multicast", "on");
        ip("-6", "route", "add", "multicast", "ff00::/8", "dev", "lo", "table", "local");
    }

    @AfterAll
    static void forbidMulticast() throws Exception {
        ip("-6", "route", "del", "multicast", "ff00::/8", "dev", "lo", "table", "local");
        ip("link", "set", "lo", "multicast", "off");
    }

    private static void ip(String... arguments) throws Exception {
        String[] command = new String[arguments.length + 1];
        command[0] = "ip";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        Process process = new ProcessBuilder(command).inheritIO().start();
        assertThat(process.waitFor()).as(String.join(" ", command)).isZero();
    }

    @Nested
    class Multicast extends DatagramMulticastTest {
        @Override
        protected List<BootstrapComboFactory<Bootstrap, Bootstrap>> newFactories() {
            return pairing().datagram(SocketProtocolFamily.INET);
        }
    }
}
