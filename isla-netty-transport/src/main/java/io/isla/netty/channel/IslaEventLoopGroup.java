/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.host.IslaHost;
import io.isla.netty.stack.Shard;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.EventExecutorChooserFactory;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;

/**
 * Event loops that run the shards of an {@link IslaHost}; takes the place of {@code NioEventLoopGroup}. Several groups may share a host, as the boss and
 * worker groups of a server do.
 *
 * <p>A group that is given no host uses {@linkplain IslaHost#fromSystemProperties() the one that the system properties describe}, together with all others
 * that are given none.
 *
 * <p>An accepted channel is registered with the loop that its connection lives on, if that is in this group; otherwise the connection moves.
 *
 * <p>The loops start with the group: each is to have its share of the connections from the beginning.
 */
public final class IslaEventLoopGroup extends MultiThreadIoEventLoopGroup {
    /** With Netty's default number of threads, on the host of the system properties. */
    public IslaEventLoopGroup() {
        this(0);
    }

    /**
     * On the host of the system properties.
     *
     * @param nThreads how many loops; 0 for Netty's default
     */
    public IslaEventLoopGroup(int nThreads) {
        this(nThreads, (ThreadFactory) null);
    }

    /** With Netty's default number of threads, on the host of the system properties. */
    public IslaEventLoopGroup(ThreadFactory threadFactory) {
        this(0, threadFactory);
    }

    /** With Netty's default number of threads, on the host of the system properties. */
    public IslaEventLoopGroup(Executor executor) {
        this(0, executor);
    }

    /**
     * On the host of the system properties.
     *
     * @param nThreads how many loops; 0 for Netty's default
     * @param threadFactory makes their threads; {@code null} for Netty's default
     */
    public IslaEventLoopGroup(int nThreads, ThreadFactory threadFactory) {
        this(nThreads, threadFactory, IslaIoHandler.newFactory());
    }

    /**
     * On the host of the system properties.
     *
     * @param nThreads how many loops; 0 for Netty's default
     * @param executor runs them, each as long as it lives; {@code null} for Netty's default
     */
    public IslaEventLoopGroup(int nThreads, Executor executor) {
        this(nThreads, executor, IslaIoHandler.newFactory());
    }

    /**
     * With Netty's default number of threads.
     *
     * @param host whose shards to run
     */
    public IslaEventLoopGroup(IslaHost host) {
        this(0, host);
    }

    /**
     * Runs shards of a host.
     *
     * @param nThreads how many loops; 0 for Netty's default
     * @param host whose shards to run
     */
    public IslaEventLoopGroup(int nThreads, IslaHost host) {
        this(nThreads, (ThreadFactory) null, host);
    }

    /**
     * Runs shards of a host.
     *
     * @param nThreads how many loops; 0 for Netty's default
     * @param threadFactory makes their threads; {@code null} for Netty's default
     * @param host whose shards to run
     */
    public IslaEventLoopGroup(int nThreads, ThreadFactory threadFactory, IslaHost host) {
        this(nThreads, threadFactory, IslaIoHandler.newFactory(host));
    }

    /**
     * Runs shards of a host.
     *
     * @param nThreads how many loops; 0 for Netty's default
     * @param executor runs them, each as long as it lives; {@code null} for Netty's default
     * @param host whose shards to run
     */
    public IslaEventLoopGroup(int nThreads, Executor executor, IslaHost host) {
        this(nThreads, executor, IslaIoHandler.newFactory(host));
    }

    /**
     * Runs shards of a host.
     *
     * @param nThreads how many loops; 0 for Netty's default
     * @param threadFactory makes their threads; {@code null} for Netty's default
     * @param host whose shards to run
     * @param strategy what loops do that have nothing to do
     */
    public IslaEventLoopGroup(int nThreads, ThreadFactory threadFactory, IslaHost host, PollStrategy strategy) {
        this(nThreads, threadFactory, IslaIoHandler.newFactory(host, strategy));
    }

    /**
     * Runs shards of a host.
     *
     * @param nThreads how many loops; 0 for Netty's default
     * @param executor runs them, each as long as it lives; {@code null} for Netty's default
     * @param host whose shards to run
     * @param strategy what loops do that have nothing to do
     */
    public IslaEventLoopGroup(int nThreads, Executor executor, IslaHost host, PollStrategy strategy) {
        this(nThreads, executor, IslaIoHandler.newFactory(host, strategy));
    }

    /**
     * Runs shards of a host, on as many threads as a chooser says, such as that of an {@link io.netty.util.concurrent.AutoScalingEventExecutorChooserFactory}.
     * A loop that it suspends hands its share to the others, and takes it again when it is woken up. One loop of a host always runs.
     *
     * @param nThreads how many loops; 0 for Netty's default
     * @param executor runs them, each until it ends or is suspended; {@code null} for Netty's default
     * @param chooserFactory makes what chooses the loop of a channel
     * @param host whose shards to run
     */
    public IslaEventLoopGroup(
            int nThreads, Executor executor, EventExecutorChooserFactory chooserFactory, IslaHost host) {
        this(nThreads, executor, chooserFactory, host, PollStrategy.byDefault());
    }

    /**
     * Runs shards of a host, on as many threads as a chooser says: see
     * {@link #IslaEventLoopGroup(int, Executor, EventExecutorChooserFactory, IslaHost)}.
     *
     * @param nThreads how many loops; 0 for Netty's default
     * @param executor runs them, each until it ends or is suspended; {@code null} for Netty's default
     * @param chooserFactory makes what chooses the loop of a channel
     * @param host whose shards to run
     * @param strategy what loops do that have nothing to do
     */
    public IslaEventLoopGroup(
            int nThreads,
            Executor executor,
            EventExecutorChooserFactory chooserFactory,
            IslaHost host,
            PollStrategy strategy) {
        super(nThreads, executor, chooserFactory, IslaIoHandler.newFactory(host, strategy));
        startAll();
    }

    private IslaEventLoopGroup(int nThreads, ThreadFactory threadFactory, IoHandlerFactory factory) {
        super(nThreads, threadFactory, factory);
        startAll();
    }

    private IslaEventLoopGroup(int nThreads, Executor executor, IoHandlerFactory factory) {
        super(nThreads, executor, factory);
        startAll();
    }

    @Override
    protected IoEventLoop newChild(Executor executor, IoHandlerFactory ioHandlerFactory, Object... args) {
        return new IslaEventLoop(this, executor, ioHandlerFactory);
    }

    private void startAll() {
        for (EventExecutor loop : this) {
            loop.execute(() -> {});
        }
    }

    @Override
    public ChannelFuture register(Channel channel) {
        IoEventLoop home = homeOf(channel);
        return home == null ? super.register(channel) : register(home, new DefaultChannelPromise(channel, home));
    }

    @Override
    @Deprecated
    public ChannelFuture register(ChannelPromise promise) {
        IoEventLoop home = homeOf(promise.channel());
        return home == null ? super.register(promise) : register(home, promise);
    }

    private static ChannelFuture register(IoEventLoop loop, ChannelPromise promise) {
        promise.channel().unsafe().register(loop, promise);
        return promise;
    }

    /** The loop of this group on which the channel's connection lives, or {@code null} if there is none. */
    private IoEventLoop homeOf(Channel channel) {
        Shard owner = channel instanceof AbstractIslaStreamChannel stream ? stream.owner() : null;
        IoEventLoop loop = owner == null ? null : HandlerLoop.of(owner);
        return loop != null && loop.parent() == this && !loop.isShuttingDown() ? loop : null;
    }
}
