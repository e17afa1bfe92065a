/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;

/** Arithmetic with address prefixes. */
final class Prefixes {
    private Prefixes() {}

    /** The address with all bits beyond the prefix set to zero. */
    static IpAddress network(IpAddress address, int prefixLength) {
        int bits = address.isV4() ? prefixLength + 96 : prefixLength;
        return IpAddress.of(address.high() & highMask(bits), address.low() & lowMask(bits));
    }

    /** The mask of the first half for a prefix of so many of 128 bits. */
    static long highMask(int bits) {
        return bits >= 64 ? -1L : bits == 0 ? 0 : -1L << 64 - bits;
    }

    /** The mask of the second half for a prefix of so many of 128 bits. */
    static long lowMask(int bits) {
        return bits <= 64 ? 0 : bits == 128 ? -1L : -1L << 128 - bits;
    }

    /** How many leading bits two addresses share, of 128. */
    static int commonBits(long aHigh, long aLow, long bHigh, long bLow) {
        return aHigh != bHigh ? Long.numberOfLeadingZeros(aHigh ^ bHigh) : 64 + Long.numberOfLeadingZeros(aLow ^ bLow);
    }
}
