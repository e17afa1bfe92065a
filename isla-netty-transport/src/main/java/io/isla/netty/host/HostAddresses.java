/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.ip.AddressBlock;
import io.isla.netty.ip.Route;
import io.isla.netty.stack.HostConfiguration;
import io.isla.netty.wire.IpAddress;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Objects;

/** Reads addresses and checks that a host can have them. No name is ever looked up. */
final class HostAddresses {
    private HostAddresses() {}

    /** Parses a literal IPv4 or IPv6 address; {@code field} begins the message if it is none. */
    static IpAddress parse(String field, String text) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(text.trim());
        if (bytes == null) {
            throw new IllegalArgumentException(
                    field + ": '" + text + "' is not an IP address; give one such as 10.0.0.2 or fd00::2");
        }
        try {
            return IpAddress.of(InetAddress.getByAddress(bytes));
        } catch (UnknownHostException e) {
            throw new AssertionError("an address of 4 or 16 bytes is always legal", e);
        }
    }

    /** Parses {@code 10.0.0.2/24}. */
    static HostConfiguration.Address parseWithPrefix(String field, String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException(field + ": '" + text
                    + "' has no prefix length; say how many bits all hosts on the link have in common, such as "
                    + text.trim() + (text.indexOf(':') < 0 ? "/24" : "/64"));
        }
        IpAddress address = parse(field, text.substring(0, slash));
        int prefixLength;
        try {
            prefixLength = Integer.parseInt(text.substring(slash + 1).trim());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    field + ": prefix length '" + text.substring(slash + 1) + "' of '" + text + "' is not a number", e);
        }
        return checked(field, address, prefixLength);
    }

    /** Checks that a host may have this address. */
    static HostConfiguration.Address checked(String field, IpAddress address, int prefixLength) {
        int bits = address.isV4() ? 32 : 128;
        if (prefixLength < 0 || prefixLength > bits) {
            throw new IllegalArgumentException(
                    field + ": prefix length " + prefixLength + " of " + address + " is not in 0 to " + bits);
        }
        String problem = null;
        if (address.isUnspecified()) {
            problem = "is not the address of any host";
        } else if (address.isMulticast()) {
            problem = "is a multicast address";
        } else if (address.isLoopback()) {
            problem = "is a loopback address, which every host has by itself";
        } else if (address.isV4() && prefixLength < 31) {
            int host = address.v4Bits() & -1 >>> prefixLength;
            if (host == 0) {
                problem = "is the address of the subnet itself";
            } else if (host == -1 >>> prefixLength) {
                problem = "is the subnet's broadcast address";
            }
        } else if (!address.isV4() && prefixLength < 127 && isRouterAnycast(address, prefixLength)) {
            problem = "is the anycast address of the subnet's routers (RFC 4291 §2.6.1)";
        }
        if (problem != null) {
            throw new IllegalArgumentException(field + ": " + address + "/" + prefixLength + " " + problem
                    + "; give the address of one host, such as " + (address.isV4() ? "10.0.0.2/24" : "fd00::2/64"));
        }
        return new HostConfiguration.Address(address, prefixLength);
    }

    /** Whether all bits behind the prefix are zero. */
    private static boolean isRouterAnycast(IpAddress address, int prefixLength) {
        return prefixLength <= 64
                ? address.low() == 0 && (prefixLength == 64 || address.high() << prefixLength == 0)
                : address.low() << prefixLength - 64 == 0;
    }

    /** Parses a prefix such as {@code 10.9.0.0/16}, whose addresses the host is to answer to. */
    static AddressBlock block(String field, String text, AddressBlock.Kind kind) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException(
                    field + ": '" + text + "' has no prefix length; give a prefix such as 10.9.0.0/16");
        }
        IpAddress prefix = parse(field, text.substring(0, slash));
        if (prefix.isMulticast() || prefix.isLoopback()) {
            throw new IllegalArgumentException(field + ": " + text + " are not addresses that hosts have on a network");
        }
        try {
            return new AddressBlock(
                    prefix, Integer.parseInt(text.substring(slash + 1).trim()), kind);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    field + ": prefix length '" + text.substring(slash + 1) + "' of '" + text + "' is not a number", e);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(field + ": " + e.getMessage(), e);
        }
    }

    /** Parses a prefix such as {@code 192.0.2.0/24}, and makes a route to it. */
    static Route route(String field, String prefix, InetAddress gateway) {
        Objects.requireNonNull(prefix, "prefix");
        int slash = prefix.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException(
                    field + ": '" + prefix + "' has no prefix length; give a prefix such as 192.0.2.0/24");
        }
        try {
            return new Route(
                    parse(field, prefix.substring(0, slash)),
                    Integer.parseInt(prefix.substring(slash + 1).trim()),
                    gateway == null ? null : IpAddress.of(gateway),
                    0);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    field + ": prefix length '" + prefix.substring(slash + 1) + "' of '" + prefix + "' is not a number",
                    e);
        }
    }
}
