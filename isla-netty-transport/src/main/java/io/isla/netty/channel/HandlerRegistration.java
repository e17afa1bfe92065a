/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.Shard;
import io.netty.channel.IoHandle;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.ThreadAwareExecutor;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** A channel's registration with an {@link IslaIoHandler}. */
abstract class HandlerRegistration implements IoRegistration {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(HandlerRegistration.class);

    private final ThreadAwareExecutor executor;
    /** Those of the handler; its thread only. */
    private final Set<HandlerRegistration> all;

    private final AtomicBoolean cancelled = new AtomicBoolean();
    final IoHandle handle;

    private HandlerRegistration(ThreadAwareExecutor executor, Set<HandlerRegistration> all, IoHandle handle) {
        this.executor = executor;
        this.all = all;
        this.handle = handle;
        all.add(this);
    }

    /** That of one of Isla's channels; loop thread. */
    static HandlerRegistration of(
            ThreadAwareExecutor executor, Set<HandlerRegistration> all, IslaIoHandle handle, Shard shard) {
        HandlerRegistration registration = new Own(executor, all, handle, shard);
        handle.registered();
        return registration;
    }

    /** That of a handle which is registered with another handler; loop thread. */
    static HandlerRegistration of(
            ThreadAwareExecutor executor, Set<HandlerRegistration> all, IoHandle handle, IoRegistration registration) {
        return new Delegated(executor, all, handle, registration);
    }

    @Override
    public boolean isValid() {
        return !cancelled.get();
    }

    @Override
    public boolean cancel() {
        if (!cancelled.compareAndSet(false, true)) {
            return false;
        }
        if (executor.isExecutorThread(Thread.currentThread())) {
            cancelOnLoop();
        } else {
            executor.execute(this::cancelOnLoop);
        }
        return true;
    }

    void cancelOnLoop() {
        all.remove(this);
    }

    /** Closes the channel because the loop ends; it cancels its registration then or a little later. */
    void close() {
        try {
            handle.close();
        } catch (Exception e) {
            logger.warn("cannot close {} with its event loop", handle, e);
        }
    }

    private static final class Own extends HandlerRegistration {
        private final Shard shard;

        Own(ThreadAwareExecutor executor, Set<HandlerRegistration> all, IslaIoHandle handle, Shard shard) {
            super(executor, all, handle);
            this.shard = shard;
        }

        @Override
        @SuppressWarnings("unchecked")
        public <T> T attachment() {
            return (T) shard;
        }

        @Override
        public long submit(IoOps ops) {
            throw new UnsupportedOperationException("Isla's channels need no I/O operations");
        }

        @Override
        void cancelOnLoop() {
            super.cancelOnLoop();
            handle.unregistered();
        }
    }

    private static final class Delegated extends HandlerRegistration {
        private final IoRegistration registration;

        Delegated(
                ThreadAwareExecutor executor,
                Set<HandlerRegistration> all,
                IoHandle handle,
                IoRegistration registration) {
            super(executor, all, handle);
            this.registration = registration;
        }

        @Override
        public <T> T attachment() {
            return registration.attachment();
        }

        @Override
        public long submit(IoOps ops) {
            return registration.submit(ops);
        }

        @Override
        public boolean isValid() {
            return super.isValid() && registration.isValid();
        }

        @Override
        void cancelOnLoop() {
            super.cancelOnLoop();
            registration.cancel();
        }

        /** As Netty's handler does it: the registration first. */
        @Override
        void close() {
            cancel();
            super.close();
        }
    }
}
