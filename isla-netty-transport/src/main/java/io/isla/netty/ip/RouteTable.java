/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * The routes of one shard: longest prefix first, then lowest metric. Small, and only looked at when a path is resolved, so a sorted list
 * serves. May be changed at any time on the shard's thread; paths notice.
 */
public final class RouteTable {
    private final List<Route> routes = new ArrayList<>();
    private final Runnable onChange;

    RouteTable(Runnable onChange) {
        this.onChange = onChange;
    }

    /**
     * Adds a route, unless it is there.
     *
     * @return whether it was added
     */
    public boolean add(Route route) {
        if (routes.contains(route)) {
            return false;
        }
        int at = 0;
        while (at < routes.size() && comesBefore(routes.get(at), route)) {
            at++;
        }
        routes.add(at, route);
        onChange.run();
        return true;
    }

    /**
     * Removes a route.
     *
     * @return whether it was there
     */
    public boolean remove(Route route) {
        boolean removed = routes.remove(route);
        if (removed) {
            onChange.run();
        }
        return removed;
    }

    /** All routes, in the order in which they are tried. */
    public List<Route> routes() {
        return List.copyOf(routes);
    }

    /**
     * The route to a destination: of those with the longest prefix that matches, the first whose gateway has not failed; if all have,
     * the one that failed the longest ago, so that each gets its turn (RFC 4861 §6.3.6).
     *
     * @return {@code null} if there is none
     */
    Route lookup(long high, long low) {
        Route best = null;
        for (int i = 0; i < routes.size(); i++) {
            Route route = routes.get(i);
            if (best != null && route.prefixLength() != best.prefixLength()) {
                break;
            }
            IpAddress prefix = route.prefix();
            if (IpAddress.prefixMatches(high, low, prefix.high(), prefix.low(), route.prefixLength())) {
                if (!route.gatewayFailed) {
                    return route;
                }
                if (best == null || route.gatewayFailedAt - best.gatewayFailedAt < 0) {
                    best = route;
                }
            }
        }
        return best;
    }

    /** Whether an address is on the link: the best route to it has no gateway. */
    boolean isOnLink(long high, long low) {
        Route route = lookup(high, low);
        return route != null && route.gateway() == null;
    }

    /** A gateway has failed, or is back. */
    void gatewayReachable(long high, long low, boolean reachable, long now) {
        boolean changed = false;
        for (int i = 0; i < routes.size(); i++) {
            Route route = routes.get(i);
            IpAddress gateway = route.gateway();
            if (gateway != null && gateway.is(high, low)) {
                if (!reachable) {
                    route.gatewayFailedAt = now;
                }
                changed |= route.gatewayFailed == reachable || !reachable;
                route.gatewayFailed = !reachable;
            }
        }
        if (changed) {
            onChange.run();
        }
    }

    /** Whether an address is the gateway of some route. */
    boolean isGateway(long high, long low) {
        for (int i = 0; i < routes.size(); i++) {
            IpAddress gateway = routes.get(i).gateway();
            if (gateway != null && gateway.is(high, low)) {
                return true;
            }
        }
        return false;
    }

    private static boolean comesBefore(Route a, Route b) {
        int lengthA = bits(a);
        int lengthB = bits(b);
        return lengthA != lengthB ? lengthA > lengthB : a.metric() <= b.metric();
    }

    private static int bits(Route route) {
        return route.prefix().isV4() ? route.prefixLength() + 96 : route.prefixLength();
    }
}
