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
import java.util.function.Consumer;

/**
 * A connection that is to be accepted when its peer has sent something, or after a time: {@link IslaChannelOption#TCP_DEFER_ACCEPT}. The thread of the
 * connection's shard.
 */
final class DeferredAccept implements TcpUser {
    /** Data has come, or nothing will come any more. */
    private static final int WORTH_ACCEPTING =
            TcpEvents.READABLE | TcpEvents.PEER_CLOSED | TcpEvents.FAILED | TcpEvents.CLOSED;

    private final TcpConnection connection;
    private final Consumer<DeferredAccept> due;
    private Future<?> timeout;

    DeferredAccept(TcpConnection connection, Consumer<DeferredAccept> due) {
        this.connection = connection;
        this.due = due;
    }

    /** Whether there is something to wait for. */
    static boolean isNeeded(TcpConnection connection) {
        return connection.readableBytes() == 0 && !connection.isInputFinished() && connection.error() == null;
    }

    TcpConnection connection() {
        return connection;
    }

    void start(int seconds) {
        IoEventLoop loop = HandlerLoop.of(Shard.owner(connection));
        if (loop != null) {
            timeout = loop.schedule(this::end, seconds, TimeUnit.SECONDS);
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
        end();
        return true;
    }

    /** Resets the connection. Any thread. */
    void abort() {
        Shard owner = Shard.owner(connection);
        owner.loop().execute(() -> {
            cancelTimeout();
            connection.user(null);
            connection.abort(owner.now());
        });
    }

    private void end() {
        cancelTimeout();
        connection.user(null);
        due.accept(this);
    }

    private void cancelTimeout() {
        if (timeout != null) {
            timeout.cancel(false);
            timeout = null;
        }
    }
}
