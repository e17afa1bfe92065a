/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapFactory;
import io.netty.testsuite.transport.socket.DatagramConnectNotExistsTest;
import io.netty.testsuite.transport.socket.DatagramConnectedWriteExceptionTest;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;

/**
 * Netty's tests of datagram sockets that wait for an ICMP error, the one of them without an end. Hosts send few of these (RFC 1812 §4.3.2.8), so each run has hosts of its own
 * that have not sent any. A subclass says on what it runs.
 */
abstract class IcmpErrorTestsuite {
    private Pairing pairing;
    private boolean used;

    abstract Pairing newPairing() throws Exception;

    /** The first ones are not made in the time of the test: with them, most classes are loaded. */
    @BeforeEach
    final void openPairing() throws Exception {
        pairing = newPairing();
        used = false;
    }

    @AfterEach
    final void closePairing() throws Exception {
        pairing.close();
    }

    /** IPv4 from sockets of both families, and IPv6. */
    private List<BootstrapFactory<Bootstrap>> clients() {
        return List.of(() -> newClient(null), () -> newClient(SocketProtocolFamily.INET6));
    }

    private Bootstrap newClient(SocketProtocolFamily family) {
        if (used) {
            try {
                closePairing();
                openPairing();
            } catch (Exception e) {
                throw new IllegalStateException("no new hosts", e);
            }
        }
        used = true;
        return pairing.newDatagramClient(family);
    }

    @Nested
    class ConnectNotExists extends DatagramConnectNotExistsTest {
        @Override
        protected List<BootstrapFactory<Bootstrap>> newFactories() {
            return clients();
        }
    }

    @Nested
    class ConnectedWriteException extends DatagramConnectedWriteExceptionTest {
        @Override
        protected List<BootstrapFactory<Bootstrap>> newFactories() {
            return clients();
        }
    }
}
