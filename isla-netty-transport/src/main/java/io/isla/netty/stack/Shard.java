/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.counter.Counters;
import io.isla.netty.ip.AutoconfiguredAddresses;
import io.isla.netty.ip.InboundPacket;
import io.isla.netty.ip.IpCounter;
import io.isla.netty.ip.IpStack;
import io.isla.netty.ip.Route;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkCounter;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpCounter;
import io.isla.netty.tcp.TcpListener;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.tcp.TcpStack;
import io.isla.netty.tcp.TcpUser;
import io.isla.netty.timer.TimerWheel;
import io.isla.netty.udp.UdpCounter;
import io.isla.netty.udp.UdpStack;
import io.isla.netty.wire.DhcpHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.TcpHeader;
import io.netty.channel.IoHandle;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * A host's protocols on one event loop. All methods are for that loop's thread, unless they say otherwise.
 *
 * <p>A turn of the loop: what has arrived is processed, due timers run, users are told, acknowledgements that no data has carried are sent, and the
 * link is flushed.
 */
public final class Shard {
    /** Frames that are processed before users are told of them. */
    public static final int BATCH = 256;
    /** How often a shard that leaves looks for what is still coming. */
    private static final int FAREWELL_TURNS = 64;

    private final HostStack host;
    private final int index;
    private final ShardLoop loop;
    private final Ticker ticker;
    private final TimerWheel wheel;
    private final OutboundFrame frame = new OutboundFrame();
    private final Counters<IpCounter> ipCounters = new Counters<>(IpCounter.class);
    private final Counters<TcpCounter> tcpCounters = new Counters<>(TcpCounter.class);
    private final FlushingQueue output;
    private final IpStack ip;
    private final TcpStack tcp;
    private final Counters<UdpCounter> udpCounters = new Counters<>(UdpCounter.class);
    private final UdpStack udp;
    private final Inbox inbox;
    private final ShardEcho echo;
    private final Link.Medium medium;

    /** The link has something to be polled for. */
    private volatile boolean linkSignalled;

    private volatile boolean closed;
    /** It is about to be closed: its loop may take tasks that it will not run. */
    private volatile boolean ending;
    /** Where the connections are that this shard gave away when it ended. */
    private final Map<TcpConnection, Shard> heirs = new ConcurrentHashMap<>(0);

    private final Policy policy = new Policy();
    /** Whether a packet is processed that the link has not brought to this shard. */
    private boolean handedOver;

    /** The last table that was planned, as far as this shard has heard. */
    private SteeringTable known = SteeringTable.EMPTY;
    /** Connections that another shard is handing over to this one. */
    private final AtomicInteger arriving = new AtomicInteger();

    private boolean moreFromLink;
    private long lastInput;
    private long turns;
    private IOException linkError;
    private volatile boolean leader;
    private NetworkState applied = NetworkState.NONE;
    /** What this shard does for the host, as the one that leads. */
    private final List<LeaderTask> running = new ArrayList<>();

    Shard(HostStack host, int index, boolean leader, ShardLoop loop) throws IOException {
        this.host = host;
        this.index = index;
        this.leader = leader;
        this.loop = loop;
        ticker = loop.ticker();
        HostConfiguration configuration = host.configuration();
        LongSupplier random = host.newRandom();
        long now = ticker.nanoTime();
        wheel = new TimerWheel(now);
        inbox = new Inbox(this);
        medium = configuration.link().medium();
        FlushingQueue opened = null;
        try {
            opened = new FlushingQueue(openQueue());
            output = opened;
            ip = new IpStack(
                    new IpStack.Interface(
                            medium,
                            configuration.mtu(),
                            configuration.link().maxSegmentationBytes(),
                            configuration.link().maxTcpSegmentationBytes(),
                            configuration.mac(),
                            leader),
                    output,
                    new LoopbackDelivery(this),
                    wheel,
                    loop.allocator(),
                    random,
                    ipCounters);
            tcp = new TcpStack(
                    ip,
                    configuration.mtu(),
                    wheel,
                    loop.allocator(),
                    configuration.tcp(),
                    frame,
                    host.keys(),
                    random,
                    policy,
                    tcpCounters);
            tcp.attachment(this);
            udp = new UdpStack(ip, loop.allocator(), frame, new UdpEndpoints(this, host.keys()), udpCounters);
            udp.attachment(this);
            ip.register(IpProtocol.TCP, tcp);
            ip.register(IpProtocol.UDP, udp);
            echo = new ShardEcho(this, random);
            ip.steering(new ShardSteering(this));
            ip.ipv6(configuration.ipv6());
            ip.unconfiguredPort(configuration.dhcp() == null ? 0 : DhcpHeader.CLIENT_PORT);
            ip.listener(new ShardNews(this));
            apply(host.network().state());
        } catch (Throwable t) {
            // Such as for want of memory: frames must not come to where nobody reads them.
            if (opened != null) {
                opened.close();
            }
            frame.release();
            throw t;
        }
    }

