/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.MacAddress;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.timer.TimerWheel;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBufAllocator;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * The network layer of one shard: frames in, packets to the transports; packets from the transports, frames out. Addresses, routes,
 * neighbours and path MTUs are the shard's own; the host makes the same changes on each of its shards.
 *
 * <p>Not thread-safe: shard thread only. Times are nanoseconds of any origin, and must not run backwards. Nothing is allocated for a
 * packet, and nothing that arrives makes it throw.
 */
public final class IpStack implements IpOutput {
    /** The longest packet that tells its length itself, in bytes. */
    static final int MAX_PACKET = Ipv4Header.MAX_TOTAL_LENGTH;

    /**
     * What the stack needs to know about its interface.
     *
     * @param medium what frames start with
     * @param mtu of the link in bytes, at least 68 (RFC 791), 1280 for IPv6 (RFC 8200 §5)
     * @param maxSegmentationBytes {@link Link#maxSegmentationBytes()}
     * @param maxTcpSegmentationBytes {@link Link#maxTcpSegmentationBytes()}
     * @param macAddress the interface's own unicast address; of no meaning where the medium has none
     * @param leader whether this shard speaks for the host where one must: it announces addresses, and configures them
     */
    public record Interface(
            Link.Medium medium,
            int mtu,
            int maxSegmentationBytes,
            int maxTcpSegmentationBytes,
            MacAddress macAddress,
            boolean leader) {
        /** The smallest MTU of IPv4 (RFC 791 §3.2). */
        public static final int MIN_MTU = 68;

        /**
         * Checks the values.
         *
         * @throws IllegalArgumentException with the name of the one that is wrong
         */
        public Interface {
            Objects.requireNonNull(medium, "medium");
            Objects.requireNonNull(macAddress, "macAddress");
            if (mtu < MIN_MTU || mtu > 65_535) {
                throw new IllegalArgumentException("mtu must be " + MIN_MTU + " to 65535: " + mtu);
            }
            if (medium == Link.Medium.ETHERNET && (macAddress.isMulticast() || macAddress.bits() == 0)) {
                throw new IllegalArgumentException("macAddress must be a unicast address: " + macAddress);
            }
            maxSegmentationBytes = Math.max(mtu, Math.min(MAX_PACKET, maxSegmentationBytes));
            // Only a link that takes all that a header can tell takes more than it can tell.
            maxTcpSegmentationBytes = maxSegmentationBytes < MAX_PACKET
                    ? maxSegmentationBytes
                    : Math.max(MAX_PACKET, maxTcpSegmentationBytes);
        }
    }

    private final IpContext context;
    private final PathResolver resolver;
    private final PathMtuDiscovery pathMtus;
    private final ArpProtocol arp;
    private final NeighborDiscoverySender discoverySender;
    private final DuplicateAddressDetector detector;
    private final AddressAutoconfiguration autoconfiguration;
    private final RouterDiscovery routers;
    private final IcmpEcho echo;
    private final IcmpProtocol icmp;
    private final Icmpv6Protocol icmpv6;
    private final IgmpProtocol igmp;
    private final MldProtocol mld;
    private final MembershipReporter reporterV4;
    private final MembershipReporter reporterV6;
    private final Ipv4Output ipv4Output;
    private final Ipv4Input ipv4Input;
    private final Ipv6Output ipv6Output;
    private final Ipv6Input ipv6Input;
    private final FrameInput input;
    private boolean started;

