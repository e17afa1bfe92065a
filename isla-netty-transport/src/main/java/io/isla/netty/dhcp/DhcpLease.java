/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import io.isla.netty.wire.IpAddress;
import java.util.List;

/**
 * What a server has granted, and what it says of the network.
 *
 * @param address the address
 * @param prefixLength of the subnet that it is in
 * @param server what identifies the server
 * @param routes where packets go, beyond the subnet: those that the server lists (RFC 3442), or else one by default for each router
 * @param mtu for the interface in bytes; 0 if the server does not say
 * @param nameServers in the order of preference
 * @param domainName the domain of the host, or {@code null}
 * @param searchDomains where names that are not fully qualified are to be looked up
 * @param timeServers NTP servers, in the order of preference
 * @param leaseSeconds for how long, from the request on; {@link #FOREVER} without end
 * @param renewalSeconds when to ask the server for more time (T1)
 * @param rebindingSeconds when to ask any server for more time (T2)
 */
public record DhcpLease(
        IpAddress address,
        int prefixLength,
        IpAddress server,
        List<Route> routes,
        int mtu,
        List<IpAddress> nameServers,
        String domainName,
        List<String> searchDomains,
        List<IpAddress> timeServers,
        long leaseSeconds,
        long renewalSeconds,
        long rebindingSeconds) {
    /** Of {@link #leaseSeconds()}: without end (RFC 2131 §3.3). */
    public static final long FOREVER = 0xffff_ffffL;

    /**
     * A route.
     *
     * @param prefix the destinations; bits beyond the prefix length are zero
     * @param prefixLength 0 to 32
     * @param router {@code null} if the destinations are on the link
     */
    public record Route(IpAddress prefix, int prefixLength, IpAddress router) {}

    /** Copies the lists. */
    public DhcpLease {
        routes = List.copyOf(routes);
        nameServers = List.copyOf(nameServers);
        searchDomains = List.copyOf(searchDomains);
        timeServers = List.copyOf(timeServers);
    }

    /** Whether the lease has no end. */
    public boolean isForever() {
        return leaseSeconds == FOREVER;
    }

    /** Whether an IPv4 address can be that of a host: of classes A to C, and neither 0/8 nor 127/8. */
    static boolean isHost(IpAddress address) {
        int first = address.v4Bits() >>> 24;
        return first != 0 && first != 127 && first < 224;
    }
}
