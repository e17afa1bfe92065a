/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.dhcp.DhcpLease;
import io.isla.netty.ip.AutoconfiguredAddresses;
import io.isla.netty.ip.Route;
import io.isla.netty.ip.RouterKnowledge;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.tcp.SipHash;
import io.isla.netty.wire.IpAddress;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.io.IOException;
import java.net.BindException;
import java.net.SocketException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** What the shards of a host share: its configuration, keys, ports, listeners, and the table of who owns what. Any thread. */
public final class HostStack {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(HostStack.class);

    /** The source of {@link NetworkSettings} that is the host's user. */
    public static final Object USER = "user";

    private final HostConfiguration configuration;
    private final SplittableRandom seeds;
    private final SipHash keys;
    private final FlowSteering steering;
    private final HostListeners listeners;
    private final HostEndpoints endpoints;
    private final HostGroups groups = new HostGroups(this);
    private final EchoIdentifiers echoIdentifiers = new EchoIdentifiers();
    private final HostNetwork network;
    private final ConfiguredAddresses configuredAddresses;
    private final Autoconfiguration autoconfiguration;
    private final HostDhcp dhcp;
    private final List<LeaderTask> leaderTasks = new CopyOnWriteArrayList<>();
    private final Map<String, Long> pastCounters = new LinkedHashMap<>();

    /** All shards, whether or not they own buckets yet; replaced as a whole. */
    private volatile List<Shard> shards = List.of();

    /** The shards whose queues receive from the link, which counts them likewise. Under the lock. */
    private final Set<Shard> receivers = new HashSet<>();

    private volatile boolean closed;
    /** The shard that speaks for the host; {@code null} if there is none, or while the lead passes on. */
    private volatile Shard leader;
    /** Nobody has led yet, or who did last found nobody who stays: whoever comes next leads. */
    private boolean leadless = true;
    /** Why the link is gone for good; {@code null} while it is there. */
    private IOException linkFailure;

    private volatile NameResolution nameResolution;
    private int users;
    private int nextIndex;

    /**
     * Creates a host without shards.
     *
     * @param configuration what it is made of
     */
    public HostStack(HostConfiguration configuration) {
        this.configuration = configuration;
        seeds = new SplittableRandom(configuration.seed() != 0 ? configuration.seed() : new SecureRandom().nextLong());
        keys = new SipHash(seeds.nextLong(), seeds.nextLong());
        SplittableRandom tcpPortRandom = seeds.split();
        SplittableRandom udpPortRandom = seeds.split();
        int firstPort = configuration.tcp().firstEphemeralPort;
        int lastPort = configuration.tcp().lastEphemeralPort;
        steering = new FlowSteering(keys, configuration.link().maxReceiveQueues() > 1, firstPort, lastPort);
        listeners = new HostListeners(this, this, new PortTable(firstPort, lastPort, tcpPortRandom::nextInt));
        endpoints = new HostEndpoints(this, this, new PortTable(firstPort, lastPort, udpPortRandom::nextInt));
        network = new HostNetwork(this);
        autoconfiguration = new Autoconfiguration(network);
        configuredAddresses = new ConfiguredAddresses(network, configuration);
        configure();
        leaderTasks.add(autoconfiguration);
        leaderTasks.add(configuredAddresses);
        dhcp = configuration.dhcp() == null ? null : new HostDhcp(this);
        if (dhcp != null) {
            leaderTasks.add(dhcp);
        }
    }

    private void configure() {
        List<Route> routes = new ArrayList<>();
        for (IpAddress gateway : configuration.gateways()) {
            routes.add(Route.byDefault(gateway));
        }
        if (configuration.link().medium() == Link.Medium.IP && routes.isEmpty()) {
            // A point-to-point link without a gateway leads everywhere.
            routes.add(Route.onLink(IpAddress.ANY_V4, 0));
            routes.add(Route.onLink(IpAddress.ANY_V6, 0));
        }
        network.configure(
                USER,
                new NetworkSettings(
                        List.of(),
                        configuration.blocks(),
                        routes,
                        0,
                        configuration.nameServers(),
                        configuration.searchDomains()));
        for (HostConfiguration.Address address : configuration.addresses()) {
            addAddress(address.address(), address.prefixLength(), () -> {});
        }
    }

