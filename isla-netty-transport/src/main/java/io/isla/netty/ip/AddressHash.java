/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import java.util.function.LongSupplier;

/**
 * Spreads addresses over the buckets of a table, in a way that depends on secret keys, so that nobody can choose addresses that all fall into
 * one bucket. No cryptographic hash.
 */
final class AddressHash {
    private final long firstKey;
    private final long secondKey;

    AddressHash(LongSupplier random) {
        firstKey = random.getAsLong();
        secondKey = random.getAsLong();
    }

    /** 64 bits, of which the upper ones are the better. */
    long of(long high, long low) {
        return mix(mix(high ^ firstKey) + (low ^ secondKey));
    }

    /** The same for two addresses and a number. */
    long of(long aHigh, long aLow, long bHigh, long bLow, int number) {
        return mix(mix(mix(of(aHigh, aLow) + bHigh) ^ bLow) + number);
    }

    private static long mix(long value) {
        // The finalizer of splitmix64: every bit depends on every other.
        long z = value + 0x9e37_79b9_7f4a_7c15L;
        z = (z ^ z >>> 30) * 0xbf58_476d_1ce4_e5b9L;
        z = (z ^ z >>> 27) * 0x94d0_49bb_1331_11ebL;
        return z ^ z >>> 31;
    }
}
