/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.stack.WaitingRefused;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.AbstractScheduledEventExecutor;
import io.netty.util.concurrent.DefaultPromise;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.Promise;
import io.netty.util.concurrent.Ticker;
import io.netty.util.internal.ObjectUtil;
import io.netty.util.internal.ThreadExecutorMap;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * The event loop of a host in virtual time. It takes a turn when the network says so: when a packet has come, a task was submitted, or a time has come that
 * the host or the application is waiting for. A turn takes no virtual time.
 */
final class VirtualEventLoop extends AbstractScheduledEventExecutor implements IoEventLoop, WaitingRefused {
    private static final long NONE = Long.MAX_VALUE;
    /** Handlers that answer the end of their loop with one task after another are left alone after so many. */
    private static final int MAX_LAST_ROUNDS = 1000;

    private enum State {
        RUNNING,
        SHUTTING_DOWN,
        TERMINATED
    }

    private final VirtualHost host;
    private final VirtualNetwork network;
    private final IoHandler handler;
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Set<Channel> channels = new LinkedHashSet<>();
    private final Wakeups wakeups;
    /** Its listeners are called at once. */
    private final Promise<Void> termination = new LoopPromise<>(ImmediateEventExecutor.INSTANCE);

    private volatile State state = State.RUNNING;
    private boolean initialized;
    private boolean paused;
    private boolean inTurn;
    /** Set when the loop is to end once its turn is over. */
    private Runnable afterTurn;
    /** Whether the network has been told that this loop was used from outside of a turn. */
    boolean touched;

    private long shutdownTimeout;
    private long quietPeriod;
    private long quietSince;

    private final IoHandlerContext context = new IoHandlerContext() {
        @Override
        public boolean canBlock() {
            return false;
        }

        @Override
        public long delayNanos(long currentTimeNanos) {
            return 0;
        }

        @Override
        public long deadlineNanos() {
            return -1;
        }
    };

    VirtualEventLoop(VirtualHost host, IoHandlerFactory factory) {
        this.host = host;
        network = host.network();
        wakeups = new Wakeups(network.clock(), this::turn);
        handler = factory.newHandler(this);
    }

    // ------------------------------------------------------------------------------------------------ turns

    /** Has the loop take a turn now. On the network's thread. */
    void wake() {
        wakeups.at(network.nanoTime());
    }

    /** Has the loop take a turn if there is something to do, now or later: somebody has used it outside of a turn. */
    void settle() {
        touched = false;
        schedule();
    }

    private void turn() {
        if (paused || state == State.TERMINATED) {
            return;
        }
        VirtualEventLoop outer = network.turns().enter(this);
        EventExecutor before = ThreadExecutorMap.setCurrentExecutor(this);
        inTurn = true;
        try {
            initialize();
            handler.run(context);
            runTasks();
            if (state == State.SHUTTING_DOWN) {
                confirmShutdown();
            }
        } finally {
            inTurn = false;
            ThreadExecutorMap.setCurrentExecutor(before);
            network.turns().leave(outer);
        }
        if (afterTurn != null) {
            Runnable then = afterTurn;
            afterTurn = null;
            kill(then);
        }
        schedule();
    }

    private void initialize() {
        if (!initialized) {
            initialized = true;
            handler.initialize();
        }
    }

    private int runTasks() {
        fetchFromScheduledTaskQueue(tasks);
        int done = 0;
        // Those that are added meanwhile wait for the next turn, which is to look at the network first.
        for (int left = tasks.size(); left > 0; left--) {
            safeExecute(tasks.poll());
            done++;
        }
        if (done > 0) {
            quietSince = network.nanoTime();
        }
        return done;
    }

    private void schedule() {
        if (paused || state == State.TERMINATED) {
            return;
        }
        if (!tasks.isEmpty() || host.hasWork()) {
            wakeups.at(network.nanoTime());
            return;
        }
        long deadline = host.nextDeadline();
        long task = nextScheduledTaskDeadlineNanos();
        if (task != -1) {
            deadline = Math.min(deadline, task);
        }
        if (state == State.SHUTTING_DOWN) {
            deadline = Math.min(deadline, Math.min(quietSince + quietPeriod, shutdownTimeout));
        }
        if (deadline != NONE) {
            wakeups.at(deadline);
        }
    }

    /** Whether a turn would find something to do at this moment. */
    boolean isBusy() {
        return state != State.TERMINATED && !paused && (!tasks.isEmpty() || host.hasWork());
    }

    void pause(boolean isPaused) {
        paused = isPaused;
        schedule();
    }

    // ------------------------------------------------------------------------------------------------ executor

    @Override
    public Ticker ticker() {
        return network.clock().ticker();
    }

    @Override
    public IoEventLoop next() {
        return this;
    }

    @Override
    public IoEventLoopGroup parent() {
        return null;
    }

    /**
     * Within a turn of a loop, only that one is the current one, as if each had its thread; outside of turns, all are: what a test does to a channel happens
     * at once.
     */
    @Override
    public boolean inEventLoop(Thread thread) {
        if (thread != network.thread()) {
            return false;
        }
        VirtualEventLoop current = network.turns().current();
        if (current == this) {
            return true;
        }
        if (thread == Thread.currentThread() && Waiting.isAbout()) {
            throw Waiting.forEver();
        }
        if (current == null) {
            touch();
            return true;
        }
        return false;
    }

    @Override
    public void refuseToWait() {
        if (Thread.currentThread() == network.thread() && Waiting.isAbout()) {
            throw Waiting.forEver();
        }
    }

