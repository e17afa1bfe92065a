/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapComboFactory;
import io.netty.testsuite.transport.socket.SocketSslEchoTest;
import java.net.SocketAddress;
import java.util.List;
import org.junit.jupiter.api.Nested;

/** From one host to another over a link in memory. */
class TwoHostsTestsuiteTest extends StreamTestsuite {
    @Override
    Pairing newPairing() {
        return Pairing.twoHosts();
    }

    @Nested
    class SocketSslEcho extends SocketSslEchoTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }
}
