/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.ip.Neighbor.State;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.timer.TimerWheel;
import io.netty.buffer.ByteBufAllocator;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The neighbours on the link, for ARP and neighbour discovery alike: the state machine of RFC 4861 §7.3 with the protocol
 * constants of its §10, which Linux applies to ARP too.
 *
 * <p>Bounded in entries, in packets that wait for one neighbour, and in bytes that wait for all of them.
 */
final class NeighborCache {
    /** What sends solicitations, and is told what became of them. */
    interface Listener {
        /**
         * Send a solicitation: an ARP request or a neighbour solicitation.
         *
         * @param unicast to the known link address only, to see whether it is still right
         */
        void solicit(Neighbor neighbor, boolean unicast, long now);

        /** The link address is now known: send the packet, which starts with its IP header. It is released afterwards. */
        void sendWaiting(Neighbor neighbor, WaitingPacket packet, long now);

        /** The neighbour did not answer; the packet is released afterwards. */
        void failWaiting(Neighbor neighbor, WaitingPacket packet, long now);

        /** A neighbour has become reachable after it had failed or was unknown, or has failed. */
        void reachabilityChanged(Neighbor neighbor, boolean reachable, long now);
    }

    /** The most entries, as Linux's {@code gc_thresh3}. */
    static final int CAPACITY = 1024;
    /** MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT. */
    static final int MAX_SOLICITATIONS = 3;
    /** RETRANS_TIMER. */
    static final long RETRANSMIT_NANOS = TimeUnit.SECONDS.toNanos(1);
    /** DELAY_FIRST_PROBE_TIME. */
    static final long DELAY_FIRST_PROBE_NANOS = TimeUnit.SECONDS.toNanos(5);
    /** REACHABLE_TIME, before it is randomised. */
    static final long BASE_REACHABLE_NANOS = TimeUnit.SECONDS.toNanos(30);
    /** How often the reachable time is chosen anew; "at least every few hours" in RFC 4861 §6.3.2. */
    static final long REACHABLE_CHOICE_NANOS = TimeUnit.MINUTES.toNanos(5);
    /** For this long a link address just learnt is not replaced: of two answers to one request the first counts. */
    static final long LOCK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final int EVICTION_SAMPLE = 16;

    private final Listener listener;
    private final TimerWheel timers;
    private final LongSupplier random;
    private final Counters<IpCounter> counters;
    private final long sourceLinkAddress;
    private final AddressHash hash;

    private final WaitingPackets waiting;
    private final Neighbor[] buckets = new Neighbor[CAPACITY];
    private int size;
    private int evictionHand;

    // The first are those of ARP; routers may advertise others for IPv6.
    private long reachableV4Nanos;
    private long baseReachableNanos = BASE_REACHABLE_NANOS;
    private long retransmitNanos = RETRANSMIT_NANOS;
    private long reachableNanos;
    private long reachableChosenAt;

    NeighborCache(
            Listener listener,
            long sourceLinkAddress,
            TimerWheel timers,
            ByteBufAllocator allocator,
            LongSupplier random,
            Counters<IpCounter> counters) {
        this.listener = listener;
        this.sourceLinkAddress = sourceLinkAddress;
        this.timers = timers;
        this.random = random;
        this.counters = counters;
        hash = new AddressHash(random);
        waiting = new WaitingPackets(allocator, counters);
        chooseReachableTime();
    }

    /** How many entries there are. */
    int size() {
        return size;
    }

    /** Bytes that wait for link addresses. */
    int waitingBytes() {
        return waiting.bytes();
    }

    /** The entry for an address, or {@code null}. */
    Neighbor lookup(long high, long low) {
        for (Neighbor n = buckets[bucket(high, low)]; n != null; n = n.chain) {
            if (n.low == low && n.high == high) {
                return n;
            }
        }
        return null;
    }

