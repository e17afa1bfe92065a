/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;

/** Chooses the source address of IPv6 packets (RFC 6724 §5). */
final class SourceAddressSelector {
    private static final int LINK_LOCAL_SCOPE = 2;
    private static final int SITE_LOCAL_SCOPE = 5;
    private static final int GLOBAL_SCOPE = 14;

    private final IpContext context;

    SourceAddressSelector(IpContext context) {
        this.context = context;
    }

    /** The best of our addresses to speak to an IPv6 destination from, or {@code null} if there is none. */
    InterfaceAddress select(long destinationHigh, long destinationLow) {
        InterfaceAddress best = null;
        for (int i = 0; i < context.addresses.size(); i++) {
            InterfaceAddress candidate = context.addresses.get(i);
            if (!candidate.address().isV4()
                    && (best == null || isBetter(candidate, best, destinationHigh, destinationLow))) {
                best = candidate;
            }
        }
        return best;
    }

    /** Whether {@code a} is to be preferred to {@code b}: the rules in their order, those left out that need several interfaces. */
    private static boolean isBetter(InterfaceAddress a, InterfaceAddress b, long high, long low) {
        long aHigh = a.address().high();
        long aLow = a.address().low();
        long bHigh = b.address().high();
        long bLow = b.address().low();
        // Rule 1: the destination itself.
        boolean sameA = aHigh == high && aLow == low;
        boolean sameB = bHigh == high && bLow == low;
        if (sameA != sameB) {
            return sameA;
        }
        // Rule 2: the smallest scope that reaches the destination.
        int scope = scope(high, low);
        int scopeA = scope(aHigh, aLow);
        int scopeB = scope(bHigh, bLow);
        if (scopeA < scopeB) {
            return scopeA >= scope;
        }
        if (scopeB < scopeA) {
            return scopeB < scope;
        }
        // Rule 3: not deprecated.
        if (a.deprecated != b.deprecated) {
            return b.deprecated;
        }
        // Rule 6: the same label.
        int label = label(high, low);
        boolean labelA = label(aHigh, aLow) == label;
        boolean labelB = label(bHigh, bLow) == label;
        if (labelA != labelB) {
            return labelA;
        }
        // Rule 7: temporary addresses.
        if (a.isTemporary() != b.isTemporary()) {
            return a.isTemporary();
        }
        // Rule 8: the longest prefix in common, of the bits that are prefix.
        int commonA = Math.min(Prefixes.commonBits(aHigh, aLow, high, low), a.prefixLength());
        int commonB = Math.min(Prefixes.commonBits(bHigh, bLow, high, low), b.prefixLength());
        return commonA > commonB;
    }

    /** The scope of an address, as multicast addresses number them (RFC 6724 §3.1). */
    static int scope(long high, long low) {
        if (high >>> 56 == 0xff) {
            return (int) (high >>> 48) & 0xf;
        }
        if (IpAddress.isLinkLocal(high, low) || IpAddress.isLoopback(high, low)) {
            return LINK_LOCAL_SCOPE;
        }
        return high >>> 54 == 0xfec0 >>> 6 ? SITE_LOCAL_SCOPE : GLOBAL_SCOPE;
    }

    /** The label of an address in the default policy table (RFC 6724 §2.1). */
    static int label(long high, long low) {
        if (high == 0) {
            if (low == 1) {
                return 0;
            }
            if (IpAddress.isV4(high, low)) {
                return 4;
            }
            if (low >>> 32 == 0) {
                return 3;
            }
        }
        int first = (int) (high >>> 48);
        if (first == 0x2002) {
            return 2;
        }
        if (high >>> 32 == 0x2001_0000L) {
            return 5;
        }
        if (first >>> 9 == 0xfc00 >>> 9) {
            return 13;
        }
        if (first >>> 6 == 0xfec0 >>> 6) {
            return 11;
        }
        return first == 0x3ffe ? 12 : 1;
    }
}