    private LinkQueue openQueue() throws IOException {
        return host.configuration().link().openQueue(new Receiver(), this::linkSignalled, loop.allocator());
    }

    /** The loop whose queue has received from the link has ended: this one may do so in its place. */
    void receiveInstead() {
        if (!closed && host.isWithoutReceiver(this)) {
            loop.relink(() -> host.receiveInstead(this));
        }
    }

    /** Goes on with a new queue of the link. */
    void reopenQueue() throws IOException {
        output.replace(openQueue());
        linkSignalled = true;
    }

    void start() {
        ip.start(now());
        if (leader) {
            beginLeaderTasks();
        }
    }

    private void beginLeaderTasks() {
        for (LeaderTask task : host.leaderTasks()) {
            beginLeaderTask(task);
        }
    }

    /** Begins a task of the host, if this shard leads and has not begun it. */
    void beginLeaderTask(LeaderTask task) {
        if (leader && !ending && !running.contains(task) && host.leaderTasks().contains(task)) {
            running.add(task);
            task.begin(this, now());
        }
    }

    /** Ends a task of the host, if this shard has begun it. */
    void endLeaderTask(LeaderTask task) {
        if (running.remove(task)) {
            task.end(this, now());
        }
    }

    /** Makes this shard have what the host has. */
    void apply(NetworkState next) {
        if (next.version() <= applied.version() || closed) {
            return;
        }
        NetworkState before = applied;
        applied = next;
        long now = now();
        for (HostAddress old : before.addresses()) {
            if (isToApply(old) && next.addresses().stream().noneMatch(old::isSame)) {
                ip.removeAddress(old.address(), now);
            }
        }
        for (HostAddress address : next.addresses()) {
            if (isToApply(address)) {
                if (before.addresses().stream().noneMatch(address::isSame)) {
                    ip.addAddress(
                            address.address(), address.prefixLength(), address.onLink(), address.temporary(), now);
                }
                ip.deprecate(address.address(), address.deprecated());
            }
        }
        before.blocks().stream().filter(b -> !next.blocks().contains(b)).forEach(ip::removeBlock);
        next.blocks().forEach(ip::addBlock);
        before.routes().stream().filter(r -> !next.routes().contains(r)).forEach(ip.routes()::remove);
        for (Route route : next.routes()) {
            if (!before.routes().contains(route)) {
                // The shard's own: it notes in it what becomes of the gateway.
                ip.routes().add(new Route(route.prefix(), route.prefixLength(), route.gateway(), route.metric()));
            }
        }
        ip.mtu(next.mtu());
        tcp.linkMtu(next.mtu());
    }

    /** The shard that leads has made the automatic addresses itself. */
    private boolean isToApply(HostAddress address) {
        return !leader || !address.automatic();
    }

    // ------------------------------------------------------------------------------------------------ for its loop

    /** Its number, of those that the host has had. Any thread. */
    public int index() {
        return index;
    }

    /** The host that it is a part of. Any thread. */
    public HostStack host() {
        return host;
    }

    /** The loop that it runs on. Any thread. */
    public ShardLoop loop() {
        return loop;
    }

    /** The present, by the loop's clock, in nanoseconds. */
    public long now() {
        return ticker.nanoTime();
    }

    /** When input was last taken in, in nanoseconds. */
    public long lastInput() {
        return lastInput;
    }

    /** How many turns there have been. */
    public long turns() {
        return turns;
    }

    /** The handle by which the link's frames arrive, or {@code null} if the link is polled in each turn. */
    public IoHandle ioHandle() {
        return output.ioHandle();
    }

