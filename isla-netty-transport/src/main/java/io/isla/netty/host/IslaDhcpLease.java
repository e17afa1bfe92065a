/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.dhcp.DhcpLease;
import io.isla.netty.wire.IpAddress;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;

/**
 * What a DHCP server has granted an {@link IslaHost}, beyond what the host makes use of itself: that is in {@link IslaHost#hostAddresses()},
 * {@link IslaHost#routes()}, {@link IslaHost#nameServers()}, {@link IslaHost#searchDomains()} and {@link IslaHost#mtu()}.
 *
 * @param address the address
 * @param prefixLength the size of the subnet it is in, 0 to 32
 * @param server the server that granted it
 * @param duration for how long from when it was granted; {@code null} without end. The host asks for more time long before
 * @param domainName the domain of the host; {@code null} if the server does not say
 * @param timeServers NTP servers, the best first
 */
public record IslaDhcpLease(
        InetAddress address,
        int prefixLength,
        InetAddress server,
        Duration duration,
        String domainName,
        List<InetAddress> timeServers) {
    /** Copies the list. */
    public IslaDhcpLease {
        timeServers = List.copyOf(timeServers);
    }

    static IslaDhcpLease of(DhcpLease lease) {
        return lease == null
                ? null
                : new IslaDhcpLease(
                        lease.address().toInetAddress(),
                        lease.prefixLength(),
                        lease.server().toInetAddress(),
                        lease.isForever() ? null : Duration.ofSeconds(lease.leaseSeconds()),
                        lease.domainName(),
                        lease.timeServers().stream()
                                .map(IpAddress::toInetAddress)
                                .toList());
    }
}