    /** What the host is made of. */
    public HostConfiguration configuration() {
        return configuration;
    }

    /** How it is connected to its network. */
    public HostNetwork network() {
        return network;
    }

    /**
     * Gives the host an address, as its user.
     *
     * @param settled run where {@link NetworkListener}s are called, once the address is in use, or found to be another's
     */
    public void addAddress(IpAddress address, int prefixLength, Runnable settled) {
        configuredAddresses.add(HostAddress.of(address, prefixLength), settled);
    }

    /**
     * Takes an address from the host that its user has given it.
     *
     * @param done run where {@link NetworkListener}s are called, once no shard has it
     * @return whether the host had it, or was to have it, by its user
     */
    public boolean removeAddress(IpAddress address, Runnable done) {
        return configuredAddresses.remove(address, done);
    }

    /**
     * Sends an echo request from a shard of the calling thread, or else from the one that leads. Any thread.
     *
     * @param listener called on the thread of that shard; if there is none, on the calling one
     */
    public void echo(EchoRequest request, EchoListener listener) {
        Shard sender = leader;
        for (Shard shard : shards) {
            if (shard.loop().inLoop()) {
                sender = shard;
                break;
            }
        }
        if (sender == null) {
            listener.onFailure(new SocketException("no event loop runs the host; build an event loop group on it"));
            return;
        }
        Shard chosen = sender;
        if (!chosen.submit(() -> chosen.echo(request, listener))) {
            listener.onFailure(new SocketException("the event loop has been shut down"));
        }
    }

    /** Sets how names are looked up, unless that is known. */
    public synchronized void nameResolution(Supplier<NameResolution> resolution) {
        if (nameResolution == null) {
            nameResolution = resolution.get();
        }
    }

    /** How names are looked up; {@code null} if nobody has said yet. */
    public NameResolution nameResolution() {
        return nameResolution;
    }

    /** The DHCP lease that the host has, or {@code null}. */
    public DhcpLease dhcpLease() {
        return dhcp == null ? null : dhcp.lease();
    }

    /** The link is up again, after it was down. On the thread of the shard that leads. */
    void linkUp(long now) {
        configuredAddresses.linkUp(now);
        if (dhcp != null) {
            dhcp.linkUp();
        }
    }

    /** A shard is about to end. On its thread, while it still can send. */
    void leaving(Shard shard) {
        if (dhcp != null) {
            dhcp.leaving(shard);
        }
    }

    Autoconfiguration autoconfiguration() {
        return autoconfiguration;
    }

    EchoIdentifiers echoIdentifiers() {
        return echoIdentifiers;
    }

    SipHash keys() {
        return keys;
    }

    FlowSteering steering() {
        return steering;
    }

    synchronized LongSupplier newRandom() {
        SplittableRandom random = seeds.split();
        return random::nextLong;
    }

    /** The shards there are. */
    public List<Shard> shards() {
        return shards;
    }

    /** Whether it was closed. */
    public boolean isClosed() {
        return closed;
    }

    // ------------------------------------------------------------------------------------------------ shards

    /**
     * Adds a shard. Called on the thread of its loop.
     *
     * @throws IOException if the link refuses another queue, or the host is closed; the message says what to do
     */
    public Shard newShard(ShardLoop loop) throws IOException {
        Shard shard;
        List<Shard> before;
        synchronized (this) {
            if (closed) {
                throw new SocketException("the host is closed; build another one");
            }
            before = shards;
            shard = new Shard(this, nextIndex++, leadless, loop);
            leadless = false;
            if (receivers.size() < configuration.link().maxReceiveQueues()) {
                receivers.add(shard);
            }
            List<Shard> more = new ArrayList<>(before);
            more.add(shard);
            shards = List.copyOf(more);
        }
        try {
            groups.joinAllOn(shard);
            // What has changed before the shard could be told of it.
            shard.apply(network.state());
            if (shard.isLeader()) {
                leader = shard;
            }
            shard.start();
        } catch (Throwable t) {
            // Such as for want of memory: another one may fare better.
            try {
                shard.close();
            } catch (Throwable closing) {
                t.addSuppressed(closing);
            }
            throw t;
        }
        tellOfRouters(shard);
        giveShare(shard);
        return shard;
    }

