/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapComboFactory;
import io.netty.testsuite.transport.socket.DatagramMulticastIPv6Test;
import java.util.List;
import org.junit.jupiter.api.Nested;

/** Netty's tests of multicast within one host. */
@KernelTest
class LoopbackMulticastTestsuiteTest extends MulticastTestsuite {
    @Override
    Pairing newPairing() {
        return Pairing.loopback();
    }

    /** Its group is of interface-local scope (RFC 4291 §2.7), which no packet leaves. */
    @Nested
    class MulticastIpv6 extends DatagramMulticastIPv6Test {
        @Override
        protected List<BootstrapComboFactory<Bootstrap, Bootstrap>> newFactories() {
            return pairing().datagram(SocketProtocolFamily.INET6);
        }
    }
}
