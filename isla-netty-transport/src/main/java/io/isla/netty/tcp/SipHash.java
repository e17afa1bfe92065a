/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012) over whole 64-bit words: the keyed pseudo-random function behind initial
 * sequence numbers, port choice, cookies and flow ownership. Allocates nothing.
 */
public final class SipHash {
    private final long k0;
    private final long k1;

    /**
     * A function with the given key.
     *
     * @param k0 the first half of the key
     * @param k1 the second half
     */
    public SipHash(long k0, long k1) {
        this.k0 = k0;
        this.k1 = k1;
    }

    /** The hash of five words: enough for two addresses, two ports and a counter or salt. */
    public long hash(long m0, long m1, long m2, long m3, long m4) {
        long v0 = k0 ^ 0x736f6d6570736575L;
        long v1 = k1 ^ 0x646f72616e646f6dL;
        long v2 = k0 ^ 0x6c7967656e657261L;
        long v3 = k1 ^ 0x7465646279746573L;
        for (int i = 0; i < 6; i++) {
            long m;
            switch (i) {
                case 0 -> m = m0;
                case 1 -> m = m1;
                case 2 -> m = m2;
                case 3 -> m = m3;
                case 4 -> m = m4;
                default -> m = 40L << 56;
            }
            v3 ^= m;
            for (int round = 0; round < 2; round++) {
                v0 += v1;
                v2 += v3;
                v1 = Long.rotateLeft(v1, 13) ^ v0;
                v3 = Long.rotateLeft(v3, 16) ^ v2;
                v0 = Long.rotateLeft(v0, 32);
                v2 += v1;
                v0 += v3;
                v1 = Long.rotateLeft(v1, 17) ^ v2;
                v3 = Long.rotateLeft(v3, 21) ^ v0;
                v2 = Long.rotateLeft(v2, 32);
            }
            v0 ^= m;
        }
        v2 ^= 0xff;
        for (int round = 0; round < 4; round++) {
            v0 += v1;
            v2 += v3;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 = Long.rotateLeft(v0, 32);
            v2 += v1;
            v0 += v3;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 = Long.rotateLeft(v2, 32);
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }

    /** The hash of a flow, as seen from this host, and a salt that separates the uses of one key. */
    public long hash(
            long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort, int salt) {
        return hash(
                localHigh,
                localLow,
                remoteHigh,
                remoteLow,
                (long) salt << 32 | (localPort & 0xffffL) << 16 | remotePort & 0xffffL);
    }
}