    /** The handle that notices when the link goes down or comes up, to be registered like {@link #ioHandle()}; {@code null} if none. */
    public IoHandle stateHandle() {
        return output.stateHandle();
    }

    /** The timers. */
    public TimerWheel timers() {
        return wheel;
    }

    /** The network layer. */
    public IpStack ip() {
        return ip;
    }

    /** UDP. */
    public UdpStack udp() {
        return udp;
    }

    /** TCP. */
    public TcpStack tcp() {
        return tcp;
    }

    /** Takes in what has arrived and processes it, but tells no user. May be called from within a user's call; time passes meanwhile. */
    public void pollInput() {
        if (closed) {
            return;
        }
        lastInput = now();
        pollLink();
        inbox.drain(BATCH, now());
    }

    /**
     * Runs a turn.
     *
     * @return how much there was to do, 0 if nothing
     */
    public int runTurn() {
        if (closed) {
            return 0;
        }
        lastInput = now();
        turns++;
        int work = takeInput();
        // Users may take their time, and wait for what the peer does only when it has got this. What they send at once
        // is sent at once.
        output.flushIfUsed();
        work += tcp.deliverEvents();
        work += udp.deliverEvents();
        if (closed) {
            return work;
        }
        output.collect(true);
        try {
            tcp.send(now());
        } finally {
            output.collect(false);
        }
        output.flushIfUsed();
        return work;
    }

    private int takeInput() {
        output.collect(true);
        try {
            // A link with a handle asks to be polled all the same when it is closed.
            int work = output.ioHandle() == null || linkSignalled ? pollLink() : 0;
            // What has been sent meanwhile bears a later time: never an older one after it, which the peer would take
            // for a segment of the past (RFC 7323 §5).
            if (!inbox.isEmpty()) {
                work += inbox.drain(BATCH, now());
            }
            return work + wheel.advance(work > 0 ? now() : lastInput);
        } finally {
            output.collect(false);
        }
    }

    /**
     * Receives what a link with a handle has, without waiting for an event to say so.
     *
     * @return how many frames
     */
    public int receive(int maxFrames) {
        return closed || output.ioHandle() == null ? 0 : output.poll(maxFrames);
    }

    /** Has what was given to the link leave now. */
    void flush() {
        output.flushIfUsed();
    }

    private int pollLink() {
        linkSignalled = false;
        int frames = output.poll(BATCH);
        moreFromLink = frames == BATCH;
        return frames;
    }

    /** Whether there is something to do that does not wait for a time or a frame. */
    public boolean hasWork() {
        return !closed
                && (linkSignalled
                        || !inbox.isEmpty()
                        || tcp.hasWork()
                        || udp.hasWork()
                        || output.isUsed()
                        || moreFromLink && output.ioHandle() == null);
    }

    /** When the next timer is due, by the loop's clock, or {@link Long#MAX_VALUE}. */
    public long nextDeadline() {
        return closed ? TimerWheel.NONE : wheel.nextDeadline();
    }

    /** Whether a connection whose user is gone still has data or its FIN to get through. */
    public boolean hasUnfinishedConnections() {
        return !closed && tcp.hasUnfinishedConnections();
    }

    /** Whether the host can do without it: another shard leads, and there are no flows or endpoints here, and nothing on its way. */
    public boolean isExpendable() {
        return !closed
                && !leader
                && host.leader() != null
                && tcp.flowCount() == 0
                && arriving.get() == 0
                && inbox.isEmpty()
                && echo.isIdle()
                && !host.endpoints().hasAnyOf(this);
    }

    /** Ends the shard, which is {@linkplain #isExpendable() expendable}, while its host goes on: what still comes for it goes to others. */
    public void leave() {
        // Whose flow it is, others know from now on, and this shard too; what is on its way here nevertheless is still
        // listed.
        host.steering().withdraw(this);
        for (int i = 0; i < FAREWELL_TURNS && pollLink() + inbox.drain(BATCH, now()) > 0; i++) {
            tcp.deliverEvents();
            udp.deliverEvents();
        }
        close();
    }

