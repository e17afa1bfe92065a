/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.counter.Counters;
import io.isla.netty.dhcp.DhcpClient;
import io.isla.netty.dhcp.DhcpCounter;
import io.isla.netty.dhcp.DhcpHost;
import io.isla.netty.dhcp.DhcpLease;
import io.isla.netty.dhcp.DhcpState;
import io.isla.netty.ip.IpOutput;
import io.isla.netty.ip.IpStack;
import io.isla.netty.ip.Path;
import io.isla.netty.ip.Route;
import io.isla.netty.link.MacAddress;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.timer.Timer;
import io.isla.netty.udp.UdpDatagram;
import io.isla.netty.udp.UdpEndpoint;
import io.isla.netty.wire.DhcpHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The DHCP client of a host, run by the shard that leads: when another takes the lead, the client goes on there with the lease that it has. What it is granted
 * is the host's, on all shards. The last shard of a host gives the lease back.
 */
final class HostDhcp implements LeaderTask, DhcpHost, NetworkListener {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(HostDhcp.class);
    /** How long a host that is closed waits for its loop to give the lease back. */
    private static final long RELEASE_MILLIS = 1000;
    /** The least MTU that is taken from a server: what every host can receive (RFC 791 §3.1). Less is a mistake, and would end IPv6. */
    private static final int MIN_MTU = 576;

    private static final int HOP_LIMIT = 64;

    private final HostStack host;
    private final DhcpClient client;
    private final Counters<DhcpCounter> counters = new Counters<>(DhcpCounter.class);
    private final Path path = new Path();
    /** Shards that end, and have not gone yet. */
    private final Set<Shard> leaving = new HashSet<>();

    /** The shard that runs the client, {@code null} if none does. Changed under the lock, on the thread of that shard. */
    private volatile Shard shard;

    private volatile DhcpLease lease;
    private OutboundFrame frame;
    private UdpEndpoint endpoint;
    private Timer timer;

    HostDhcp(HostStack host) {
        this.host = host;
        client = new DhcpClient(host.configuration().dhcp(), this, host.newRandom(), counters);
        host.network().addListener(this);
    }

    /** The lease that the host has, or {@code null}. Any thread. */
    DhcpLease lease() {
        return lease;
    }

    /** Any thread. */
    Map<String, Long> counters() {
        return counters.snapshot();
    }

    // ------------------------------------------------------------------------------------------------ which shard runs
    // it

    @Override
    public synchronized void begin(Shard leader, long now) {
        if (host.isClosed()) {
            return;
        }
        attach(leader);
        try {
            endpoint = host.endpoints()
                    .open(leader, IpAddress.ANY_V4, DhcpHeader.CLIENT_PORT, false, false, ready -> receive());
        } catch (IOException e) {
            logger.warn("The host gets no address by DHCP: UDP port {} cannot be had.", DhcpHeader.CLIENT_PORT, e);
            detach();
            return;
        }
        timer = new Timer() {
            @Override
            protected void expire(long time) {
                client.expire(time);
                arm();
            }
        };
        if (client.state() == DhcpState.CHECKING) {
            // What the other shard was finding out, it will not tell.
            client.linkUp(now);
        }
        client.start(now);
        arm();
    }

    @Override
    public synchronized void end(Shard leader, long now) {
        if (shard == leader) {
            detach();
        }
    }

    /** A shard is about to end; if it is the last, the lease is given back. On its thread. */
    synchronized void leaving(Shard ending) {
        List<Shard> present = host.shards();
        leaving.retainAll(present);
        leaving.add(ending);
        if (leaving.containsAll(present)) {
            if (shard == null) {
                attach(ending);
            }
            giveBack();
        } else if (shard == ending) {
            detach();
        }
    }

