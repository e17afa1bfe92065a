/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.wire.IpAddress;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * An address and how many of its bits those on its link have in common.
 *
 * @param address of a host or a router
 * @param prefixLength bits, those of an IPv4 address counted from its beginning
 */
record Subnet(IpAddress address, int prefixLength) {
    private static final int DEFAULT_V4 = 24;
    private static final int DEFAULT_V6 = 64;

    /** Reads {@code 10.0.0.1}, {@code 10.0.0.1/24}, {@code fd00::1} or {@code fd00::1/64}. */
    static Subnet parse(String field, String text) {
        int slash = text.indexOf('/');
        String literal = slash < 0 ? text : text.substring(0, slash);
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(literal);
        if (bytes == null) {
            throw new IllegalArgumentException(
                    field + ": '" + text + "' is not an IP address; give one such as 10.0.0.1, 10.0.0.1/24 or fd00::1");
        }
        IpAddress address;
        try {
            address = IpAddress.of(InetAddress.getByAddress(bytes));
        } catch (UnknownHostException e) {
            throw new AssertionError("an address of 4 or 16 bytes is always legal", e);
        }
        if (address.isUnspecified() || address.isMulticast() || address.isLoopback()) {
            throw new IllegalArgumentException(field + ": " + text + " is not the address of one host on a network");
        }
        int bits = address.isV4() ? 32 : 128;
        int prefixLength = address.isV4() ? DEFAULT_V4 : DEFAULT_V6;
        if (slash >= 0) {
            try {
                prefixLength = Integer.parseInt(text.substring(slash + 1));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(field + ": the prefix length of '" + text + "' is not a number", e);
            }
            if (prefixLength < 1 || prefixLength > bits) {
                throw new IllegalArgumentException(
                        field + ": the prefix length of '" + text + "' is not in 1 to " + bits);
            }
        }
        return new Subnet(address, prefixLength);
    }

    boolean contains(IpAddress other) {
        return address.isV4() == other.isV4() && address.matches(other, prefixLength);
    }

    /** The first address of the subnet: all others are counted from it. */
    IpAddress first() {
        int shift = 128 - (address.isV4() ? prefixLength + 96 : prefixLength);
        long high = shift >= 128 ? 0 : shift >= 64 ? address.high() >>> shift - 64 << shift - 64 : address.high();
        long low = shift >= 64 ? 0 : address.low() >>> shift << shift;
        return address.isV4() ? IpAddress.v4((int) low) : IpAddress.of(high, low);
    }

    /** How many addresses it has, at most 65,536: no more are looked at. */
    int size() {
        int bits = (address.isV4() ? 32 : 128) - prefixLength;
        return bits >= 16 ? 1 << 16 : 1 << bits;
    }

    /** The address with a number in the subnet. */
    IpAddress at(int number) {
        IpAddress first = first();
        return address.isV4()
                ? IpAddress.v4(first.v4Bits() + number)
                : IpAddress.of(first.high(), first.low() + number);
    }

    @Override
    public String toString() {
        return address + "/" + prefixLength;
    }
}
