/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;
import java.util.Objects;

/**
 * One route: where packets to a prefix go.
 *
 * <p>Equal are routes of the same prefix, gateway and metric.
 */
public final class Route {
    private final IpAddress prefix;
    private final int prefixLength;
    private final IpAddress gateway;
    private final int metric;

    /** Whether the gateway has failed to answer, and since when. Kept by the network layer (RFC 1122 §3.3.1.4, RFC 4861 §6.3.6). */
    boolean gatewayFailed;

    long gatewayFailedAt;

    /**
     * Creates a route.
     *
     * @param prefix the destinations; bits beyond the prefix length must be zero
     * @param prefixLength 0 to 32 for IPv4, 0 to 128 for IPv6
     * @param gateway the router on the link, of the family of {@code prefix}; {@code null} if the destinations are on the link themselves
     * @param metric of routes to the same prefix, the lower is preferred
     * @throws IllegalArgumentException if the prefix is not one, or the gateway not of its family
     */
    public Route(IpAddress prefix, int prefixLength, IpAddress gateway, int metric) {
        this.prefix = Objects.requireNonNull(prefix, "prefix");
        this.prefixLength = prefixLength;
        this.gateway = gateway;
        this.metric = metric;
        int bits = prefix.isV4() ? 32 : 128;
        if (prefixLength < 0 || prefixLength > bits) {
            throw new IllegalArgumentException("route prefix length must be 0 to " + bits + ": " + prefixLength);
        }
        if (!Prefixes.network(prefix, prefixLength).equals(prefix)) {
            throw new IllegalArgumentException(
                    "route " + prefix + "/" + prefixLength + " has bits set beyond its prefix length; did you mean "
                            + Prefixes.network(prefix, prefixLength) + "/" + prefixLength + "?");
        }
        if (gateway != null && gateway.isV4() != prefix.isV4()) {
            throw new IllegalArgumentException("gateway " + gateway + " is not of the family of " + prefix);
        }
        if (gateway != null && (gateway.isUnspecified() || gateway.isMulticast())) {
            throw new IllegalArgumentException("gateway must be a unicast address: " + gateway);
        }
    }

    /** The default route of the gateway's family. */
    public static Route byDefault(IpAddress gateway) {
        return new Route(gateway.isV4() ? IpAddress.ANY_V4 : IpAddress.ANY_V6, 0, gateway, 0);
    }

    /** A route to destinations on the link. */
    public static Route onLink(IpAddress prefix, int prefixLength) {
        return new Route(prefix, prefixLength, null, 0);
    }

    /** The destinations. */
    public IpAddress prefix() {
        return prefix;
    }

    /** How many bits of the prefix count, from the start of the IPv4 or IPv6 address. */
    public int prefixLength() {
        return prefixLength;
    }

    /** The router, or {@code null} if the destinations are on the link. */
    public IpAddress gateway() {
        return gateway;
    }

    /** Of routes to the same prefix, the lower is preferred. */
    public int metric() {
        return metric;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Route that
                && prefix.equals(that.prefix)
                && prefixLength == that.prefixLength
                && Objects.equals(gateway, that.gateway)
                && metric == that.metric;
    }

    @Override
    public int hashCode() {
        return Objects.hash(prefix, prefixLength, gateway, metric);
    }

    @Override
    public String toString() {
        return prefix + "/" + prefixLength + (gateway == null ? " on link" : " via " + gateway)
                + (metric == 0 ? "" : " metric " + metric);
    }
}
