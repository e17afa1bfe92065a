/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.HostListener;
import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.TcpConnection;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.IntSupplier;

/** The connections that wait for a server channel to accept them; put here by all shards of the host. Any thread. */
final class AcceptQueue implements Consumer<TcpConnection> {
    /** A connection, and the shard that it is on. */
    record Accepted(TcpConnection connection, Shard owner) {
        void abort() {
            owner.with(connection, there -> connection.abort(there.now()));
        }
    }

    private final Queue<Accepted> queue = new ConcurrentLinkedQueue<>();
    /** Those that have nothing to be read yet, as long as they are to wait for it. */
    private final Set<DeferredAccept> deferred = ConcurrentHashMap.newKeySet();

    private final Runnable signal;
    private final IntSupplier deferSeconds;
    private volatile boolean closed;

    /**
     * Creates an empty queue.
     *
     * @param signal called on a shard's thread when a connection has come
     * @param deferSeconds how long connections wait for data before they come, in seconds; 0: not at all
     */
    AcceptQueue(Runnable signal, IntSupplier deferSeconds) {
        this.signal = signal;
        this.deferSeconds = deferSeconds;
    }

    /** A connection has completed its handshake; on its shard's thread. */
    @Override
    public void accept(TcpConnection connection) {
        int seconds = deferSeconds.getAsInt();
        if (seconds == 0 || !DeferredAccept.isNeeded(connection)) {
            put(connection);
            return;
        }
        DeferredAccept waiting = new DeferredAccept(connection, this::due);
        deferred.add(waiting);
        waiting.start(seconds);
        if (closed) {
            clear();
        }
    }

    private boolean due(DeferredAccept waiting) {
        boolean wanted = deferred.remove(waiting);
        if (wanted) {
            put(waiting.connection());
        }
        return wanted;
    }

    private void put(TcpConnection connection) {
        queue.add(new Accepted(connection, Shard.owner(connection)));
        if (closed) {
            clear();
        } else {
            signal.run();
        }
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    /** The connection that has waited longest, or {@code null}. */
    Accepted poll(HostListener listener) {
        Accepted accepted = queue.poll();
        if (accepted != null) {
            listener.accepted();
        }
        return accepted;
    }

    /** Takes nothing more: resets what waits and what comes. */
    void close() {
        closed = true;
        clear();
    }

    private void clear() {
        for (DeferredAccept waiting : deferred) {
            if (deferred.remove(waiting)) {
                waiting.abort();
            }
        }
        for (Accepted accepted = queue.poll(); accepted != null; accepted = queue.poll()) {
            accepted.abort();
        }
    }
}
