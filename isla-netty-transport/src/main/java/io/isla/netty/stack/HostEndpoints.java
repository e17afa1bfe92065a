/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.udp.UdpEndpoint;
import io.isla.netty.udp.UdpUser;
import io.isla.netty.wire.IpAddress;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import java.io.IOException;
import java.net.BindException;
import java.net.SocketException;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The datagram endpoints of a host, each on one of its shards, and the UDP ports that are bound. Any thread. */
public final class HostEndpoints {
    private final HostStack host;
    private final Object lock;
    private final PortTable ports;
    /** Replaced as a whole. */
    private volatile IntObjectMap<UdpEndpoint[]> byPort = new IntObjectHashMap<>(1);

    /**
     * Creates an empty set.
     *
     * @param lock the host's
     */
    HostEndpoints(HostStack host, Object lock, PortTable ports) {
        this.host = host;
        this.lock = lock;
        this.ports = ports;
    }

    /** Binds a datagram endpoint to an address of this host. */
    public UdpEndpoint open(Shard shard, IpAddress local, int port, boolean reuse, boolean v6Only, UdpUser user)
            throws IOException {
        return open(shard, local, port, reuse, false, v6Only, user);
    }

    /**
     * Binds a datagram endpoint, which lives on the shard of the calling thread.
     *
     * @param local unspecified for all addresses, or a multicast group or broadcast address, at which no others are heard
     * @param port 1 to 65535, or 0 for any that is free
     * @param reuse whether others that say so too may bind the port
     * @param freeBind whether the address may be none of this host's, or not yet
     * @param v6Only whether an endpoint on {@code ::} leaves IPv4 alone
     * @throws IOException {@link BindException} if the address is not local or the port is taken
     */
    public UdpEndpoint open(
            Shard shard, IpAddress local, int port, boolean reuse, boolean freeBind, boolean v6Only, UdpUser user)
            throws IOException {
        if (!freeBind && !local.isMulticast() && !shard.ip().isBroadcast(local)) {
            host.checkLocal(local);
        }
        int bound = ports.bind(local, port, reuse, v6Only);
        synchronized (lock) {
            try {
                host.checkAlive();
            } catch (SocketException e) {
                ports.release(local, bound);
                throw e;
            }
            UdpEndpoint endpoint = shard.udp().open(local, bound, v6Only, user);
            IntObjectMap<UdpEndpoint[]> more = HostListeners.copy(byPort);
            UdpEndpoint[] present = more.getOrDefault(bound, new UdpEndpoint[0]);
            UdpEndpoint[] longer = Arrays.copyOf(present, present.length + 1);
            longer[present.length] = endpoint;
            more.put(bound, longer);
            byPort = more;
            return endpoint;
        }
    }

    /** The shard that an endpoint belongs to. */
    public static Shard owner(UdpEndpoint endpoint) {
        return (Shard) endpoint.stack().attachment();
    }

    /** Closes an endpoint, on the thread of its shard. Idempotent; one that has moved is another's by then. */
    public void close(UdpEndpoint endpoint) {
        if (endpoint.isClosed()) {
            return;
        }
        endpoint.close();
        synchronized (lock) {
            IntObjectMap<UdpEndpoint[]> fewer = HostListeners.copy(byPort);
            UdpEndpoint[] left = Arrays.stream(fewer.getOrDefault(endpoint.localPort(), new UdpEndpoint[0]))
                    .filter(e -> e != endpoint)
                    .toArray(UdpEndpoint[]::new);
            if (left.length == 0) {
                fewer.remove(endpoint.localPort());
            } else {
                fewer.put(endpoint.localPort(), left);
            }
            byPort = fewer;
        }
        ports.release(endpoint.localAddress(), endpoint.localPort());
    }

    /** Shows other shards what has changed about an endpoint that decides which packets it takes. On the thread of its shard. */
    public void changed() {
        synchronized (lock) {
            // Who reads the table from now on sees what was written before.
            byPort = HostListeners.copy(byPort);
        }
    }

    /**
     * Has an endpoint live on another shard: another object, which has no user at first, takes over what it is and has. What comes meanwhile comes behind
     * what came before. Any thread; the endpoint must not be used any more, but it may be closed.
     *
     * @param arrived run with it on the loop of the other shard, or with {@code null} if it was closed before it could move; never, if that shard has ended:
     *     then the endpoint is closed
     */
    public void move(UdpEndpoint endpoint, Shard to, Consumer<UdpEndpoint> arrived) {
        Shard from = owner(endpoint);
        Runnable move = () -> {
            if (endpoint.isClosed()) {
                to.execute(() -> to.loop().execute(() -> arrived.accept(null)));
                return;
            }
            UdpEndpoint moved = endpoint.moveTo(to.udp());
            synchronized (lock) {
                IntObjectMap<UdpEndpoint[]> next = HostListeners.copy(byPort);
                next.computeIfPresent(
                        endpoint.localPort(),
                        (port, present) -> Arrays.stream(present)
                                .map(e -> e == endpoint ? moved : e)
                                .toArray(UdpEndpoint[]::new));
                byPort = next;
            }
            boolean accepted = to.submit(() -> {
                if (to.isClosed() || !to.loop().execute(() -> arrived.accept(moved))) {
                    close(moved);
                }
            });
            if (!accepted) {
                close(moved);
            }
        };
        if (!from.submit(move)) {
            move.run();
        }
    }

    /** Closes the endpoints that are left on a shard that ends: those of channels that are registered with no loop. */
    void closeThoseOf(Shard shard) {
        of(shard).forEach(this::close);
    }

    /** Tells the endpoints on a shard that nothing will be heard or sent any more. On the shard's thread. */
    void failThoseOf(Shard shard, IOException cause) {
        of(shard).forEach(endpoint -> endpoint.fail(cause));
    }

    /** Whether an endpoint lives on a shard. On its thread. */
    boolean hasAnyOf(Shard shard) {
        return of(shard).findAny().isPresent();
    }

    private Stream<UdpEndpoint> of(Shard shard) {
        return byPort.values().stream().flatMap(Arrays::stream).filter(endpoint -> endpoint.stack() == shard.udp());
    }

    /** Those on a port; {@code null} if there are none. */
    UdpEndpoint[] on(int port) {
        return byPort.get(port);
    }
}
