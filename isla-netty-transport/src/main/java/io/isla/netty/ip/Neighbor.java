/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.timer.Timer;

/**
 * A next hop on the link: what is known of one neighbour's link address, and whether it can still be reached (RFC 4861 §7.3.2, applied
 * to ARP as well). An entry of the {@link NeighborCache}, whose methods change it; {@link Path}s refer to it.
 *
 * <p>The one timer of an entry is the entry itself.
 */
final class Neighbor extends Timer {
    /** The states of RFC 4861 §7.3.2, and three more. */
    enum State {
        /** Nothing was asked yet. */
        NONE,
        /** Asked, no answer yet. */
        INCOMPLETE,
        /** Known to answer. */
        REACHABLE,
        /** Known, but not lately confirmed. */
        STALE,
        /** Used while stale: whoever uses it is given a moment to confirm it. */
        DELAY,
        /** Being asked whether it is still there. */
        PROBE,
        /** Did not answer. */
        FAILED,
        /** Needs no asking: a group or broadcast address. */
        PERMANENT
    }

    private final NeighborCache cache;
    /** The neighbour's IP address. */
    final long high;

    final long low;
    final boolean v4;

    State state = State.NONE;
    /** The neighbour's link address; meaningful from {@link State#REACHABLE} to {@link State#PROBE}. */
    long linkAddress;
    /** The first eight bytes of the Ethernet header of every frame to this neighbour. */
    long headerFirst;
    /** Its last eight bytes; two are in both. */
    long headerLast;
    /** When a confirmation of {@link State#REACHABLE} runs out. */
    long reachableUntil;
    /** When the link address was last learnt or changed. */
    long updatedAt;
    /** When something was last sent there. */
    long usedAt;
    /** Solicitations sent in the present state. */
    int solicitations;
    /** Whether the neighbour says that it is a router (RFC 4861: IsRouter). */
    boolean router;
    /** Source address for solicitations: that of the packet that first asked for this neighbour. */
    long solicitHigh;

    long solicitLow;
    /** Set once the entry is no longer in the cache; a path that still refers to it must be resolved again. */
    boolean evicted;

    WaitingPacket firstWaiting;
    WaitingPacket lastWaiting;
    int waitingBytes;

    /** Next in the same bucket of the cache. */
    Neighbor chain;

    Neighbor(NeighborCache cache, long high, long low, boolean v4) {
        this.cache = cache;
        this.high = high;
        this.low = low;
        this.v4 = v4;
    }

    /** Whether the state is one in which the link address is known. */
    boolean hasLinkAddress() {
        return switch (state) {
            case REACHABLE, STALE, DELAY, PROBE, PERMANENT -> true;
            case NONE, INCOMPLETE, FAILED -> false;
        };
    }

    @Override
    protected void expire(long now) {
        cache.expire(this, now);
    }
}