    /** The entry for an address; a new one in state NONE if there was none, for which another may have to go. */
    Neighbor lookupOrCreate(long high, long low, boolean v4) {
        Neighbor found = lookup(high, low);
        if (found != null) {
            return found;
        }
        if (size >= CAPACITY) {
            evict(leastUseful());
            counters.increment(IpCounter.NEIGHBOR_EVICTIONS);
        }
        Neighbor neighbor = new Neighbor(this, high, low, v4);
        int bucket = bucket(high, low);
        neighbor.chain = buckets[bucket];
        buckets[bucket] = neighbor;
        size++;
        return neighbor;
    }

    /** The entry for a group or broadcast address, whose link address is a function of it. */
    Neighbor permanent(long high, long low, boolean v4, long linkAddress) {
        Neighbor neighbor = lookupOrCreate(high, low, v4);
        if (neighbor.state != State.PERMANENT) {
            setLinkAddress(neighbor, linkAddress, neighbor.usedAt);
            neighbor.state = State.PERMANENT;
            timers.cancel(neighbor);
            waiting.drop(neighbor);
        }
        return neighbor;
    }

    /**
     * Says that something is about to be sent to a neighbour.
     *
     * @return whether its link address is known; if not the packet has to {@linkplain #enqueue wait}
     */
    boolean use(Neighbor neighbor, long now) {
        neighbor.usedAt = now;
        if (neighbor.state == State.REACHABLE && now - neighbor.reachableUntil < 0) {
            return true;
        }
        return useUnconfirmed(neighbor, now);
    }

    private boolean useUnconfirmed(Neighbor neighbor, long now) {
        switch (neighbor.state) {
            case REACHABLE, STALE:
                neighbor.state = State.DELAY;
                timers.arm(neighbor, now + DELAY_FIRST_PROBE_NANOS);
                return true;
            case DELAY, PROBE, PERMANENT:
                return true;
            default:
                return false;
        }
    }

    /**
     * Makes a copy of a packet wait for a neighbour's link address, and asks for it. Where too much waits, the oldest is dropped.
     *
     * @param frame starts with its IP header
     */
    void enqueue(Neighbor neighbor, OutboundFrame frame, long sourceHigh, long sourceLow, long now) {
        waiting.add(neighbor, frame);
        if (neighbor.state != State.INCOMPLETE) {
            neighbor.state = State.INCOMPLETE;
            neighbor.solicitHigh = sourceHigh;
            neighbor.solicitLow = sourceLow;
            neighbor.solicitations = 0;
            solicit(neighbor, false, now);
        }
    }

    /** Something will be sent to a neighbour some time, perhaps in a hurry: asks for its link address now, unless it is known. */
    void prepare(Neighbor neighbor, long sourceHigh, long sourceLow, long now) {
        if (neighbor.state == State.NONE || neighbor.state == State.FAILED) {
            neighbor.state = State.INCOMPLETE;
            neighbor.solicitHigh = sourceHigh;
            neighbor.solicitLow = sourceLow;
            neighbor.solicitations = 0;
            solicit(neighbor, false, now);
        }
    }

    /** An upper layer has heard from the neighbour in answer to what was sent there (RFC 4861 §7.3.1). */
    void confirm(Neighbor neighbor, long now) {
        switch (neighbor.state) {
            case REACHABLE:
                neighbor.reachableUntil = now + reachableNanos(neighbor);
                break;
            case STALE, DELAY, PROBE:
                becomeReachable(neighbor, now);
                break;
            default:
                // Without a link address nothing can have been sent there.
                break;
        }
    }

    /** An upper layer doubts that the neighbour can be reached: it is asked now rather than when its time is up. */
    void suspect(Neighbor neighbor, long now) {
        switch (neighbor.state) {
            case REACHABLE, STALE, DELAY:
                startProbing(neighbor, now);
                break;
            default:
                break;
        }
    }

    /**
     * The neighbour's link address was told by itself in answer to a solicitation: a reply, or an advertisement with the Solicited flag.
     *
     * @param override whether it replaces another that is known (RFC 4861 §7.2.5; always so for ARP)
     */
    void answered(Neighbor neighbor, long linkAddress, boolean override, long now) {
        if (neighbor.state == State.PERMANENT) {
            return;
        }
        if (neighbor.hasLinkAddress() && neighbor.linkAddress != linkAddress) {
            if (!replaces(neighbor, override, now)) {
                doubt(neighbor);
                return;
            }
        }
        setLinkAddress(neighbor, linkAddress, now);
        becomeReachable(neighbor, now);
    }

