/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * Finds numbered records by the hash of their key: open addressing with linear probing, a hash and a number in each entry, so that no record is
 * touched but those whose hash is the one that is looked for. Grows by doubling; nothing else allocates.
 */
final class SlotIndex {
    /** No entry. */
    static final int NONE = -1;

    private static final int INITIAL_CAPACITY = 64;

    /** The hash above, one more than the slot below; 0 is free. A power of two, never full. */
    private long[] entries = new long[INITIAL_CAPACITY];

    private int size;

    /** Where the first entry of a hash is, or {@link #NONE}: there may be several, of other keys. */
    int first(int hash) {
        return find(hash, hash & entries.length - 1);
    }

    /** Where the entry of the same hash after one at {@code position} is, or {@link #NONE}. */
    int next(int position, int hash) {
        return find(hash, position + 1 & entries.length - 1);
    }

    private int find(int hash, int from) {
        int position = from;
        for (long entry = entries[position]; entry != 0; entry = entries[position]) {
            if (hash(entry) == hash) {
                return position;
            }
            position = position + 1 & entries.length - 1;
        }
        return NONE;
    }

    /** The slot of the entry at a position. */
    int slot(int position) {
        return (int) entries[position] - 1;
    }

    /** Adds an entry. */
    void add(int hash, int slot) {
        if (size >= entries.length >> 1) {
            grow();
        }
        size++;
        put((long) hash << 32 | slot + 1);
    }

    /** Removes an entry, which must be there. */
    void remove(int hash, int slot) {
        int hole = first(hash);
        while (slot(hole) != slot) {
            hole = next(hole, hash);
        }
        int mask = entries.length - 1;
        // What stands behind the hole and would not be found beyond it moves into it.
        for (int i = hole + 1 & mask; entries[i] != 0; i = i + 1 & mask) {
            int home = hash(entries[i]) & mask;
            if ((i - home & mask) >= (i - hole & mask)) {
                entries[hole] = entries[i];
                hole = i;
            }
        }
        entries[hole] = 0;
        size--;
    }

    private void grow() {
        long[] old = entries;
        entries = new long[old.length * 2];
        for (long entry : old) {
            if (entry != 0) {
                put(entry);
            }
        }
    }

    private void put(long entry) {
        int mask = entries.length - 1;
        int position = hash(entry) & mask;
        while (entries[position] != 0) {
            position = position + 1 & mask;
        }
        entries[position] = entry;
    }

    private static int hash(long entry) {
        return (int) (entry >>> 32);
    }
}
