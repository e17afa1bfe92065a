/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * One socket's membership in one multicast group, with the sources it wants to hear (RFC 9776 §2, RFC 9777 §3). Made by {@link IpStack#join};
 * belongs to the shard that made it.
 */
public final class MulticastMembership {
    /** The most sources in one filter, as Linux's {@code mld_max_msf}. */
    public static final int MAX_SOURCES = 64;

    final MulticastGroup group;
    /** Whether only the sources listed are heard; if not, all but those. */
    boolean include;

    final List<IpAddress> sources = new ArrayList<>();

    MulticastMembership(MulticastGroup group) {
        this.group = group;
    }

    /** The group. */
    public IpAddress group() {
        return group.address;
    }

    /** Whether only the sources listed are heard; if not, all but those. */
    public boolean isInclude() {
        return include;
    }

    /** The sources listed. */
    public List<IpAddress> sources() {
        return List.copyOf(sources);
    }

    /** Whether a packet to the group from this source is for the socket. */
    public boolean accepts(long sourceHigh, long sourceLow) {
        for (int i = 0; i < sources.size(); i++) {
            if (sources.get(i).is(sourceHigh, sourceLow)) {
                return include;
            }
        }
        return !include;
    }
}
