/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What an interface as a whole wants to hear of a group.
 *
 * @param include whether only the sources listed; if not, all but those
 * @param sources the sources
 */
record MulticastFilter(boolean include, Set<IpAddress> sources) {
    /** Nothing: not a member. */
    static final MulticastFilter NOTHING = new MulticastFilter(true, Set.of());
    /** Everything. */
    static final MulticastFilter EVERYTHING = new MulticastFilter(false, Set.of());

    /** Whether nothing is heard. */
    boolean isNothing() {
        return include && sources.isEmpty();
    }

    /** The filter that lets through what any of the memberships wants (RFC 9776 §3.2). */
    static MulticastFilter merge(List<MulticastMembership> memberships) {
        Set<IpAddress> included = new LinkedHashSet<>();
        Set<IpAddress> excluded = null;
        for (MulticastMembership membership : memberships) {
            if (membership.include) {
                included.addAll(membership.sources);
            } else if (excluded == null) {
                excluded = new LinkedHashSet<>(membership.sources);
            } else {
                excluded.retainAll(membership.sources);
            }
        }
        if (excluded != null) {
            excluded.removeAll(included);
            return new MulticastFilter(false, excluded);
        }
        // More than fit into one record: rather too much than too little is asked for, and sockets filter for
        // themselves.
        return included.size() > MulticastMembership.MAX_SOURCES ? EVERYTHING : new MulticastFilter(true, included);
    }

    /** Whether packets from a source pass. */
    boolean accepts(IpAddress source) {
        return sources.contains(source) == include;
    }

    /** The sources that are in one list and not in the other. */
    Set<IpAddress> difference(MulticastFilter other) {
        Set<IpAddress> difference = new LinkedHashSet<>(sources);
        difference.removeAll(other.sources);
        for (IpAddress source : other.sources) {
            if (!sources.contains(source)) {
                difference.add(source);
            }
        }
        return difference;
    }
}
