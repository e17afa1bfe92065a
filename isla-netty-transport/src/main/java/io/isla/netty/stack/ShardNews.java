/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.InterfaceAddress;
import io.isla.netty.ip.IpListener;
import io.isla.netty.ip.Route;
import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.IpAddress;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Takes what the network layer of one shard reports to the host and its other shards. */
final class ShardNews implements IpListener {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(ShardNews.class);
    /** Of claims to our addresses, there may be many; nobody needs to hear of each. */
    private static final long CONFLICT_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Shard shard;
    private long conflictAt;
    private boolean conflicted;

    ShardNews(Shard shard) {
        this.shard = shard;
    }

    @Override
    public void addressConflict(InterfaceAddress address, MacAddress other) {
        long now = shard.now();
        if (!conflicted || now - conflictAt >= CONFLICT_INTERVAL_NANOS) {
            conflicted = true;
            conflictAt = now;
            IpAddress claimed = address.address();
            logger.warn(
                    "Address {} of this host is claimed by {} too.",
                    claimed,
                    other == null ? "another station" : other);
            shard.host().network().tell(listener -> listener.addressConflict(claimed, other));
        }
    }

    @Override
    public void addressAdded(InterfaceAddress address) {
        shard.host().autoconfiguration().addressAdded(address);
    }

    @Override
    public void addressChanged(InterfaceAddress address) {
        shard.host().autoconfiguration().addressChanged(address);
    }

    @Override
    public void addressRemoved(InterfaceAddress address) {
        shard.host().autoconfiguration().addressRemoved(address);
    }

    @Override
    public void autoconfigurationFailed(IpAddress lastTried) {
        logger.warn("No address could be made, as others have each that was tried; the last was {}.", lastTried);
        shard.host().network().tell(listener -> listener.addressDuplicate(lastTried, null));
    }

    @Override
    public void advertisedRoutesChanged(List<Route> routes) {
        shard.host().network().advertised(routes);
    }

    @Override
    public void pathMtuLowered(IpAddress destination, int mtu) {
        for (Shard other : shard.host().shards()) {
            if (other != shard) {
                other.submit(() -> {
                    if (!other.isClosed()) {
                        other.ip().learnPathMtu(destination, mtu, other.now());
                    }
                });
            }
        }
    }

    @Override
    public void recursiveDnsServers(List<IpAddress> servers, long lifetimeSeconds) {
        shard.host().autoconfiguration().nameServers(servers, lifetimeSeconds);
    }

    @Override
    public void dnsSearchList(List<String> domains, long lifetimeSeconds) {
        shard.host().autoconfiguration().searchList(domains, lifetimeSeconds);
    }
}
