/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapFactory;
import io.netty.testsuite.transport.socket.SocketChannelNotYetConnectedTest;
import io.netty.testsuite.transport.socket.SocketShutdownOutputBySelfTest;
import java.net.SocketAddress;
import java.util.List;
import org.junit.jupiter.api.Nested;

/** From a client of ours to a server of the kernel, over a TAP. */
@KernelTest
class KernelServerTestsuiteTest extends StreamTestsuite {
    @Override
    Pairing newPairing() throws Exception {
        return Pairing.kernelServer();
    }

    @Nested
    class SocketShutdownOutputBySelf extends SocketShutdownOutputBySelfTest {
        @Override
        protected List<BootstrapFactory<Bootstrap>> newFactories() {
            return pairing().clientSocket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketChannelNotYetConnected extends SocketChannelNotYetConnectedTest {
        @Override
        protected List<BootstrapFactory<Bootstrap>> newFactories() {
            return pairing().clientSocket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().clientAddress();
        }
    }
}
