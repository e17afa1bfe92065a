/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

/** From one host to another over a link in memory. */
class TwoHostsTestsuiteTest extends StreamTestsuite {
    @Override
    Pairing newPairing() {
        return Pairing.twoHosts();
    }
}