    /** Ends the shard: what connections are left are reset, everything is released. Idempotent. */
    public void close() {
        if (closed) {
            return;
        }
        ending = true;
        if (!host.isClosed()) {
            bequeath();
        }
        host.leaving(this);
        new ArrayList<>(running).forEach(this::endLeaderTask);
        echo.close();
        tcp.close(now());
        tcp.deliverEvents();
        output.flushIfUsed();
        closed = true;
        host.endpoints().closeThoseOf(this);
        inbox.close();
        host.closeQueue(this, output);
        AutoconfiguredAddresses legacy = leader ? ip.legacy() : AutoconfiguredAddresses.NONE;
        ip.close();
        frame.release();
        host.remove(this, counters(), legacy);
    }

    /** Whether it ends, or has ended. Any thread. */
    boolean isEnding() {
        return ending;
    }

    /** Whether it has ended. Any thread. */
    public boolean isClosed() {
        return closed;
    }

    // ------------------------------------------------------------------------------------------------ connections

    /**
     * Begins an active open; the first flush sends the SYN.
     *
     * @see TcpStack#connect
     * @throws IOException if it cannot begin
     */
    public TcpConnection connect(
            TcpSettings settings, IpAddress local, int localPort, IpAddress remote, int remotePort, TcpUser user)
            throws IOException {
        if (closed) {
            throw new IOException("the event loop of this channel has been shut down");
        }
        if (linkError != null) {
            // It may be up again, and has not been looked at since.
            output.poll(0);
        }
        if (linkError != null) {
            throw new IOException(linkError.getMessage(), linkError);
        }
        return tcp.connect(settings, local, localPort, remote, remotePort, user, now());
    }

    /** Sends an echo request. */
    void echo(EchoRequest request, EchoListener listener) {
        echo.send(request, listener);
    }

    /** The shard that a connection belongs to: right on the thread that was last told of it. */
    public static Shard owner(TcpConnection connection) {
        return (Shard) connection.stack().attachment();
    }

    /**
     * Hands a connection of this shard to another one. If that has ended, the connection is aborted and {@code arrived} never runs.
     *
     * @param arrived run on the other's loop once the connection is there
     */
    public void move(TcpConnection c, Shard to, Runnable arrived) {
        if (to == this) {
            loop.execute(arrived);
            return;
        }
        tcp.detachForMove(c);
        boolean accepted = send(c, to, () -> {
            to.attach(c);
            if (to.ending || !to.loop.execute(arrived)) {
                // Nobody would ever hear of it.
                c.abort(to.now());
            }
        });
        if (!accepted) {
            host.steering().unlist(key(c), to);
            tcp.attach(c, now());
            c.abort(now());
        }
    }

    /**
     * Sends a connection that is detached to another shard, which owns it from now on: while it is on its way, it is listed, whatever becomes of the table meanwhile.
     *
     * @param arrived run there, to {@linkplain #attach attach} it
     * @return whether that will be run; if not, the connection is still listed for the other shard
     */
    private static boolean send(TcpConnection c, Shard to, Runnable arrived) {
        to.arriving.incrementAndGet();
        if (!c.isReleased()) {
            to.host.steering().list(key(c), to);
        }
        boolean accepted = to.submit(() -> {
            to.arriving.decrementAndGet();
            arrived.run();
        });
        if (!accepted) {
            to.arriving.decrementAndGet();
        }
        return accepted;
    }

    private void attach(TcpConnection c) {
        tcp.attach(c, now());
        if (!c.isReleased()) {
            host.steering().place(key(c), this, known);
        }
    }

    /** This loop ends, and its host does not: connections that are not of its channels, or not yet, go to other shards. */
    private void bequeath() {
        FlowSteering steering = host.steering();
        // Others know of each where it is, until it is on its way: who does not know a connection answers for it with a
        // reset.
        List<TcpConnection> connections = tcp.inheritable();
        connections.forEach(c -> steering.list(key(c), this));
        tcp.bequeath((lh, ll, lp, rh, rl, rp, arrival) -> {
            steering.list(new FlowSteering.FlowKey(IpProtocol.TCP, lh, ll, lp, rh, rl, rp), this);
            return false;
        });
        steering.withdraw(this);
        for (TcpConnection c : connections) {
            tcp.detachForMove(c);
            passOnOrAbort(c);
        }
        tcp.bequeath((lh, ll, lp, rh, rl, rp, arrival) ->
                passOn(new FlowSteering.FlowKey(IpProtocol.TCP, lh, ll, lp, rh, rl, rp), arrival));
    }

