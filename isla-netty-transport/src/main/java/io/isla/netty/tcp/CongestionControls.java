/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/** The congestion control algorithms by name. */
public final class CongestionControls {
    private static final Map<String, Supplier<CongestionControl>> BY_NAME =
            new TreeMap<>(Map.of(Cubic.NAME, Cubic::new, NewReno.NAME, NewReno::new));

    private CongestionControls() {}

    /** Whether there is an algorithm of this name. */
    public static boolean isKnown(String name) {
        return BY_NAME.containsKey(name);
    }

    /** The names there are, separated by commas. */
    public static String names() {
        return String.join(", ", BY_NAME.keySet());
    }

    /** A new instance for one connection. */
    static CongestionControl create(String name) {
        Supplier<CongestionControl> supplier = BY_NAME.get(name);
        if (supplier == null) {
            throw new IllegalArgumentException("unknown congestion control '" + name + "'; there is: " + names());
        }
        return supplier.get();
    }
}
