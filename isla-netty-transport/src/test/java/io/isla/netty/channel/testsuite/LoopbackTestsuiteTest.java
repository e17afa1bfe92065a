/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapComboFactory;
import java.net.SocketAddress;
import java.util.List;
import org.junit.jupiter.api.Nested;

/** Within one host, through its loopback; server and client have event loops of their own. */
class LoopbackTestsuiteTest extends StreamTestsuite {
    @Override
    Pairing newPairing() {
        return Pairing.loopback();
    }

    @Nested
    class SocketSslEcho extends SampledSslEchoTest {
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
