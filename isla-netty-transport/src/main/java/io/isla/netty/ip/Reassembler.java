/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.counter.Counters;
import io.isla.netty.ip.FragmentedPacket.Fragment;
import io.isla.netty.timer.TimerWheel;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.concurrent.TimeUnit;

/**
 * Puts fragments together again, for one IP version (RFC 791 §3.2, RFC 8200 §4.5). Bounded in memory: when there is too much, the oldest
 * packet is given up. Fragments that overlap spoil their packet (RFC 5722, and Linux for IPv4 too); an exact duplicate is ignored.
 */
final class Reassembler {
    /** What is counted, by IP version. */
    record Counts(
            IpCounter fragments,
            IpCounter reassembled,
            IpCounter failed,
            IpCounter timedOut,
            IpCounter bad,
            IpCounter noRoom) {
        static final Counts V4 = new Counts(
                IpCounter.IP_REASM_REQDS,
                IpCounter.IP_REASM_OKS,
                IpCounter.IP_REASM_FAILS,
                IpCounter.IP_REASM_TIMEOUT,
                IpCounter.IP_REASM_BAD_FRAGMENT,
                IpCounter.IP_REASM_NO_ROOM);
        static final Counts V6 = new Counts(
                IpCounter.IP6_REASM_REQDS,
                IpCounter.IP6_REASM_OKS,
                IpCounter.IP6_REASM_FAILS,
                IpCounter.IP6_REASM_TIMEOUT,
                IpCounter.IP6_REASM_BAD_FRAGMENT,
                IpCounter.IP6_REASM_NO_ROOM);
    }

    /** What is told when a packet's time is up. */
    interface Listener {
        /**
         * Some fragments have not come in time.
         *
         * @param packet its {@link FragmentedPacket#first} is the first fragment
         */
        void reassemblyTimeExceeded(FragmentedPacket packet, long now);
    }

    /** Linux's time for IPv4; RFC 1122 §3.3.2 asks for 60 to 120 s. */
    static final long TIMEOUT_V4_NANOS = TimeUnit.SECONDS.toNanos(30);
    /** RFC 8200 §4.5. */
    static final long TIMEOUT_V6_NANOS = TimeUnit.SECONDS.toNanos(60);
    /** The most bytes kept, Linux's {@code ipfrag_high_thresh}. */
    static final int MAX_BYTES = 4 * 1024 * 1024;

    /** The most fragments of one packet: enough for 64 KiB in pieces of 256 bytes. They are searched one by one. */
    static final int MAX_FRAGMENTS = 256;

    /** What a fragment costs beyond its bytes, so that many tiny ones count too. */
    private static final int OVERHEAD = 256;

    private static final int BUCKETS = 256;
    private static final int MAX_SPARES = 64;
    /** The largest payload of a packet. */
    private static final int MAX_PAYLOAD = 65_535;

    private final Listener listener;
    private final Counts counts;
    private final Counters<IpCounter> counters;
    private final TimerWheel timers;
    private final ByteBufAllocator allocator;
    private final long timeoutNanos;
    private final AddressHash hash;
    private final FragmentedPacket[] buckets = new FragmentedPacket[BUCKETS];
    private FragmentedPacket oldest;
    private FragmentedPacket newest;
    private Fragment spares;
    private int spareCount;
    private int bytes;

    Reassembler(IpContext context, Listener listener, Counts counts, long timeoutNanos) {
        this.listener = listener;
        this.counts = counts;
        this.timeoutNanos = timeoutNanos;
        counters = context.counters;
        timers = context.timers;
        allocator = context.allocator;
        hash = new AddressHash(context.random);
    }

    /** Bytes that fragments hold, with what each costs beyond its own. */
    int bytes() {
        return bytes;
    }

    /**
     * The packet that a fragment with these marks is part of; a new one if none of its fragments has arrived yet.
     *
     * @param protocol of IPv4; 0 for IPv6, where it does not tell packets apart
     */
    FragmentedPacket packet(
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int identification,
            int protocol,
            Arrival arrival,
            long now) {
        int bucket = (int) (hash.of(sourceHigh, sourceLow, destinationHigh, destinationLow, identification) >>> 56);
        for (FragmentedPacket packet = buckets[bucket]; packet != null; packet = packet.chain) {
            if (packet.is(sourceHigh, sourceLow, destinationHigh, destinationLow, identification, protocol)) {
                return packet;
            }
        }
        FragmentedPacket packet = new FragmentedPacket(this);
        packet.sourceHigh = sourceHigh;
        packet.sourceLow = sourceLow;
        packet.destinationHigh = destinationHigh;
        packet.destinationLow = destinationLow;
        packet.identification = identification;
        packet.protocol = protocol;
        packet.arrival = arrival;
        packet.totalLength = -1;
        packet.cost = OVERHEAD;
        bytes += OVERHEAD;
        packet.bucket = bucket;
        packet.chain = buckets[bucket];
        buckets[bucket] = packet;
        packet.older = newest;
        if (newest == null) {
            oldest = packet;
        } else {
            newest.newer = packet;
        }
        newest = packet;
        timers.arm(packet, now + timeoutNanos);
        return packet;
    }

