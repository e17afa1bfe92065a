/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.SingleThreadIoEventLoop;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/** A loop of an {@link IslaEventLoopGroup}. */
final class IslaEventLoop extends SingleThreadIoEventLoop {
    /** The state of a loop that is about to let its thread go, as {@link #canSuspend(int)} is told: Netty has no name for it to tell. */
    private static final int SUSPENDED = 3;

    /** Channels that are not Isla's own, and have been registered here. */
    private final Set<Channel> others = ConcurrentHashMap.newKeySet();

    IslaEventLoop(IoEventLoopGroup parent, Executor executor, IoHandlerFactory factory) {
        super(parent, executor, new Suspendable(factory));
    }

    /** Makes handlers that do not mind on which thread they run, as long as the loop {@linkplain IslaIoHandler#suspend() tells} them when it lets one go. */
    private record Suspendable(IoHandlerFactory factory) implements IoHandlerFactory {
        @Override
        public IoHandler newHandler(ThreadAwareExecutor executor) {
            return factory.newHandler(executor);
        }

        @Override
        public boolean isChangingThreadSupported() {
            return true;
        }
    }

    private IslaIoHandler handler() {
        return (IslaIoHandler) ioHandler();
    }

    /** Whether it is the loop that speaks for its host. Any thread. */
    boolean isLeading() {
        return handler().isLeading();
    }

    /**
     * Lets the loop's thread go as soon as nothing is registered, and no connection or endpoint is left here; a task brings it back. One loop of a host keeps
     * running, to answer for its addresses: that one refuses.
     */
    @Override
    public boolean trySuspend() {
        return !isLeading() && super.trySuspend();
    }

    @Override
    protected boolean canSuspend(int state) {
        if (!super.canSuspend(state) || !handler().isExpendable()) {
            return false;
        }
        if (state == SUSPENDED) {
            // Asked for the last time. If something has come up meanwhile, the handler begins again.
            handler().suspend();
            return super.canSuspend(state);
        }
        return true;
    }

    /** How many channels are registered. */
    @Override
    public int registeredChannels() {
        return getNumOfRegisteredChannels();
    }

    /** Those that are registered now; the loop's thread. Of others than Isla's own, those that were registered by way of the loop or its group. */
    @Override
    public Iterator<Channel> registeredChannelsIterator() {
        List<Channel> channels = handler().channels();
        for (Channel channel : others) {
            if (channel.isRegistered() && channel.eventLoop() == this) {
                channels.add(channel);
            }
        }
        return new ChannelsReadOnlyIterator<>(channels);
    }

    @Override
    @Deprecated
    public ChannelFuture register(ChannelPromise promise) {
        return super.register(noted(promise));
    }

    /** A handle of Netty's epoll transport does not tell whose it is: such channels are noted when they come. */
    private ChannelPromise noted(ChannelPromise promise) {
        Channel channel = promise.channel();
        if (!(channel instanceof AbstractIslaChannel)) {
            promise.addListener(registration -> {
                if (registration.isSuccess()) {
                    others.add(channel);
                    channel.closeFuture().addListener(closed -> others.remove(channel));
                }
            });
        }
        return promise;
    }

    @Override
    protected boolean confirmShutdown() {
        if (isShuttingDown()) {
            // A shutdown without a quiet period may begin and end between two looks of the loop at it, and leave its
            // channels open; here they close in time to be told so.
            handler().closeChannels();
        }
        return super.confirmShutdown();
    }
}
