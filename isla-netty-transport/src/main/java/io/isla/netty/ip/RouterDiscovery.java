/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.timer.Timer;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.NeighborDiscoveryHeader;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Listens to routers (RFC 4861 §6.3): default routers with their preference and more specific routes (RFC 4191), prefixes on the link, MTU,
 * hop limit, times, name servers (RFC 8106). The shard that leads asks them to speak (RFC 7559).
 */
final class RouterDiscovery {
    /** The most default routers. */
    static final int MAX_ROUTERS = 16;
    /** The most prefixes and routes. */
    static final int MAX_ROUTES = 64;
    /** Routes that were advertised stand behind those that were configured; the preference moves them by one. */
    static final int METRIC = 1024;
    /** RTR_SOLICITATION_INTERVAL, which doubles from one solicitation to the next, */
    static final long SOLICITATION_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(4);
    /** up to MAX_RTR_SOLICITATION_INTERVAL (RFC 7559 §2). */
    static final long MAX_SOLICITATION_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(3600);

    private static final long INFINITY = 0xffff_ffffL;
    private static final long MAX_SOLICITATION_DELAY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final class AdvertisedRoute extends Timer {
        final Route route;
        /** When it expires, if it does. */
        long expiresAt;

        boolean forever;

        AdvertisedRoute(Route route) {
            this.route = route;
        }

        @Override
        protected void expire(long now) {
            remove(this);
            report();
        }
    }

    private final IpContext context;
    private final NeighborDiscoverySender sender;
    private final AddressAutoconfiguration autoconfiguration;
    private final RouterAdvertisementOptions options;
    private final List<AdvertisedRoute> routes = new ArrayList<>();
    private final Timer solicitation = new Timer() {
        @Override
        protected void expire(long now) {
            solicit(now);
        }
    };
    private long solicitationInterval;
    private int routers;
    private boolean routesChanged;

    RouterDiscovery(IpContext context, NeighborDiscoverySender sender, AddressAutoconfiguration autoconfiguration) {
        this.context = context;
        this.sender = sender;
        this.autoconfiguration = autoconfiguration;
        options = new RouterAdvertisementOptions(context);
    }

    /** Begins to ask routers to advertise themselves, until one has. */
    void startSoliciting(long now) {
        solicitationInterval = 0;
        context.timers.arm(solicitation, now + Math.floorMod(context.random.getAsLong(), MAX_SOLICITATION_DELAY_NANOS));
    }

    /** A router advertisement has arrived, its common parts checked; returns whether it was good. */
    boolean receive(InboundPacket packet, long now) {
        if (packet.sourceHigh == 0 || !IpAddress.isLinkLocal(packet.sourceHigh, packet.sourceLow)) {
            return false;
        }
        context.counters.increment(IpCounter.ICMP6_IN_ROUTER_ADVERTISEMENTS);
        if (!context.ipv6.acceptRouterAdvertisements()) {
            context.counters.increment(IpCounter.ICMP6_IN_IGNORED);
            return true;
        }
        ByteBuf buf = packet.buffer;
        int at = packet.transportOffset;
        int from = at + NeighborDiscoveryHeader.ROUTER_ADVERTISEMENT_LENGTH;
        int end = at + packet.transportLength;
        int lifetime = NeighborDiscoveryHeader.routerLifetime(buf, at);
        IpAddress router = IpAddress.of(packet.sourceHigh, packet.sourceLow);
        int preference = NeighborDiscoveryHeader.routerPreference(buf, at);
        setDefaultRouter(router, preference, lifetime, now);
        int hopLimit = NeighborDiscoveryHeader.currentHopLimit(buf, at);
        if (hopLimit != 0) {
            context.hopLimit = hopLimit;
        }
        context.neighbors.setTimes(
                TimeUnit.MILLISECONDS.toNanos(NeighborDiscoveryHeader.reachableTime(buf, at)),
                TimeUnit.MILLISECONDS.toNanos(NeighborDiscoveryHeader.retransmitTimer(buf, at)));
        int link = NeighborDiscovery.linkAddressOption(buf, from, end, NeighborDiscoveryOption.SOURCE_LINK_ADDRESS);
        if (link >= 0 && context.ethernet) {
            Neighbor neighbor = context.neighbors.lookupOrCreate(packet.sourceHigh, packet.sourceLow, false);
            neighbor.router = true;
            context.neighbors.heardOf(neighbor, NeighborDiscoveryOption.linkAddress(buf, link), true, now);
        }
        for (int option = from; option < end; option += NeighborDiscoveryOption.length(buf, option)) {
            receiveOption(buf, option, router, now);
        }
        if (lifetime > 0) {
            context.timers.cancel(solicitation);
        }
        report();
        return true;
    }