    /** Gives a connection that is detached, and that no channel has, to a shard that stays. */
    private void passOnOrAbort(TcpConnection c) {
        FlowSteering.FlowKey key = key(c);
        Shard owner = this;
        for (Shard heir = heir(key); heir != null; heir = heir(key)) {
            owner = heir;
            Shard to = heir;
            heirs.put(c, to);
            if (send(c, to, () -> to.inherit(c))) {
                return;
            }
        }
        heirs.remove(c);
        host.steering().unlist(key, owner);
        tcp.attach(c, now());
        c.abort(now());
    }

    /** Gets a connection that another shard has sent; or passes it on, if this one ends as well. */
    private void inherit(TcpConnection c) {
        if (inherits()) {
            attach(c);
        } else {
            passOnOrAbort(c);
        }
    }

    /** Gives a request, which is not in this shard's stack any more, to a shard that stays; returns whether there is one. */
    private boolean passOn(FlowSteering.FlowKey key, TcpStack.Arrival arrival) {
        Shard owner = this;
        for (Shard heir = heir(key); heir != null; heir = heir(key)) {
            owner = heir;
            if (heir.inherit(key, arrival)) {
                return true;
            }
        }
        host.steering().unlist(key, owner);
        return false;
    }

    /**
     * Gets a request of another shard, on whose thread this is called; or passes it on, if this one ends as well. What comes for it before it is there gets in line
     * behind it.
     *
     * @return whether it has been taken; if not, it is still listed for this shard
     */
    private boolean inherit(FlowSteering.FlowKey key, TcpStack.Arrival arrival) {
        arriving.incrementAndGet();
        host.steering().list(key, this);
        boolean accepted = submit(() -> {
            arriving.decrementAndGet();
            if (!inherits()) {
                passOn(key, arrival);
            } else if (arrival.arrives(tcp, now())) {
                host.steering().place(key, this, known);
            } else {
                host.steering().unlist(key, this);
            }
        });
        if (!accepted) {
            arriving.decrementAndGet();
        }
        return accepted;
    }

    /** Whether what another shard leaves may stay here. */
    private boolean inherits() {
        return !ending && !host.isClosed();
    }

    /** Who gets a flow of this shard, which has no buckets any more: one that stays. {@code null} if none does, or the host is closed. */
    private Shard heir(FlowSteering.FlowKey key) {
        if (host.isClosed()) {
            return null;
        }
        FlowSteering steering = host.steering();
        SteeringTable table = steering.table();
        Shard owner = steering.ownerBy(table, key);
        while (owner != null && owner.ending) {
            table = table.without(owner);
            owner = steering.ownerBy(table, key);
        }
        if (owner == null) {
            // One that is yet to get its share of the table.
            for (Shard newcomer : host.shards()) {
                if (!newcomer.ending) {
                    return newcomer;
                }
            }
        }
        return owner;
    }

    /**
     * Has something done with a connection where it is. Any thread.
     *
     * @param task given the shard, on its thread
     * @return whether it will be: not if the last shard that had the connection has ended, and the connection with it
     */
    public boolean with(TcpConnection c, Consumer<Shard> task) {
        boolean taken = submit(() -> {
            Shard heir = heirs.get(c);
            if (heir == null || !heir.with(c, task)) {
                task.accept(this);
            }
        });
        if (taken) {
            return true;
        }
        Shard heir = heirs.get(c);
        return heir != null && heir.with(c, task);
    }

    private static FlowSteering.FlowKey key(TcpConnection c) {
        IpAddress local = c.localAddress();
        IpAddress remote = c.remoteAddress();
        return new FlowSteering.FlowKey(
                IpProtocol.TCP, local.high(), local.low(), c.localPort(), remote.high(), remote.low(), c.remotePort());
    }

    // ------------------------------------------------------------------------------------------------ for the host and
    // other shards

    /** Has something done on this shard's thread, in order with what is handed over to it; returns whether it will be. Any thread. */
    boolean submit(Runnable task) {
        return inbox.offer(task);
    }

    /** Whether this shard speaks for the host where one must. Any thread. */
    boolean isLeader() {
        return leader;
    }

    /** Becomes the shard that speaks for the host. */
    void takeLead(AutoconfiguredAddresses legacy) {
        if (ending) {
            host.passLead(legacy);
            return;
        }
        leader = true;
        host.leads(this);
        ip.takeLead(legacy, now());
        beginLeaderTasks();
    }