    /**
     * The neighbour's link address was told without being asked for: by its own request or solicitation, or an announcement. This says
     * nothing about the way there (RFC 4861 §7.2.3).
     *
     * @param override whether it replaces another that is known
     */
    void heardOf(Neighbor neighbor, long linkAddress, boolean override, long now) {
        if (neighbor.state == State.PERMANENT) {
            return;
        }
        if (neighbor.hasLinkAddress()) {
            if (neighbor.linkAddress == linkAddress) {
                return;
            }
            if (!replaces(neighbor, override, now)) {
                doubt(neighbor);
                return;
            }
        }
        setLinkAddress(neighbor, linkAddress, now);
        timers.cancel(neighbor);
        boolean news = neighbor.state == State.FAILED;
        neighbor.state = State.STALE;
        if (news) {
            listener.reachabilityChanged(neighbor, true, now);
        }
        if (neighbor.firstWaiting != null) {
            sendWaiting(neighbor, now);
        }
    }

    /** Sets the times that a router has advertised for IPv6 (RFC 4861 §6.3.4); 0 leaves one as it is. */
    void setTimes(long baseReachableNanos, long retransmitNanos) {
        if (baseReachableNanos > 0 && baseReachableNanos != this.baseReachableNanos) {
            this.baseReachableNanos = baseReachableNanos;
            chooseReachableTime();
        }
        if (retransmitNanos > 0) {
            this.retransmitNanos = retransmitNanos;
        }
    }

    /** Forgets everything and releases what waits. */
    void clear() {
        for (int i = 0; i < buckets.length; i++) {
            while (buckets[i] != null) {
                evict(buckets[i]);
            }
        }
    }

    /** The timer of an entry has expired. */
    void expire(Neighbor neighbor, long now) {
        switch (neighbor.state) {
            case DELAY:
                startProbing(neighbor, now);
                break;
            case INCOMPLETE:
                if (neighbor.solicitations < MAX_SOLICITATIONS) {
                    solicit(neighbor, false, now);
                } else {
                    fail(neighbor, now);
                }
                break;
            case PROBE:
                if (neighbor.solicitations < MAX_SOLICITATIONS) {
                    solicit(neighbor, true, now);
                } else {
                    fail(neighbor, now);
                }
                break;
            default:
                break;
        }
    }

    private static boolean replaces(Neighbor neighbor, boolean override, long now) {
        return override && !(neighbor.v4 && now - neighbor.updatedAt < LOCK_NANOS);
    }

    /** RFC 4861 §7.2.5 (I): someone tells another link address, which is not taken over, but may be right. */
    private static void doubt(Neighbor neighbor) {
        if (neighbor.state == State.REACHABLE) {
            neighbor.state = State.STALE;
        }
    }

    private void startProbing(Neighbor neighbor, long now) {
        neighbor.state = State.PROBE;
        neighbor.solicitations = 0;
        solicit(neighbor, true, now);
    }

    private void solicit(Neighbor neighbor, boolean unicast, long now) {
        neighbor.solicitations++;
        timers.arm(neighbor, now + (neighbor.v4 ? RETRANSMIT_NANOS : retransmitNanos));
        listener.solicit(neighbor, unicast, now);
    }

    private void becomeReachable(Neighbor neighbor, long now) {
        if (now - reachableChosenAt > REACHABLE_CHOICE_NANOS) {
            chooseReachableTime();
            reachableChosenAt = now;
        }
        boolean news =
                neighbor.state == State.FAILED || neighbor.state == State.INCOMPLETE || neighbor.state == State.NONE;
        timers.cancel(neighbor);
        neighbor.state = State.REACHABLE;
        neighbor.reachableUntil = now + reachableNanos(neighbor);
        if (news) {
            listener.reachabilityChanged(neighbor, true, now);
        }
        if (neighbor.firstWaiting != null) {
            sendWaiting(neighbor, now);
        }
    }