    /**
     * Creates a stack without addresses or routes.
     *
     * @param config about the interface
     * @param queue what frames are sent to
     * @param loopback what packets of this host to itself are given to
     * @param timers the shard's timers
     * @param allocator for copies of packets that wait or are put together
     * @param random a good source of 64 random bits; for hash keys, identifications and times
     * @param counters what is counted to
     */
    public IpStack(
            Interface config,
            LinkQueue queue,
            Loopback loopback,
            TimerWheel timers,
            ByteBufAllocator allocator,
            LongSupplier random,
            Counters<IpCounter> counters) {
        LinkOutput output = new LinkOutput(
                queue,
                config.medium() == Link.Medium.ETHERNET,
                config.macAddress().bits());
        context = new IpContext(config, output, timers, allocator, random, counters);
        igmp = new IgmpProtocol(context);
        mld = new MldProtocol(context);
        reporterV4 = new MembershipReporter(context, igmp, true);
        reporterV6 = new MembershipReporter(context, mld, false);
        igmp.reporter(reporterV4);
        mld.reporter(reporterV6);
        context.groups.reporters(reporterV4, reporterV6);
        SourceAddressSelector sources = new SourceAddressSelector(context);
        resolver = new PathResolver(context, sources);
        pathMtus = new PathMtuDiscovery(context);
        arp = new ArpProtocol(context, resolver);
        discoverySender = new NeighborDiscoverySender(context, sources);
        detector = new DuplicateAddressDetector(context, arp, discoverySender);
        arp.detector(detector);
        autoconfiguration = new AddressAutoconfiguration(context, detector, new Autoconfigured());
        routers = new RouterDiscovery(context, discoverySender, autoconfiguration);
        echo = new IcmpEcho(context, this);
        IcmpErrorDelivery errors = new IcmpErrorDelivery(context, echo, pathMtus);
        context.neighbors = new NeighborCache(
                new NeighborResolution(context, arp, discoverySender, errors),
                context.linkAddress,
                timers,
                allocator,
                random,
                counters);
        output.neighbors(context.neighbors);
        ipv4Output = new Ipv4Output(context, loopback);
        IcmpRateLimiter rateLimiter = new IcmpRateLimiter(counters, new AddressHash(random));
        Redirects redirects = new Redirects(context, resolver);
        icmp = new IcmpProtocol(context, this, errors, echo, rateLimiter, redirects);
        ipv4Input = new Ipv4Input(context, icmp, igmp);
        ipv6Output = new Ipv6Output(context, loopback);
        NeighborDiscovery discovery = new NeighborDiscovery(context, discoverySender, detector, routers, redirects);
        icmpv6 = new Icmpv6Protocol(context, this, errors, echo, rateLimiter, discovery, mld);
        ipv6Input = new Ipv6Input(context, icmpv6);
        input = new FrameInput(context, arp, ipv4Input, ipv6Input);
    }

    /** Sets who is told about conflicts and the like; at first {@link IpListener#NONE}. */
    public void listener(IpListener listener) {
        context.listener = Objects.requireNonNull(listener, "listener");
    }

    /** Sets where packets go that were put together from fragments; at first {@link Steering#NONE}. */
    public void steering(Steering steering) {
        context.steering = Objects.requireNonNull(steering, "steering");
    }

    /**
     * Sets who receives the packets of a protocol, in IPv4 and IPv6; {@code null} for nobody.
     *
     * @param protocol the protocol number, 0 to 255
     */
    public void register(int protocol, TransportReceiver receiver) {
        context.receivers[protocol] = receiver;
    }

    /** Sets how the host configures itself for IPv6; before {@link #start}. At first {@link Ipv6Config#MANUAL}. */
    public void ipv6(Ipv6Config config) {
        context.ipv6 = Objects.requireNonNull(config, "config");
    }

    /** Begins: the shard that leads announces the addresses there are, and configures IPv6 as it was told. */
    public void start(long now) {
        started = true;
        if (context.leader) {
            lead(now);
        }
    }

    /**
     * Makes this shard the one that leads, where the one before it has ended.
     *
     * @param legacy the addresses that the other had made ({@link #legacy}); this shard has them already
     */
    public void takeLead(AutoconfiguredAddresses legacy, long now) {
        if (!context.leader) {
            context.leader = true;
            autoconfiguration.adopt(legacy, now);
            if (started) {
                lead(now);
            }
        }
    }

    /** The addresses that this shard has made as the one that leads, for the next one that does. */
    public AutoconfiguredAddresses legacy() {
        return autoconfiguration.legacy();
    }