    /** Routers do not speak often: what they have said so far, a new shard hears from another. */
    private void tellOfRouters(Shard newcomer) {
        Shard knows = leader;
        if (knows != null && knows != newcomer && configuration.ipv6().acceptRouterAdvertisements()) {
            knows.submit(() -> {
                if (!knows.isClosed()) {
                    RouterKnowledge knowledge = knows.ip().routerKnowledge(knows.now());
                    newcomer.submit(() -> {
                        if (!newcomer.isClosed()) {
                            newcomer.ip().learn(knowledge, newcomer.now());
                        }
                    });
                }
            });
        }
    }

    // ------------------------------------------------------------------------------------------------ the shard that
    // leads

    /** The shard that speaks for the host; {@code null} if there is none, or while the lead passes on. */
    public Shard leader() {
        return leader;
    }

    /** Has something done by the shard that leads, from now on. */
    public void addLeaderTask(LeaderTask task) {
        leaderTasks.add(task);
        Shard present = leader;
        if (present != null) {
            present.submit(() -> present.beginLeaderTask(task));
        }
    }

    /** Has something no longer done. */
    public void removeLeaderTask(LeaderTask task) {
        leaderTasks.remove(task);
        Shard present = leader;
        if (present != null) {
            present.submit(() -> present.endLeaderTask(task));
        }
    }

    List<LeaderTask> leaderTasks() {
        return leaderTasks;
    }

    /** A shard has taken the lead. On its thread. */
    void leads(Shard shard) {
        leader = shard;
    }

    /** Somebody has to speak for the host: announce addresses, report groups. */
    void passLead(AutoconfiguredAddresses legacy) {
        synchronized (this) {
            leader = null;
            for (Shard heir : shards) {
                if (!heir.isEnding() && heir.submit(() -> heir.takeLead(legacy))) {
                    return;
                }
            }
            leadless = true;
            // Before somebody else may lead.
            autoconfiguration.clear();
        }
        autoconfiguration.abandoned();
    }

    /** Has a shard join those that own new flows, once every other has listed what it keeps although its bucket goes. */
    private void giveShare(Shard newcomer) {
        SteeringTable plan;
        List<Shard> asked;
        synchronized (this) {
            plan = steering.plan(table -> table.with(newcomer));
            asked = shards.stream().filter(s -> s != newcomer).toList();
            newcomer.keepFlowsUnder(plan);
        }
        askAll(asked, shard -> shard.keepFlowsUnder(plan), () -> steering.commit(plan));
    }

    /**
     * Has the connections of a listener live on the loops of a group, those that come from now on; the others stay where they are.
     *
     * @param group as {@link ShardLoop#group()} says
     */
    public void serve(HostListener listener, Object group) {
        // The flows of a listener on all ports are anybody's.
        if (!listener.isClosed() && listener.localPort() != 0) {
            serve(listener.localPort(), group);
        }
    }

    void serve(int port, Object group) {
        if (steering.serve(port, group)) {
            askAll(shards, shard -> shard.keepFlowsOn(port), () -> steering.settled(port));
        }
    }

    /** Has something done on all the given shards, and then something else, on any thread. */
    static void askAll(List<Shard> asked, Consumer<Shard> task, Runnable afterwards) {
        AtomicInteger left = new AtomicInteger(asked.size() + 1);
        Runnable done = () -> {
            if (left.decrementAndGet() == 0) {
                afterwards.run();
            }
        };
        for (Shard shard : asked) {
            boolean submitted = shard.submit(() -> {
                task.accept(shard);
                done.run();
            });
            if (!submitted) {
                // It has ended.
                done.run();
            }
        }
        done.run();
    }

    /** Closes the queue of a shard that ends. If it has received, another one does so from now on. */
    void closeQueue(Shard shard, LinkQueue queue) {
        List<Shard> left;
        synchronized (this) {
            queue.close();
            if (!receivers.remove(shard) || closed) {
                return;
            }
            left = shards.stream()
                    .filter(s -> s != shard && !receivers.contains(s))
                    .toList();
        }
        for (Shard candidate : left) {
            candidate.submit(candidate::receiveInstead);
        }
    }

