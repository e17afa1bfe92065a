/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.isla.netty.testing.KernelTest;

/** Netty's tests of datagram sockets that wait for an ICMP error, of the kernel, about what it sends to a host of ours over a TAP. */
@KernelTest
class KernelClientIcmpErrorTestsuiteTest extends IcmpErrorTestsuite {
    @Override
    Pairing newPairing() throws Exception {
        return Pairing.kernelClient();
    }
}
