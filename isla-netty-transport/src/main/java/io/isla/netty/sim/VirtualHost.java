/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.channel.IslaEventLoopGroup;
import io.isla.netty.channel.IslaIoHandler;
import io.isla.netty.channel.PollStrategy;
import io.isla.netty.host.IslaHost;
import io.isla.netty.host.IslaHostBuilder;
import io.isla.netty.link.MacAddress;
import io.isla.netty.stack.Shard;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * A host of a {@link VirtualNetwork}: a TCP/IP stack of its own, and an event loop of its own to hand to any bootstrap. It has one link.
 *
 * <p>The host starts when its {@link #group()} is first asked for; its link and its settings must be there by then.
 */
public final class VirtualHost extends VirtualNode {
    private static final int DEFAULT_MTU = 1500;

    private final List<Subnet> addresses;
    private final SplittableRandom random;
    private final List<Consumer<VirtualHost>> programs = new ArrayList<>();
    private final AtomicLong ringFull = new AtomicLong();
    private final Map<String, Long> pastCounters = new LinkedHashMap<>();
    private int mtu = DEFAULT_MTU;
    private List<IpAddress> gateways;
    private volatile VirtualNic nic;
    private volatile IslaHost ip;
    private volatile EventLoopGroup group;
    /** In virtual time; {@code null} in real time. */
    private volatile VirtualEventLoop loop;

    private volatile boolean crashed;
    private boolean paused;
    /** When the last of its pauses ends, in nanoseconds. */
    private long pausedUntil;

    VirtualHost(VirtualNetwork network, String name, List<Subnet> addresses, SplittableRandom random) {
        super(network, name);
        this.addresses = List.copyOf(addresses);
        this.random = random;
    }

    // ------------------------------------------------------------------------------------------------ settings

    /**
     * Sets the MTU of the host's interface: 1,500 bytes unless set.
     *
     * @param bytes 68 to 65,535; at least 1,280 with an IPv6 address
     * @throws IllegalStateException if the host has started
     */
    public VirtualHost mtu(int bytes) {
        checkNotStarted("mtu");
        if (bytes < 68 || bytes > 0xffff) {
            throw new IllegalArgumentException("mtu must be 68 to 65,535 bytes: " + bytes);
        }
        mtu = bytes;
        return this;
    }

    /**
     * Sets the default gateways; by default, the first router of each family's subnet.
     *
     * @param gateway addresses on the host's link, at most one of each family; none for a host that only reaches its own subnet
     * @throws IllegalStateException if the host has started
     */
    public VirtualHost gateway(String... gateway) {
        checkNotStarted("gateway");
        List<IpAddress> parsed = new ArrayList<>();
        for (String address : gateway) {
            parsed.add(Subnet.parse("gateway", address).address());
        }
        gateways = parsed;
        return this;
    }

    private void checkNotStarted(String what) {
        if (ip != null) {
            throw new IllegalStateException(what + ": host " + name() + " has started");
        }
    }

    @Override
    void attach(Port port) {
        if (!ports().isEmpty()) {
            throw new IllegalArgumentException("link: host " + name() + " has a link already, "
                    + ports().get(0).link() + "; put a switch or a router between it and others");
        }
        super.attach(port);
    }

    // ------------------------------------------------------------------------------------------------ what it is

    /** Its addresses, in the order in which they were given. */
    public List<InetAddress> addresses() {
        return addresses.stream()
                .map(subnet -> subnet.address().toInetAddress())
                .toList();
    }

    /** Its first address. */
    public InetAddress address() {
        return addresses.get(0).address().toInetAddress();
    }

    List<Subnet> subnets() {
        return addresses;
    }

    /**
     * The host's event loop, for any {@code Bootstrap} or {@code ServerBootstrap}. After a {@linkplain #crash() crash} it is another one, once the host has been
     * restarted.
     *
     * @throws IllegalArgumentException if the host has no link, or there is nothing on it that it could reach
     * @throws IllegalStateException if the host is down
     */
    public EventLoopGroup group() {
        if (crashed) {
            throw new IllegalStateException("host " + name() + " is down; restart it first");
        }
        start();
        return group;
    }

    /** The TCP/IP host that it is; starts it. */
    public IslaHost ip() {
        group();
        return ip;
    }

    private void start() {
        if (ip != null) {
            return;
        }
        network.checkOpen();
        if (ports().isEmpty()) {
            throw new IllegalArgumentException("host " + name()
                    + " has no route: it has no link; make one with network.link(" + name() + ", ...)");
        }
        List<IpAddress> routers = network.call(() -> {
            List<IpAddress> found =
                    gateways != null ? gateways : network.topology().gatewaysOf(this);
            network.topology().checkReaches(this, found);
            return found;
        });
        nic = new VirtualNic(this, mtu);
        IslaHostBuilder builder = IslaHost.builder()
                .link(nic)
                .macAddress(new MacAddress(port().mac()))
                .seed(random.nextLong() | 1);
        for (Subnet subnet : addresses) {
            builder.address(subnet.address().toInetAddress(), subnet.prefixLength());
        }
        for (IpAddress router : routers) {
            builder.gateway(router.toInetAddress());
        }
        ip = builder.build();
        if (network.isRealTime()) {
            group = new IslaEventLoopGroup(1, ip);
        } else {
            loop = new VirtualEventLoop(this, IslaIoHandler.newFactory(ip, PollStrategy.blocking()));
            group = loop;
            loop.wake();
        }
    }

    private Port port() {
        return ports().get(0);
    }

    // ------------------------------------------------------------------------------------------------ life

    /**
     * Gives the host something to do whenever it starts: now, and after each {@linkplain #restart() restart}. A server that is to come back after a crash binds
     * in here.
     *
     * @param program called on the network's thread, outside of any event loop
     */
    public VirtualHost program(Consumer<VirtualHost> program) {
        programs.add(program);
        if (!crashed) {
            program.accept(this);
        }
        return this;
    }

    /**
     * Takes the power away: nothing leaves the host from now on or reaches it, and its peers see silence. Its channels are closed and their handlers told so,
     * so that they can release what they hold; whatever these still do reaches nobody, and nothing that was scheduled happens.
     *
     * @throws IllegalStateException if the host is down
     */
    public void crash() {
        if (crashed) {
            throw new IllegalStateException("host " + name() + " is down already");
        }
        network.note("host " + name() + " crashed");
        crashed = true;
        paused = false;
        stop();
    }

    /** Has a host that has crashed start again, with an empty memory and a new {@link #group()}; its {@linkplain #program programs} run. */
    public void restart() {
        if (!crashed) {
            throw new IllegalStateException("restart: host " + name() + " is not down; crash it first");
        }
        network.note("host " + name() + " restarted");
        crashed = false;
        start();
        programs.forEach(program -> program.accept(this));
    }

    /**
     * Stops the world of the host, as a long garbage collection does: its event loop takes no turn, and neither does its TCP. Packets wait for it, 4,096 at most,
     * and time passes.
     */
    public void pause() {
        pauseUntil(Long.MAX_VALUE);
    }

    private void pauseUntil(long end) {
        if (loop == null) {
            throw new IllegalStateException("pause: host " + name()
                    + (network.isRealTime() ? " lives in real time, where nobody can stop it" : " has not started"));
        }
        network.note("host " + name() + " paused");
        pausedUntil = paused ? Math.max(pausedUntil, end) : end;
        paused = true;
        loop.pause(true);
    }

    /** Ends all {@linkplain #pause() pauses}: all that has become due happens now. */
    public void resume() {
        if (paused && loop != null) {
            network.note("host " + name() + " resumed");
            paused = false;
            loop.pause(false);
        }
    }

    /** Pauses the host for a time, from now on; returns at once. Pauses that overlap end with the last of them. */
    public void pause(Duration duration) {
        long end = Durations.plus(network.nanoTime(), Durations.nanos("pause", duration));
        pauseUntil(end);
        network.clock().at(end, () -> {
            if (network.nanoTime() >= pausedUntil) {
                resume();
            }
        });
    }

    /** Whether the host has started and has not crashed since. */
    public boolean isUp() {
        return ip != null && !crashed;
    }

    /** Ends what runs; on the network's thread. */
    void stop() {
        if (ip == null) {
            return;
        }
        nic.unplug();
        IslaHost past = ip;
        Runnable end = () -> {
            past.close();
            past.counters().forEach((key, value) -> pastCounters.merge(key, value, Long::sum));
        };
        if (loop != null) {
            loop.kill(end);
        } else {
            group.shutdownGracefully(0, 0, TimeUnit.SECONDS).syncUninterruptibly();
            end.run();
        }
        ip = null;
        loop = null;
        group = null;
    }

    // ------------------------------------------------------------------------------------------------ turns

    /** Has the loop take a turn; returns whether that is the network's business, as it is in virtual time. */
    boolean wake() {
        VirtualEventLoop present = loop;
        if (present != null) {
            present.wake();
        }
        return !network.isRealTime();
    }

    /** Looks whether there is something to do. */
    void settle() {
        if (loop != null) {
            loop.settle();
        }
    }

    boolean hasWork() {
        Shard shard = shard();
        return shard != null && shard.hasWork();
    }

    boolean isBusy() {
        return loop != null && loop.isBusy();
    }

    long nextDeadline() {
        Shard shard = shard();
        return shard == null ? Long.MAX_VALUE : shard.nextDeadline();
    }

    /** Its one shard in virtual time; {@code null} if it has not begun. */
    Shard shard() {
        IslaHost present = ip;
        if (present == null) {
            return null;
        }
        List<Shard> shards = present.stack().shards();
        return shards.isEmpty() ? null : shards.get(0);
    }

    Collection<Channel> channels() {
        return loop == null ? List.of() : loop.channels();
    }

    // ------------------------------------------------------------------------------------------------ packets

    /** Takes over a packet from the host's stack. On the thread of its event loop. */
    void transmit(ByteBuf frame) {
        if (network.isRealTime()) {
            network.clock().at(network.nanoTime(), () -> port().send(frame));
        } else {
            port().send(frame);
        }
    }

    @Override
    void receive(Port port, ByteBuf frame) {
        VirtualNic present = nic;
        if (present == null) {
            frame.release();
        } else {
            present.arrive(frame);
        }
    }

    void ringFull() {
        ringFull.incrementAndGet();
    }

    // ------------------------------------------------------------------------------------------------ seeing

    /**
     * What the host's stack has counted, over all its lives, by name: those of {@code /proc/net/snmp} and {@code /proc/net/netstat} where Linux counts the same;
     * and {@code RingFull}, packets that came while it was paused and found no room.
     */
    public Map<String, Long> counters() {
        Map<String, Long> all = new LinkedHashMap<>(pastCounters);
        IslaHost present = ip;
        if (present != null) {
            present.counters().forEach((key, value) -> all.merge(key, value, Long::sum));
        }
        all.put("RingFull", ringFull.get());
        return all;
    }

    /** The last packets that the host has sent or been sent, as {@link VirtualNetwork#trace()} shows them. */
    public String trace() {
        return network.call(() -> network.recorder()
                .trace(packet -> packet.link().first() == this || packet.link().second() == this));
    }

    /** Writes what passes over the host's link from now on to a pcapng file; see {@link VirtualLink#capture}. */
    public VirtualHost capture(Path file) {
        if (ports().isEmpty()) {
            throw new IllegalArgumentException("capture: host " + name() + " has no link");
        }
        port().link().capture(file);
        return this;
    }
}
