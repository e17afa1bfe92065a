/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.host.IslaHost;
import io.isla.netty.stack.Shard;
import io.netty.channel.Channel;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.ThreadAwareExecutor;
import io.netty.util.concurrent.Ticker;
import io.netty.util.internal.ObjectUtil;
import io.netty.util.internal.StringUtil;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs one shard of an {@link IslaHost} on an event loop. Isla's channels register with it, and Netty's epoll channels as well, where epoll is available:
 * one loop may have both.
 *
 * <p>If the host's link has a file descriptor, or an epoll channel registers, the loop waits in Netty's {@link EpollIoHandler}; otherwise no native library
 * is loaded.
 */
public final class IslaIoHandler implements IoHandler {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(IslaIoHandler.class);

    /** How long a loop that shuts down sees to connections without a channel at a time, before it looks at its tasks again, in nanoseconds. */
    private static final long LINGER_SLICE_NANOS = 100_000_000L;

    /** How long a loop pauses after an unexpected exception, in nanoseconds. */
    private static final long FAILURE_PAUSE_NANOS = 100_000_000L;

    /**
     * How many turns in a row may look at the link itself, which is where frames come from, and not at all file descriptors. What these have is seen a few
     * microseconds later.
     */
    private static final int MAX_DIRECT_TURNS = 3;

    /** The most frames received in such a turn: tasks are due after it. */
    private static final int MAX_DIRECT_FRAMES = 64;

    private final ThreadAwareExecutor executor;
    private final IslaHost host;
    private final PollStrategy strategy;
    private final HandlerLoop loop;
    private final Parking parking = new Parking();
    private final LoopContext context = new LoopContext();
    private final Set<HandlerRegistration> registrations = new LinkedHashSet<>();
    private final LinkRegistrations linkRegistrations = new LinkRegistrations();

    /** Once it is needed; never taken back. */
    private volatile IoHandler epoll;

    private Shard shard;
    private IOException failure;
    private boolean initialized;
    private boolean shuttingDown;
    private boolean idle;
    private long idleSince;
    private int directTurns;

    /** The host has been retained. */
    private IslaIoHandler(ThreadAwareExecutor executor, IslaHost host, PollStrategy strategy) {
        this.executor = executor;
        this.host = host;
        this.strategy = strategy.forLoop();
        loop = new HandlerLoop(executor, this::wakeup, this::relink);
        host.stack().nameResolution(() -> new HostNameResolution(host));
    }

    /** Makes handlers for the event loops of the {@linkplain IslaHost#fromSystemProperties() host of the system properties}. */
    static IoHandlerFactory newFactory() {
        // What is wrong with the properties is to be known at once.
        IslaHost.fromSystemProperties();
        PollStrategy strategy = PollStrategy.byDefault();
        return executor -> {
            while (true) {
                IslaHost host = IslaHost.fromSystemProperties();
                if (host.stack().retain()) {
                    return new IslaIoHandler(executor, host, strategy);
                }
                // The last group of before has just ended, and the host with it.
            }
        };
    }

    /** Makes handlers for the event loops of a host, with the default {@link PollStrategy}. */
    public static IoHandlerFactory newFactory(IslaHost host) {
        return newFactory(host, PollStrategy.byDefault());
    }

    /** Makes handlers for the event loops of a host. */
    public static IoHandlerFactory newFactory(IslaHost host, PollStrategy strategy) {
        ObjectUtil.checkNotNull(host, "host");
        ObjectUtil.checkNotNull(strategy, "strategy");
        return executor -> {
            if (!host.stack().retain()) {
                throw new IllegalStateException("the host is closed; build another one");
            }
            return new IslaIoHandler(executor, host, strategy);
        };
    }

    // ------------------------------------------------------------------------------------------------ life

