/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import java.util.function.Consumer;

/**
 * The connections of one shard by their 4-tuple, those in TIME-WAIT excepted: a hash table of intrusive chains, keyed so that a peer cannot choose ports that collide.
 * Grows by doubling; looking up and removing allocate nothing.
 */
final class FlowTable {
    private static final int INITIAL_CAPACITY = 64;

    private final long key;
    private Flow[] buckets = new Flow[INITIAL_CAPACITY];
    private int size;

    /**
     * Creates an empty table.
     *
     * @param key random bits
     */
    FlowTable(long key) {
        this.key = key | 1;
    }

    int size() {
        return size;
    }

    Flow get(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {
        int hash = hash(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort);
        Flow flow = buckets[hash & buckets.length - 1];
        while (flow != null && !flow.is(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort)) {
            flow = flow.nextInBucket;
        }
        return flow;
    }

    /** Whether there is a flow with the 4-tuple of this one. */
    boolean contains(Flow flow) {
        return get(flow.localHigh, flow.localLow, flow.localPort, flow.remoteHigh, flow.remoteLow, flow.remotePort)
                != null;
    }

    /** Adds a flow; there must be none with its 4-tuple. */
    void add(Flow flow) {
        if (size >= buckets.length) {
            grow();
        }
        size++;
        link(flow, buckets);
    }

    /** Puts {@code successor}, which has the same 4-tuple, in the place of {@code flow}. */
    void replace(Flow flow, Flow successor) {
        remove(flow);
        add(successor);
    }

    /** Removes a flow; returns whether it was there. */
    boolean remove(Flow flow) {
        int index = hash(flow) & buckets.length - 1;
        Flow previous = null;
        for (Flow f = buckets[index]; f != null; previous = f, f = f.nextInBucket) {
            if (f == flow) {
                if (previous == null) {
                    buckets[index] = f.nextInBucket;
                } else {
                    previous.nextInBucket = f.nextInBucket;
                }
                f.nextInBucket = null;
                size--;
                return true;
            }
        }
        return false;
    }

    /** Calls {@code action} for each flow; it may remove that flow, no other. */
    void forEach(Consumer<Flow> action) {
        for (int i = 0; i < buckets.length; i++) {
            Flow flow = buckets[i];
            while (flow != null) {
                Flow next = flow.nextInBucket;
                action.accept(flow);
                flow = next;
            }
        }
    }

    private void grow() {
        Flow[] larger = new Flow[buckets.length * 2];
        for (Flow flow : buckets) {
            while (flow != null) {
                Flow next = flow.nextInBucket;
                link(flow, larger);
                flow = next;
            }
        }
        buckets = larger;
    }

    private void link(Flow flow, Flow[] into) {
        int index = hash(flow) & into.length - 1;
        flow.nextInBucket = into[index];
        into[index] = flow;
    }

    private int hash(Flow flow) {
        return hash(flow.localHigh, flow.localLow, flow.localPort, flow.remoteHigh, flow.remoteLow, flow.remotePort);
    }

    int hash(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {
        // Multiply-and-fold rounds with a secret: each 128-bit product mixes all the bits that a peer may choose.
        long h = fold(remoteLow ^ key, remoteHigh + 0x9e3779b97f4a7c15L ^ (long) remotePort << 16 ^ localPort);
        h = fold(h ^ localLow, localHigh ^ key ^ 0xd1342543de82ef95L);
        return (int) (h ^ h >>> 32);
    }

    private static long fold(long a, long b) {
        return Math.multiplyHigh(a, b) ^ a * b;
    }
}
