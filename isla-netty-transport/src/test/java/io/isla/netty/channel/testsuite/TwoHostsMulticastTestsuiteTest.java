/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.isla.netty.testing.KernelTest;

/** Netty's test of multicast from one host to another over a link in memory. */
@KernelTest
class TwoHostsMulticastTestsuiteTest extends MulticastTestsuite {
    @Override
    Pairing newPairing() {
        return Pairing.twoHosts();
    }
}