    /** The host is closed while it has shards: gives the lease back, and waits until that is done, but not for long. Any thread. */
    void closing() {
        Shard present = shard;
        if (present == null || lease == null) {
            return;
        }
        if (present.loop().inLoop()) {
            closing(present);
            return;
        }
        CountDownLatch done = new CountDownLatch(1);
        boolean submitted = present.submit(() -> {
            closing(present);
            done.countDown();
        });
        try {
            if (submitted && !done.await(RELEASE_MILLIS, TimeUnit.MILLISECONDS)) {
                logger.warn("The host was closed before it could give its DHCP lease back.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void closing(Shard running) {
        if (shard == running) {
            giveBack();
            running.flush();
        }
    }

    private void attach(Shard running) {
        // It may throw for want of memory, and nothing has begun then.
        frame = new OutboundFrame();
        shard = running;
    }

    private void detach() {
        if (timer != null) {
            shard.timers().cancel(timer);
            timer = null;
        }
        if (endpoint != null) {
            host.endpoints().close(endpoint);
            endpoint = null;
        }
        frame.release();
        shard = null;
    }

    private void giveBack() {
        long now = shard.now();
        client.release(now);
        client.stop(now);
        detach();
    }

    /** The link is up again. Any thread. */
    void linkUp() {
        Shard running = shard;
        if (running != null) {
            running.submit(() -> {
                if (shard == running) {
                    client.linkUp(running.now());
                    arm();
                }
            });
        }
    }

    // ------------------------------------------------------------------------------------------------ what happens to
    // the
    // client

    private void arm() {
        if (client.isArmed()) {
            shard.timers().arm(timer, client.deadline());
        } else {
            shard.timers().cancel(timer);
        }
    }

    private void receive() {
        for (UdpDatagram datagram = endpoint.receive(); datagram != null; datagram = endpoint.receive()) {
            ByteBuf message = datagram.payload();
            client.receive(message, message.readerIndex(), message.readableBytes(), shard.now());
            message.release();
        }
        arm();
    }

    @Override
    public void addressConflict(IpAddress address, MacAddress other) {
        Shard running = shard;
        if (running != null && running.loop().inLoop()) {
            client.conflict(address, running.now());
            arm();
        }
    }

    // ------------------------------------------------------------------------------------------------ what the client
    // does

    @Override
    public void send(ByteBuf message, IpAddress source, IpAddress destination, long now) {
        IpStack ip = shard.ip();
        if (source.isUnspecified()) {
            ip.resolveUnconfigured(path);
        } else if (!ip.resolve(path, source.high(), source.low(), destination.high(), destination.low())) {
            // It will be sent again, if it matters, and to all in the end.
            return;
        }
        int length = message.readableBytes();
        ByteBuf payload = shard.loop().allocator().directBuffer(length, length);
        payload.writeBytes(message, message.readerIndex(), length);
        frame.reset();
        int at = frame.append(UdpHeader.LENGTH);
        frame.addPayload(payload, 0, length);
        UdpHeader.write(
                frame.header(),
                at,
                DhcpHeader.CLIENT_PORT,
                DhcpHeader.SERVER_PORT,
                UdpHeader.LENGTH + length,
                InternetChecksum.pseudoHeader(
                        path.localHigh(),
                        path.localLow(),
                        path.remoteHigh(),
                        path.remoteLow(),
                        IpProtocol.UDP,
                        UdpHeader.LENGTH + length));
        frame.requestChecksum(at, UdpHeader.CHECKSUM_OFFSET);
        ip.send(frame, path, IpProtocol.UDP, 0, HOP_LIMIT, IpOutput.ALLOW_BROADCAST, now);
        frame.reset();
        payload.release();
    }

    @Override
    public void probe(IpAddress address, long now) {
        Shard running = shard;
        running.ip()
                .detectDuplicate(
                        address,
                        (found, duplicate, other, at) -> {
                            if (shard == running) {
                                probed(found, duplicate, other, at);
                            }
                        },
                        now);
    }

    private void probed(IpAddress address, boolean duplicate, MacAddress other, long now) {
        if (duplicate) {
            logger.warn(
                    "A DHCP server has granted {}, which {} uses.", address, other == null ? "another station" : other);
            host.network().tell(listener -> listener.addressDuplicate(address, other));
        }
        client.probeFinished(address, duplicate, now);
        arm();
    }

    @Override
    public void cancelProbe(IpAddress address, long now) {
        shard.ip().cancelDuplicateDetection(address, now);
    }

    @Override
    public void bound(DhcpLease granted, DhcpLease before, long now) {
        lease = granted;
        NetworkSettings settings = settings(granted);
        if (!settings.equals(host.network().settings(this))) {
            host.network().configure(this, settings);
        }
        host.network().tell(listener -> listener.leaseChanged(granted));
        if (before == null || !before.server().equals(granted.server())) {
            host.shards().forEach(each -> each.submit(() -> prepareRelease(each, granted)));
        }
    }

    @Override
    public void unbound(DhcpLease lost, long now) {
        lease = null;
        host.network().withdraw(this);
        host.network().tell(listener -> listener.leaseChanged(null));
    }

    /** Has a shard know the way to the server in time: which of them will be the last is unknown, and it cannot wait. The answer to one reaches all. */
    private void prepareRelease(Shard each, DhcpLease granted) {
        if (!each.isClosed()) {
            IpAddress own = granted.address();
            IpAddress server = granted.server();
            Path way = new Path();
            if (each.ip().resolve(way, own.high(), own.low(), server.high(), server.low()) && each == shard) {
                each.ip().prepare(way, each.now());
            }
        }
    }

    private static NetworkSettings settings(DhcpLease granted) {
        List<Route> routes = new ArrayList<>();
        for (DhcpLease.Route route : granted.routes()) {
            // RFC 2132 §3.5: routers come in the order of preference.
            int metric = (int) routes.stream()
                    .filter(other -> other.prefixLength() == route.prefixLength()
                            && other.prefix().equals(route.prefix()))
                    .count();
            routes.add(new Route(route.prefix(), route.prefixLength(), route.router(), metric));
        }
        List<String> domains = granted.searchDomains();
        if (domains.isEmpty() && granted.domainName() != null) {
            domains = List.of(granted.domainName());
        }
        return new NetworkSettings(
                List.of(HostAddress.of(granted.address(), granted.prefixLength())),
                List.of(),
                routes,
                granted.mtu() < MIN_MTU ? 0 : granted.mtu(),
                granted.nameServers(),
                domains);
    }
}
