/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapFactory;
import io.netty.testsuite.transport.socket.SocketShutdownOutputByPeerTest;
import java.net.SocketAddress;
import java.util.List;
import org.junit.jupiter.api.Nested;

/** From a client of the kernel to a server of ours, over a TAP. */
@KernelTest
class KernelClientTestsuiteTest extends StreamTestsuite {
    @Override
    Pairing newPairing() throws Exception {
        return Pairing.kernelClient();
    }

    @Nested
    class SocketShutdownOutputByPeer extends SocketShutdownOutputByPeerTest {
        @Override
        protected List<BootstrapFactory<ServerBootstrap>> newFactories() {
            return pairing().serverSocket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }
}