    /** Whether the link has a queue that receives to spare for a shard that has none. */
    synchronized boolean isWithoutReceiver(Shard shard) {
        return !closed
                && !receivers.contains(shard)
                && receivers.size() < configuration.link().maxReceiveQueues();
    }

    /** Gives a shard a queue that receives, if there still is one to spare. On the shard's thread. */
    synchronized void receiveInstead(Shard shard) {
        if (isWithoutReceiver(shard)) {
            try {
                shard.reopenQueue();
                receivers.add(shard);
            } catch (IOException e) {
                logger.warn(
                        "cannot open another queue of link {}",
                        configuration.link().name(),
                        e);
            }
        }
    }

    void remove(Shard shard, Map<String, Long> counters, AutoconfiguredAddresses legacy) {
        synchronized (this) {
            shards = shards.stream().filter(s -> s != shard).toList();
            counters.forEach((name, value) -> pastCounters.merge(name, value, Long::sum));
        }
        steering.remove(shard);
        groups.forget(shard);
        if (shard.isLeader()) {
            passLead(legacy);
        }
    }

    /**
     * Notes that somebody, such as an event loop, uses the host.
     *
     * @return whether the host is open; if not, nothing was noted
     */
    public synchronized boolean retain() {
        if (closed) {
            return false;
        }
        users++;
        return true;
    }

    /** Takes back one {@link #retain()}; a host that is to close when unused does so with the last. */
    public void release() {
        List<Shard> open;
        synchronized (this) {
            users--;
            if (users > 0 || closed || !configuration.closeWhenUnused()) {
                return;
            }
            closed = true;
            open = shards;
        }
        closed(open);
    }

    /** Closes the host: its connections, listeners and endpoints fail, its link is released. Idempotent. */
    public void close() {
        List<Shard> open;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            open = shards;
        }
        closed(open);
    }

    private void closed(List<Shard> open) {
        if (dhcp != null) {
            dhcp.closing();
        }
        IOException cause = new SocketException("the host was closed");
        for (Shard shard : open) {
            shard.submit(() -> shard.end(cause));
        }
        listeners.fail(cause);
        try {
            configuration.link().close();
        } catch (IOException e) {
            logger.warn("cannot close link {}", configuration.link().name(), e);
        }
    }

    /** The link is gone for good: without it, nobody can be heard. Each shard fails what it has itself. */
    void linkFailed(IOException cause) {
        synchronized (this) {
            if (linkFailure != null || closed) {
                return;
            }
            linkFailure = cause;
        }
        listeners.fail(cause);
    }

    /** Fails if there will never be anything to hear. Under the lock. */
    void checkAlive() throws SocketException {
        if (closed) {
            throw new SocketException("the host is closed; build another one");
        }
        if (linkFailure != null) {
            throw (SocketException) new SocketException(linkFailure.getMessage()).initCause(linkFailure);
        }
    }

    /** The multicast groups that endpoints of this host have joined. */
    public HostGroups groups() {
        return groups;
    }

    /** The listeners, and the TCP ports. */
    public HostListeners listeners() {
        return listeners;
    }

    /** The datagram endpoints, and the UDP ports. */
    public HostEndpoints endpoints() {
        return endpoints;
    }

    /**
     * Checks that something may be bound to an address: that it is one of this host's, or unspecified.
     *
     * @throws BindException if not
     */
    public void checkLocal(IpAddress local) throws BindException {
        if (local.isUnspecified() || local.isLoopback() || network.accepts(local)) {
            return;
        }
        throw new BindException("Cannot assign requested address: " + local + " is not an address of this host");
    }

    // ------------------------------------------------------------------------------------------------ counters

    /** All counters by name, summed over the shards there are and have been. */
    public Map<String, Long> counters() {
        Map<String, Long> sum = new LinkedHashMap<>();
        List<Shard> present;
        synchronized (this) {
            sum.putAll(pastCounters);
            present = shards;
        }
        if (dhcp != null) {
            sum.putAll(dhcp.counters());
        }
        for (Shard shard : present) {
            shard.counters().forEach((name, value) -> sum.merge(name, value, Long::sum));
        }
        return sum;
    }
}