    /**
     * Adds a copy of a fragment.
     *
     * @param buf holds it
     * @param networkOffset index of its IP header
     * @param headerLength bytes from there that are headers of the whole packet
     * @param payloadOffset index of its payload
     * @param payloadLength bytes, positive
     * @param offset where the payload belongs
     * @param more whether more fragments follow
     * @param codepoint its ECN field
     * @return whether the packet is complete; the caller then {@linkplain FragmentedPacket#assemble assembles} and
     *     {@linkplain #remove removes} it
     */
    boolean add(
            FragmentedPacket packet,
            ByteBuf buf,
            int networkOffset,
            int headerLength,
            int payloadOffset,
            int payloadLength,
            int offset,
            boolean more,
            int codepoint) {
        counters.increment(counts.fragments);
        if (packet.poisoned) {
            counters.increment(counts.bad);
            return false;
        }
        int end = offset + payloadLength;
        Fragment previous = null;
        Fragment next = packet.first;
        while (next != null && next.offset < offset) {
            previous = next;
            next = next.next;
        }
        if (next != null && next.offset == offset && next.length == payloadLength) {
            // RFC 8200 §4.5: an exact duplicate may be ignored. That its bytes are the same is its sender's affair.
            counters.increment(counts.bad);
            return false;
        }
        boolean contradicts = end > MAX_PAYLOAD
                || packet.fragments == MAX_FRAGMENTS
                || previous != null && previous.offset + previous.length > offset
                || next != null && next.offset < end
                || packet.totalLength >= 0 && (end > packet.totalLength || !more)
                || !more && lastEnd(packet) > end;
        packet.codepoints |= 1 << codepoint;
        if (contradicts || packet.hasContradictingCodepoints()) {
            poison(packet);
            return false;
        }
        boolean first = offset == 0;
        int copied = first ? payloadOffset + payloadLength - networkOffset : payloadLength;
        makeRoom(copied + OVERHEAD, packet);
        Fragment fragment = spare();
        fragment.bytes =
                allocator.directBuffer(copied, copied).writeBytes(buf, first ? networkOffset : payloadOffset, copied);
        fragment.payloadIndex = copied - payloadLength;
        fragment.offset = offset;
        fragment.length = payloadLength;
        fragment.next = next;
        if (previous == null) {
            packet.first = fragment;
        } else {
            previous.next = fragment;
        }
        packet.fragments++;
        packet.received += payloadLength;
        packet.cost += copied + OVERHEAD;
        bytes += copied + OVERHEAD;
        if (first) {
            packet.headerLength = headerLength;
        }
        if (!more) {
            packet.totalLength = end;
        }
        if (!packet.isComplete()) {
            return false;
        }
        counters.increment(counts.reassembled);
        return true;
    }

    /** Forgets a packet and frees its fragments. */
    void remove(FragmentedPacket packet) {
        timers.cancel(packet);
        free(packet);
        bytes -= packet.cost;
        packet.cost = 0;
        int bucket = packet.bucket;
        if (buckets[bucket] == packet) {
            buckets[bucket] = packet.chain;
        } else {
            FragmentedPacket before = buckets[bucket];
            while (before.chain != packet) {
                before = before.chain;
            }
            before.chain = packet.chain;
        }
        if (packet.older == null) {
            oldest = packet.newer;
        } else {
            packet.older.newer = packet.newer;
        }
        if (packet.newer == null) {
            newest = packet.older;
        } else {
            packet.newer.older = packet.older;
        }
    }

    /** Forgets everything. */
    void clear() {
        while (oldest != null) {
            remove(oldest);
        }
    }

    void expire(FragmentedPacket packet, long now) {
        if (!packet.poisoned) {
            counters.increment(counts.timedOut);
            counters.increment(counts.failed);
            if (packet.hasFirst()) {
                listener.reassemblyTimeExceeded(packet, now);
            }
        }
        remove(packet);
    }

    /** Gives a packet up at once, for a reason that has been counted. */
    void giveUp(FragmentedPacket packet) {
        counters.increment(counts.failed);
        remove(packet);
    }

    /** Keeps only the marks of a packet, so that what still arrives of it is not taken for another. */
    private void poison(FragmentedPacket packet) {
        counters.increment(counts.failed);
        counters.increment(counts.bad);
        free(packet);
        bytes -= packet.cost - OVERHEAD;
        packet.cost = OVERHEAD;
        packet.poisoned = true;
    }

    private void makeRoom(int wanted, FragmentedPacket keep) {
        while (bytes + wanted > MAX_BYTES) {
            FragmentedPacket victim = oldest == keep ? oldest.newer : oldest;
            if (victim == null) {
                return;
            }
            counters.increment(counts.failed);
            counters.increment(counts.noRoom);
            remove(victim);
        }
    }

    private void free(FragmentedPacket packet) {
        Fragment fragment = packet.first;
        packet.first = null;
        while (fragment != null) {
            Fragment next = fragment.next;
            fragment.bytes.release();
            fragment.bytes = null;
            fragment.next = null;
            if (spareCount < MAX_SPARES) {
                fragment.next = spares;
                spares = fragment;
                spareCount++;
            }
            fragment = next;
        }
    }

    private Fragment spare() {
        Fragment fragment = spares;
        if (fragment == null) {
            return new Fragment();
        }
        spares = fragment.next;
        spareCount--;
        return fragment;
    }

    private static int lastEnd(FragmentedPacket packet) {
        int end = 0;
        for (Fragment fragment = packet.first; fragment != null; fragment = fragment.next) {
            end = fragment.offset + fragment.length;
        }
        return end;
    }
}