    /** What routers have advertised, for a shard that has begun since. */
    public RouterKnowledge routerKnowledge(long now) {
        return routers.knowledge(now);
    }

    /** Takes over what another shard has heard of routers before this one was there. */
    public void learn(RouterKnowledge knowledge, long now) {
        if (context.ipv6.acceptRouterAdvertisements()) {
            routers.learn(knowledge, now);
        }
    }

    /** Takes over a path MTU that another shard has found out ({@link IpListener#pathMtuLowered}). */
    public void learnPathMtu(IpAddress destination, int mtu, long now) {
        pathMtus.learn(destination, mtu, now);
    }

    /**
     * Sets the largest packet that is sent on the link.
     *
     * @param bytes at least {@link Interface#MIN_MTU}; with less than 1280 there is no IPv6 (RFC 8200 §5)
     * @throws IllegalArgumentException if it is less
     */
    public void mtu(int bytes) {
        if (bytes < Interface.MIN_MTU || bytes > 65_535) {
            throw new IllegalArgumentException("mtu must be " + Interface.MIN_MTU + " to 65535: " + bytes);
        }
        if (bytes != context.mtu) {
            context.mtu(bytes);
        }
    }

    /**
     * The link is up again after it was down, maybe at another network: neighbours are looked for anew. The shard that leads tells of addresses and groups
     * again, finds out whether the IPv6 addresses that it has made are free (RFC 4862 §5.4), and asks for routers (RFC 4861 §6.3.7).
     */
    public void linkUp(long now) {
        context.neighbors.clear();
        if (started && context.leader) {
            introduce(now);
            autoconfiguration.detectAgain(now);
            if (context.ipv6.acceptRouterAdvertisements()
                    && (autoconfiguration.linkLocalAddress() != null || !context.ipv6.autoconfigure())) {
                routers.startSoliciting(now);
            }
        }
    }

    private void introduce(long now) {
        reporterV4.start(now);
        reporterV6.start(now);
        if (context.ethernet) {
            arp.announceAll(now);
        }
    }

    private void lead(long now) {
        introduce(now);
        if (context.ipv6.autoconfigure() && context.mtuV6 >= Ipv6Header.MIN_MTU) {
            autoconfiguration.start(now);
        } else if (context.ipv6.acceptRouterAdvertisements()) {
            routers.startSoliciting(now);
        }
    }

    /** Ends: cancels all timers and frees all memory. The stack must not be used any more. */
    public void close() {
        reporterV4.close();
        reporterV6.close();
        igmp.close();
        mld.close();
        context.neighbors.clear();
        ipv4Input.close();
        ipv6Input.close();
        autoconfiguration.close();
        detector.close();
        routers.close();
        discoverySender.close();
        icmpv6.close();
        ipv6Output.close();
        context.destinations.close();
        context.output.close();
        arp.close();
        echo.close();
        icmp.close();
        ipv4Output.close();
    }

    /** A frame has arrived from the link. */
    public void receive(InboundFrame frame, long now) {
        input.receive(frame, true, now);
    }

    /** A copy of a frame that another shard has received, and for which {@link #concernsEveryShard} is true: learnt from, not answered. */
    public void receiveCopy(InboundFrame frame, long now) {
        context.copied = true;
        input.receive(frame, false, now);
        context.copied = false;
    }

    /** The same for a whole packet, which starts with its IP header. */
    public void receivePacketCopy(InboundFrame packet, long now) {
        context.copied = true;
        receivePacket(packet, now);
        context.copied = false;
    }

    /**
     * A packet that was given to {@link Loopback}, on this shard or another.
     *
     * @param frame starts with the IP header
     */
    public void receiveLoopback(InboundFrame frame, long now) {
        input.receivePacket(frame, frame.offset(), frame.length(), Arrival.LOOPBACK, now);
    }

