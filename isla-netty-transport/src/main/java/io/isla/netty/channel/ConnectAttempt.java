/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.ConnectTimeoutException;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;

/** A connection attempt that is under way. Event loop only. */
final class ConnectAttempt {
    private final AbstractIslaStreamChannel channel;
    private final ChannelPromise promise;
    private final InetSocketAddress requested;
    private Future<?> timeout;

    ConnectAttempt(AbstractIslaStreamChannel channel, ChannelPromise promise, InetSocketAddress requested) {
        this.channel = channel;
        this.promise = promise;
        this.requested = requested;
    }

    /** Where the user wants to be connected to, with the name that was given for it. */
    InetSocketAddress requested() {
        return requested;
    }

    /** The promise of the attempt. */
    ChannelPromise promise() {
        return promise;
    }

    /** Ends the attempt when its promise is cancelled, and after a time. */
    void watch(int timeoutMillis) {
        if (timeoutMillis > 0) {
            timeout = channel.eventLoop().schedule(() -> timedOut(timeoutMillis), timeoutMillis, TimeUnit.MILLISECONDS);
        }
        promise.addListener((ChannelFuture future) -> {
            if (future.isCancelled()) {
                cancelTimeout();
                channel.attemptEnded(this);
                channel.closeNow();
            }
        });
    }

    private void timedOut(int timeoutMillis) {
        if (!channel.isOnItsLoop()) {
            // It has been registered with another one meanwhile.
            if (channel.isRegistered()) {
                channel.eventLoop().execute(() -> timedOut(timeoutMillis));
            }
            return;
        }
        if (promise.tryFailure(
                new ConnectTimeoutException("connection timed out after " + timeoutMillis + " ms: " + requested))) {
            channel.attemptEnded(this);
            channel.closeNow();
        }
    }

    /** The connection is established. */
    void succeeded() {
        cancelTimeout();
        channel.attemptEnded(this);
        boolean wasActive = channel.isActive();
        channel.active(true);
        // A listener may close the channel; that it was active is told all the same.
        boolean active = channel.isActive();
        boolean told = promise.trySuccess();
        if (!wasActive && active) {
            channel.pipeline().fireChannelActive();
        }
        if (!told) {
            // It was cancelled, too late.
            channel.closeNow();
        }
    }

    /** There will be no connection. */
    void failed(Throwable annotated) {
        cancelTimeout();
        channel.attemptEnded(this);
        // tryFailure(): it may have been cancelled at the same time.
        promise.tryFailure(annotated);
        channel.closeNow();
    }

    /** The channel is being closed. */
    void closed() {
        cancelTimeout();
        promise.tryFailure(new ClosedChannelException());
    }

    private void cancelTimeout() {
        if (timeout != null) {
            timeout.cancel(false);
            timeout = null;
        }
    }
}
