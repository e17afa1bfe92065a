/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpEvents;
import io.isla.netty.tcp.TcpStack;
import io.isla.netty.tcp.TcpUser;
import io.isla.netty.wire.IpAddress;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.DuplexChannel;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ConnectionPendingException;
import java.nio.channels.NotYetConnectedException;
import java.util.concurrent.Executor;

/** A channel on a TCP connection: what joins its reading, writing, connecting and closing to Netty and to the connection. */
abstract class AbstractIslaStreamChannel extends AbstractIslaChannel implements DuplexChannel {
    private final StreamReader reader = new StreamReader(this);
    private final StreamWriter writer = new StreamWriter(this);
    private final ConnectionSeat seat;
    private ConnectAttempt attempt;
    private LingeringClose lingering;
    private BoundPort boundPort;
    private volatile boolean outputShutdown;

    /** A channel that will connect. */
    AbstractIslaStreamChannel() {
        super(null);
        seat = new ConnectionSeat(this);
    }

    /** A channel on a connection that has been accepted; its shard's thread need not be the caller's. */
    AbstractIslaStreamChannel(Channel parent, TcpConnection connection, Shard owner) {
        super(parent);
        seat = new ConnectionSeat(this);
        seat.take(connection, owner);
        localAddress(socketAddress(connection.localAddress(), connection.localPort()));
        remoteAddress(socketAddress(connection.remoteAddress(), connection.remotePort()));
        active(true);
    }

    @Override
    public abstract IslaSocketChannelConfig config();

    // ------------------------------------------------------------------------------------------------ its parts

    /** The connection, or {@code null} before the first connect. */
    final TcpConnection connection() {
        return seat.connection();
    }

    /** The shard on which the connection is, as far as known; {@code null} if there is no connection. Any thread. */
    final Shard owner() {
        return seat.owner();
    }

    final ConnectionSeat seat() {
        return seat;
    }

    private StreamUnsafe streamUnsafe() {
        return (StreamUnsafe) unsafe();
    }

    final void flushNow() {
        streamUnsafe().flushNow();
    }

    /** Closes the channel as its user would. */
    final void closeNow() {
        unsafe().close(unsafe().voidPromise());
    }

    /** Closes the channel; what was flushed and not written fails with the cause, if there is one. */
    final void closeBecause(Throwable cause) {
        if (cause == null) {
            closeNow();
        } else {
            streamUnsafe().closeBecause(cause);
        }
    }

    final void validate(DefaultFileRegion region, long position) throws IOException {
        validateFileRegion(region, position);
    }

    // ------------------------------------------------------------------------------------------------ registration

    @Override
    final void joined(Shard shard, ChannelPromise promise) {
        seat.join(shard, promise);
    }

    /** The connection is on the shard of the channel's loop, which is the caller's. */
    final void seated(TcpConnection c) {
        reader.connected();
        config().applyTo(c);
        c.user(streamUnsafe());
    }

    @Override
    protected final void doDeregister() throws Exception {
        seat.leave();
        super.doDeregister();
    }

    // ------------------------------------------------------------------------------------------------ reading and
    // writing

    @Override
    protected final void doBeginRead() {
        reader.beginRead();
    }

    final void autoReadCleared() {
        reader.autoReadCleared();
    }

    @Override
    protected final Object filterOutboundMessage(Object message) {
        return StreamWriter.filter(message);
    }

    @Override
    protected final void doWrite(ChannelOutboundBuffer in) throws Exception {
        writer.write(in);
    }

    /** Tells of urgent data, before anything of it is read. */
    final void tellUrgentNews(TcpConnection c) {
        int bytes = c.takeUrgentNews();
        if (bytes > 0 && isOpen()) {
            pipeline().fireUserEventTriggered(new IslaUrgentDataEvent(bytes));
        }
    }

    // ------------------------------------------------------------------------------------------------ binding and
    // connecting

    @Override
    protected final void doBind(SocketAddress address) throws Exception {
        InetSocketAddress wanted = resolved(address);
        if (boundPort != null || connection() != null) {
            throw new BindException("already bound to " + localAddress());
        }
        boundPort = wanted.getPort() == 0 && config().isBindAddressNoPort()
                ? BoundPort.addressOnly(host(), wanted)
                : BoundPort.bind(host(), wanted, config().isReuseAddress());
        localAddress(new InetSocketAddress(wanted.getAddress(), boundPort.port()));
    }