    /**
     * A whole packet that another shard has received, and that is this one's ({@link Steering}).
     *
     * @param packet starts with the IP header
     */
    public void receivePacket(InboundFrame packet, long now) {
        input.receivePacket(packet, packet.offset(), packet.length(), Arrival.UNICAST, now);
    }

    /**
     * Whether a frame holds what every shard must see, and copies of it go to {@link #receiveCopy}: ARP, neighbour discovery, and the
     * messages of multicast routers, which the shard that leads answers. Cheap, and safe for any frame.
     */
    public static boolean concernsEveryShard(InboundFrame frame, Link.Medium medium) {
        return FrameInput.concernsEveryShard(frame, medium);
    }

    /**
     * Adds an address, and a route to the subnet it is in.
     *
     * @param prefixLength 0 to 32 for IPv4, 0 to 128 for IPv6
     * @return the address; the one there was if it was there
     * @throws IllegalArgumentException if it is not a unicast address, or a loopback one, or the prefix length out of range
     */
    public InterfaceAddress addAddress(IpAddress address, int prefixLength, long now) {
        return addAddress(address, prefixLength, true, false, now);
    }

    /**
     * Adds an address.
     *
     * @param prefixLength 0 to 32 for IPv4, 0 to 128 for IPv6
     * @param onLink whether the rest of its prefix is on the link: adds a route
     * @param temporary whether it was made to be forgotten soon (RFC 8981), and is preferred for that
     * @return the address; the one there was if it was there
     * @throws IllegalArgumentException if it is not a unicast address, or a loopback one, or the prefix length out of range
     */
    public InterfaceAddress addAddress(
            IpAddress address, int prefixLength, boolean onLink, boolean temporary, long now) {
        InterfaceAddress added = new InterfaceAddress(address, prefixLength, onLink, temporary);
        if (!context.addresses.add(added)) {
            return context.addresses.find(address.high(), address.low());
        }
        if (onLink) {
            context.routes.add(Route.onLink(Prefixes.network(address, prefixLength), prefixLength));
        }
        if (!address.isV4()) {
            context.groups.joinOwn(NeighborDiscoverySender.solicitedNode(address), now);
        }
        context.changed();
        if (started && context.leader && context.ethernet && address.isV4()) {
            arp.announce(added, now);
        }
        return added;
    }

    /**
     * Removes an address, and the route to its subnet if no other address is in it.
     *
     * @return whether it was there
     */
    public boolean removeAddress(IpAddress address, long now) {
        InterfaceAddress removed = context.addresses.remove(address);
        if (removed == null) {
            return false;
        }
        context.changed();
        if (!address.isV4()) {
            context.groups.leaveOwn(NeighborDiscoverySender.solicitedNode(address), now);
        }
        IpAddress network = Prefixes.network(address, removed.prefixLength());
        boolean onLink = removed.isOnLink();
        for (int i = 0; i < context.addresses.size(); i++) {
            InterfaceAddress other = context.addresses.get(i);
            onLink &= !other.isOnLink()
                    || other.prefixLength() != removed.prefixLength()
                    || !other.address().matches(network, other.prefixLength());
        }
        if (onLink) {
            context.routes.remove(Route.onLink(network, removed.prefixLength()));
        }
        return true;
    }

    /** Says whether an address is deprecated, as the shard that leads has found ({@link IpListener#addressChanged}). */
    public void deprecate(IpAddress address, boolean deprecated) {
        InterfaceAddress entry = context.addresses.find(address.high(), address.low());
        if (entry != null && entry.deprecated != deprecated) {
            entry.deprecated = deprecated;
            context.changed();
        }
    }

    /**
     * Finds out whether an address is free before it is added, by ARP probes (RFC 5227 §2.1; takes 4 to 7 s) or neighbour solicitations
     * (RFC 4862 §5.4; 1 to 2 s). On a link without link addresses, there is nobody to ask for an IPv4 address: it is free at once. On the
     * shard that leads.
     *
     * @param listener told once it is known
     */
    public void detectDuplicate(IpAddress address, DuplicateAddressListener listener, long now) {
        detector.start(address, listener, now);
    }

