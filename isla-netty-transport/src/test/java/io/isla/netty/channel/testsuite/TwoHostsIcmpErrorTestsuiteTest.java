/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

/** Netty's tests of datagram sockets that wait for an ICMP error, between two hosts on a link in memory. */
class TwoHostsIcmpErrorTestsuiteTest extends IcmpErrorTestsuite {
    @Override
    Pairing newPairing() {
        return Pairing.twoHosts();
    }
}