    /** Has something done on this shard's thread, unless it has ended. Any thread. */
    public void execute(Runnable task) {
        submit(() -> {
            if (!closed) {
                task.run();
            }
        });
    }

    Inbox inbox() {
        return inbox;
    }

    void listenerClosed(TcpListener listener) {
        if (!closed) {
            tcp.listenerClosed(listener);
        }
    }

    /** Fails all connections. */
    void fail(IOException cause) {
        linkError = cause;
        if (!closed) {
            tcp.failAll(cause, now());
        }
    }

    /** Fails connections and endpoints for good: no frame will come or go any more. */
    void end(IOException cause) {
        fail(cause);
        if (!closed) {
            host.endpoints().failThoseOf(this, cause);
        }
    }

    /** Lists the flows of this shard that another one would have under a table that is to be put into force; those that are yet to start, too. */
    void keepFlowsUnder(SteeringTable plan) {
        if (plan.version > known.version) {
            known = plan;
        }
        if (!closed) {
            tcp.forEachLiveFlow(policy::flowStarted);
            tcp.forEachWaiting(policy::keepWaiting);
        }
    }

    /** Lists the flows of this shard on a local port that from now on has a group of its own. */
    void keepFlowsOn(int port) {
        if (!closed) {
            tcp.forEachLiveFlow((lh, ll, lp, rh, rl, rp) -> {
                if (lp == port) {
                    policy.flowStarted(lh, ll, lp, rh, rl, rp);
                }
            });
            tcp.forEachWaiting((lh, ll, lp, rh, rl, rp) -> {
                if (lp == port) {
                    policy.keepWaiting(lh, ll, lp, rh, rl, rp);
                }
            });
        }
    }

    /** The counters by name. Any thread. */
    public Map<String, Long> counters() {
        Map<String, Long> all = ipCounters.snapshot();
        all.putAll(tcpCounters.snapshot());
        all.putAll(udpCounters.snapshot());
        for (LinkCounter counter : LinkCounter.values()) {
            all.put("Link" + counter.toString(), output.count(counter));
        }
        all.put("ShardBacklogDrops", inbox.dropped());
        return all;
    }

    // ------------------------------------------------------------------------------------------------ input

    private void linkSignalled() {
        linkSignalled = true;
        loop.wakeup();
    }

    /** Processes a packet that another shard has handed over, or that this host sent to itself. */
    void receiveHandedOver(InboundFrame packet, Inbox.Kind kind, long now) {
        handedOver = true;
        try {
            switch (kind) {
                case PACKET -> ip.receivePacket(packet, now);
                case LOOPBACK -> ip.receiveLoopback(packet, now);
                default -> {
                    // The shard that has received it has counted it.
                    ipCounters.muted(true);
                    if (kind == Inbox.Kind.COPY) {
                        ip.receiveCopy(packet, now);
                    } else {
                        ip.receivePacketCopy(packet, now);
                    }
                }
            }
        } finally {
            ipCounters.muted(false);
            handedOver = false;
        }
    }

    private final class Receiver implements LinkReceiver {
        @Override
        public void onFrame(InboundFrame inbound) {
            if (closed) {
                return;
            }
            List<Shard> shards = host.shards();
            if (shards.size() > 1 && isForAll(inbound)) {
                for (Shard other : shards) {
                    if (other != Shard.this) {
                        other.inbox.offerCopy(inbound, Inbox.Kind.COPY, loop.allocator());
                    }
                }
            }
            boolean before = output.collect(true);
            try {
                ip.receive(inbound, now());
            } finally {
                output.collect(before);
            }
        }

        /** What concerns every shard: neighbour discovery, and ICMP errors, whose flow only its owner knows. */
        private boolean isForAll(InboundFrame inbound) {
            return IpStack.concernsEveryShard(inbound, medium) || PacketFlow.isIcmpError(inbound, medium);
        }

        @Override
        public void onLinkFailure(IOException cause) {
            end(cause);
            host.linkFailed(cause);
        }

        @Override
        public void onLinkDown(IOException cause) {
            fail(cause);
        }

        @Override
        public void onLinkUp() {
            linkError = null;
            long now = now();
            ip.linkUp(now);
            if (leader) {
                host.linkUp(now);
            }
        }
    }