    private void startConnect(InetSocketAddress to, ChannelPromise promise) throws IOException {
        IpAddress from = boundPort == null ? null : boundPort.address();
        int fromPort = boundPort == null ? 0 : boundPort.port();
        TcpConnection c =
                shard().connect(config().settings(), from, fromPort, destination(to), to.getPort(), streamUnsafe());
        seat.take(c, shard());
        reader.connected();
        localAddress(socketAddress(c.localAddress(), c.localPort()));
        attempt = new ConnectAttempt(this, promise, to);
        attempt.watch(config().getConnectTimeoutMillis());
        if (Boolean.TRUE.equals(config().getOption(ChannelOption.TCP_FASTOPEN_CONNECT))) {
            writer.writeEarly(c, unsafe().outboundBuffer(), shard().now());
        }
        c.flush(shard().now());
    }

    /** As Linux does, connecting to the unspecified address means this host. */
    private static IpAddress destination(InetSocketAddress to) {
        IpAddress address = IpAddress.of(to.getAddress());
        if (!address.isUnspecified()) {
            return address;
        }
        return address.isV4() ? IpAddress.LOOPBACK_V4 : IpAddress.LOOPBACK_V6;
    }

    final void attemptEnded(ConnectAttempt ended) {
        if (attempt == ended) {
            attempt = null;
        }
    }

    // ------------------------------------------------------------------------------------------------ closing

    @Override
    protected void doClose() throws Exception {
        if (!markClosed()) {
            return;
        }
        reader.close();
        outputShutdown = true;
        ConnectAttempt pending = attempt;
        attempt = null;
        if (pending != null) {
            pending.closed();
        }
        try {
            doDeregister();
        } finally {
            seat.close(config().getSoLinger() == 0);
            if (boundPort != null) {
                boundPort.release();
                boundPort = null;
            }
        }
    }

    @Override
    protected final void doShutdownOutput() throws Exception {
        if (connection() == null || attempt != null) {
            throw new NotYetConnectedException();
        }
        outputShutdown = true;
        shutdownConnectionOutput();
    }

    final void shutdownConnectionOutput() {
        connection().shutdownOutput(shard().now());
    }

    @Override
    public final boolean isOutputShutdown() {
        return outputShutdown;
    }

    @Override
    public final boolean isInputShutdown() {
        return reader.isInputShutdown();
    }

    @Override
    public final boolean isShutdown() {
        return isInputShutdown() && isOutputShutdown();
    }

    @Override
    public final ChannelFuture shutdownOutput() {
        return shutdownOutput(newPromise());
    }

    @Override
    public final ChannelFuture shutdownOutput(ChannelPromise promise) {
        onItsLoop(() -> ((AbstractUnsafe) unsafe()).shutdownOutput(promise));
        return promise;
    }

    @Override
    public final ChannelFuture shutdownInput() {
        return shutdownInput(newPromise());
    }

    @Override
    public final ChannelFuture shutdownInput(ChannelPromise promise) {
        onItsLoop(() -> shutdownInputNow(promise));
        return promise;
    }

    private void shutdownInputNow(ChannelPromise promise) {
        if (!isOpen()) {
            promise.setFailure(new ClosedChannelException());
            return;
        }
        TcpConnection c = connection();
        if (c == null || attempt != null) {
            promise.setFailure(new NotYetConnectedException());
            return;
        }
        c.shutdownInput(shard().now());
        reader.shutdownByUser();
        promise.setSuccess();
    }

    @Override
    public final ChannelFuture shutdown() {
        return shutdown(newPromise());
    }

    @Override
    public final ChannelFuture shutdown(ChannelPromise promise) {
        // Both at once: the peer may answer our FIN with its own, which would close the channel in between.
        onItsLoop(() -> shutdownOutput()
                .addListener(output -> shutdownInput().addListener(input -> {
                    Throwable cause = output.cause() != null ? output.cause() : input.cause();
                    if (cause == null) {
                        promise.setSuccess();
                    } else {
                        promise.setFailure(cause);
                    }
                })));
        return promise;
    }

    private void onItsLoop(Runnable task) {
        EventLoop loop = eventLoop();
        if (loop.inEventLoop()) {
            task.run();
        } else {
            loop.execute(task);
        }
    }

    // ------------------------------------------------------------------------------------------------ unsafe

    @Override
    protected final AbstractUnsafe newUnsafe() {
        return new StreamUnsafe();
    }

    private final class StreamUnsafe extends AbstractUnsafe implements IslaIoHandle, TcpUser {
        @Override
        public Channel channel() {
            return AbstractIslaStreamChannel.this;
        }

