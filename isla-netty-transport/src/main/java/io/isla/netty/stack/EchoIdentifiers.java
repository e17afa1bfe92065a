/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;

/** Which shard has registered which identifier of echo requests: a host has each but once. Any thread. */
final class EchoIdentifiers {
    private static final int COUNT = 1 << 16;

    /** Replaced as a whole. */
    private volatile IntObjectMap<Shard> owners = new IntObjectHashMap<>(1);

    /** The shard that has an identifier, or {@code null}. */
    Shard owner(int identifier) {
        return owners.get(identifier);
    }

    /**
     * Gives a shard an identifier that is free.
     *
     * @param first where to begin to look
     * @return -1 if none is
     */
    synchronized int take(Shard shard, int first) {
        if (owners.size() == COUNT) {
            return -1;
        }
        int identifier = first & COUNT - 1;
        while (owners.containsKey(identifier)) {
            identifier = identifier + 1 & COUNT - 1;
        }
        IntObjectMap<Shard> more = copy();
        more.put(identifier, shard);
        owners = more;
        return identifier;
    }

    /** Frees an identifier. */
    synchronized void free(int identifier) {
        IntObjectMap<Shard> fewer = copy();
        fewer.remove(identifier);
        owners = fewer;
    }

    private IntObjectMap<Shard> copy() {
        IntObjectMap<Shard> copy = new IntObjectHashMap<>();
        copy.putAll(owners);
        return copy;
    }
}
