/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.netty.resolver.AddressResolver;
import io.netty.util.concurrent.EventExecutor;
import java.net.InetSocketAddress;

/** How names are looked up on a host: by channels, of which this room knows nothing. Any thread. */
@FunctionalInterface
public interface NameResolution {
    /**
     * Makes a resolver.
     *
     * @param loop one of the host's event loops
     * @throws LinkageError if Netty's DNS resolver is missing
     */
    AddressResolver<InetSocketAddress> newResolver(EventExecutor loop);
}
