/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.wire.IpAddress;

/**
 * An address of a host, as all its shards have it.
 *
 * @param address unicast
 * @param prefixLength the size of the subnet it is in, 0 to 32, or 128 for IPv6
 * @param onLink whether the rest of its prefix is on the link
 * @param automatic whether the host has made it itself (RFC 4862)
 * @param temporary whether it was made to be forgotten soon (RFC 8981)
 * @param deprecated whether it is not to be used for new connections if there is another (RFC 4862 §5.5.4)
 */
public record HostAddress(
        IpAddress address, int prefixLength, boolean onLink, boolean automatic, boolean temporary, boolean deprecated) {

    /**
     * Checks the address.
     *
     * @throws IllegalArgumentException if no host can have it, or the prefix length is out of range
     */
    public HostAddress {
        int bits = address.isV4() ? 32 : 128;
        if (prefixLength < 0 || prefixLength > bits) {
            throw new IllegalArgumentException(
                    "prefix length of address " + address + " must be 0 to " + bits + ": " + prefixLength);
        }
        if (address.isUnspecified()
                || address.isMulticast()
                || address.isLoopback()
                || address.equals(IpAddress.v4(-1))) {
            throw new IllegalArgumentException("not an address that a host can have on a link: " + address);
        }
    }

    /** An address that somebody has given the host; the rest of its prefix is on the link. */
    public static HostAddress of(IpAddress address, int prefixLength) {
        return new HostAddress(address, prefixLength, true, false, false, false);
    }

    /** Whether this is the same address as another, deprecated or not. */
    boolean isSame(HostAddress other) {
        return address.equals(other.address)
                && prefixLength == other.prefixLength
                && onLink == other.onLink
                && automatic == other.automatic
                && temporary == other.temporary;
    }

    @Override
    public String toString() {
        return address + "/" + prefixLength;
    }
}
