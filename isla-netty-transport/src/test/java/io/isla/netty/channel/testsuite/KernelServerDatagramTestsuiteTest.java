/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.isla.netty.testing.KernelTest;

/** Netty's test suite for datagram sockets from a client of ours to a server of the kernel, over a TAP. */
@KernelTest
class KernelServerDatagramTestsuiteTest extends DatagramTestsuite {
    @Override
    Pairing newPairing() throws Exception {
        return Pairing.kernelServer();
    }
}