    @Override
    public void initialize() {
        // Also called by the first registration: the owner of a ManualIoEventLoop may register before it runs the loop;
        // and when a suspended loop runs
        // again.
        if (initialized) {
            return;
        }
        initialized = true;
        if (executor instanceof EventExecutor eventExecutor && eventExecutor.isShuttingDown()) {
            // It was suspended, and runs once more to end.
            return;
        }
        try {
            shard = host.stack().newShard(loop);
            failure = null;
            registerLink();
        } catch (Exception | OutOfMemoryError e) {
            // The latter of direct memory, which has a limit of its own.
            failure = e instanceof IOException io ? io : new IOException(e.getMessage(), e);
            logger.warn("{} cannot run on this event loop; its channels will fail to register", host, e);
            closeShard();
        }
    }

    private void registerLink() throws Exception {
        if (shard.ioHandle() != null) {
            linkRegistrations.add(epoll(), shard.ioHandle());
        }
        if (shard.stateHandle() != null) {
            linkRegistrations.add(epoll(), shard.stateHandle());
        }
    }

    /** The shard is to have another queue of its link, with other handles. */
    private void relink(Runnable exchange) {
        linkRegistrations.cancel();
        exchange.run();
        try {
            registerLink();
        } catch (Exception e) {
            logger.warn("{} hears nothing on this event loop any more", host, e);
        }
    }

    /** Whether the host needs this loop, or does not know yet who speaks for it. Any thread. */
    boolean isLeading() {
        Shard leader = host.stack().leader();
        return leader == null || leader.loop() == loop;
    }

    /** Whether nobody would miss this loop if it did not run. */
    boolean isExpendable() {
        return shard == null || shard.isExpendable();
    }

    /** The loop does not run for a while: others have its share, until it {@linkplain #initialize() begins} again, on whatever thread. */
    void suspend() {
        linkRegistrations.cancel();
        if (shard != null) {
            shard.leave();
            shard = null;
        }
        idle = false;
        initialized = false;
    }

    @Override
    public void prepareToDestroy() {
        shuttingDown = true;
        closeChannels();
        if (shard != null && shard.hasUnfinishedConnections()) {
            // What runs now begins the quiet period anew: connections may end in it. Its timeout stands.
            loop.execute(() -> {});
        }
    }

    @Override
    public void destroy() {
        // The shutdown and its end may have come between two looks at it.
        closeChannels();
        if (shard != null && shard.hasUnfinishedConnections()) {
            // With a quiet period of 0, this is all the time that what was written gets.
            settle();
        }
        closeShard();
        IoHandler delegate = epoll;
        if (delegate != null) {
            delegate.destroy();
        }
        host.stack().release();
    }

    /** Isla's own channels that are registered. */
    List<Channel> channels() {
        List<Channel> channels = new ArrayList<>(registrations.size());
        for (HandlerRegistration registration : registrations) {
            if (registration.handle instanceof IslaIoHandle own) {
                channels.add(own.channel());
            }
        }
        return channels;
    }

    /** Closes every channel that is registered. */
    void closeChannels() {
        for (HandlerRegistration registration : new ArrayList<>(registrations)) {
            registration.close();
        }
    }

    private void closeShard() {
        linkRegistrations.cancel();
        if (shard != null) {
            shard.close();
            shard = null;
        }
    }

    // ------------------------------------------------------------------------------------------------ running

    @Override
    public int run(IoHandlerContext outer) {
        try {
            return turn(outer);
        } catch (RuntimeException e) {
            // The loop is to live on. A user's poll strategy may be the reason, or an error in here, which must not
            // fill the
            // log.
            logger.warn("Unexpected exception in a turn of the event loop.", e);
            LockSupport.parkNanos(FAILURE_PAUSE_NANOS);
            return 0;
        }
    }

