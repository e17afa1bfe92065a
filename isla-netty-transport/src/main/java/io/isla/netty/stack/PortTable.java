/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.wire.IpAddress;
import java.net.BindException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/** The ports of one transport protocol that are bound on a host. Any thread. */
final class PortTable {
    private record Binding(IpAddress address, boolean shared, boolean v6Only) {
        boolean overlaps(Binding other) {
            if (!address.isUnspecified() && !other.address.isUnspecified()) {
                return address.equals(other.address);
            }
            // The IPv6 wildcard stands for both families, unless it is to leave IPv4 alone; the IPv4 one for its own.
            return address.isV4() == other.address.isV4() || isForBoth() || other.isForBoth();
        }

        private boolean isForBoth() {
            return address.equals(IpAddress.ANY_V6) && !v6Only;
        }
    }

    private final Map<Integer, List<Binding>> bindings = new HashMap<>();
    private final int first;
    private final int last;
    private final IntUnaryOperator random;

    /**
     * Creates an empty table.
     *
     * @param first the first port to be chosen for port 0
     * @param last the last one
     * @param random a random number below its argument
     */
    PortTable(int first, int last, IntUnaryOperator random) {
        this.first = first;
        this.last = last;
        this.random = random;
    }

    /**
     * Binds a port.
     *
     * @param port 1 to 65535, or 0 for any
     * @param shared whether others that say so too may bind it
     * @param v6Only whether the IPv6 wildcard stands for IPv6 only
     * @return the port
     * @throws BindException if it is taken, or none is free
     */
    synchronized int bind(IpAddress address, int port, boolean shared, boolean v6Only) throws BindException {
        int chosen = port;
        if (port == 0) {
            int range = last - first + 1;
            int start = random.applyAsInt(range);
            for (int i = 0; i < range && chosen == 0; i++) {
                int candidate = first + (start + i) % range;
                if (!bindings.containsKey(candidate)) {
                    chosen = candidate;
                }
            }
            if (chosen == 0) {
                throw new BindException(
                        "Cannot assign requested address: no port is free from " + first + " to " + last);
            }
        }
        Binding bound = new Binding(address, shared, v6Only);
        List<Binding> present = bindings.computeIfAbsent(chosen, p -> new ArrayList<>(1));
        for (Binding binding : present) {
            if (binding.overlaps(bound) && !(shared && binding.shared)) {
                throw new BindException("Address already in use: " + address + ":" + chosen);
            }
        }
        present.add(bound);
        return chosen;
    }

    /** Gives a port back. */
    synchronized void release(IpAddress address, int port) {
        List<Binding> present = bindings.get(port);
        if (present != null) {
            for (int i = 0; i < present.size(); i++) {
                if (present.get(i).address.equals(address)) {
                    present.remove(i);
                    break;
                }
            }
            if (present.isEmpty()) {
                bindings.remove(port);
            }
        }
    }

    /** Whether a port is bound by anybody. */
    synchronized boolean isBound(int port) {
        return bindings.containsKey(port);
    }
}
