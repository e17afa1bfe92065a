/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.stack.HostStack;
import io.isla.netty.stack.NameResolution;
import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.util.concurrent.EventExecutor;
import java.net.InetSocketAddress;

/** See {@link IslaHost#resolverGroup()}. */
final class HostResolverGroup extends AddressResolverGroup<InetSocketAddress> {
    private final HostStack stack;

    HostResolverGroup(HostStack stack) {
        this.stack = stack;
    }

    @Override
    protected AddressResolver<InetSocketAddress> newResolver(EventExecutor executor) {
        NameResolution resolution = stack.nameResolution();
        if (resolution == null) {
            throw new IllegalStateException(
                    "no event loop group was built on the host yet; its resolvers are for channels on its own event loops");
        }
        try {
            return resolution.newResolver(executor);
        } catch (NoClassDefFoundError e) {
            throw new IllegalStateException(
                    "Netty's DNS resolver is missing; add io.netty:netty-resolver-dns to what the program runs with",
                    e);
        }
    }
}
