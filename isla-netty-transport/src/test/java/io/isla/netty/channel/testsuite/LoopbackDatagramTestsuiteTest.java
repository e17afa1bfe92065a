/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

/** Netty's test suite for datagram sockets within one host, through its loopback. */
class LoopbackDatagramTestsuiteTest extends DatagramTestsuite {
    @Override
    Pairing newPairing() {
        return Pairing.loopback();
    }
}
