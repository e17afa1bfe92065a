/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.counter;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The counters of one room on one shard: a plain array that its shard's thread increments and that any thread may read.
 * A reader on another thread sees each counter whole, perhaps a moment old.
 *
 * @param <E> the enum that names the counters; its constants' {@code toString()} is what a user sees: the name in
 *     {@code /proc/net/snmp} or {@code /proc/net/netstat} where Linux has the counter
 */
public final class Counters<E extends Enum<E>> {
    private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(long[].class);

    private final E[] names;
    private final long[] values;
    private boolean muted;

    /**
     * Creates counters that all stand at zero.
     *
     * @param type the enum that names them
     */
    public Counters(Class<E> type) {
        names = type.getEnumConstants();
        values = new long[names.length];
    }

    /** Adds one. Shard thread only. */
    public void increment(E name) {
        add(name, 1);
    }

    /** Adds {@code amount}. Shard thread only. */
    public void add(E name, long amount) {
        if (!muted) {
            int i = name.ordinal();
            ELEMENT.setOpaque(values, i, values[i] + amount);
        }
    }

    /** Stops counting for a while, or goes on: what another shard has counted is not to be counted again. Shard thread only. */
    public void muted(boolean value) {
        muted = value;
    }

    /** Sets a gauge. Shard thread only. */
    public void set(E name, long value) {
        ELEMENT.setOpaque(values, name.ordinal(), value);
    }

    /** The value of one counter. Any thread. */
    public long get(E name) {
        return (long) ELEMENT.getOpaque(values, name.ordinal());
    }

    /** All counters by the {@linkplain Enum#toString() text} of their constants, in the order of the enum. Any thread. */
    public Map<String, Long> snapshot() {
        Map<String, Long> snapshot = new LinkedHashMap<>();
        for (E name : names) {
            snapshot.put(name.toString(), get(name));
        }
        return snapshot;
    }
}
