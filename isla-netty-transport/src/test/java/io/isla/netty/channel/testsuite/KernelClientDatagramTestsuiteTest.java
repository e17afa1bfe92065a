/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.isla.netty.testing.KernelTest;

/** Netty's test suite for datagram sockets from a client of the kernel to a server of ours, over a TAP. */
@KernelTest
class KernelClientDatagramTestsuiteTest extends DatagramTestsuite {
    @Override
    Pairing newPairing() throws Exception {
        return Pairing.kernelClient();
    }

    @Override
    boolean isClientKernel() {
        return true;
    }
}
