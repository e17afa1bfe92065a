/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.buffer.ByteBuf;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * A cable between two nodes of a {@link VirtualNetwork}. What it does to packets is set for both directions at once here, and for each on its own with
 * {@link #from(VirtualNode)}. Conditions may change at any virtual moment, and apply to packets that are sent from then on; a cut takes those under way, too.
 */
public final class VirtualLink {
    private final VirtualNetwork network;
    private final String name;
    private final Port a;
    private final Port b;
    private final LinkCounts aToB = new LinkCounts();
    private final LinkCounts bToA = new LinkCounts();
    private final List<Recorder.Capture> captures = new ArrayList<>();

    VirtualLink(
            VirtualNetwork network,
            VirtualNode first,
            VirtualNode second,
            SplittableRandom random,
            long macA,
            long macB) {
        this.network = network;
        name = first.name() + "-" + second.name();
        a = new Port(first, this, new LinkDirection(new LinkConditions(), random.split()), macA);
        b = new Port(second, this, new LinkDirection(new LinkConditions(), random.split()), macB);
        Port.join(a, b);
    }

    /** The names of its two ends, joined by a dash. */
    public String name() {
        return name;
    }

    /** The node that was named first. */
    public VirtualNode first() {
        return a.node();
    }

    /** The node that was named second. */
    public VirtualNode second() {
        return b.node();
    }

    Port a() {
        return a;
    }

    Port b() {
        return b;
    }

    // ------------------------------------------------------------------------------------------------ conditions

    /**
     * What happens to packets that one end sends.
     *
     * @throws IllegalArgumentException if the node is at neither end
     */
    public LinkConditions from(VirtualNode sender) {
        if (sender == a.node()) {
            return a.direction().conditions();
        }
        if (sender == b.node()) {
            return b.direction().conditions();
        }
        throw new IllegalArgumentException("from: " + sender + " is at neither end of link " + name);
    }

    private VirtualLink both(Consumer<LinkConditions> change) {
        change.accept(a.direction().conditions());
        change.accept(b.direction().conditions());
        return this;
    }

    /** One-way delay, in both directions. */
    public VirtualLink latency(Duration latency) {
        return both(conditions -> conditions.latency(latency));
    }

    /** Random deviation from the latency, in both directions; packets overtake each other by it. */
    public VirtualLink jitter(Duration size, LinkConditions.Jitter distribution) {
        return both(conditions -> conditions.jitter(size, distribution));
    }

    /** Independent loss, in both directions: a fraction of packets, 0 to 1. */
    public VirtualLink loss(double fraction) {
        return both(conditions -> conditions.loss(fraction));
    }

    /** Bursty loss, in both directions; see {@link LinkConditions#burstLoss}. */
    public VirtualLink burstLoss(double enter, double leave, double lossInBurst) {
        return both(conditions -> conditions.burstLoss(enter, leave, lossInBurst));
    }

    /** Packets that arrive twice, in both directions: a fraction of them, 0 to 1. */
    public VirtualLink duplicate(double fraction) {
        return both(conditions -> conditions.duplicate(fraction));
    }

    /** Packets that are held back so that later ones overtake them, in both directions. */
    public VirtualLink reorder(double fraction, Duration extraDelay) {
        return both(conditions -> conditions.reorder(fraction, extraDelay));
    }

    /** Packets in which a bit is flipped, in both directions: a fraction of them, 0 to 1. */
    public VirtualLink corrupt(double fraction) {
        return both(conditions -> conditions.corrupt(fraction));
    }

    /** Bits per second and bytes that may wait for their turn, in both directions; see {@link LinkConditions#rate}. */
    public VirtualLink rate(long bitsPerSecond, int queueBytes) {
        return both(conditions -> conditions.rate(bitsPerSecond, queueBytes));
    }

    /** The largest IP packet that gets through, in both directions; see {@link LinkConditions#mtu}. */
    public VirtualLink mtu(int bytes) {
        return both(conditions -> conditions.mtu(bytes));
    }

    /** Whether ICMP is dropped, in both directions; see {@link LinkConditions#filterIcmp}. */
    public VirtualLink filterIcmp(boolean isFiltered) {
        return both(conditions -> conditions.filterIcmp(isFiltered));
    }

    /** Cuts the cable: nothing gets through, and what is under way is lost. Neither end is told. */
    public VirtualLink cut() {
        network.note("link " + name + " cut");
        return both(conditions -> conditions.cut(true));
    }

    /** Mends the cable, in both directions. */
    public VirtualLink heal() {
        network.note("link " + name + " healed");
        return both(conditions -> conditions.cut(false));
    }

    // ------------------------------------------------------------------------------------------------ seeing

    /** What one end has sent and what became of it: packets by their fate, and {@code bytes}. */
    public Map<String, Long> counters(VirtualNode sender) {
        from(sender);
        return (sender == a.node() ? aToB : bToA).toMap();
    }

    /** What both ends have sent and what became of it; see {@link #counters(VirtualNode)}. */
    public Map<String, Long> counters() {
        Map<String, Long> sum = new LinkedHashMap<>(aToB.toMap());
        bToA.toMap().forEach((key, value) -> sum.merge(key, value, Long::sum));
        return sum;
    }

    /** The last packets that were sent on this link, as {@link VirtualNetwork#trace()} shows them. */
    public String trace() {
        return network.call(() -> network.recorder().trace(packet -> packet.link() == this));
    }

    /**
     * Writes what is sent on this link from now on to a pcapng file, with a comment on each packet that something happens to and on those of a known
     * channel. The file is complete when the network is closed.
     *
     * @throws java.io.UncheckedIOException if the file cannot be created
     */
    public VirtualLink capture(Path file) {
        network.call(() -> captures.add(network.recorder().open(file)));
        return this;
    }

    // ------------------------------------------------------------------------------------------------ packets

    /** Sends a frame from one end, and owns it. On the network's thread. */
    void send(Port from, ByteBuf frame) {
        LinkDirection direction = from.direction();
        LinkCounts counts = counts(from);
        LinkDirection.Fate fate = fate(from, frame);
        if (fate == LinkDirection.Fate.CORRUPTED) {
            direction.corrupt(frame);
        }
        counts.sent(fate, frame.readableBytes());
        network.recorder().onPacket(this, from, frame, fate, captures);
        if (!fate.arrives()) {
            frame.release();
            return;
        }
        if (fate == LinkDirection.Fate.DUPLICATED) {
            deliver(from, frame.copy());
        }
        deliver(from, frame);
    }

    private LinkDirection.Fate fate(Port from, ByteBuf frame) {
        LinkConditions conditions = from.direction().conditions();
        if (conditions.icmpFiltered && Packet.isFilteredIcmp(frame)) {
            return LinkDirection.Fate.ICMP_FILTERED;
        }
        if (network.partitions().blocks(from, frame)) {
            return LinkDirection.Fate.PARTITIONED;
        }
        return from.direction().send(frame.readableBytes(), network.nanoTime());
    }

    private void deliver(Port from, ByteBuf frame) {
        long arrival = from.direction().arrival();
        if (from.direction().isHeldBack()) {
            counts(from).heldBack();
        }
        int cuts = from.direction().conditions().cuts;
        network.underWay(1);
        network.clock().at(arrival, () -> {
            network.underWay(-1);
            if (network.isClosed()) {
                frame.release();
            } else if (from.direction().conditions().cuts != cuts) {
                counts(from).cutUnderWay();
                frame.release();
            } else if (network.partitions().blocks(from, frame)) {
                counts(from).partitionedUnderWay();
                frame.release();
            } else {
                from.other().node().receive(from.other(), frame);
            }
        });
    }

    private LinkCounts counts(Port from) {
        return from == a ? aToB : bToA;
    }

    @Override
    public String toString() {
        return name;
    }
}