    private int turn(IoHandlerContext outer) {
        if (shard == null) {
            return poll(context.of(outer, null, true));
        }
        int work = 0;
        if (shard.hasWork()) {
            // What the tasks since the last turn have left, such as segments to be sent.
            work = shard.runTurn();
        }
        boolean mayBlock = outer.canBlock() && mayBlock();
        long active = 0;
        long start = outer.shouldReportActiveIoTime() ? System.nanoTime() : 0;
        // Where something has just come, there is often more.
        int received = idle || mayBlock || directTurns == MAX_DIRECT_TURNS ? 0 : shard.receive(MAX_DIRECT_FRAMES);
        if (received > 0) {
            directTurns++;
            work += received;
        } else {
            directTurns = 0;
            work += poll(context.of(outer, shard, mayBlock));
            active = context.activeNanos();
            start = outer.shouldReportActiveIoTime() ? System.nanoTime() : 0;
        }
        work += shard.runTurn();
        if (outer.shouldReportActiveIoTime()) {
            outer.reportActiveIoTime(active + System.nanoTime() - start);
        }
        if (work > 0) {
            idle = false;
        } else if (!idle) {
            idle = true;
            idleSince = System.nanoTime();
        }
        if (shuttingDown && shard.hasUnfinishedConnections()) {
            work += settle();
        }
        return work;
    }

    private boolean mayBlock() {
        if (!idle) {
            return strategy.onIdle(0) == PollStrategy.Action.BLOCK;
        }
        return switch (strategy.onIdle(System.nanoTime() - idleSince)) {
            case SPIN -> {
                Thread.onSpinWait();
                yield false;
            }
            case YIELD -> {
                Thread.yield();
                yield false;
            }
            case BLOCK -> true;
        };
    }

    private int poll(LoopContext polled) {
        IoHandler delegate = epoll;
        if (delegate != null) {
            return delegate.run(polled);
        }
        if (polled.canBlock()) {
            parking.park(polled, polled.remaining(loop.ticker().nanoTime()));
        }
        return 0;
    }

    /** Sees connections without a channel to their end, for a while: between its calls of {@link #run}, a loop that shuts down sleeps. */
    private int settle() {
        if (loop.ticker() != Ticker.systemTicker()) {
            // Somebody else makes time pass.
            return 0;
        }
        int work = 0;
        Settling settling = new Settling(System.nanoTime() + LINGER_SLICE_NANOS);
        while (settling.canBlock() && shard.hasUnfinishedConnections()) {
            work += poll(context.of(settling, shard, true));
            work += shard.runTurn();
        }
        return work;
    }

    /** Waits until a fixed time, whatever tasks there are: they have been waiting as long as that. */
    private record Settling(long end) implements IoHandlerContext {
        @Override
        public boolean canBlock() {
            return end - System.nanoTime() > 0;
        }

        @Override
        public long delayNanos(long currentTimeNanos) {
            return Math.max(0, end - System.nanoTime());
        }

        @Override
        public long deadlineNanos() {
            return Ticker.systemTicker().nanoTime() + delayNanos(0);
        }
    }

    // ------------------------------------------------------------------------------------------------ registrations

    @Override
    public IoRegistration register(IoHandle handle) throws Exception {
        initialize();
        if (handle instanceof IslaIoHandle own) {
            if (failure != null) {
                throw new IOException(failure.getMessage(), failure);
            }
            if (shard == null) {
                throw new IOException("the event loop has been shut down");
            }
            return HandlerRegistration.of(executor, registrations, own, shard);
        }
        if (handle instanceof EpollIoHandle) {
            return HandlerRegistration.of(executor, registrations, handle, epoll().register(handle));
        }
        throw new IllegalArgumentException("IoHandle of type " + StringUtil.simpleClassName(handle) + " not supported");
    }

    private IoHandler epoll() {
        IoHandler delegate = epoll;
        if (delegate == null) {
            delegate = EpollIoHandler.newFactory().newHandler(executor);
            delegate.initialize();
            epoll = delegate;
        }
        return delegate;
    }

    @Override
    public void wakeup() {
        IoHandler delegate = epoll;
        if (delegate != null) {
            delegate.wakeup();
            return;
        }
        if (executor.isExecutorThread(Thread.currentThread())) {
            return;
        }
        parking.wakeup();
        // If the loop has changed over meanwhile, it was not in the parking any more.
        delegate = epoll;
        if (delegate != null) {
            delegate.wakeup();
        }
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return IslaIoHandle.class.isAssignableFrom(handleType)
                || EpollIoHandle.class.isAssignableFrom(handleType) && Epoll.isAvailable();
    }
}