        /** The event loop ends, or its loop's handler is told to let go of the channel. */
        @Override
        public void close() {
            close(voidPromise());
            if (lingering != null) {
                // There is no time to wait.
                lingering.finish();
            }
        }

        void closeBecause(Throwable cause) {
            ClosedChannelException closed = new ClosedChannelException();
            closed.initCause(cause);
            close(voidPromise(), cause, closed);
        }

        void flushNow() {
            super.flush0();
        }

        @Override
        protected void flush0() {
            // While the send queue is full, its having room again flushes.
            if (!writer.isWaiting()) {
                super.flush0();
            }
        }

        @Override
        public void connect(SocketAddress remoteAddress, SocketAddress localAddress, ChannelPromise promise) {
            // The promise stays cancellable until the connection is established.
            if (promise.isDone() || !ensureOpen(promise)) {
                return;
            }
            boolean starting = false;
            try {
                if (attempt != null) {
                    throw new ConnectionPendingException();
                }
                InetSocketAddress from = resolved(localAddress);
                InetSocketAddress to = resolved(remoteAddress);
                if (connection() != null) {
                    throw new AlreadyConnectedException();
                }
                if (from != null) {
                    doBind(from);
                }
                starting = true;
                startConnect(to, promise);
            } catch (Throwable t) {
                promise.tryFailure(annotateConnectException(t, remoteAddress));
                if (starting) {
                    closeNow();
                }
            }
        }

        @Override
        protected Executor prepareToClose() {
            int seconds = config().getSoLinger();
            if (seconds <= 0 || !isRegistered() || !LingeringClose.isNeeded(connection())) {
                return null;
            }
            active(false);
            reader.close();
            lingering = new LingeringClose(AbstractIslaStreamChannel.this, seconds);
            return lingering;
        }

        @Override
        public void onTcpEvents(TcpConnection c, int events) {
            if (lingering != null) {
                if ((events & (TcpEvents.OUTPUT_DONE | TcpEvents.FAILED | TcpEvents.CLOSED)) != 0) {
                    lingering.finish();
                }
                return;
            }
            if ((events & TcpEvents.SOFT_ERROR) != 0) {
                reportError(c);
            }
            ConnectAttempt pending = attempt;
            if (pending != null) {
                if ((events & TcpEvents.FAILED) != 0) {
                    pending.failed(annotateConnectException(c.error(), pending.requested()));
                    return;
                }
                if ((events & TcpEvents.CONNECTED) == 0) {
                    return;
                }
                connected(pending, c);
            }
            if ((events & TcpEvents.URGENT) != 0) {
                tellUrgentNews(c);
            }
            // Room first, then data, then the end: as Netty's other transports have it. Any of them may close the
            // channel. After a failure there is no room that matters, and what was received before it comes first.
            if (isOpen() && (events & (TcpEvents.WRITABLE | TcpEvents.FAILED)) == TcpEvents.WRITABLE) {
                writer.writable();
            }
            if (!isOpen()) {
                return;
            }
            if ((events & TcpEvents.FAILED) != 0) {
                reader.failed(c.error());
            } else if ((events & TcpEvents.PEER_CLOSED) != 0) {
                reader.peerClosed();
            } else if ((events & TcpEvents.READABLE) != 0) {
                reader.readable();
            }
        }

        private void connected(ConnectAttempt pending, TcpConnection c) {
            AbstractIslaStreamChannel.this.remoteAddress(withName(pending.requested(), c));
            // What is written on connecting goes out at once: users wait in there for the peer's answer, some of them
            // block.
            TcpStack stack = shard().tcp();
            boolean before = stack.holdOutput(false);
            try {
                pending.succeeded();
                if (isOpen()) {
                    // What was written early and did not fit into the SYN.
                    flushNow();
                }
            } finally {
                stack.holdOutput(before);
            }
        }

        private void reportError(TcpConnection c) {
            IOException cause = c.softError();
            // It is gone if something was acknowledged meanwhile.
            if (cause != null && isOpen() && config().isErrorReport()) {
                pipeline().fireUserEventTriggered(new IslaErrorReportEvent(cause));
            }
        }

        /** The peer's address with the name that the user has given for it. */
        private InetSocketAddress withName(InetSocketAddress requested, TcpConnection c) {
            return IpAddress.of(requested.getAddress()).equals(c.remoteAddress())
                    ? requested
                    : socketAddress(c.remoteAddress(), c.remotePort());
        }
    }
}
