/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.host.IslaHost;
import io.isla.netty.stack.NameResolution;
import io.netty.channel.EventLoop;
import io.netty.resolver.AbstractAddressResolver;
import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.resolver.HostsFileEntriesResolver;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Looks names up for a host: by Netty's DNS resolver on the host's own channels, with the name servers, search domains and address families that the host has
 * at the time. When one of these changes another resolver takes over, with nothing in its cache. Any thread.
 */
final class HostNameResolution implements NameResolution {
    /** For what is under way when a resolver is replaced. */
    private static final long GRACE_SECONDS = 60;

    private final IslaHost host;
    private ResolverSettings settings;
    private AddressResolverGroup<InetSocketAddress> group;

    HostNameResolution(IslaHost host) {
        this.host = host;
    }

    @Override
    public AddressResolver<InetSocketAddress> newResolver(EventExecutor loop) {
        if (!(loop instanceof EventLoop)) {
            throw new IllegalStateException("not an event loop: " + loop);
        }
        // That the resolver is missing is to be known now.
        DnsResolvers.check();
        return new HostAddressResolver(loop);
    }

    /** The resolvers for what is so now, {@code null} if there is nobody to ask. */
    private synchronized AddressResolverGroup<InetSocketAddress> current(ResolverSettings present, EventExecutor loop) {
        if (!present.equals(settings)) {
            settings = present;
            AddressResolverGroup<InetSocketAddress> old = group;
            if (old != null && !loop.isShuttingDown()) {
                loop.schedule(old::close, GRACE_SECONDS, TimeUnit.SECONDS);
            }
            group = present.servers().isEmpty() ? null : DnsResolvers.newGroup(present);
        }
        return group;
    }

    private final class HostAddressResolver extends AbstractAddressResolver<InetSocketAddress> {
        HostAddressResolver(EventExecutor loop) {
            super(loop, InetSocketAddress.class);
        }

        @Override
        protected boolean doIsResolved(InetSocketAddress address) {
            return !address.isUnresolved();
        }

        @Override
        protected void doResolve(InetSocketAddress unresolved, Promise<InetSocketAddress> promise)
                throws UnknownHostException {
            ResolverSettings present = ResolverSettings.of(host);
            AddressResolverGroup<InetSocketAddress> resolvers = current(present, executor());
            if (resolvers == null) {
                promise.setSuccess(resolveWithoutServers(unresolved, present));
            } else {
                resolvers.getResolver(executor()).resolve(unresolved, promise);
            }
        }

        @Override
        protected void doResolveAll(InetSocketAddress unresolved, Promise<List<InetSocketAddress>> promise)
                throws UnknownHostException {
            ResolverSettings present = ResolverSettings.of(host);
            AddressResolverGroup<InetSocketAddress> resolvers = current(present, executor());
            if (resolvers == null) {
                promise.setSuccess(List.of(resolveWithoutServers(unresolved, present)));
            } else {
                resolvers.getResolver(executor()).resolveAll(unresolved, promise);
            }
        }

        /** By the machine's file of hosts alone, which is asked first in any case. */
        private InetSocketAddress resolveWithoutServers(InetSocketAddress unresolved, ResolverSettings present)
                throws UnknownHostException {
            String name = unresolved.getHostString();
            InetAddress address = HostsFileEntriesResolver.DEFAULT.address(name, present.types());
            if (address == null) {
                throw new UnknownHostException(
                        name + ": the host has no name server; give it one, or have DHCP or a router tell it");
            }
            return new InetSocketAddress(address, unresolved.getPort());
        }
    }
}
