/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.host.IslaHost;
import io.isla.netty.stack.HostListener;
import io.isla.netty.stack.HostStack;
import io.isla.netty.stack.ListenScope;
import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.wire.IpAddress;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.UnsupportedAddressTypeException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Listens for TCP connections of an {@link IslaHost}, on all event loops of the host, and accepts them on its own. Takes the place of
 * {@code NioServerSocketChannel}.
 *
 * <p>Bound to {@code 0.0.0.0} or {@code ::}, it listens on all addresses of both families, unless {@link IslaChannelOption#IPV6_V6ONLY} says otherwise.
 */
public final class IslaServerSocketChannel extends AbstractIslaChannel implements ServerSocketChannel {
    private final IslaServerSocketChannelConfig config = new IslaServerSocketChannelConfig(this);
    private final AcceptQueue queue = new AcceptQueue(this::signal, config::getDeferAcceptSeconds);
    private final AtomicBoolean acceptScheduled = new AtomicBoolean();
    private final Runnable acceptTask = this::runAcceptTask;
    private volatile HostStack boundHost;
    private final boolean v4Only;
    private volatile HostListener listener;
    /** The group of loops that has the accepted connections. */
    private volatile Object servingGroup;

    private volatile boolean servedElsewhere;
    private boolean readPending;
    private volatile boolean interested;

    /** A channel of both families that is not bound. */
    public IslaServerSocketChannel() {
        this(null);
    }

    /**
     * A channel of a family that is not bound.
     *
     * @param family {@link SocketProtocolFamily#INET} for IPv4 only, as beside another channel on the same port with {@link IslaChannelOption#IPV6_V6ONLY};
     *     with {@link SocketProtocolFamily#INET6} or {@code null} it does both
     * @throws UnsupportedOperationException for any other
     */
    public IslaServerSocketChannel(SocketProtocolFamily family) {
        super(null);
        if (family == SocketProtocolFamily.UNIX) {
            throw new UnsupportedOperationException("not a family of the internet: " + family);
        }
        v4Only = family == SocketProtocolFamily.INET;
    }

    @Override
    public IslaServerSocketChannelConfig config() {
        return config;
    }

    /** A server channel has no peer. */
    @Override
    public InetSocketAddress remoteAddress() {
        return null;
    }

    @Override
    void joined(Shard shard, ChannelPromise promise) {
        if (listener != null && shard.host() != boundHost) {
            promise.setFailure(new IllegalStateException(
                    "the channel listens on another host than the one that this event loop runs"));
            return;
        }
        acceptScheduled.set(true);
        eventLoop().execute(acceptTask);
        promise.setSuccess();
    }

    @Override
    protected void doBind(SocketAddress localAddress) throws Exception {
        InetSocketAddress wanted = resolved(localAddress);
        IpAddress address = IpAddress.of(wanted.getAddress());
        if (v4Only && !address.isV4()) {
            throw new UnsupportedAddressTypeException();
        }
        if (address.isUnspecified() && !v4Only) {
            // Either wildcard means both families, as for Java's own sockets.
            address = IpAddress.ANY_V6;
        }
        IslaSynHandler handler = config.getSynHandler();
        ListenScope scope = new ListenScope(
                config.isTransparent(), config.isAnyPort(), handler == null ? null : new SynHandlerGate(handler));
        if (scope.anyPort() && wanted.getPort() != 0) {
            throw new BindException(
                    "a channel that listens on any port (ANY_PORT) is to be bound to port 0: " + wanted);
        }
        HostStack host = host();
        servingGroup = shard().loop().group();
        HostListener bound = host.listeners()
                .listen(
                        address,
                        wanted.getPort(),
                        config.getBacklog(),
                        config.isReuseAddress(),
                        config.isReusePort(),
                        config.isFreeBind(),
                        scope,
                        config.settings(),
                        // Until it is seen where accepted channels go, it is taken to be where this one is.
                        servingGroup,
                        queue);
        boundHost = host;
        listener = bound;
        // What was set meanwhile.
        config.publish();
        localAddress(new InetSocketAddress(wanted.getAddress(), bound.localPort()));
        active(true);
        signal();
        bound.onFailure(this::failed);
    }

    /** The host can listen no more, because it is closed or its link is gone. Any thread. */
    private void failed(IOException cause) {
        try {
            eventLoop().execute(() -> {
                if (!isOpen()) {
                    return;
                }
                if (isRegistered() && !isOnItsLoop()) {
                    // It has been registered with another one meanwhile.
                    failed(cause);
                    return;
                }
                pipeline().fireExceptionCaught(cause);
                unsafe().close(voidPromise());
            });
        } catch (RejectedExecutionException e) {
            // The loop has ended, and closed the channel.
        }
    }

    /** An accepted channel has been registered with the loop of a shard, and its connection was not there. Any thread. */
    void served(Shard shard) {
        Object group = shard.loop().group();
        HostListener present = listener;
        if (present != null && !servedElsewhere && group != servingGroup) {
            // Once is enough: a server that uses several groups is not to have its connections listed again and again.
            servedElsewhere = true;
            servingGroup = group;
            boundHost.serve(present, group);
        }
    }

    /** What accepted connections start with has been changed. Any thread. */
    void settingsChanged(TcpSettings settings) {
        HostListener present = listener;
        if (present != null) {
            present.settings(settings);
        }
    }

    @Override
    protected void doBeginRead() {
        readPending = true;
        interested = true;
        signal();
    }

    void autoReadCleared() {
        if (!isRegistered()) {
            return;
        }
        if (eventLoop().inEventLoop()) {
            clear();
        } else {
            eventLoop().execute(() -> {
                if (isOnItsLoop() && shouldStop()) {
                    clear();
                }
            });
        }
    }

    private void clear() {
        readPending = false;
        interested = false;
    }

    private boolean shouldStop() {
        return !readPending && !config.isAutoRead();
    }

    /** Has the channel accept what waits, if it is to. Any thread. */
    private void signal() {
        // The listener may be heard before bind() has taken note of it.
        if (interested
                && listener != null
                && !queue.isEmpty()
                && isRegistered()
                && acceptScheduled.compareAndSet(false, true)) {
            try {
                eventLoop().execute(acceptTask);
            } catch (RejectedExecutionException e) {
                // The loop has just ended: closing the channel resets what waits.
                acceptScheduled.set(false);
            }
        }
    }

    private void runAcceptTask() {
        acceptScheduled.set(false);
        if (isOnItsLoop() && interested && !queue.isEmpty()) {
            accept();
        }
    }

    @SuppressWarnings("deprecation") // A plain Handle will do, as it does for NIO.
    private void accept() {
        ChannelConfig channelConfig = config;
        ChannelPipeline pipeline = pipeline();
        Throwable failure = null;
        try {
            RecvByteBufAllocator.Handle handle = unsafe().recvBufAllocHandle();
            handle.reset(channelConfig);
            handle.attemptedBytesRead(1);
            do {
                AcceptQueue.Accepted accepted = isOpen() ? queue.poll(listener) : null;
                if (accepted == null) {
                    handle.lastBytesRead(-1);
                    break;
                }
                handle.lastBytesRead(1);
                handle.incMessagesRead(1);
                readPending = false;
                pipeline.fireChannelRead(newChild(accepted));
            } while (handle.continueReading());
            handle.readComplete();
        } catch (Throwable t) {
            failure = t;
        }
        pipeline.fireChannelReadComplete();
        if (failure != null) {
            pipeline.fireExceptionCaught(failure);
        }
        if (shouldStop()) {
            clear();
        }
        signal();
    }

    private IslaSocketChannel newChild(AcceptQueue.Accepted accepted) {
        try {
            return new IslaSocketChannel(this, accepted.connection(), accepted.owner());
        } catch (Throwable t) {
            accepted.abort();
            throw t;
        }
    }

    @Override
    protected void doClose() throws Exception {
        if (!markClosed()) {
            return;
        }
        clear();
        doDeregister();
        if (listener != null) {
            boundHost.listeners().close(listener);
        }
        queue.close();
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer in) {
        throw new UnsupportedOperationException();
    }

    @Override
    protected Object filterOutboundMessage(Object message) {
        throw new UnsupportedOperationException();
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new ServerUnsafe();
    }

    private final class ServerUnsafe extends AbstractUnsafe implements IslaIoHandle {
        @Override
        public Channel channel() {
            return IslaServerSocketChannel.this;
        }

        @Override
        public void close() {
            close(voidPromise());
        }

        @Override
        public void connect(SocketAddress remoteAddress, SocketAddress localAddress, ChannelPromise promise) {
            promise.setFailure(new UnsupportedOperationException("a server channel cannot connect"));
        }
    }
}
