/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

/** Within one host, through its loopback; server and client have event loops of their own. */
class LoopbackTestsuiteTest extends StreamTestsuite {
    @Override
    Pairing newPairing() {
        return Pairing.loopback();
    }
}
