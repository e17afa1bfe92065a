/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/** Classes of Netty's test suite that run on one pairing. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class OnPairing {
    private Pairing pairing;

    abstract Pairing newPairing() throws Exception;

    final Pairing pairing() {
        return pairing;
    }

    @BeforeAll
    final void openPairing() throws Exception {
        pairing = newPairing();
    }

    @AfterAll
    final void closePairing() throws Exception {
        pairing.close();
    }
}
