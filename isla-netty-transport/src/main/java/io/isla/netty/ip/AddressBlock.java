/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;

/**
 * A prefix all of whose addresses this host answers to, at no cost per address.
 *
 * @param prefix the addresses; bits beyond the prefix length are zero
 * @param prefixLength 0 to 32 for IPv4, 0 to 128 for IPv6
 * @param kind whose they are
 */
public record AddressBlock(IpAddress prefix, int prefixLength, Kind kind) {
    /** Whose the addresses of a block are. */
    public enum Kind {
        /** The host's own: neighbours that ask for one are answered, and packets sent to one from here are looped back. */
        OWN,
        /**
         * Someone else's, for whom this host stands in, as the end of a tunnel does: packets that arrive for one are accepted, and one may
         * be the source of a packet, but neighbours are not answered, and packets sent to one from here go out to the link.
         */
        INTERCEPTED
    }

    /**
     * Checks the prefix.
     *
     * @throws IllegalArgumentException if it has bits beyond its length
     */
    public AddressBlock {
        int bits = prefix.isV4() ? 32 : 128;
        if (prefixLength < 0 || prefixLength > bits) {
            throw new IllegalArgumentException("block prefix length must be 0 to " + bits + ": " + prefixLength);
        }
        if (!Prefixes.network(prefix, prefixLength).equals(prefix)) {
            throw new IllegalArgumentException(
                    "block " + prefix + "/" + prefixLength + " has bits set beyond its prefix length");
        }
        if (kind == Kind.OWN && prefixLength == 0) {
            throw new IllegalArgumentException("not every address can be this host's own; use INTERCEPTED");
        }
    }

    boolean contains(long high, long low) {
        return IpAddress.prefixMatches(high, low, prefix.high(), prefix.low(), prefixLength);
    }
}
