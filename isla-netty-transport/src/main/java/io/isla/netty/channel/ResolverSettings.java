/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.host.IslaHost;
import io.isla.netty.host.IslaHostAddress;
import io.isla.netty.host.IslaHostRoute;
import io.netty.resolver.ResolvedAddressTypes;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * How a host looks names up at a time.
 *
 * @param servers whom to ask, the best first
 * @param searchDomains where to look names up that are not fully qualified
 * @param types addresses of which families are of use, and of which first
 */
record ResolverSettings(List<InetSocketAddress> servers, List<String> searchDomains, ResolvedAddressTypes types) {
    private static final int DNS_PORT = 53;

    /** As the host is connected now. */
    static ResolverSettings of(IslaHost host) {
        List<InetSocketAddress> servers = host.nameServers().stream()
                .map(server -> new InetSocketAddress(server, DNS_PORT))
                .toList();
        return new ResolverSettings(servers, host.searchDomains(), types(host.hostAddresses(), host.routes()));
    }

    /**
     * The families that the host has addresses of. Of both, what RFC 6724 prefers: IPv6, if the host has a global address and a way to the world;
     * unique local addresses (RFC 4193) come after IPv4 then. While there are
     * addresses of neither, both.
     */
    static ResolvedAddressTypes types(List<IslaHostAddress> addresses, List<IslaHostRoute> routes) {
        boolean v4 = false;
        boolean v6 = false;
        boolean global = false;
        for (IslaHostAddress each : addresses) {
            InetAddress address = each.address();
            if (address instanceof Inet4Address) {
                v4 = true;
            } else if (!address.isLinkLocalAddress()) {
                v6 = true;
                // 2000::/3.
                global |= (address.getAddress()[0] & 0xe0) == 0x20;
            }
        }
        if (v4 != v6) {
            return v4 ? ResolvedAddressTypes.IPV4_ONLY : ResolvedAddressTypes.IPV6_ONLY;
        }
        boolean way = routes.stream()
                .anyMatch(route -> route.prefixLength() == 0 && !(route.prefix() instanceof Inet4Address));
        return global && way ? ResolvedAddressTypes.IPV6_PREFERRED : ResolvedAddressTypes.IPV4_PREFERRED;
    }
}