    /** What is known by advertisement now, for a shard that was not there when it was advertised. */
    RouterKnowledge knowledge(long now) {
        List<RouterKnowledge.Known> known = new ArrayList<>(routes.size());
        for (AdvertisedRoute advertised : routes) {
            known.add(new RouterKnowledge.Known(
                    advertised.route, advertised.forever ? Long.MAX_VALUE : advertised.expiresAt - now));
        }
        return new RouterKnowledge(known, context.mtuV6, context.hopLimit);
    }

    /** Takes over what another shard knows; what this one has heard itself stands. */
    void learn(RouterKnowledge knowledge, long now) {
        for (RouterKnowledge.Known known : knowledge.routes()) {
            if (known.nanosLeft() > 0 && find(known.route()) == null) {
                Route from = known.route();
                Route own = new Route(from.prefix(), from.prefixLength(), from.gateway(), from.metric());
                setRoute(own, known.nanosLeft() == Long.MAX_VALUE, known.nanosLeft(), now);
            }
        }
        if (knowledge.mtuV6() < context.mtuV6) {
            context.mtuV6 = knowledge.mtuV6();
            context.changed();
        }
        context.hopLimit = knowledge.hopLimit();
        report();
    }

    /** Tells the host if the routes have changed since it was last told. */
    private void report() {
        if (!routesChanged) {
            return;
        }
        routesChanged = false;
        if (context.leader) {
            context.listener.advertisedRoutesChanged(
                    routes.stream().map(advertised -> advertised.route).toList());
        }
    }

    /** A neighbour says that it is a router no more (RFC 4861 §7.2.5). */
    void noLongerRouter(long high, long low) {
        for (int i = routes.size() - 1; i >= 0; i--) {
            AdvertisedRoute advertised = routes.get(i);
            IpAddress gateway = advertised.route.gateway();
            if (gateway != null && gateway.is(high, low)) {
                remove(advertised);
            }
        }
        report();
    }

    void close() {
        context.timers.cancel(solicitation);
        for (AdvertisedRoute advertised : routes) {
            context.timers.cancel(advertised);
        }
        routes.clear();
    }

    private void receiveOption(ByteBuf buf, int option, IpAddress router, long now) {
        int length = NeighborDiscoveryOption.length(buf, option);
        switch (NeighborDiscoveryOption.type(buf, option)) {
            case NeighborDiscoveryOption.PREFIX_INFORMATION:
                if (length >= NeighborDiscoveryOption.PREFIX_INFORMATION_LENGTH) {
                    receivePrefix(buf, option, now);
                }
                break;
            case NeighborDiscoveryOption.MTU:
                long mtu = NeighborDiscoveryOption.mtu(buf, option);
                if (mtu >= Ipv6Header.MIN_MTU && mtu <= context.mtu && mtu != context.mtuV6) {
                    context.mtuV6 = (int) mtu;
                    context.changed();
                }
                break;
            case NeighborDiscoveryOption.ROUTE_INFORMATION:
                receiveRoute(buf, option, length, router, now);
                break;
            case NeighborDiscoveryOption.RECURSIVE_DNS_SERVER:
                options.receiveServers(buf, option, length);
                break;
            case NeighborDiscoveryOption.DNS_SEARCH_LIST:
                options.receiveSearchList(buf, option, length);
                break;
            default:
                // RFC 4861 §6.1.2: unknown options are ignored.
                break;
        }
    }

    private void receivePrefix(ByteBuf buf, int option, long now) {
        int prefixLength = NeighborDiscoveryOption.prefixLength(buf, option);
        IpAddress prefix = IpAddress.of(
                NeighborDiscoveryOption.prefixHigh(buf, option), NeighborDiscoveryOption.prefixLow(buf, option));
        if (!isUsablePrefix(prefix, prefixLength)) {
            return;
        }
        int flags = NeighborDiscoveryOption.prefixFlags(buf, option);
        long valid = NeighborDiscoveryOption.validLifetime(buf, option);
        if ((flags & NeighborDiscoveryOption.ON_LINK) != 0) {
            setRoute(new Route(Prefixes.network(prefix, prefixLength), prefixLength, null, METRIC), valid, now);
        }
        if ((flags & NeighborDiscoveryOption.AUTONOMOUS) != 0 && prefixLength == 64) {
            autoconfiguration.receivePrefix(
                    prefix.high(), valid, NeighborDiscoveryOption.preferredLifetime(buf, option), now);
        }
    }