    /** Stops finding out; the listener is not told. */
    public void cancelDuplicateDetection(IpAddress address, long now) {
        detector.cancel(address, now);
    }

    /**
     * Sets the UDP port at which IPv4 datagrams are taken whatever address they are for, as a host must that is only about to have one (RFC 2131 §4.1); 0, as
     * at first, for none.
     */
    public void unconfiguredPort(int port) {
        context.unconfiguredPort = port;
    }

    /** Makes a path from 0.0.0.0 to 255.255.255.255, whatever addresses there are: how a host speaks that has none. To be used at once. */
    public void resolveUnconfigured(Path path) {
        resolver.resolveUnconfigured(path);
    }

    /** Asks for the link address of the next hop of a path, unless it is known: something will be sent there that cannot wait then. */
    public void prepare(Path path, long now) {
        if (refresh(path) && path.nextHop != null) {
            context.neighbors.prepare(path.nextHop, path.localHigh, path.localLow, now);
        }
    }

    /** Adds a block of addresses; returns whether it is new. It brings no route. */
    public boolean addBlock(AddressBlock block) {
        boolean added = context.addresses.addBlock(block);
        if (added) {
            context.changed();
        }
        return added;
    }

    /** Removes a block of addresses; returns whether it was there. */
    public boolean removeBlock(AddressBlock block) {
        boolean removed = context.addresses.removeBlock(block);
        if (removed) {
            context.changed();
        }
        return removed;
    }

    /** The addresses; to be changed through this object only. */
    public InterfaceAddresses addresses() {
        return context.addresses;
    }

    /** The routes, which may be changed. */
    public RouteTable routes() {
        return context.routes;
    }

    /** Joins a multicast group for a socket, which hears all sources. */
    public MulticastMembership join(IpAddress group, long now) {
        return join(group, false, List.of(), now);
    }

    /**
     * Joins a multicast group for a socket. What is joined on the shard that leads, routers are told of; so
     * the host joins there too what a socket on another shard joins.
     *
     * @param include whether only the sources listed are heard; if not, all but these
     * @param sources as for {@link #setSources}
     * @throws IllegalArgumentException if it is not a multicast address, or the sources cannot be
     */
    public MulticastMembership join(IpAddress group, boolean include, Collection<IpAddress> sources, long now) {
        if (!group.isMulticast()) {
            throw new IllegalArgumentException("not a multicast address: " + group);
        }
        checkSources(group, sources);
        return context.groups.join(group, include, sources, now);
    }

    /**
     * Says which sources a socket wants to hear.
     *
     * @param include whether only these; if not, all but these
     * @param sources unicast addresses of the group's family, at most {@link MulticastMembership#MAX_SOURCES}
     * @throws IllegalArgumentException if there are too many, or one is not of that kind
     */
    public void setSources(MulticastMembership membership, boolean include, Collection<IpAddress> sources, long now) {
        checkSources(membership.group(), sources);
        context.groups.setSources(membership, include, sources, now);
    }

    private static void checkSources(IpAddress group, Collection<IpAddress> sources) {
        if (sources.size() > MulticastMembership.MAX_SOURCES) {
            throw new IllegalArgumentException("at most " + MulticastMembership.MAX_SOURCES
                    + " sources in the filter of a multicast group: " + sources.size());
        }
        for (IpAddress source : sources) {
            if (source.isMulticast() || source.isUnspecified() || source.isV4() != group.isV4()) {
                throw new IllegalArgumentException("not a source of packets to " + group + ": " + source);
            }
        }
    }

    /** Ends a membership; does nothing if it has ended. */
    public void leave(MulticastMembership membership, long now) {
        context.groups.leave(membership, now);
    }

    /** For pinging. */
    public IcmpEcho echo() {
        return echo;
    }

