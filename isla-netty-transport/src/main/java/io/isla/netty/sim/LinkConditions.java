/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import java.time.Duration;

/**
 * What one direction of a virtual link does to the packets on it. Changes apply to packets sent from then on. All fractions are of packets, 0 to 1. Set on one
 * thread at a time, read on any.
 */
public final class LinkConditions {
    volatile long latencyNanos;
    volatile long jitterNanos;
    volatile Jitter jitterDistribution = Jitter.UNIFORM;
    volatile double loss;
    volatile double burstEnter;
    volatile double burstLeave = 1;
    volatile double burstLoss;
    volatile double duplicate;
    volatile double reorder;
    volatile long reorderNanos;
    volatile double corrupt;
    volatile long bitsPerSecond;
    volatile int queueBytes = 1 << 20;
    volatile int mtu = 0xffff;
    volatile boolean icmpFiltered;
    volatile boolean cut;
    /** How often the cable was cut: what was sent before a cut does not arrive after it. */
    volatile int cuts;

    /** How jitter is distributed. */
    public enum Jitter {
        /** Evenly between minus and plus its size. */
        UNIFORM,
        /** Normally, its size being the standard deviation. */
        NORMAL,
        /** With the heavy tail of a Pareto distribution (shape 3), never early. */
        PARETO
    }

    /** A direction that delivers everything at once. */
    public LinkConditions() {}

    /** One-way delay. */
    public LinkConditions latency(Duration latency) {
        latencyNanos = Durations.nanos("latency", latency);
        return this;
    }

    /** Random deviation from the latency; packets overtake each other by it. */
    public LinkConditions jitter(Duration size, Jitter distribution) {
        jitterNanos = Durations.nanos("jitter", size);
        jitterDistribution = distribution;
        return this;
    }

    /** Independent loss. */
    public LinkConditions loss(double fraction) {
        loss = fraction(fraction, "loss");
        return this;
    }

    /**
     * Bursty loss by the Gilbert–Elliott model, in addition to the independent one.
     *
     * @param enter probability for each packet to enter the bad state
     * @param leave probability for each packet to leave it
     * @param lossInBurst fraction lost in the bad state
     */
    public LinkConditions burstLoss(double enter, double leave, double lossInBurst) {
        burstEnter = fraction(enter, "burst enter");
        burstLeave = fraction(leave, "burst leave");
        burstLoss = fraction(lossInBurst, "burst loss");
        return this;
    }

    /** Packets that arrive twice. */
    public LinkConditions duplicate(double fraction) {
        duplicate = fraction(fraction, "duplicate");
        return this;
    }

    /** Packets that are held back by an extra delay, so that later ones overtake them. */
    public LinkConditions reorder(double fraction, Duration extraDelay) {
        reorder = fraction(fraction, "reorder");
        reorderNanos = Durations.nanos("reorder delay", extraDelay);
        return this;
    }

    /** Packets in which a bit is flipped. */
    public LinkConditions corrupt(double fraction) {
        corrupt = fraction(fraction, "corrupt");
        return this;
    }

    /** Bits per second, 0 for no limit, and bytes that may wait for their turn; packets beyond are dropped. */
    public LinkConditions rate(long bitsPerSecond, int queueBytes) {
        if (bitsPerSecond < 0 || queueBytes < 0) {
            throw new IllegalArgumentException(
                    "rate and queue length must not be negative: " + bitsPerSecond + ", " + queueBytes);
        }
        this.bitsPerSecond = bitsPerSecond;
        this.queueBytes = queueBytes;
        return this;
    }

    /**
     * The largest IP packet that gets through. A larger one vanishes, and nobody is told; but for a router of a {@link VirtualNetwork}, which answers with an ICMP
     * error, or splits the packet if it may be split. On a wire that carries super-segments whole, these count as packets.
     *
     * @param bytes 68 to 65,535; 65,535 unless set
     */
    public LinkConditions mtu(int bytes) {
        if (bytes < 68 || bytes > 0xffff) {
            throw new IllegalArgumentException("mtu must be 68 to 65,535 bytes: " + bytes);
        }
        mtu = bytes;
        return this;
    }

    /** Whether ICMP is dropped, as by a firewall that means well: errors and echoes of both families; neighbour discovery gets through. */
    public LinkConditions filterIcmp(boolean isFiltered) {
        icmpFiltered = isFiltered;
        return this;
    }

    /** Whether nothing gets through. On a {@link VirtualLink}, what is under way is lost, too. */
    public LinkConditions cut(boolean isCut) {
        cuts += isCut && !cut ? 1 : 0;
        cut = isCut;
        return this;
    }

    private static double fraction(double value, String name) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException(name + " must be a fraction from 0 to 1: " + value);
        }
        return value;
    }
}
