/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;

/** What became of the packets of one direction of a link. Counted on the network's thread, read on any. */
final class LinkCounts {
    private static final LinkDirection.Fate[] FATES = LinkDirection.Fate.values();
    private static final int BYTES = FATES.length;
    private static final int HELD_BACK = FATES.length + 1;
    private static final int PACKETS = FATES.length + 2;
    private static final int CUT_UNDER_WAY = FATES.length + 3;

    private static final int PARTITIONED_UNDER_WAY = FATES.length + 4;

    private final AtomicLongArray counts = new AtomicLongArray(FATES.length + 5);

    void sent(LinkDirection.Fate fate, int bytes) {
        add(PACKETS, 1);
        add(fate.ordinal(), 1);
        add(BYTES, bytes);
    }

    void heldBack() {
        add(HELD_BACK, 1);
    }

    void cutUnderWay() {
        add(CUT_UNDER_WAY, 1);
    }

    void partitionedUnderWay() {
        add(PARTITIONED_UNDER_WAY, 1);
    }

    /** There is one writer. */
    private void add(int index, long amount) {
        counts.lazySet(index, counts.get(index) + amount);
    }

    Map<String, Long> toMap() {
        Map<String, Long> map = new LinkedHashMap<>();
        map.put("packets", counts.get(PACKETS));
        map.put("bytes", counts.get(BYTES));
        for (LinkDirection.Fate fate : FATES) {
            if (fate != LinkDirection.Fate.SENT) {
                map.put(fate.toString(), counts.get(fate.ordinal()));
            }
        }
        map.put("held back", counts.get(HELD_BACK));
        map.put("cut under way", counts.get(CUT_UNDER_WAY));
        map.put("partitioned under way", counts.get(PARTITIONED_UNDER_WAY));
        return map;
    }
}
