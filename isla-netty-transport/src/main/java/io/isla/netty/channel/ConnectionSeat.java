/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.TcpConnection;
import io.netty.channel.ChannelPromise;
import java.nio.channels.ClosedChannelException;

/**
 * Where the connection of a channel is: on the shard of the channel's loop, on another one, or on its way. A channel that is accepted, or deregistered, may
 * come to any loop of its host, and its connection follows it there.
 *
 * <p>Changed on the thread of the channel's loop; before its first registration, on the thread that owns the channel.
 */
final class ConnectionSeat {
    private final AbstractIslaStreamChannel channel;
    private volatile TcpConnection connection;
    private volatile Shard owner;
    /** Completed when the connection arrives; {@code null} while it is not on its way. */
    private ChannelPromise arrival;

    private boolean abortOnArrival;
    private boolean wasSeated;

    ConnectionSeat(AbstractIslaStreamChannel channel) {
        this.channel = channel;
    }

    TcpConnection connection() {
        return connection;
    }

    Shard owner() {
        return owner;
    }

    /** Takes a connection on the shard it belongs to. */
    void take(TcpConnection newConnection, Shard shard) {
        connection = newConnection;
        owner = shard;
    }

    /** The channel is on the loop of {@code shard}, which is the caller's: the connection is to be there too. */
    void join(Shard shard, ChannelPromise promise) {
        TcpConnection c = connection;
        if (c == null) {
            promise.setSuccess();
            return;
        }
        Shard from = owner;
        if (from == shard) {
            wasSeated = true;
            channel.seated(c);
            promise.setSuccess();
            return;
        }
        if (from.host() != shard.host()) {
            promise.setFailure(new IllegalStateException(
                    "the channel's connection belongs to another host than the one that this event loop runs"));
            return;
        }
        if (!wasSeated && channel.parent() instanceof IslaServerSocketChannel server) {
            server.served(shard);
        }
        arrival = promise;
        boolean asked = from.with(c, there -> there.move(c, shard, () -> arrived(c, shard)));
        if (!asked) {
            // Its loop has shut down, and reset it.
            arrival = null;
            promise.setFailure(new ClosedChannelException());
        }
    }

    private void arrived(TcpConnection c, Shard shard) {
        owner = shard;
        ChannelPromise promise = arrival;
        arrival = null;
        if (channel.isOpen()) {
            wasSeated = true;
            channel.seated(c);
            promise.setSuccess();
        } else if (!shard.isClosed()) {
            end(c, shard, abortOnArrival);
        } else {
            // Its loop has been suspended meanwhile, and has passed the connection on.
            shard.with(c, there -> end(c, there, abortOnArrival));
        }
    }

    /** The channel leaves its loop; the connection stays, and what happens to it is told where the channel goes. */
    void leave() {
        if (connection != null && arrival == null && owner.loop().inLoop()) {
            connection.user(null);
        }
    }

    /** The channel has been closed: ends the connection, wherever it is. */
    void close(boolean abort) {
        TcpConnection c = connection;
        if (c == null) {
            return;
        }
        if (arrival != null) {
            abortOnArrival = abort;
            arrival.tryFailure(new ClosedChannelException());
            return;
        }
        Shard shard = owner;
        if (shard.loop().inLoop()) {
            end(c, shard, abort);
        } else {
            shard.with(c, there -> end(c, there, abort));
        }
    }

    private static void end(TcpConnection c, Shard shard, boolean abort) {
        if (abort) {
            c.abort(shard.now());
        } else {
            c.close(shard.now());
        }
    }
}
