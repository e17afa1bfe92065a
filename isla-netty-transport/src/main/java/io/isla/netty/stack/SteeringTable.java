/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which shard has which bucket of flows. There are buckets of all shards, and such of each group of loops, for the ports that the group serves.
 *
 * <p>Immutable; every change makes another.
 */
final class SteeringTable {
    static final int BUCKETS = 256;
    static final SteeringTable EMPTY = new SteeringTable(0, Share.NONE, Map.of());

    /** The buckets of shards that share flows. */
    private record Share(List<Shard> shards, Shard[] buckets) {
        static final Share NONE = new Share(List.of(), new Shard[BUCKETS]);

        /** Gives a newcomer an even share, taken evenly from the others. */
        Share with(Shard newcomer) {
            List<Shard> more = new ArrayList<>(shards);
            more.add(newcomer);
            Shard[] next = buckets.clone();
            for (int i = 0; i < BUCKETS; i++) {
                if (next[i] == null || i % more.size() == more.size() - 1) {
                    next[i] = newcomer;
                }
            }
            return new Share(List.copyOf(more), next);
        }

        /** Spreads what a shard had over those that are left. */
        Share without(Shard gone) {
            List<Shard> left = shards.stream().filter(s -> s != gone).toList();
            Shard[] next = buckets.clone();
            int heir = 0;
            for (int i = 0; i < BUCKETS; i++) {
                if (next[i] == gone) {
                    next[i] = left.isEmpty() ? null : left.get(heir++ % left.size());
                }
            }
            return new Share(left, next);
        }
    }

    /** Counts changes, those that come by themselves excepted. */
    final int version;

    private final Share general;
    private final Map<Object, Share> groups;

    private SteeringTable(int version, Share general, Map<Object, Share> groups) {
        this.version = version;
        this.general = general;
        this.groups = groups;
    }

    /**
     * The shard that has a bucket, or {@code null} if there are no shards.
     *
     * @param group of loops whose bucket it is; {@code null}, or one that has no shards, for one of all loops
     */
    Shard owner(Object group, int bucket) {
        Share share = group == null ? general : groups.getOrDefault(group, general);
        return share.buckets[bucket];
    }

    /** Whether a shard has buckets of a group. */
    boolean has(Object group, Shard shard) {
        Share share = groups.get(group);
        return share != null && share.shards.contains(shard);
    }

    /** Whether a shard has buckets. */
    boolean has(Shard shard) {
        return general.shards.contains(shard);
    }

    /** How many shards have buckets. */
    int shardCount() {
        return general.shards.size();
    }

    /** The shards that have buckets. */
    List<Shard> shards() {
        return general.shards;
    }

    /** With one more shard. */
    SteeringTable with(Shard shard) {
        Map<Object, Share> changed = new HashMap<>(groups);
        changed.merge(shard.loop().group(), Share.NONE.with(shard), (present, alone) -> present.with(shard));
        return new SteeringTable(version + 1, general.with(shard), changed);
    }

    /** Without a shard that has ended. This is no change to be planned. */
    SteeringTable without(Shard shard) {
        Object group = shard.loop().group();
        Map<Object, Share> changed = new HashMap<>(groups);
        changed.computeIfPresent(group, (g, present) -> {
            Share left = present.without(shard);
            return left.shards.isEmpty() ? null : left;
        });
        return new SteeringTable(version, general.without(shard), changed);
    }

    /** Whether a group has shards. */
    boolean hasGroup(Object group) {
        return groups.containsKey(group);
    }
}
