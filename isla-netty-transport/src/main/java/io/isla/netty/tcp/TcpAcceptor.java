/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** The user of a {@link TcpListener}. */
public interface TcpAcceptor {
    /**
     * A connection has completed its handshake and waits to be accepted. Called on the thread of the shard that owns the connection, which need not be
     * that of the listener; before any event of the connection is delivered. The acceptor gives it a
     * {@link TcpConnection#user(TcpUser) user} sooner or later, or {@linkplain TcpConnection#abort aborts} it.
     */
    void onConnection(TcpConnection connection);

    /** Whether as many connections wait to be accepted as may: no handshake is completed then. Called like {@link #onConnection}. */
    boolean isFull();

    /** What connections that are requested now start with; not to be changed. Called like {@link #onConnection}. */
    TcpSettings settings();
}