    private void fail(Neighbor neighbor, long now) {
        counters.increment(IpCounter.NEIGHBOR_RESOLUTION_FAILED);
        neighbor.state = State.FAILED;
        listener.reachabilityChanged(neighbor, false, now);
        // Whoever is told may send again at once; that waits for the next answer, so only what waits now is failed
        // here.
        WaitingPacket packet = waiting.detach(neighbor);
        while (packet != null) {
            WaitingPacket next = packet.next;
            counters.increment(IpCounter.NEIGHBOR_UNRESOLVED_DISCARDS);
            listener.failWaiting(neighbor, packet, now);
            waiting.release(packet);
            packet = next;
        }
    }

    private void sendWaiting(Neighbor neighbor, long now) {
        WaitingPacket packet = waiting.detach(neighbor);
        while (packet != null) {
            WaitingPacket next = packet.next;
            use(neighbor, now);
            listener.sendWaiting(neighbor, packet, now);
            waiting.release(packet);
            packet = next;
        }
    }

    private void setLinkAddress(Neighbor neighbor, long linkAddress, long now) {
        if (!neighbor.hasLinkAddress() || neighbor.linkAddress != linkAddress) {
            neighbor.updatedAt = now;
        }
        neighbor.linkAddress = linkAddress;
        neighbor.headerFirst = LinkOutput.headerFirst(linkAddress, sourceLinkAddress);
        neighbor.headerLast = LinkOutput.headerLast(sourceLinkAddress, neighbor.v4);
    }

    private void chooseReachableTime() {
        // Uniform between MIN_RANDOM_FACTOR (0.5) and MAX_RANDOM_FACTOR (1.5) times the base (RFC 4861 §6.3.2).
        reachableV4Nanos = randomized(BASE_REACHABLE_NANOS);
        reachableNanos = randomized(baseReachableNanos);
    }

    private long randomized(long base) {
        return base / 2 + Math.floorMod(random.getAsLong(), base + 1);
    }

    private long reachableNanos(Neighbor neighbor) {
        return neighbor.v4 ? reachableV4Nanos : reachableNanos;
    }

    private Neighbor leastUseful() {
        Neighbor worst = null;
        int seen = 0;
        for (int i = 0; i < buckets.length && (seen < EVICTION_SAMPLE || worst == null); i++) {
            evictionHand = evictionHand + 1 & CAPACITY - 1;
            for (Neighbor n = buckets[evictionHand]; n != null; n = n.chain) {
                seen++;
                if (worst == null || isLessUseful(n, worst)) {
                    worst = n;
                }
            }
        }
        return worst;
    }

    private static boolean isLessUseful(Neighbor a, Neighbor b) {
        int rankA = usefulness(a);
        int rankB = usefulness(b);
        return rankA != rankB ? rankA < rankB : a.usedAt - b.usedAt < 0;
    }

    private static int usefulness(Neighbor neighbor) {
        int rank = switch (neighbor.state) {
            case NONE, FAILED -> 0;
            case INCOMPLETE, PERMANENT -> 1;
            case STALE -> 2;
            case REACHABLE, DELAY, PROBE -> 3;
        };
        return neighbor.router ? rank + 4 : rank;
    }

    private void evict(Neighbor neighbor) {
        timers.cancel(neighbor);
        waiting.drop(neighbor);
        neighbor.evicted = true;
        int bucket = bucket(neighbor.high, neighbor.low);
        Neighbor n = buckets[bucket];
        if (n == neighbor) {
            buckets[bucket] = neighbor.chain;
        } else {
            while (n.chain != neighbor) {
                n = n.chain;
            }
            n.chain = neighbor.chain;
        }
        neighbor.chain = null;
        size--;
    }

    private int bucket(long high, long low) {
        return (int) (hash.of(high, low) >>> 54);
    }
}
