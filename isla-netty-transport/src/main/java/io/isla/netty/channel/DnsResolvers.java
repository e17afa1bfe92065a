/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.resolver.AddressResolverGroup;
import io.netty.resolver.dns.DnsAddressResolverGroup;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.DnsNameResolverChannelStrategy;
import io.netty.resolver.dns.SequentialDnsServerAddressStreamProvider;
import java.net.InetSocketAddress;

/** All that touches Netty's DNS resolver, which a program need not have. */
final class DnsResolvers {
    private DnsResolvers() {}

    /**
     * Makes sure that the resolver is there.
     *
     * @throws NoClassDefFoundError if it is not
     */
    static void check() {
        new DnsNameResolverBuilder();
    }

    /** Resolvers for the event loops of a host. */
    static AddressResolverGroup<InetSocketAddress> newGroup(ResolverSettings settings) {
        return new DnsAddressResolverGroup(new DnsNameResolverBuilder()
                .datagramChannelType(IslaDatagramChannel.class)
                // What a datagram has no room for is asked for again over TCP (RFC 7766).
                .socketChannelType(IslaSocketChannel.class)
                // A port of its own for each lookup makes answers harder to forge (RFC 5452 §9.2).
                .datagramChannelStrategy(DnsNameResolverChannelStrategy.ChannelPerResolution)
                .nameServerProvider(new SequentialDnsServerAddressStreamProvider(settings.servers()))
                .resolvedAddressTypes(settings.types())
                // Not those of the machine, nor its options.
                .searchDomains(settings.searchDomains())
                .ndots(1));
    }
}
