/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

/** Netty's test suite for datagram sockets from one host to another over a link in memory. */
class TwoHostsDatagramTestsuiteTest extends DatagramTestsuite {
    @Override
    Pairing newPairing() {
        return Pairing.twoHosts();
    }
}