    /** Ports and flow ownership as TCP needs to know them. */
    private final class Policy implements TcpStack.FlowPolicy {
        @Override
        public boolean owns(long lh, long ll, int lp, long rh, long rl, int rp) {
            return host.steering().owner(IpProtocol.TCP, lh, ll, lp, rh, rl, rp) == Shard.this;
        }

        @Override
        public boolean claims(long lh, long ll, int lp, long rh, long rl, int rp) {
            FlowSteering.FlowKey key = new FlowSteering.FlowKey(IpProtocol.TCP, lh, ll, lp, rh, rl, rp);
            return host.steering().claim(key, Shard.this, known, host.shards().size() == 1);
        }

        @Override
        public boolean isReserved(int port) {
            return host.listeners().isBound(port);
        }

        @Override
        public TcpListener[] listeners(int port) {
            return host.listeners().on(port);
        }

        @Override
        public TcpListener[] listenersOnAllPorts() {
            return host.listeners().on(0);
        }

        @Override
        public boolean handOver(InboundPacket packet, int localPort, int remotePort, boolean opens) {
            FlowSteering steering = host.steering();
            if (host.shards().size() <= 1 && arriving.get() == 0) {
                return false;
            }
            Shard owner = steering.owner(
                    IpProtocol.TCP,
                    packet.destinationHigh(),
                    packet.destinationLow(),
                    localPort,
                    packet.sourceHigh(),
                    packet.sourceLow(),
                    remotePort,
                    opens && receivesWhatItAccepts(localPort) ? Shard.this : null);
            if (owner == null || owner == Shard.this && arriving.get() == 0) {
                // The flow may be one that its shard has not listed yet: it is no loss that TCP cannot make good.
                return steering.isSettling(localPort)
                        && (TcpHeader.flags(packet.buffer(), packet.transportOffset()) & TcpHeader.SYN) == 0;
            }
            if (owner != Shard.this) {
                tcpCounters.increment(TcpCounter.HANDED_OVER);
            }
            // To itself, if the flow may be one whose connection is on its way here: the packet gets in line behind it.
            owner.inbox.offerPacket(packet, loop.allocator());
            return true;
        }

        /**
         * Whether a flow to a port stays with the shard that its first segment comes to: the link brings it the others, too, as long as each shard has a queue that
         * receives.
         */
        private boolean receivesWhatItAccepts(int localPort) {
            return host.steering().mayKeep(localPort, Shard.this)
                    && host.shards().size() <= host.configuration().link().maxReceiveQueues();
        }

        @Override
        public void flowStarted(long lh, long ll, int lp, long rh, long rl, int rp) {
            if (isListed(lh, ll, lp, rh, rl, rp)) {
                host.steering().list(new FlowSteering.FlowKey(IpProtocol.TCP, lh, ll, lp, rh, rl, rp), Shard.this);
            }
        }

        private boolean isListed(long lh, long ll, int lp, long rh, long rl, int rp) {
            FlowSteering steering = host.steering();
            return steering.listsAll(lp) || steering.isElsewhere(known, Shard.this, lh, ll, lp, rh, rl, rp);
        }

        /** Lists a flow in TIME-WAIT. */
        private void keepWaiting(long lh, long ll, int lp, long rh, long rl, int rp) {
            if (isListed(lh, ll, lp, rh, rl, rp)) {
                host.steering()
                        .listIfAbsent(new FlowSteering.FlowKey(IpProtocol.TCP, lh, ll, lp, rh, rl, rp), Shard.this);
            }
        }

        @Override
        public boolean isElsewhere(long lh, long ll, int lp, long rh, long rl, int rp) {
            return host.steering().owner(IpProtocol.TCP, lh, ll, lp, rh, rl, rp, Shard.this) != Shard.this;
        }

        @Override
        public void flowWaits(long lh, long ll, int lp, long rh, long rl, int rp) {
            // Its last segments come here, and so would a new request: a list of all that a minute brings would be
            // long.
            if (!handedOver && receivesWhatItAccepts(lp)) {
                flowEnded(lh, ll, lp, rh, rl, rp);
            }
        }

        @Override
        public void flowEnded(long lh, long ll, int lp, long rh, long rl, int rp) {
            host.steering().ended(IpProtocol.TCP, lh, ll, lp, rh, rl, rp, Shard.this);
        }
    }
}
