/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv6Header;

/** What is made of a path MTU that a router has told (RFC 1191 §5, RFC 8201 §4). */
final class PathMtuDiscovery {
    /** An IPv4 path MTU below this is not believed, as Linux's {@code min_pmtu}. */
    static final int MIN_MTU_V4 = 552;

    /** RFC 1191 §7.1's plateaus, for routers that do not tell their MTU. */
    private static final int[] PLATEAUS = {65_535, 32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};

    private final IpContext context;

    PathMtuDiscovery(IpContext context) {
        this.context = context;
    }

    /** See {@link IpOutput#updatePathMtu}. */
    void update(long remoteHigh, long remoteLow, int mtu, long now) {
        boolean v4 = IpAddress.isV4(remoteHigh, remoteLow);
        int known = context.destinations.mtu(context.destinations.find(remoteHigh, remoteLow));
        int present = Math.min(v4 ? context.mtu : context.mtuV6, known);
        int lowest = Math.min(present, v4 ? MIN_MTU_V4 : Ipv6Header.MIN_MTU);
        int told = Math.max(lowest, mtu == 0 ? plateauBelow(present) : mtu);
        if (told < present) {
            context.destinations.putMtu(remoteHigh, remoteLow, told, now);
            context.counters.increment(IpCounter.PATH_MTU_UPDATES);
            context.listener.pathMtuLowered(IpAddress.of(remoteHigh, remoteLow), told);
        }
    }

    /** Another shard has found out. */
    void learn(IpAddress remote, int mtu, long now) {
        int known = context.destinations.mtu(context.destinations.find(remote.high(), remote.low()));
        if (mtu < known) {
            context.destinations.putMtu(remote.high(), remote.low(), mtu, now);
        }
    }

    private static int plateauBelow(int mtu) {
        for (int plateau : PLATEAUS) {
            if (plateau < mtu) {
                return plateau;
            }
        }
        return mtu;
    }
}
