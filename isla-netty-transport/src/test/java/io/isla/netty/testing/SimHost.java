/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import io.isla.netty.link.Link;
import io.isla.netty.link.MacAddress;
import io.isla.netty.sim.VirtualTime;
import io.isla.netty.stack.HostConfiguration;
import io.isla.netty.stack.HostListener;
import io.isla.netty.stack.HostStack;
import io.isla.netty.stack.Shard;
import io.isla.netty.stack.ShardLoop;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpParameters;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.Consumer;

/** A host in virtual time, with one shard and without channels: TCP as its users' channels see it. */
public final class SimHost implements AutoCloseable {
    private final VirtualTime time;
    private final ByteBufAllocator allocator;
    private final HostStack stack;
    private final Shard shard;
    private final IpAddress address;
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private boolean turnScheduled;
    private long timerAt = Long.MAX_VALUE;
    private boolean closed;

    /** What a host accepts. */
    public final List<SimSocket> accepted = new ArrayList<>();

    /** What happens, as a task of the loop, to each that it accepts. */
    public Consumer<SimSocket> onAccepted = socket -> {};

    public SimHost(
            VirtualTime time,
            Link link,
            String address,
            TcpParameters parameters,
            long seed,
            ByteBufAllocator allocator) {
        this(time, link, address, parse(address).isV4() ? 24 : 64, null, parameters, seed, allocator);
    }

    /** A host with a default gateway, or {@code null}. */
    public SimHost(
            VirtualTime time,
            Link link,
            String address,
            int prefixLength,
            String gateway,
            TcpParameters parameters,
            long seed,
            ByteBufAllocator allocator) {
        this.time = time;
        this.allocator = allocator;
        this.address = parse(address);
        stack = new HostStack(new HostConfiguration(
                link,
                MacAddress.locallyAdministered(this.address.low() & 0xffff),
                List.of(new HostConfiguration.Address(this.address, prefixLength)),
                gateway == null ? List.of() : List.of(parse(gateway)),
                link.mtu(),
                parameters,
                seed,
                true));
        try {
            shard = stack.newShard(new Loop());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        scheduleTurn();
    }

    public static IpAddress parse(String address) {
        try {
            return IpAddress.of(InetAddress.getByName(address));
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    public Shard shard() {
        return shard;
    }

    ByteBufAllocator allocator() {
        return allocator;
    }

    public HostStack stack() {
        return stack;
    }

    public IpAddress address() {
        return address;
    }

    public long counter(String name) {
        return stack.counters().getOrDefault(name, 0L);
    }

    /** Listens; accepted connections appear in {@link #accepted}, each with a user that reads all. */
    public HostListener listen(int port, int backlog, TcpSettings settings) {
        HostListener[] listener = new HostListener[1];
        try {
            listener[0] = stack.listeners()
                    .listen(IpAddress.ANY_V6, port, backlog, false, false, settings, connection -> {
                        SimSocket socket = new SimSocket(this, connection);
                        accepted.add(socket);
                        listener[0].accepted();
                        tasks.add(() -> onAccepted.accept(socket));
                    });
            return listener[0];
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Connects. */
    public SimSocket connect(SimHost to, int port, TcpSettings settings) {
        return connect(to.address, port, settings);
    }

    /** Connects. */
    public SimSocket connect(IpAddress to, int port, TcpSettings settings) {
        try {
            TcpConnection connection = shard.connect(settings, null, 0, to, port, null);
            SimSocket socket = new SimSocket(this, connection);
            connection.flush(time.nanoTime());
            scheduleTurn();
            return socket;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    long now() {
        return time.nanoTime();
    }

    /** Has the host run a turn, as an event loop does after each task. */
    public void scheduleTurn() {
        if (!turnScheduled && !closed) {
            turnScheduled = true;
            time.schedule(0, this::turn);
        }
    }

    private void turn() {
        turnScheduled = false;
        if (closed) {
            return;
        }
        shard.runTurn();
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
        if (shard.hasWork() || !tasks.isEmpty()) {
            scheduleTurn();
            return;
        }
        long deadline = shard.nextDeadline();
        if (deadline < timerAt) {
            timerAt = deadline;
            time.scheduleAt(deadline, () -> {
                if (timerAt == deadline) {
                    timerAt = Long.MAX_VALUE;
                }
                turn();
            });
        }
    }

    @Override
    public void close() {
        if (!closed) {
            shard.close();
            closed = true;
            stack.close();
        }
    }

    private final class Loop implements ShardLoop {
        @Override
        public boolean execute(Runnable task) {
            tasks.add(task);
            scheduleTurn();
            return true;
        }

        @Override
        public boolean inLoop() {
            return true;
        }

        @Override
        public void wakeup() {
            scheduleTurn();
        }

        @Override
        public Ticker ticker() {
            return time;
        }

        @Override
        public ByteBufAllocator allocator() {
            return allocator;
        }
    }
}
