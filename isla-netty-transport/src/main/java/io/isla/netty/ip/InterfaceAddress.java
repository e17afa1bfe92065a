/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;

/** A unicast address of the host, with what goes with it. Belongs to the shard in whose {@link InterfaceAddresses} it is. */
public final class InterfaceAddress {
    private final IpAddress address;
    private final int prefixLength;
    private final boolean onLink;
    private final boolean temporary;

    /** Not to be used for new connections if there is another (RFC 4862 §5.5.4). */
    boolean deprecated;
    /** Announcements still to be sent (RFC 5227 §2.3). */
    int announcementsLeft;
    /** When the address was last defended against a conflict, and whether it ever was (RFC 5227 §2.4). */
    long defendedAt;

    boolean defended;

    InterfaceAddress(IpAddress address, int prefixLength, boolean onLink, boolean temporary) {
        int bits = address.isV4() ? 32 : 128;
        if (prefixLength < 0 || prefixLength > bits) {
            throw new IllegalArgumentException(
                    "prefix length of address " + address + " must be 0 to " + bits + ": " + prefixLength);
        }
        if (address.isUnspecified()
                || address.isMulticast()
                || address.equals(IpAddress.v4(-1))
                || address.isLoopback()) {
            throw new IllegalArgumentException("an interface needs a unicast address, not a loopback one: " + address);
        }
        this.address = address;
        this.prefixLength = prefixLength;
        this.onLink = onLink;
        this.temporary = temporary;
    }

    /** The address. */
    public IpAddress address() {
        return address;
    }

    /** The length of its prefix, which is the size of the subnet it is in. */
    public int prefixLength() {
        return prefixLength;
    }

    /** Whether the address is not to be used for new connections if there is another (RFC 4862 §5.5.4). */
    public boolean isDeprecated() {
        return deprecated;
    }

    /** Whether the address was made to be forgotten soon (RFC 8981). */
    public boolean isTemporary() {
        return temporary;
    }

    /** Whether the rest of its prefix is taken to be on the link. */
    public boolean isOnLink() {
        return onLink;
    }

    @Override
    public String toString() {
        return address + "/" + prefixLength;
    }
}
