/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.AddressBlock;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpListener;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.wire.IpAddress;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import java.io.IOException;
import java.net.BindException;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** The listeners of a host, on all its shards, and the TCP ports that are bound. Any thread. */
public final class HostListeners {
    private final HostStack host;
    private final Object lock;
    private final PortTable ports;
    private final Set<HostListener> open = new LinkedHashSet<>();
    /** By port, 0 for those on all ports; replaced as a whole. */
    private volatile IntObjectMap<TcpListener[]> byPort = new IntObjectHashMap<>(1);

    /**
     * Creates an empty set.
     *
     * @param lock the host's
     */
    HostListeners(HostStack host, Object lock, PortTable ports) {
        this.host = host;
        this.lock = lock;
        this.ports = ports;
    }

    /** Fails all. */
    void fail(IOException cause) {
        List<HostListener> failing;
        synchronized (lock) {
            failing = List.copyOf(open);
        }
        failing.forEach(listener -> listener.fail(cause));
    }

    /** Listens with connections on all loops. */
    public HostListener listen(
            IpAddress local,
            int port,
            int backlog,
            boolean reuseAddress,
            boolean reusePort,
            TcpSettings settings,
            Consumer<TcpConnection> acceptor)
            throws IOException {
        return listen(local, port, backlog, reuseAddress, reusePort, false, ListenScope.NONE, settings, null, acceptor);
    }

    /**
     * Listens on all shards.
     *
     * @param local the local address; {@link IpAddress#ANY_V6} for all of both families
     * @param port 1 to 65535, or 0 for any that is free
     * @param backlog the most connections waiting to be accepted
     * @param reuseAddress whether the port may be taken while old connections on it are in TIME-WAIT; they never prevent it here
     * @param reusePort whether several listeners may share the port
     * @param freeBind whether the address may be none of this host's, or not yet
     * @param scope what else it listens to; with any address, {@code local} is unspecified, with any port, {@code port} is 0
     * @param settings what accepted connections start with; copied
     * @param group the loops that connections are to live on, as {@link ShardLoop#group()} says; {@code null} for all
     * @param acceptor called on the thread of the shard that owns the connection
     * @throws IOException {@link BindException} if the address is not local or the port is taken
     */
    public HostListener listen(
            IpAddress local,
            int port,
            int backlog,
            boolean reuseAddress,
            boolean reusePort,
            boolean freeBind,
            ListenScope scope,
            TcpSettings settings,
            Object group,
            Consumer<TcpConnection> acceptor)
            throws IOException {
        if (!freeBind && !scope.anyAddress()) {
            host.checkLocal(local);
        }
        // No port is taken by whoever has what is left of them.
        int bound = scope.anyPort() ? 0 : ports.bind(local, port, reusePort, settings.v6Only());
        // Before anybody can connect.
        if (group != null && bound != 0) {
            host.serve(bound, group);
        }
        HostListener listener = new HostListener(local, bound, backlog, reusePort, settings, scope.gate(), acceptor);
        synchronized (lock) {
            try {
                host.checkAlive();
                if (bound == 0) {
                    checkAllPorts(local, reusePort);
                }
            } catch (SocketException e) {
                if (bound != 0) {
                    ports.release(local, bound);
                }
                throw e;
            }
            open.add(listener);
            IntObjectMap<TcpListener[]> more = copy(byPort);
            TcpListener[] present = more.getOrDefault(bound, new TcpListener[0]);
            TcpListener[] longer = Arrays.copyOf(present, present.length + 1);
            longer[present.length] = listener.listener();
            more.put(bound, longer);
            byPort = more;
        }
        if (scope.anyAddress() && !host.network().has(local)) {
            intercept(listener);
        }
        return listener;
    }

    private void checkAllPorts(IpAddress local, boolean reusePort) throws BindException {
        for (TcpListener other : byPort.getOrDefault(0, new TcpListener[0])) {
            if (!(reusePort && other.isReusePort())
                    && (other.localAddress().equals(local)
                            || other.localAddress().isUnspecified() && local.isUnspecified())) {
                throw new BindException("Address already in use: another listener has all ports of " + local);
            }
        }
    }

    private void endInterception(HostListener listener) {
        if (host.leader() == null) {
            host.network().withdraw(listener);
        } else {
            // Connections that it has accepted live on.
            host.addLeaderTask(new Interception(host, listener));
        }
    }

    /** Has the host accept packets to all addresses, or to one, as long as a listener is open. */
    private void intercept(HostListener listener) {
        List<AddressBlock> blocks = new ArrayList<>();
        IpAddress local = listener.localAddress();
        if (!local.isUnspecified()) {
            blocks.add(new AddressBlock(local, local.isV4() ? 32 : 128, AddressBlock.Kind.INTERCEPTED));
            host.network().configure(listener, NetworkSettings.NONE.withBlocks(blocks));
            return;
        }
        if (local.isV4() || !listener.listener().isV6Only()) {
            blocks.add(new AddressBlock(IpAddress.ANY_V4, 0, AddressBlock.Kind.INTERCEPTED));
        }
        if (!local.isV4()) {
            blocks.add(new AddressBlock(IpAddress.ANY_V6, 0, AddressBlock.Kind.INTERCEPTED));
        }
        host.network().configure(listener, NetworkSettings.NONE.withBlocks(blocks));
    }

    /** Stops listening. Connections that wait to be accepted are the acceptor's to abort. Idempotent. */
    public void close(HostListener listener) {
        synchronized (lock) {
            if (listener.isClosed()) {
                return;
            }
            listener.close();
            open.remove(listener);
            IntObjectMap<TcpListener[]> fewer = copy(byPort);
            TcpListener[] left = Arrays.stream(fewer.getOrDefault(listener.localPort(), new TcpListener[0]))
                    .filter(l -> l != listener.listener())
                    .toArray(TcpListener[]::new);
            if (left.length == 0) {
                fewer.remove(listener.localPort());
            } else {
                fewer.put(listener.localPort(), left);
            }
            byPort = fewer;
        }
        if (listener.localPort() != 0) {
            ports.release(listener.localAddress(), listener.localPort());
        }
        if (!host.network().settings(listener).equals(NetworkSettings.NONE)) {
            endInterception(listener);
        }
        for (Shard shard : host.shards()) {
            shard.submit(() -> shard.listenerClosed(listener.listener()));
        }
    }

    /** Those on a port, 0 for all ports; {@code null} if there are none. */
    TcpListener[] on(int port) {
        return byPort.get(port);
    }

    /** Whether a port is bound by anybody. */
    boolean isBound(int port) {
        return ports.isBound(port);
    }

    /**
     * Reserves a port for an outgoing connection.
     *
     * @param port 1 to 65535, or 0 for any that is free
     * @return the port
     * @throws IOException {@link BindException} if the address is not local or the port is taken
     */
    public int bindPort(IpAddress local, int port, boolean reuse) throws IOException {
        host.checkLocal(local);
        return ports.bind(local, port, reuse, false);
    }

    /** Gives back a port from {@link #bindPort}. */
    public void releasePort(IpAddress local, int port) {
        ports.release(local, port);
    }

    /** A map to be changed and then published instead. */
    static <T> IntObjectMap<T> copy(IntObjectMap<T> map) {
        IntObjectMap<T> copy = new IntObjectHashMap<>(map.size() + 1);
        copy.putAll(map);
        return copy;
    }
}
