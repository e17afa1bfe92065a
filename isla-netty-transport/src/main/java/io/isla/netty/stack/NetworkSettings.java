/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.AddressBlock;
import io.isla.netty.ip.Route;
import io.isla.netty.wire.IpAddress;
import java.util.List;

/**
 * What one source, such as the host's user or a DHCP client, has to say of how a host is connected. Immutable.
 *
 * @param addresses the host's addresses; each brings a route to its prefix if it says so
 * @param blocks blocks of addresses that it answers to
 * @param routes where packets go
 * @param mtu the largest packet in bytes, at least 68; 0 to say nothing of it
 * @param nameServers whom to ask for names, the best first
 * @param searchDomains domains to look names up in, the first first
 */
public record NetworkSettings(
        List<HostAddress> addresses,
        List<AddressBlock> blocks,
        List<Route> routes,
        int mtu,
        List<IpAddress> nameServers,
        List<String> searchDomains) {
    /** Nothing. */
    public static final NetworkSettings NONE =
            new NetworkSettings(List.of(), List.of(), List.of(), 0, List.of(), List.of());

    private static final int MIN_MTU = 68;

    /**
     * Copies the lists.
     *
     * @throws IllegalArgumentException if IP cannot do with the MTU
     */
    public NetworkSettings {
        if (mtu != 0 && (mtu < MIN_MTU || mtu > 65_535)) {
            throw new IllegalArgumentException("mtu must be 0, or " + MIN_MTU + " to 65535: " + mtu);
        }
        addresses = List.copyOf(addresses);
        blocks = List.copyOf(blocks);
        routes = List.copyOf(routes);
        nameServers = List.copyOf(nameServers);
        searchDomains = List.copyOf(searchDomains);
    }

    /** These settings with other addresses. */
    public NetworkSettings withAddresses(List<HostAddress> changed) {
        return new NetworkSettings(changed, blocks, routes, mtu, nameServers, searchDomains);
    }

    /** These settings with other blocks. */
    public NetworkSettings withBlocks(List<AddressBlock> changed) {
        return new NetworkSettings(addresses, changed, routes, mtu, nameServers, searchDomains);
    }

    /** These settings with other routes. */
    public NetworkSettings withRoutes(List<Route> changed) {
        return new NetworkSettings(addresses, blocks, changed, mtu, nameServers, searchDomains);
    }

    /** These settings with other name servers and search domains. */
    public NetworkSettings withResolution(List<IpAddress> servers, List<String> domains) {
        return new NetworkSettings(addresses, blocks, routes, mtu, servers, domains);
    }
}
