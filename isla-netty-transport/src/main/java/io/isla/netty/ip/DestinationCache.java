/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.timer.Timer;
import io.isla.netty.timer.TimerWheel;
import java.util.concurrent.TimeUnit;

/**
 * What the network has told about single destinations and the routes do not say (the destination cache of RFC 4861 §5.1): path MTUs that
 * are smaller than the link's, and next hops that routers redirect to. Bounded, and every entry ages, so that a path that has become wider
 * is tried again after a while (RFC 1191 §6.3, RFC 8201 §4).
 */
final class DestinationCache {
    /** How long an entry holds: RFC 1191 and RFC 8201 advise ten minutes. */
    static final long LIFETIME_NANOS = TimeUnit.MINUTES.toNanos(10);
    /** The most entries. */
    static final int CAPACITY = 1024;

    private static final int WAYS = 4;
    private static final long SWEEP_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final boolean[] used = new boolean[CAPACITY];
    private final long[] highs = new long[CAPACITY];
    private final long[] lows = new long[CAPACITY];
    private final long[] expiries = new long[CAPACITY];
    private final int[] mtus = new int[CAPACITY];
    private final boolean[] redirected = new boolean[CAPACITY];
    private final long[] hopHighs = new long[CAPACITY];
    private final long[] hopLows = new long[CAPACITY];
    private final AddressHash hash;
    private final TimerWheel timers;
    private final Runnable onChange;
    private final Timer sweep = new Timer() {
        @Override
        protected void expire(long now) {
            sweep(now);
        }
    };
    private int size;

    DestinationCache(TimerWheel timers, AddressHash hash, Runnable onChange) {
        this.timers = timers;
        this.hash = hash;
        this.onChange = onChange;
    }

    /** How many entries there are. */
    int size() {
        return size;
    }

    /** The entry of a destination, or -1. */
    int find(long high, long low) {
        if (size > 0) {
            int set = set(high, low);
            for (int i = set; i < set + WAYS; i++) {
                if (used[i] && lows[i] == low && highs[i] == high) {
                    return i;
                }
            }
        }
        return -1;
    }

    /** The path MTU of an entry in bytes, or {@code Integer.MAX_VALUE} if none is known. */
    int mtu(int entry) {
        return entry < 0 ? Integer.MAX_VALUE : mtus[entry];
    }

    /** Whether an entry has a next hop. */
    boolean isRedirected(int entry) {
        return entry >= 0 && redirected[entry];
    }

    /** First half of an entry's next hop. */
    long nextHopHigh(int entry) {
        return hopHighs[entry];
    }

    /** Second half of an entry's next hop. */
    long nextHopLow(int entry) {
        return hopLows[entry];
    }

    /** Notes a path MTU. */
    void putMtu(long high, long low, int mtu, long now) {
        mtus[entry(high, low, now)] = mtu;
        onChange.run();
    }

    /** Notes a next hop. */
    void putNextHop(long high, long low, long hopHigh, long hopLow, long now) {
        int entry = entry(high, low, now);
        redirected[entry] = true;
        hopHighs[entry] = hopHigh;
        hopLows[entry] = hopLow;
        onChange.run();
    }

    /** Forgets a next hop that does not answer. */
    void removeNextHop(long hopHigh, long hopLow) {
        if (size == 0) {
            return;
        }
        boolean changed = false;
        for (int i = 0; i < CAPACITY; i++) {
            if (used[i] && redirected[i] && hopLows[i] == hopLow && hopHighs[i] == hopHigh) {
                redirected[i] = false;
                changed = true;
            }
        }
        if (changed) {
            onChange.run();
        }
    }

    void close() {
        timers.cancel(sweep);
    }

    /** The entry of a destination, made if there is none; of a full set, the entry goes that would be the first to expire. */
    private int entry(long high, long low, long now) {
        int set = set(high, low);
        int at = set;
        for (int i = set; i < set + WAYS; i++) {
            if (used[i] && lows[i] == low && highs[i] == high) {
                expiries[i] = now + LIFETIME_NANOS;
                return i;
            }
            if (used[at] && (!used[i] || expiries[i] - expiries[at] < 0)) {
                at = i;
            }
        }
        if (!used[at]) {
            size++;
        }
        used[at] = true;
        highs[at] = high;
        lows[at] = low;
        mtus[at] = Integer.MAX_VALUE;
        redirected[at] = false;
        expiries[at] = now + LIFETIME_NANOS;
        if (!sweep.isArmed()) {
            timers.arm(sweep, now + SWEEP_NANOS);
        }
        return at;
    }

    private void sweep(long now) {
        boolean changed = false;
        for (int i = 0; i < CAPACITY; i++) {
            if (used[i] && expiries[i] - now <= 0) {
                used[i] = false;
                size--;
                changed = true;
            }
        }
        if (size > 0) {
            timers.arm(sweep, now + SWEEP_NANOS);
        }
        if (changed) {
            onChange.run();
        }
    }

    private int set(long high, long low) {
        return (int) (hash.of(high, low) >>> 56) * WAYS;
    }
}
