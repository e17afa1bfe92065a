/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.dhcp.DhcpParameters;
import io.isla.netty.ip.AddressBlock;
import io.isla.netty.ip.Ipv6Config;
import io.isla.netty.link.Link;
import io.isla.netty.link.MacAddress;
import io.isla.netty.tcp.TcpParameters;
import io.isla.netty.wire.IpAddress;
import java.util.List;

/**
 * What a host is made of, checked by whoever makes it.
 *
 * @param link what carries its frames
 * @param mac its address on an Ethernet
 * @param addresses its addresses
 * @param gateways its default gateways
 * @param blocks blocks of addresses that it answers to
 * @param nameServers whom to ask for names, the best first
 * @param searchDomains domains to look names up in
 * @param ipv6 how it configures itself for IPv6
 * @param dhcp what its DHCP client is told; {@code null} if it has none
 * @param detectDuplicates whether an address is used only once it is known that nobody else on the link has it
 * @param mtu the MTU in bytes, at most the link's
 * @param tcp the parameters of TCP
 * @param seed where randomness comes from; 0 for unpredictable randomness
 * @param closeWhenUnused whether the host closes itself when its last event loop has gone
 */
public record HostConfiguration(
        Link link,
        MacAddress mac,
        List<Address> addresses,
        List<IpAddress> gateways,
        List<AddressBlock> blocks,
        List<IpAddress> nameServers,
        List<String> searchDomains,
        Ipv6Config ipv6,
        DhcpParameters dhcp,
        boolean detectDuplicates,
        int mtu,
        TcpParameters tcp,
        long seed,
        boolean closeWhenUnused) {
    /**
     * An address and the length of the prefix that is on its link.
     *
     * @param address unicast
     * @param prefixLength 0 to 32, or 128 for IPv6
     */
    public record Address(IpAddress address, int prefixLength) {}

    /** Copies the lists, and checks the parameters of TCP. */
    public HostConfiguration {
        tcp.validate();
        addresses = List.copyOf(addresses);
        gateways = List.copyOf(gateways);
        blocks = List.copyOf(blocks);
        nameServers = List.copyOf(nameServers);
        searchDomains = List.copyOf(searchDomains);
    }

    /** A host that has what is given here, and configures nothing itself. */
    public HostConfiguration(
            Link link,
            MacAddress mac,
            List<Address> addresses,
            List<IpAddress> gateways,
            int mtu,
            TcpParameters tcp,
            long seed,
            boolean closeWhenUnused) {
        this(
                link,
                mac,
                addresses,
                gateways,
                List.of(),
                List.of(),
                List.of(),
                Ipv6Config.MANUAL,
                null,
                false,
                mtu,
                tcp,
                seed,
                closeWhenUnused);
    }
}
