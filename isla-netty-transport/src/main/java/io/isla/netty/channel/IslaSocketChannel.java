/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.host.IslaHost;
import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.TcpConnection;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NotYetConnectedException;

/**
 * A TCP connection of an {@link IslaHost}: the host of the event loop that the channel is registered with. Takes the place of {@code NioSocketChannel}.
 */
public final class IslaSocketChannel extends AbstractIslaStreamChannel implements SocketChannel {
    private final IslaSocketChannelConfig config;

    /** A channel that is not connected. */
    public IslaSocketChannel() {
        config = new IslaSocketChannelConfig(this);
    }

    /** A channel that was accepted. */
    IslaSocketChannel(IslaServerSocketChannel parent, TcpConnection connection, Shard owner) {
        super(parent, connection, owner);
        config = new IslaSocketChannelConfig(this, parent.config());
    }

    @Override
    public ServerSocketChannel parent() {
        return (ServerSocketChannel) super.parent();
    }

    @Override
    public IslaSocketChannelConfig config() {
        return config;
    }

    /**
     * What the connection knows of itself. Any thread; on the channel's event loop the future is complete at once.
     *
     * @return fails with {@link NotYetConnectedException} or {@link ClosedChannelException} if there is no connection
     */
    public Future<IslaTcpInfo> tcpInfo() {
        Promise<IslaTcpInfo> promise = eventLoop().newPromise();
        if (eventLoop().inEventLoop()) {
            tcpInfo(promise);
        } else {
            eventLoop().execute(() -> tcpInfo(promise));
        }
        return promise;
    }

    private void tcpInfo(Promise<IslaTcpInfo> promise) {
        TcpConnection c = connection();
        if (!isOpen()) {
            promise.setFailure(new ClosedChannelException());
        } else if (c == null || !isOnItsLoop()) {
            promise.setFailure(new NotYetConnectedException());
        } else {
            promise.setSuccess(IslaTcpInfo.of(c.info(shard().now())));
        }
    }
}
