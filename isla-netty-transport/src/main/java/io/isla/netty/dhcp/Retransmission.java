/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** How long to wait for an answer: 4 s, then twice as long each time up to 64 s, each a second more or less (RFC 2131 §4.1). */
final class Retransmission {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final int FIRST_SECONDS = 4;
    private static final int MAX_DOUBLINGS = 4;

    private final LongSupplier random;
    private int sent;

    Retransmission(LongSupplier random) {
        this.random = random;
    }

    /** Begins anew. */
    void reset() {
        sent = 0;
    }

    /** How often something was sent since it began. */
    int sent() {
        return sent;
    }

    /** Something is sent: how long to wait for the answer, in nanoseconds. */
    long next() {
        long base = SECOND * FIRST_SECONDS << Math.min(sent, MAX_DOUBLINGS);
        sent++;
        return base - SECOND + Math.floorMod(random.getAsLong(), 2 * SECOND + 1);
    }
}
