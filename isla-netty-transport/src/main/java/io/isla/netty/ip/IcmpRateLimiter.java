/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import java.util.concurrent.TimeUnit;

/**
 * How many ICMP errors may be sent (RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)): token buckets, one for all and one for each peer, with Linux's
 * default numbers: 1,000 a second in all with bursts of 50; to one host 1 a second with bursts of 6. Peers share a table of buckets by
 * hash, so an attacker with many addresses cannot make it grow.
 */
final class IcmpRateLimiter {
    private static final int BUCKETS = 1024;
    private static final long NANOS_PER_TOKEN = TimeUnit.SECONDS.toNanos(1) / 1000;
    private static final long BURST_NANOS = 50 * NANOS_PER_TOKEN;
    private static final long PEER_NANOS_PER_TOKEN = TimeUnit.SECONDS.toNanos(1);
    private static final long PEER_BURST_NANOS = 6 * PEER_NANOS_PER_TOKEN;

    private final Counters<IpCounter> counters;
    private final AddressHash hash;
    /** Saved-up time, which is what tokens are made of: in all, and for each bucket of peers. */
    private long credit = BURST_NANOS;

    private long updatedAt;
    private boolean used;
    private final long[] peerCredits = new long[BUCKETS];
    private final long[] peerUpdatedAt = new long[BUCKETS];
    private final boolean[] peerUsed = new boolean[BUCKETS];

    IcmpRateLimiter(Counters<IpCounter> counters, AddressHash hash) {
        this.counters = counters;
        this.hash = hash;
    }

    /** Takes a token for an error to this peer; if there is none, counts why and returns {@code false}. */
    boolean tryAcquire(long peerHigh, long peerLow, long now) {
        long available = used ? refill(credit, now - updatedAt, BURST_NANOS) : BURST_NANOS;
        if (available < NANOS_PER_TOKEN) {
            counters.increment(IpCounter.ICMP_OUT_RATE_LIMIT_GLOBAL);
            return false;
        }
        int peer = (int) (hash.of(peerHigh, peerLow) >>> 54);
        long peerAvailable = peerUsed[peer]
                ? refill(peerCredits[peer], now - peerUpdatedAt[peer], PEER_BURST_NANOS)
                : PEER_BURST_NANOS;
        if (peerAvailable < PEER_NANOS_PER_TOKEN) {
            counters.increment(IpCounter.ICMP_OUT_RATE_LIMIT_HOST);
            return false;
        }
        credit = available - NANOS_PER_TOKEN;
        updatedAt = now;
        used = true;
        peerCredits[peer] = peerAvailable - PEER_NANOS_PER_TOKEN;
        peerUpdatedAt[peer] = now;
        peerUsed[peer] = true;
        return true;
    }

    private static long refill(long credit, long elapsed, long limit) {
        return elapsed >= limit ? limit : Math.min(limit, credit + Math.max(0, elapsed));
    }
}
