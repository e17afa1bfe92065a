/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.InterfaceAddress;
import io.isla.netty.timer.Timer;
import io.isla.netty.wire.IpAddress;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What the host has by router advertisements: the addresses that the shard that leads has made of them (RFC 4862), for the other shards to have too, and the name
 * servers and search domains (RFC 8106), until they expire. On the thread of the shard that leads.
 */
final class Autoconfiguration implements LeaderTask {
    /** RFC 8106 §5.3.1 wants room for three; a bound for what routers can fill. */
    static final int MAX_SERVERS = 16;

    static final int MAX_DOMAINS = 32;
    private static final long INFINITY = 0xffff_ffffL;

    private final HostNetwork network;
    private final List<HostAddress> addresses = new ArrayList<>();
    /** When they expire. */
    private final Map<IpAddress, Long> servers = new LinkedHashMap<>();

    private final Map<String, Long> domains = new LinkedHashMap<>();
    private volatile Shard leader;
    private Timer expiry;

    Autoconfiguration(HostNetwork network) {
        this.network = network;
    }

    @Override
    public void begin(Shard shard, long now) {
        leader = shard;
        expiry = new Timer() {
            @Override
            protected void expire(long time) {
                expireAll(time);
            }
        };
        expireAll(now);
    }

    @Override
    public void end(Shard shard, long now) {
        shard.timers().cancel(expiry);
        leader = null;
    }

    void addressAdded(InterfaceAddress added) {
        forget(added);
        addresses.add(of(added));
        publish();
    }

    void addressChanged(InterfaceAddress changed) {
        for (int i = 0; i < addresses.size(); i++) {
            if (addresses.get(i).address().equals(changed.address())) {
                addresses.set(i, of(changed));
                publish();
            }
        }
    }

    void addressRemoved(InterfaceAddress removed) {
        if (forget(removed)) {
            publish();
        }
    }

    void nameServers(List<IpAddress> told, long lifetimeSeconds) {
        learn(servers, told, lifetimeSeconds, MAX_SERVERS);
    }

    void searchList(List<String> told, long lifetimeSeconds) {
        learn(domains, told, lifetimeSeconds, MAX_DOMAINS);
    }

    /** Forgets everything, where there is no shard left that could see to any of it. On any thread, while nobody leads or is going to. */
    void clear() {
        addresses.clear();
        servers.clear();
        domains.clear();
    }

    /** Takes back what was {@linkplain #clear() cleared}, unless somebody leads by now, who has said what there is. On any thread. */
    void abandoned() {
        network.change(this, present -> leader == null ? NetworkSettings.NONE : present, () -> {});
    }

    private boolean forget(InterfaceAddress address) {
        return addresses.removeIf(present -> present.address().equals(address.address()));
    }

    private static HostAddress of(InterfaceAddress a) {
        return new HostAddress(a.address(), a.prefixLength(), a.isOnLink(), true, a.isTemporary(), a.isDeprecated());
    }

    private <T> void learn(Map<T, Long> known, List<T> told, long lifetimeSeconds, int max) {
        if (leader == null) {
            return;
        }
        long now = leader.now();
        for (T value : told) {
            if (lifetimeSeconds == 0) {
                known.remove(value);
            } else if (known.containsKey(value) || known.size() < max) {
                known.put(
                        value,
                        lifetimeSeconds == INFINITY
                                ? Long.valueOf(Long.MAX_VALUE)
                                : Long.valueOf(now + TimeUnit.SECONDS.toNanos(lifetimeSeconds)));
            }
        }
        expireAll(now);
    }

    private void expireAll(long now) {
        long left = Math.min(expire(servers, now), expire(domains, now));
        if (left == Long.MAX_VALUE) {
            leader.timers().cancel(expiry);
        } else {
            leader.timers().arm(expiry, now + left);
        }
        publish();
    }

    /** Removes what has expired; returns how long the next has, {@link Long#MAX_VALUE} if none ever will. */
    private static <T> long expire(Map<T, Long> known, long now) {
        long least = Long.MAX_VALUE;
        for (Iterator<Long> times = known.values().iterator(); times.hasNext(); ) {
            long time = times.next();
            if (time != Long.MAX_VALUE) {
                long left = time - now;
                if (left <= 0) {
                    times.remove();
                } else {
                    least = Math.min(least, left);
                }
            }
        }
        return least;
    }

    private void publish() {
        NetworkSettings settings = NetworkSettings.NONE
                .withAddresses(addresses)
                .withResolution(new ArrayList<>(servers.keySet()), new ArrayList<>(domains.keySet()));
        if (!settings.equals(network.settings(this))) {
            network.configure(this, settings);
        }
    }
}
