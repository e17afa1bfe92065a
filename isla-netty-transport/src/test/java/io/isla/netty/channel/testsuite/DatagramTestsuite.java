/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapComboFactory;
import io.netty.testsuite.transport.socket.DatagramUnicastIPv6MappedTest;
import io.netty.testsuite.transport.socket.DatagramUnicastIPv6Test;
import io.netty.testsuite.transport.socket.DatagramUnicastInetTest;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import org.junit.jupiter.api.Nested;

/** Netty's test suite for datagram sockets. A subclass says on what it runs. */
abstract class DatagramTestsuite extends OnPairing {
    /** Whether the client's side is the kernel's: one of the tests sends from a socket of the kernel. */
    boolean isClientKernel() {
        return false;
    }

    @Nested
    class UnicastInet extends DatagramUnicastInetTest {
        @Override
        protected List<BootstrapComboFactory<Bootstrap, Bootstrap>> newFactories() {
            return pairing().datagram(SocketProtocolFamily.INET);
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().clientAddress(SocketProtocolFamily.INET);
        }

        @Override
        public void testReceiveEmptyDatagrams(Bootstrap server, Bootstrap client) throws Throwable {
            assumeTrue(isClientKernel(), "it sends from a socket of the kernel");
            super.testReceiveEmptyDatagrams(server, client);
        }
    }

    @Nested
    class UnicastIpv6 extends DatagramUnicastIPv6Test {
        @Override
        protected List<BootstrapComboFactory<Bootstrap, Bootstrap>> newFactories() {
            return pairing().datagram(SocketProtocolFamily.INET6);
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().clientAddress(SocketProtocolFamily.INET6);
        }

        @Override
        public void testReceiveEmptyDatagrams(Bootstrap server, Bootstrap client) throws Throwable {
            assumeTrue(isClientKernel(), "it sends from a socket of the kernel");
            super.testReceiveEmptyDatagrams(server, client);
        }
    }

    /** Channels of both families, bound to all addresses. */
    @Nested
    class UnicastIpv6Mapped extends DatagramUnicastIPv6MappedTest {
        @Override
        protected List<BootstrapComboFactory<Bootstrap, Bootstrap>> newFactories() {
            return pairing().datagram(SocketProtocolFamily.INET6);
        }

        @Override
        protected InetSocketAddress convertAnyAddress(InetSocketAddress server) {
            return server.getAddress().isAnyLocalAddress()
                    ? pairing().serverAt(SocketProtocolFamily.INET, server.getPort())
                    : server;
        }

        @Override
        public void testReceiveEmptyDatagrams(Bootstrap server, Bootstrap client) throws Throwable {
            assumeTrue(isClientKernel(), "it sends from a socket of the kernel");
            super.testReceiveEmptyDatagrams(server, client);
        }
    }
}