    /** Answers a packet, as it was received, that no socket wants with "port unreachable", by the rules for errors and their rate. */
    public void sendPortUnreachable(InboundPacket packet, long now) {
        if (IpAddress.isV4(packet.sourceHigh, packet.sourceLow)) {
            icmp.sendError(packet, IcmpHeader.DESTINATION_UNREACHABLE, IcmpHeader.PORT_UNREACHABLE, 0, now);
        } else {
            icmpv6.sendError(packet, Icmpv6Header.DESTINATION_UNREACHABLE, Icmpv6Header.PORT_UNREACHABLE, 0, now);
        }
    }

    @Override
    public boolean resolve(Path path, long localHigh, long localLow, long remoteHigh, long remoteLow) {
        return resolver.resolve(path, localHigh, localLow, remoteHigh, remoteLow);
    }

    @Override
    public boolean refresh(Path path) {
        Neighbor nextHop = path.nextHop;
        if (path.generation == context.generation && (nextHop == null || !nextHop.evicted)) {
            return path.resolved;
        }
        return resolver.resolve(path, path.localHigh, path.localLow, path.remoteHigh, path.remoteLow);
    }

    @Override
    public Result send(
            OutboundFrame frame, Path path, int protocol, int trafficClass, int hopLimit, int flags, long now) {
        boolean v4 = IpAddress.isV4(path.remoteHigh, path.remoteLow);
        if (!refresh(path)) {
            context.counters.increment(v4 ? IpCounter.IP_OUT_NO_ROUTES : IpCounter.IP6_OUT_NO_ROUTES);
            boolean source = IpAddress.isUnspecified(path.localHigh, path.localLow)
                    || resolver.isSource(path.localHigh, path.localLow);
            return source ? Result.NO_ROUTE : Result.NO_SOURCE;
        }
        if (path.broadcast && (flags & ALLOW_BROADCAST) == 0) {
            context.counters.increment(IpCounter.IP_OUT_DISCARDS);
            return Result.NOT_PERMITTED;
        }
        return v4
                ? ipv4Output.send(frame, path, protocol, trafficClass, hopLimit, flags, now)
                : ipv6Output.send(frame, path, protocol, trafficClass, hopLimit, flags, now);
    }

    @Override
    public void confirm(Path path, long now) {
        if (path.nextHop != null && !path.nextHop.evicted) {
            context.neighbors.confirm(path.nextHop, now);
        }
    }

    @Override
    public void suspect(Path path, long now) {
        if (path.nextHop != null && !path.nextHop.evicted) {
            context.neighbors.suspect(path.nextHop, now);
        }
    }

    @Override
    public void updatePathMtu(long localHigh, long localLow, long remoteHigh, long remoteLow, int mtu, long now) {
        if (!resolver.isLocal(remoteHigh, remoteLow)) {
            pathMtus.update(remoteHigh, remoteLow, mtu, now);
        }
    }

    @Override
    public boolean isSource(long high, long low) {
        return resolver.isSource(high, low);
    }

    @Override
    public boolean isBroadcast(IpAddress address) {
        return address.isV4() && context.addresses.isBroadcast(address.v4Bits());
    }

    @Override
    public boolean isLocal(long high, long low) {
        return resolver.isLocal(high, low);
    }

    /** The hop limit that packets should have unless their sender wants another: 64, or what a router has advised for IPv6. */
    public int defaultHopLimit(boolean v4) {
        return v4 ? IpContext.DEFAULT_HOP_LIMIT : context.hopLimit;
    }

    private final class Autoconfigured implements AddressAutoconfiguration.Host {
        @Override
        public InterfaceAddress addAutoconfigured(IpAddress address, boolean temporary, long now) {
            // Whether the prefix is on the link is a different question, which the advertisement has answered.
            return addAddress(address, 64, false, temporary, now);
        }

        @Override
        public void removeAutoconfigured(InterfaceAddress address, long now) {
            removeAddress(address.address(), now);
        }

        @Override
        public void linkLocalReady(long now) {
            if (context.ipv6.acceptRouterAdvertisements()) {
                routers.startSoliciting(now);
            }
        }
    }
}
