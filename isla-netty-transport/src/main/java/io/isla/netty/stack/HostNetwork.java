/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.AddressBlock;
import io.isla.netty.ip.Route;
import io.isla.netty.wire.IpAddress;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;

/**
 * How a host is connected to its network: addresses, routes, MTU, name servers. Each source, such as the host's user, router advertisements or a DHCP client, has
 * its {@link NetworkSettings}; the host has what all of them have. What changes reaches every shard through its inbox, and listeners when every shard has it. Any
 * thread.
 */
public final class HostNetwork {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(HostNetwork.class);

    /** Events, and whether all shards have made the change that they are about. */
    private static final class Pending {
        final List<NetworkEvent> events;
        final Runnable done;
        boolean ready;

        Pending(List<NetworkEvent> events, Runnable done) {
            this.events = events;
            this.done = done;
        }
    }

    private final HostStack host;
    private final Map<Object, NetworkSettings> sources = new LinkedHashMap<>();
    private final List<NetworkListener> listeners = new CopyOnWriteArrayList<>();
    private final Queue<Pending> pending = new ArrayDeque<>();
    private volatile NetworkState state;
    private volatile List<Route> advertisedRoutes = List.of();

    HostNetwork(HostStack host) {
        this.host = host;
        state = NetworkState.of(0, List.of(), host.configuration().mtu());
    }

    // ------------------------------------------------------------------------------------------------ what there is

    NetworkState state() {
        return state;
    }

    /** The host's addresses, those of blocks not among them. */
    public List<HostAddress> addresses() {
        return state.addresses();
    }

    /** The routes that were given; those to the prefixes of addresses are not among them. */
    public List<Route> routes() {
        return state.routes();
    }

    /** The routes that routers have advertised. */
    public List<Route> advertisedRoutes() {
        return advertisedRoutes;
    }

    /** The MTU in bytes. */
    public int mtu() {
        return state.mtu();
    }

    /** Whom to ask for names, the best first. */
    public List<IpAddress> nameServers() {
        return state.nameServers();
    }

    /** Domains to look names up in, the first first. */
    public List<String> searchDomains() {
        return state.searchDomains();
    }

    /** Whether an address may be bound: it is one of the host's own, or of those that it stands in for; loopback addresses are not considered here. */
    public boolean accepts(IpAddress address) {
        return state.accepts(address);
    }

    /** The blocks of addresses that the host answers to. */
    public List<AddressBlock> blocks() {
        return state.blocks();
    }

    /** Whether an address is one of the host's own, in a block or by itself; loopback addresses are not considered here. */
    public boolean has(IpAddress address) {
        return state.has(address);
    }

    /** What a source has configured; {@link NetworkSettings#NONE} if nothing. */
    public synchronized NetworkSettings settings(Object source) {
        return sources.getOrDefault(source, NetworkSettings.NONE);
    }

    // ------------------------------------------------------------------------------------------------ changes

    /**
     * Sets what a source has to say; it replaces what it has said before.
     *
     * @param source known again by {@link Object#equals}
     */
    public void configure(Object source, NetworkSettings settings) {
        change(source, present -> settings, () -> {});
    }

    /**
     * Sets what a source has to say.
     *
     * @param done run when every shard has it, where {@link NetworkListener}s are called
     */
    public void configure(Object source, NetworkSettings settings, Runnable done) {
        change(source, present -> settings, done);
    }

    /** Takes back everything that a source has said. */
    public void withdraw(Object source) {
        change(source, present -> NetworkSettings.NONE, () -> {});
    }

    /**
     * Changes what a source has to say.
     *
     * @param change called once, at once; if it throws, nothing has changed
     * @param done run when every shard has it, where {@link NetworkListener}s are called
     */
    public void change(Object source, UnaryOperator<NetworkSettings> change, Runnable done) {
        NetworkState next;
        Pending told;
        synchronized (this) {
            NetworkSettings present = sources.getOrDefault(source, NetworkSettings.NONE);
            NetworkSettings settings = change.apply(present);
            if (settings.equals(present)) {
                told = new Pending(List.of(), done);
                pending.add(told);
                HostStack.askAll(List.of(), shard -> {}, () -> ready(told));
                return;
            }
            if (settings.equals(NetworkSettings.NONE)) {
                sources.remove(source);
            } else {
                sources.put(source, settings);
            }
            NetworkState before = state;
            next = NetworkState.of(
                    before.version() + 1, sources.values(), host.configuration().mtu());
            state = next;
            told = new Pending(next.eventsSince(before), done);
            pending.add(told);
            // Within the lock: shards are to hear of changes in their order.
            HostStack.askAll(host.shards(), shard -> shard.apply(next), () -> ready(told));
        }
    }

    /** The routes that routers advertise have changed. */
    void advertised(List<Route> routes) {
        advertisedRoutes = routes;
        tell(NetworkListener::routesChanged);
    }

    // ------------------------------------------------------------------------------------------------ listeners

    /** Adds a listener; it is told of what happens from now on. */
    public void addListener(NetworkListener listener) {
        listeners.add(listener);
    }

    /** Removes a listener. */
    public void removeListener(NetworkListener listener) {
        listeners.remove(listener);
    }

    /** Tells something that no shard has to do anything about. */
    void tell(NetworkEvent event) {
        Pending told = new Pending(List.of(event), () -> {});
        synchronized (this) {
            pending.add(told);
        }
        ready(told);
    }

    private void ready(Pending changed) {
        List<Pending> here = new ArrayList<>();
        synchronized (this) {
            changed.ready = true;
            while (!pending.isEmpty() && pending.peek().ready) {
                Pending next = pending.poll();
                // Within the lock: what is executed first is told first.
                if (!isTaken(() -> tell(next))) {
                    here.add(next);
                }
            }
        }
        here.forEach(this::tell);
    }

    /** Has the loop of the shard that leads do something; returns whether it will. */
    private boolean isTaken(Runnable task) {
        Shard leader = host.leader();
        return leader != null && !leader.isEnding() && leader.loop().execute(task);
    }

    private void tell(Pending told) {
        for (NetworkListener listener : listeners) {
            for (NetworkEvent event : told.events) {
                try {
                    event.tell(listener);
                } catch (Throwable t) {
                    logger.warn("A listener of a host has thrown an exception.", t);
                }
            }
        }
        told.done.run();
    }
}