    /** RFC 4191 §2.3: a prefix of 0, 8 or 16 bytes after eight others. */
    private void receiveRoute(ByteBuf buf, int option, int length, IpAddress router, long now) {
        int prefixLength = NeighborDiscoveryOption.prefixLength(buf, option);
        int preference = NeighborDiscoveryOption.routePreference(buf, option);
        int bytes = length - NeighborDiscoveryOption.UNIT;
        if (preference > 1 || prefixLength > 128 || prefixLength > bytes * 8) {
            return;
        }
        long high = bytes >= 8 ? buf.getLong(option + 8) : 0;
        long low = bytes >= 16 ? buf.getLong(option + 16) : 0;
        long lifetime = NeighborDiscoveryOption.lifetime(buf, option);
        if (prefixLength == 0) {
            setDefaultRouter(router, preference, lifetime, now);
        } else if (isUsablePrefix(IpAddress.of(high, low), prefixLength)) {
            IpAddress network = Prefixes.network(IpAddress.of(high, low), prefixLength);
            dropOtherPreferences(network, prefixLength, router, preference);
            setRoute(new Route(network, prefixLength, router, METRIC - preference), lifetime, now);
        }
    }

    /** Neither link-local, which needs no router to say so, nor multicast, nor what stands for IPv4 here. */
    private static boolean isUsablePrefix(IpAddress prefix, int prefixLength) {
        return prefixLength <= 128
                && !prefix.isLinkLocal()
                && !prefix.isMulticast()
                && !prefix.isV4()
                && !(prefix.high() == 0 && prefixLength > 0);
    }

    private void setDefaultRouter(IpAddress router, int preference, long lifetime, long now) {
        dropOtherPreferences(IpAddress.ANY_V6, 0, router, preference);
        setRoute(new Route(IpAddress.ANY_V6, 0, router, METRIC - preference), lifetime, now);
    }

    /** A router that changes its mind about its preference has one route still. */
    private void dropOtherPreferences(IpAddress prefix, int prefixLength, IpAddress router, int preference) {
        for (int i = routes.size() - 1; i >= 0; i--) {
            Route route = routes.get(i).route;
            if (route.prefixLength() == prefixLength
                    && route.prefix().equals(prefix)
                    && router.equals(route.gateway())
                    && route.metric() != METRIC - preference) {
                remove(routes.get(i));
            }
        }
    }

    private AdvertisedRoute find(Route route) {
        for (int i = 0; i < routes.size(); i++) {
            if (routes.get(i).route.equals(route)) {
                return routes.get(i);
            }
        }
        return null;
    }

    private void setRoute(Route route, long lifetimeSeconds, long now) {
        setRoute(route, lifetimeSeconds == INFINITY, TimeUnit.SECONDS.toNanos(lifetimeSeconds), now);
    }

    private void setRoute(Route route, boolean forever, long lifetimeNanos, long now) {
        AdvertisedRoute advertised = find(route);
        if (lifetimeNanos == 0) {
            if (advertised != null) {
                remove(advertised);
            }
            return;
        }
        if (advertised == null) {
            boolean router = isDefault(route);
            if (router && routers == MAX_ROUTERS || !router && routes.size() - routers == MAX_ROUTES) {
                return;
            }
            advertised = new AdvertisedRoute(route);
            routes.add(advertised);
            routers += router ? 1 : 0;
            context.routes.add(route);
            routesChanged = true;
        }
        advertised.forever = forever;
        if (forever) {
            context.timers.cancel(advertised);
        } else {
            advertised.expiresAt = now + lifetimeNanos;
            context.timers.arm(advertised, advertised.expiresAt);
        }
    }

    private void remove(AdvertisedRoute advertised) {
        context.timers.cancel(advertised);
        if (routes.remove(advertised)) {
            routers -= isDefault(advertised.route) ? 1 : 0;
            context.routes.remove(advertised.route);
            routesChanged = true;
        }
    }

    private static boolean isDefault(Route route) {
        return route.prefixLength() == 0 && route.gateway() != null;
    }

    private void solicit(long now) {
        sender.solicitRouters(autoconfiguration.linkLocalAddress());
        // RFC 7559 §2.1: doubled each time, give or take a tenth.
        solicitationInterval = solicitationInterval == 0
                ? SOLICITATION_INTERVAL_NANOS
                : Math.min(MAX_SOLICITATION_INTERVAL_NANOS, solicitationInterval * 2);
        long tenth = solicitationInterval / 10;
        long jitter = Math.floorMod(context.random.getAsLong(), 2 * tenth + 1) - tenth;
        context.timers.arm(solicitation, now + solicitationInterval + jitter);
    }
}
