/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.tcp.SynGate;
import io.isla.netty.tcp.TcpAcceptor;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpListener;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.wire.IpAddress;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** A listener of a host, on all its shards, and the count of connections that wait to be accepted. Any thread. */
public final class HostListener implements TcpAcceptor {
    private final TcpListener listener;
    private final Consumer<TcpConnection> acceptor;
    private final AtomicInteger waiting = new AtomicInteger();
    private volatile TcpSettings settings;
    private volatile boolean closed;
    private IOException failure;
    private Consumer<IOException> failureListener;

    HostListener(
            IpAddress address,
            int port,
            int backlog,
            boolean reusePort,
            TcpSettings settings,
            SynGate gate,
            Consumer<TcpConnection> acceptor) {
        this.acceptor = acceptor;
        settings(settings);
        listener = new TcpListener(address, port, backlog, reusePort, settings.v6Only(), this, gate);
    }

    TcpListener listener() {
        return listener;
    }

    void close() {
        closed = true;
    }

    /** Sets what connections start with that are requested from now on; copied. Whether IPv4 is taken stays as it is. */
    public void settings(TcpSettings newSettings) {
        settings = new TcpSettings().copyFrom(newSettings);
    }

    @Override
    public TcpSettings settings() {
        return settings;
    }

    /** The local address, unspecified if it listens on all. */
    public IpAddress localAddress() {
        return listener.localAddress();
    }

    /** The local port; 0 for all that no other listener has. */
    public int localPort() {
        return listener.localPort();
    }

    /** Has somebody told, on any thread, when the host can listen no more; at once if that is so already. */
    public void onFailure(Consumer<IOException> listener) {
        IOException present;
        synchronized (this) {
            failureListener = listener;
            present = failure;
        }
        if (present != null) {
            listener.accept(present);
        }
    }

    /** The host can listen no more. */
    void fail(IOException cause) {
        Consumer<IOException> told;
        synchronized (this) {
            if (failure != null) {
                return;
            }
            failure = cause;
            told = failureListener;
        }
        if (told != null) {
            told.accept(cause);
        }
    }

    /** One connection was taken: the backlog has room for another. */
    public void accepted() {
        waiting.decrementAndGet();
    }

    /** How many connections wait to be accepted. */
    public int waiting() {
        return waiting.get();
    }

    /** Whether it was closed. */
    public boolean isClosed() {
        return closed;
    }

    @Override
    public void onConnection(TcpConnection connection) {
        waiting.incrementAndGet();
        acceptor.accept(connection);
    }

    @Override
    public boolean isFull() {
        // As Linux counts: a backlog of n lets n + 1 wait.
        return waiting.get() > listener.backlog();
    }
}
