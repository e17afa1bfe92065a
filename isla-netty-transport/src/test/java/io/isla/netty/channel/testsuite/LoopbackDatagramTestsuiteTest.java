/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.netty.bootstrap.Bootstrap;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapFactory;
import io.netty.testsuite.transport.socket.DatagramConnectNotExistsTest;
import io.netty.testsuite.transport.socket.DatagramConnectedWriteExceptionTest;
import java.util.List;
import org.junit.jupiter.api.Nested;

/** Netty's test suite for datagram sockets within one host, through its loopback. */
class LoopbackDatagramTestsuiteTest extends DatagramTestsuite {
    @Override
    Pairing newPairing() {
        return Pairing.loopback();
    }

    /** It waits for one ICMP error, of which a wire sees only so many in a time. */
    @Nested
    class ConnectNotExists extends DatagramConnectNotExistsTest {
        @Override
        protected List<BootstrapFactory<Bootstrap>> newFactories() {
            return pairing().datagramSocket();
        }
    }

    /** Both of its channels come from one bootstrap. */
    @Nested
    class ConnectedWriteException extends DatagramConnectedWriteExceptionTest {
        @Override
        protected List<BootstrapFactory<Bootstrap>> newFactories() {
            return pairing().datagramSocket();
        }
    }
}
