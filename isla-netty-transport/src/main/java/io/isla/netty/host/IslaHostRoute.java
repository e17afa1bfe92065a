/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.ip.Route;
import java.net.InetAddress;

/**
 * A route of an {@link IslaHost}: where packets to a prefix go. Those to the prefixes of its addresses go without saying.
 *
 * @param prefix the destinations; bits beyond the prefix length are zero
 * @param prefixLength how many bits of the prefix count, 0 for all destinations of its family
 * @param gateway the router, or {@code null} if the destinations are on the link
 * @param advertised whether a router has advertised it (RFC 4861, RFC 4191)
 */
public record IslaHostRoute(InetAddress prefix, int prefixLength, InetAddress gateway, boolean advertised) {
    static IslaHostRoute of(Route route, boolean advertised) {
        return new IslaHostRoute(
                route.prefix().toInetAddress(),
                route.prefixLength(),
                route.gateway() == null ? null : route.gateway().toInetAddress(),
                advertised);
    }

    @Override
    public String toString() {
        return prefix.getHostAddress() + "/" + prefixLength
                + (gateway == null ? " on link" : " via " + gateway.getHostAddress());
    }
}
