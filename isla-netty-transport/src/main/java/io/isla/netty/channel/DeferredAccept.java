/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpEvents;
import io.isla.netty.tcp.TcpUser;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A connection that is to be accepted when its peer has sent something, or after a time, or when its loop ends: {@link IslaChannelOption#TCP_DEFER_ACCEPT}. The thread of the
 * connection's shard.
 */
final class DeferredAccept implements TcpUser {
    /** Data has come, or nothing will come any more. */
    private static final int WORTH_ACCEPTING =
            TcpEvents.READABLE | TcpEvents.PEER_CLOSED | TcpEvents.FAILED | TcpEvents.CLOSED;

    private final TcpConnection connection;
    private final Shard owner;
    private final Predicate<DeferredAccept> due;
    private Future<?> timeout;

    /** @param due called when the wait ends; returns whether the connection is to be accepted */
    DeferredAccept(TcpConnection connection, Predicate<DeferredAccept> due) {
        this.connection = connection;
        this.due = due;
        owner = Shard.owner(connection);
    }

    /** Whether there is something to wait for. */
    static boolean isNeeded(TcpConnection connection) {
        return connection.readableBytes() == 0 && !connection.isInputFinished() && connection.error() == null;
    }

    TcpConnection connection() {
        return connection;
    }

    void start(int seconds) {
        IoEventLoop loop = HandlerLoop.of(owner);
        if (loop != null) {
            timeout = loop.schedule(() -> end(), seconds, TimeUnit.SECONDS);
        }
        connection.user(this);
    }

    @Override
    public void onTcpEvents(TcpConnection c, int events) {
        if ((events & WORTH_ACCEPTING) != 0) {
            end();
        }
    }

    /** Its loop ends, and so does the wait: it may be accepted elsewhere. */
    @Override
    public boolean leaves(TcpConnection c) {
        return end();
    }

    /** Resets the connection. Any thread. */
    void abort() {
        owner.with(connection, there -> {
            cancelTimeout();
            connection.user(null);
            connection.abort(there.now());
        });
    }

    private boolean end() {
        cancelTimeout();
        connection.user(null);
        return due.test(this);
    }

    private void cancelTimeout() {
        if (timeout != null) {
            timeout.cancel(false);
            timeout = null;
        }
    }
}
