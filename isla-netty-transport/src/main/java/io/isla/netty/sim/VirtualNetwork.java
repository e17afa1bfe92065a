/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.link.PcapngFile;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.concurrent.Future;
import io.netty.util.internal.ObjectUtil;
import io.netty.util.internal.PlatformDependent;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A network of hosts with Netty channels, on one thread, in virtual time, from a seed: for testing any Netty application against a bad network, the same way twice.
 *
 * <pre>{@code
 * try (VirtualNetwork network = VirtualNetwork.create(42)) {
 *     VirtualHost server = network.host("10.0.0.1");
 *     VirtualHost client = network.host("10.0.0.2");
 *     network.link(client, server).latency(Duration.ofMillis(20)).loss(0.05);
 *
 *     new ServerBootstrap().group(server.group()).channel(IslaServerSocketChannel.class).childHandler(...).bind(80);
 *     ChannelFuture connected = new Bootstrap().group(client.group()).channel(IslaSocketChannel.class).handler(...).connect(server.address(), 80);
 *
 *     network.await(connected).channel().writeAndFlush(...);
 *     assertTrue(network.runUntil(() -> answered, Duration.ofSeconds(10)));
 * }
 * }</pre>
 *
 * <p>Time passes only in {@link #runFor}, {@link #runUntil}, {@link #runUntilIdle} and {@link #await}, and no faster than things happen: everything that the application
 * schedules on its event loops follows it. To wait for a future in any other way, on the network's thread, would be to wait for ever, and fails with a message
 * that says so.
 *
 * <p>A network belongs to the thread that made it: all methods of it, of its nodes and of its links are for that thread, unless they say otherwise. In {@linkplain Builder#realTime() real
 * time} they are for any thread but those of event loops.
 */
public final class VirtualNetwork implements AutoCloseable {
    private static final Duration DEFAULT_LIMIT = Duration.ofHours(1);

    private final long seed;
    private final NetworkClock clock;
    private final RealClock realClock;
    private final Thread thread;
    /** Of memory of the heap: packets come and go faster than direct memory does. */
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false, true);

    private final Wiring wiring;
    private final Partitions partitions = new Partitions(this);
    private final Recorder recorder;
    private final ForeignTasks foreignTasks;
    /** {@code null} in real time, as is the next. */
    private final ChannelNames channelNames;

    private final Turns turns;

    private long underWay;
    private volatile boolean closed;

    private VirtualNetwork(Builder builder) {
        seed = builder.seed;
        wiring = new Wiring(this, new SplittableRandom(seed));
        recorder = new Recorder(this, builder.traceLength);
        foreignTasks = new ForeignTasks(builder.strict);

        if (builder.realTime) {
            channelNames = null;
            turns = null;
            realClock = new RealClock();
            clock = realClock;
            thread = realClock.thread();
        } else {
            realClock = null;
            VirtualClock virtual = new VirtualClock();
            clock = virtual;
            thread = Thread.currentThread();
            channelNames = ChannelNames.open();
            turns = new Turns(this, virtual.time(), foreignTasks, builder.maxEventsAtOnce);
        }
    }

    /**
     * A network in virtual time.
     *
     * @param seed decides all that is random
     */
    public static VirtualNetwork create(long seed) {
        return builder().seed(seed).build();
    }

    /** Describes a network. */
    public static Builder builder() {
        return new Builder();
    }

    /** Describes a {@link VirtualNetwork}. */
    public static final class Builder {
        private long seed = 1;
        private boolean realTime;
        private boolean strict;
        private int traceLength = 2000;
        private long maxEventsAtOnce = 10_000_000;

        private Builder() {}

        /** Sets what decides all that is random; 1 unless set. */
        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Has the network live in real time, with real event loops and threads, for tests that are not made of events only. What happens is then not the same
         * twice.
         */
        public Builder realTime() {
            realTime = true;
            return this;
        }

        /** Has a task that comes from another thread fail the run, not only be reported: it breaks determinism. In virtual time. */
        public Builder failOnForeignThreads() {
            strict = true;
            return this;
        }

        /**
         * Sets how many packets are remembered for {@link VirtualNetwork#trace()}.
         *
         * @param packets 0 or more; 2,000 unless set
         */
        public Builder traceLength(int packets) {
            traceLength = ObjectUtil.checkPositiveOrZero(packets, "traceLength");
            return this;
        }

        /**
         * Sets how many events there may be without time passing. More fail the run: something then goes on for ever and takes no time, such as messages to and
         * fro on links without latency. In virtual time.
         *
         * @param events 1 or more; 10,000,000 unless set
         */
        public Builder maxEventsAtOnce(long events) {
            maxEventsAtOnce = ObjectUtil.checkPositive(events, "maxEventsAtOnce");
            return this;
        }

        /** Makes the network. */
        public VirtualNetwork build() {
            return new VirtualNetwork(this);
        }
    }

    // ------------------------------------------------------------------------------------------------ building

    /** What decides all that is random. */
    public long seed() {
        return seed;
    }

    /**
     * Adds a host, which goes by its first address.
     *
     * @param addresses at least one, such as {@code 10.0.0.1}, {@code 10.0.0.1/16} or {@code fd00::1}; without a prefix length, the first 24 bits of an IPv4
     *     address and the first 64 of an IPv6 address are those of its link
     * @throws IllegalArgumentException if an address is none, or is used already
     */
    public VirtualHost host(String... addresses) {
        return namedHost(null, addresses);
    }

    /**
     * Adds a host with a name.
     *
     * @param name for traces and messages
     * @param addresses as for {@link #host}
     * @throws IllegalArgumentException if the name is taken, or an address is none or is used already
     */
    public VirtualHost namedHost(String name, String... addresses) {
        return call(() -> wiring.host(name, addresses));
    }

    /** Adds a switch. */
    public VirtualSwitch addSwitch(String name) {
        return call(() -> wiring.addSwitch(name));
    }

    /** Adds a router. */
    public VirtualRouter router(String name) {
        return call(() -> wiring.router(name));
    }

    /**
     * Joins two nodes. A host has one link; switches must not be joined in a circle.
     *
     * @throws IllegalArgumentException if they cannot be joined
     */
    public VirtualLink link(VirtualNode first, VirtualNode second) {
        return call(() -> wiring.link(first, second));
    }

    /** Adds a switch and joins nodes to it; the links are those of the switch. */
    public VirtualSwitch lan(String name, VirtualNode... members) {
        VirtualSwitch lan = addSwitch(name);
        for (VirtualNode member : members) {
            link(member, lan);
        }
        return lan;
    }

    /** The hosts, in the order in which they were made. */
    public List<VirtualHost> hosts() {
        return wiring.hosts();
    }

    /** The links, in the order in which they were made. */
    public List<VirtualLink> links() {
        return wiring.links();
    }

    List<VirtualRouter> routers() {
        return wiring.routers();
    }

    // ------------------------------------------------------------------------------------------------ faults

    /**
     * Cuts every way between two sets of hosts, in both directions, on whatever links: packets from one set to the other are dropped, those under way, too.
     *
     * @throws IllegalArgumentException if a host is of another network
     */
    public void partition(Collection<VirtualHost> some, Collection<VirtualHost> others) {
        checkOwn("partition", some, others);
        note("partition between " + some + " and " + others);
        call(() -> {
            partitions.separate(some, others);
            partitions.separate(others, some);
            return null;
        });
    }

    /**
     * Cuts hosts off from all others; among themselves they go on.
     *
     * @throws IllegalArgumentException if a host is of another network
     */
    public void isolate(VirtualHost... isolated) {
        List<VirtualHost> some = List.of(isolated);
        partition(some, hosts().stream().filter(host -> !some.contains(host)).toList());
    }

    /**
     * Has one set of hosts not be heard by another, which is still heard by it.
     *
     * @throws IllegalArgumentException if a host is of another network
     */
    public void block(Collection<VirtualHost> from, Collection<VirtualHost> to) {
        checkOwn("block", from, to);
        note("packets from " + from + " to " + to + " blocked");
        call(() -> {
            partitions.separate(from, to);
            return null;
        });
    }

    private void checkOwn(String what, Collection<VirtualHost> some, Collection<VirtualHost> others) {
        Stream.concat(some.stream(), others.stream())
                .filter(host -> host.network() != this)
                .findFirst()
                .ifPresent(stranger -> {
                    throw new IllegalArgumentException(what + ": host " + stranger + " is of another network");
                });
    }

    /** Ends all partitions. */
    public void heal() {
        note("partitions healed");
        call(() -> {
            partitions.heal();
            return null;
        });
    }

    /**
     * Has something happen later, outside of any event loop: a fault, most often.
     *
     * @param delay from now on, not negative
     */
    public void after(Duration delay, Runnable action) {
        clock.at(Durations.plus(nanoTime(), Durations.nanos("after: the delay", delay)), () -> {
            if (!closed) {
                action.run();
            }
        });
    }

    // ------------------------------------------------------------------------------------------------ time

    /** How much time has passed since the network was made. Any thread. */
    public Duration elapsed() {
        return Duration.ofNanos(nanoTime());
    }

    /** Lets time pass, and happen what happens in it. */
    public void runFor(Duration duration) {
        run(() -> false, Durations.nanos("runFor: the time", duration));
    }

    /**
     * Lets time pass until a condition holds.
     *
     * @param condition looked at after everything that happens
     * @param limit the most time to pass
     * @return whether it came to hold
     */
    public boolean runUntil(BooleanSupplier condition, Duration limit) {
        return run(condition, Durations.nanos("runUntil: the time", limit));
    }

    /** Lets time pass until nothing more will come of what was done so far, for an hour at most; see {@link #runUntilIdle(Duration)}. */
    public boolean runUntilIdle() {
        return runUntilIdle(DEFAULT_LIMIT);
    }

    /**
     * Lets time pass until no packet is under way, no event loop has a task, and no connection has sent or is to send what its peer has not acknowledged. Times that the
     * application has scheduled something for do not count.
     *
     * @param limit the most time to pass
     * @return whether it came to that
     * @throws IllegalStateException in real time, where nobody can know
     */
    public boolean runUntilIdle(Duration limit) {
        if (realClock != null) {
            throw new IllegalStateException(
                    "runUntilIdle: in real time nobody knows what threads are about to do; use runUntil with a condition");
        }

        return run(this::isIdle, Durations.nanos("runUntilIdle: the time", limit));
    }

    private boolean isIdle() {
        boolean due = clock instanceof VirtualClock virtual && virtual.time().isEventDue();
        return !due
                && underWay == 0
                && hosts().stream().noneMatch(host -> host.isBusy() || Connections.hasUnfinished(host));
    }

    /**
     * Lets time pass until a future is complete, for an hour at most.
     *
     * @return the future, complete and successful
     * @throws IllegalStateException if the hour is over; says what the network was doing
     */
    public <F extends Future<?>> F await(F future) {
        return await(future, DEFAULT_LIMIT);
    }

    /**
     * Lets time pass until a future is complete. If it fails, its cause is thrown, as {@link Future#sync()} does.
     *
     * @param limit the most time to pass
     * @return the future, complete and successful
     * @throws IllegalStateException if the limit has been reached; says what the network was doing
     */
    public <F extends Future<?>> F await(F future, Duration limit) {
        if (!run(future::isDone, Durations.nanos("await: the time", limit))) {
            throw new IllegalStateException("the future was not complete within " + limit + "\n" + report());
        }
        if (future.cause() != null) {
            PlatformDependent.throwException(future.cause());
        }
        return future;
    }

    private boolean run(BooleanSupplier condition, long nanos) {
        checkOpen();
        if (realClock != null) {
            return realClock.run(condition, nanos);
        }
        checkThread();
        return turns.run(condition, nanos);
    }

    private void checkThread() {
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException("this network belongs to thread " + thread.getName()
                    + ", which has made it, not to " + Thread.currentThread().getName());
        }
    }

    void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the network is closed");
        }
    }

    // ------------------------------------------------------------------------------------------------ seeing

    /**
     * The last packets in the network, each where its host sends it and where something happens to it, as tcpdump prints them: sequence numbers count from the
     * beginning of the connection. And what was done to the network.
     */
    public String trace() {
        return call(() -> recorder.trace(TracedPacket::isNews));
    }

    /** The hosts with the state of their channels, one a line. */
    public String state() {
        return call(() -> Connections.describe(hosts()));
    }

    /** All that is known for a failure's sake: the seed, the time, the state of hosts and links, and the last packets. */
    public String report() {
        return call(() -> NetworkReport.of(this));
    }

    /**
     * Writes what passes over all links from now on to a pcapng file, with a comment on each packet that something happens to and on those of a known channel. The
     * file is complete when the network is closed.
     *
     * @throws java.io.UncheckedIOException if the file cannot be created
     */
    public VirtualNetwork capture(Path file) {
        call(() -> recorder.captureAll(file));
        return this;
    }

    /**
     * Writes what passes over all links from now on to a stream, as a pcapng file.
     *
     * @param out closed with the network
     * @param maxBytes the most that is written; packets beyond are left out
     */
    public PcapngFile capture(OutputStream out, long maxBytes) {
        return call(() -> recorder.captureAll(out, maxBytes).file());
    }

    /** The threads of the application's own that have submitted tasks to event loops in virtual time, and how often: what makes runs differ. */
    public List<String> foreignThreads() {
        return foreignTasks.report();
    }

    /** How many events have happened: packets that arrived, turns of event loops. In virtual time. */
    public long events() {
        return clock instanceof VirtualClock virtual ? virtual.time().executed() : 0;
    }

    // ------------------------------------------------------------------------------------------------ end

    /**
     * Ends all hosts, without a word to each other, drops what is under way, and completes capture files. Idempotent.
     *
     * @throws IllegalStateException from within what happens on the network, while time passes
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (realClock == null) {
            checkThread();
            if (turns.areRunning()) {
                throw new IllegalStateException(
                        "close: time is passing; do not close the network from within a handler, a task or an action");
            }
        }
        hosts().forEach(VirtualHost::stop);
        closed = true;
        if (realClock != null) {
            realClock.close();
        } else {
            // What is under way releases its packet.
            ((VirtualClock) clock).time().drain();
            channelNames.close();
        }
        recorder.close();
    }

    boolean isClosed() {
        return closed;
    }

    /** Bytes that packets still hold. */
    long packetMemory() {
        return allocator.metric().usedDirectMemory() + allocator.metric().usedHeapMemory();
    }

    // ------------------------------------------------------------------------------------------------ for its parts

    NetworkClock clock() {
        return clock;
    }

    long nanoTime() {
        return clock.now();
    }

    boolean isRealTime() {
        return realClock != null;
    }

    Thread thread() {
        return thread;
    }

    ByteBufAllocator allocator() {
        return allocator;
    }

    Topology topology() {
        return wiring.topology();
    }

    Partitions partitions() {
        return partitions;
    }

    Recorder recorder() {
        return recorder;
    }

    ForeignTasks foreignTasks() {
        return foreignTasks;
    }

    int ports() {
        return wiring.ports();
    }

    VirtualNode nodeOf(IpAddress address) {
        return wiring.topology().ownerOf(address);
    }

    void underWay(int change) {
        underWay += change;
    }

    void note(String text) {
        call(() -> {
            recorder.note(text);
            return null;
        });
    }

    /** Does something where nothing else happens meanwhile. */
    <T> T call(Supplier<T> action) {
        return realClock == null ? action.get() : realClock.call(action);
    }

    /** Whose turn it is; {@code null} in real time. */
    Turns turns() {
        return turns;
    }

    @Override
    public String toString() {
        return "VirtualNetwork(seed " + seed + ", " + hosts().size() + " hosts, at " + elapsed() + ")";
    }
}