    @Override
    public <V> Promise<V> newPromise() {
        return new LoopPromise<>(this);
    }

    private void touch() {
        if (!touched) {
            touched = true;
            network.turns().touched(this);
        }
    }

    @Override
    public void execute(Runnable command) {
        ObjectUtil.checkNotNull(command, "command");
        if (state == State.TERMINATED) {
            throw new RejectedExecutionException("the event loop of host " + host.name() + " has ended");
        }
        if (Thread.currentThread() != network.thread()) {
            network.foreignTasks().add(this, command);
            return;
        }
        tasks.add(command);
        if (!paused) {
            wake();
        }
    }

    /** Takes a task from another thread, on the network's. */
    void executeForeign(Runnable command) {
        if (state != State.TERMINATED) {
            tasks.add(command);
            if (!paused) {
                wake();
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ registrations

    @Override
    @Deprecated
    public ChannelFuture register(Channel channel) {
        return register(new DefaultChannelPromise(channel, this));
    }

    @Override
    @Deprecated
    public ChannelFuture register(ChannelPromise promise) {
        Channel channel = promise.channel();
        if (channels.add(channel)) {
            channel.closeFuture().addListener(closed -> channels.remove(channel));
        }
        channel.unsafe().register(this, promise);
        return promise;
    }

    @Override
    @Deprecated
    public ChannelFuture register(Channel channel, ChannelPromise promise) {
        return register(promise);
    }

    @Override
    public Future<IoRegistration> register(IoHandle handle) {
        Promise<IoRegistration> promise = newPromise();
        if (inEventLoop()) {
            register(handle, promise);
        } else {
            execute(() -> register(handle, promise));
        }
        return promise;
    }

    private void register(IoHandle handle, Promise<IoRegistration> promise) {
        if (state == State.TERMINATED) {
            promise.setFailure(new IllegalStateException("the event loop of host " + host.name() + " has ended"));
            return;
        }
        try {
            initialize();
            promise.setSuccess(handler.register(handle));
        } catch (Exception e) {
            promise.setFailure(e);
        }
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return handler.isCompatible(handleType);
    }

    @Override
    public boolean isIoType(Class<? extends IoHandler> handlerType) {
        return handler.getClass().equals(handlerType);
    }

    /** The channels that are registered and open. */
    Collection<Channel> channels() {
        return Collections.unmodifiableSet(channels);
    }

    // ------------------------------------------------------------------------------------------------ end

    @Override
    public Future<?> shutdownGracefully(long quiet, long timeout, TimeUnit unit) {
        ObjectUtil.checkPositiveOrZero(quiet, "quietPeriod");
        if (timeout < quiet) {
            throw new IllegalArgumentException("timeout: " + timeout + " (expected >= quietPeriod (" + quiet + "))");
        }
        if (Thread.currentThread() != network.thread()) {
            execute(() -> shutdownGracefully(quiet, timeout, unit));
        } else if (state == State.RUNNING) {
            quietSince = network.nanoTime();
            quietPeriod = unit.toNanos(quiet);
            shutdownTimeout = quietSince + unit.toNanos(timeout);
            state = State.SHUTTING_DOWN;
            wake();
        }
        return termination;
    }

    private void confirmShutdown() {
        handler.prepareToDestroy();
        int last = runTasks();
        long now = network.nanoTime();
        if (last == 0 && now - quietSince >= quietPeriod || now >= shutdownTimeout) {
            end();
        }
    }

    /**
     * Ends the loop: channels are closed and told so, what they submit then is done, what was scheduled is cancelled. At once, or, if it takes a turn at this moment,
     * after that. On the network's thread.
     *
     * @param then what is left to do
     */
    void kill(Runnable then) {
        if (inTurn) {
            afterTurn = then;
        } else {
            die();
            then.run();
        }
    }

    private void die() {
        if (state == State.TERMINATED) {
            return;
        }
        VirtualEventLoop outer = network.turns().enter(this);
        EventExecutor before = ThreadExecutorMap.setCurrentExecutor(this);
        try {
            state = State.SHUTTING_DOWN;
            handler.prepareToDestroy();
            end();
        } finally {
            ThreadExecutorMap.setCurrentExecutor(before);
            network.turns().leave(outer);
        }
    }

    private void end() {
        cancelScheduledTasks();
        runLastTasks();
        handler.destroy();
        runLastTasks();
        cancelScheduledTasks();
        state = State.TERMINATED;
        tasks.clear();
        wakeups.close();
        termination.trySuccess(null);
    }

    private void runLastTasks() {
        for (int round = 0; round < MAX_LAST_ROUNDS && !tasks.isEmpty(); round++) {
            runTasks();
        }
    }

    @Override
    @Deprecated
    public void shutdown() {
        shutdownGracefully(0, 0, TimeUnit.NANOSECONDS);
    }

    @Override
    public Future<?> terminationFuture() {
        return termination;
    }

    @Override
    public boolean isShuttingDown() {
        return state != State.RUNNING;
    }

    @Override
    public boolean isShutdown() {
        return state == State.TERMINATED;
    }

    @Override
    public boolean isTerminated() {
        return state == State.TERMINATED;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        return termination.await(timeout, unit);
    }

    @Override
    public String toString() {
        return "VirtualEventLoop(" + host.name() + ")";
    }

    /** Not to be waited for on the network's thread. */
    private final class LoopPromise<V> extends DefaultPromise<V> {
        LoopPromise(EventExecutor executor) {
            super(executor);
        }

        @Override
        protected void checkDeadLock() {
            if (Thread.currentThread() == network.thread()) {
                throw Waiting.forEver();
            }
        }
    }
}
