/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import java.util.List;

/**
 * What routers have advertised, as one shard knows it, for a shard that has begun since. Immutable.
 *
 * @param routes default routers, prefixes on the link, and more specific routes
 * @param mtuV6 the MTU of IPv6 in bytes
 * @param hopLimit the hop limit that routers advise
 */
public record RouterKnowledge(List<Known> routes, int mtuV6, int hopLimit) {
    /**
     * A route that was advertised.
     *
     * @param nanosLeft for how long it holds; {@link Long#MAX_VALUE} for ever
     */
    public record Known(Route route, long nanosLeft) {}

    /** Copies the list. */
    public RouterKnowledge {
        routes = List.copyOf(routes);
    }
}
