/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.buffer.ByteBuf;
import java.util.SplittableRandom;

/**
 * What happens to the packets of one direction of a link: decides the fate of each by its {@link LinkConditions} and a random source, and knows when
 * the transmitter is free again. Not thread-safe.
 */
final class LinkDirection {
    /** What becomes of a packet. */
    enum Fate {
        SENT("sent"),
        LOST("lost"),
        CUT("cut"),
        TOO_LONG("too long"),
        QUEUE_FULL("queue full"),
        CORRUPTED("corrupted"),
        DUPLICATED("duplicated"),
        ICMP_FILTERED("ICMP filtered"),
        PARTITIONED("partitioned");

        private final String text;

        Fate(String text) {
            this.text = text;
        }

        boolean arrives() {
            return this == SENT || this == CORRUPTED || this == DUPLICATED;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** Preamble, frame check sequence and gap: what a frame takes on an Ethernet beyond its bytes. */
    private static final int ETHERNET_OVERHEAD = 24;

    private static final int ETHERNET_HEADER = SimulatedInterface.ETHERNET_HEADER;

    private final LinkConditions conditions;
    private final SplittableRandom random;
    private boolean inBurst;
    /** When the transmitter will have sent all that waits, in nanoseconds. */
    private long freeAt;

    private boolean used;
    private long departure;
    private boolean heldBack;

    LinkDirection(LinkConditions conditions, SplittableRandom random) {
        this.conditions = conditions;
        this.random = random;
    }

    LinkConditions conditions() {
        return conditions;
    }

    /**
     * Decides on a packet. If it {@linkplain Fate#arrives() arrives}, {@link #arrival()} says when, for each copy anew.
     *
     * @param bytes its length
     * @param now in nanoseconds
     */
    Fate send(int bytes, long now) {
        return send(bytes, 1, now);
    }

    /**
     * Decides on packets that stay together.
     *
     * @param bytes the length of all, each with headers
     * @param packets how many
     */
    Fate send(int bytes, int packets, long now) {
        LinkConditions c = conditions;
        if (c.cut) {
            return Fate.CUT;
        }
        if (bytes / packets - ETHERNET_HEADER > c.mtu) {
            return Fate.TOO_LONG;
        }
        if (isLost()) {
            return Fate.LOST;
        }
        departure = now;
        // Read once: in real time, another thread may set it at any moment.
        long bitsPerSecond = c.bitsPerSecond;
        if (bitsPerSecond > 0) {
            long start = used && freeAt - now > 0 ? freeAt : now;
            long waiting = (long) ((start - now) / 1e9 * bitsPerSecond / 8);
            if (waiting + bytes > c.queueBytes && start != now) {
                return Fate.QUEUE_FULL;
            }
            departure = start + ((long) bytes + packets * ETHERNET_OVERHEAD) * 8 * 1_000_000_000L / bitsPerSecond;
            freeAt = departure;
            used = true;
        }
        if (c.corrupt > 0 && random.nextDouble() < c.corrupt) {
            return Fate.CORRUPTED;
        }
        return c.duplicate > 0 && random.nextDouble() < c.duplicate ? Fate.DUPLICATED : Fate.SENT;
    }

    /** Flips a bit of a frame, behind its Ethernet header. */
    void corrupt(ByteBuf frame) {
        corrupt(frame, ETHERNET_HEADER);
    }

    /** Flips a bit of a frame, behind some bytes. */
    void corrupt(ByteBuf frame, int untouched) {
        int bits = (frame.readableBytes() - untouched) * 8;
        if (bits > 0) {
            int bit = random.nextInt(bits);
            int at = frame.readerIndex() + untouched + bit / 8;
            frame.setByte(at, frame.getByte(at) ^ 1 << bit % 8);
        }
    }

    /** When the packet that was last sent arrives, in nanoseconds. */
    long arrival() {
        LinkConditions c = conditions;
        long delay = c.latencyNanos;
        heldBack = false;
        if (c.jitterNanos > 0) {
            long jitter = switch (c.jitterDistribution) {
                case UNIFORM -> (long) ((random.nextDouble() * 2 - 1) * c.jitterNanos);
                case NORMAL -> (long) (gaussian() * c.jitterNanos);
                case PARETO -> (long) ((StrictMath.pow(1 - random.nextDouble(), -1 / 3.0) - 1) * c.jitterNanos);
            };
            delay = Durations.plus(delay, jitter);
        }
        if (c.reorder > 0 && random.nextDouble() < c.reorder) {
            delay = Durations.plus(delay, c.reorderNanos);
            heldBack = true;
        }
        return Durations.plus(departure, Math.max(0, delay));
    }

    /** Whether the arrival that was last asked for is late so that later packets overtake it. */
    boolean isHeldBack() {
        return heldBack;
    }

    private boolean isLost() {
        LinkConditions c = conditions;
        if (c.burstEnter > 0) {
            inBurst = inBurst ? !(random.nextDouble() < c.burstLeave) : random.nextDouble() < c.burstEnter;
            if (inBurst && random.nextDouble() < c.burstLoss) {
                return true;
            }
        }
        return c.loss > 0 && random.nextDouble() < c.loss;
    }

    private double gaussian() {
        // Box–Muller, by StrictMath for the same result everywhere.
        double u = 1 - random.nextDouble();
        double v = random.nextDouble();
        return StrictMath.sqrt(-2 * StrictMath.log(u)) * StrictMath.cos(2 * StrictMath.PI * v);
    }
}
