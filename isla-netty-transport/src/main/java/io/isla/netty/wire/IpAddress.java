/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * An IPv4 or IPv6 address as two 64-bit halves. An IPv4 address {@code a.b.c.d} is held as the IPv4-mapped
 * {@code ::ffff:a.b.c.d} (RFC 4291 §2.5.5.2), so that everything above the network layer handles one kind of address. The static
 * methods work on bare halves, for the packet path; objects are for configuration and for what lives as long as a connection.
 */
public final class IpAddress {
    private static final long V4_PREFIX = 0xffff_0000_0000L;
    private static final long V4_PREFIX_MASK = 0xffff_ffff_0000_0000L;

    /** {@code 0.0.0.0}. */
    public static final IpAddress ANY_V4 = v4(0);
    /** {@code ::}. */
    public static final IpAddress ANY_V6 = new IpAddress(0, 0);
    /** {@code 127.0.0.1}. */
    public static final IpAddress LOOPBACK_V4 = v4(0x7f00_0001);
    /** {@code ::1}. */
    public static final IpAddress LOOPBACK_V6 = new IpAddress(0, 1);

    private final long high;
    private final long low;
    private InetAddress inetAddress;

    private IpAddress(long high, long low) {
        this.high = high;
        this.low = low;
    }

    /** The address with these halves, in network byte order. */
    public static IpAddress of(long high, long low) {
        return new IpAddress(high, low);
    }

    /** The IPv4 address with these 32 bits. */
    public static IpAddress v4(int bits) {
        return new IpAddress(0, v4Low(bits));
    }

    /** The address of a {@link InetAddress}; a scope is not kept. */
    public static IpAddress of(InetAddress address) {
        byte[] bytes = address.getAddress();
        IpAddress result = bytes.length == 4
                ? v4((int) bigEndian(bytes, 0, 4))
                : new IpAddress(bigEndian(bytes, 0, 8), bigEndian(bytes, 8, 8));
        result.inetAddress = address;
        return result;
    }

    /** The low half of an IPv4 address. */
    public static long v4Low(int bits) {
        return V4_PREFIX | bits & 0xffff_ffffL;
    }

    /** Whether these halves are an IPv4 address. */
    public static boolean isV4(long high, long low) {
        return high == 0 && (low & V4_PREFIX_MASK) == V4_PREFIX;
    }

    /** Whether these halves are {@code 0.0.0.0} or {@code ::}. */
    public static boolean isUnspecified(long high, long low) {
        return high == 0 && (low == 0 || low == V4_PREFIX);
    }

    /** Whether these halves are in 127.0.0.0/8 or are {@code ::1}. */
    public static boolean isLoopback(long high, long low) {
        return high == 0 && (low == 1 || (low & 0xffff_ffff_ff00_0000L) == (V4_PREFIX | 0x7f00_0000L));
    }

    /** Whether these halves are an IPv4 (224.0.0.0/4) or IPv6 (ff00::/8) multicast address. */
    public static boolean isMulticast(long high, long low) {
        return high >>> 56 == 0xff || isV4(high, low) && (low & 0xf000_0000L) == 0xe000_0000L;
    }

    /** Whether these halves are in fe80::/10 or 169.254.0.0/16. */
    public static boolean isLinkLocal(long high, long low) {
        return high >>> 54 == 0xfe80 >>> 6 || isV4(high, low) && (low & 0xffff_0000L) == 0xa9fe_0000L;
    }

    /** The first eight bytes. */
    public long high() {
        return high;
    }

    /** The last eight bytes. */
    public long low() {
        return low;
    }

    /** Whether this is an IPv4 address. */
    public boolean isV4() {
        return isV4(high, low);
    }

    /** The 32 bits of an IPv4 address. */
    public int v4Bits() {
        return (int) low;
    }

    /** Whether this is {@code 0.0.0.0} or {@code ::}. */
    public boolean isUnspecified() {
        return isUnspecified(high, low);
    }

    /** Whether this is a loopback address. */
    public boolean isLoopback() {
        return isLoopback(high, low);
    }

    /** Whether this is a multicast address. */
    public boolean isMulticast() {
        return isMulticast(high, low);
    }

    /** Whether this is a link-local unicast address. */
    public boolean isLinkLocal() {
        return isLinkLocal(high, low);
    }

    /** Whether this address has these halves. */
    public boolean is(long otherHigh, long otherLow) {
        return high == otherHigh && low == otherLow;
    }

    /** Whether the first {@code prefixLength} bits are those of {@code other}; an IPv4 prefix counts from the IPv4 address. */
    public boolean matches(IpAddress other, int prefixLength) {
        return prefixMatches(high, low, other.high, other.low, prefixLength);
    }

    /**
     * Whether two addresses of one family share their first {@code prefixLength} bits.
     *
     * @param prefixLength 0 to 32 for IPv4, 0 to 128 for IPv6
     */
    public static boolean prefixMatches(long aHigh, long aLow, long bHigh, long bLow, int prefixLength) {
        boolean v4 = isV4(aHigh, aLow);
        if (v4 != isV4(bHigh, bLow)) {
            return false;
        }
        int bits = v4 ? prefixLength + 96 : prefixLength;
        if (bits == 0) {
            return true;
        }
        if (bits <= 64) {
            return (aHigh ^ bHigh) >>> 64 - bits == 0;
        }
        return aHigh == bHigh && (aLow ^ bLow) >>> 128 - bits == 0;
    }

    /** This address as the JDK's type. */
    public InetAddress toInetAddress() {
        InetAddress address = inetAddress;
        if (address == null) {
            address = toInetAddress(high, low);
            inetAddress = address;
        }
        return address;
    }

    private static InetAddress toInetAddress(long high, long low) {
        try {
            if (isV4(high, low)) {
                byte[] bytes = {(byte) (low >> 24), (byte) (low >> 16), (byte) (low >> 8), (byte) low};
                return Inet4Address.getByAddress(bytes);
            }
            byte[] bytes = new byte[16];
            for (int i = 0; i < 8; i++) {
                bytes[i] = (byte) (high >> 56 - 8 * i);
                bytes[8 + i] = (byte) (low >> 56 - 8 * i);
            }
            return Inet6Address.getByAddress(null, bytes, -1);
        } catch (UnknownHostException e) {
            throw new AssertionError("an address of 4 or 16 bytes is always legal", e);
        }
    }

    private static long bigEndian(byte[] bytes, int from, int count) {
        long value = 0;
        for (int i = from; i < from + count; i++) {
            value = value << 8 | bytes[i] & 0xff;
        }
        return value;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof IpAddress that && high == that.high && low == that.low;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(high * 31 + low);
    }

    /** The address in its usual text form, without brackets or scope. */
    @Override
    public String toString() {
        return toInetAddress().getHostAddress();
    }
}
