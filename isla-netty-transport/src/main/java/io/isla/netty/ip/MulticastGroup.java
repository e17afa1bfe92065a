/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.timer.Timer;
import io.isla.netty.wire.IpAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** A multicast group that this host is in, or has just left and still says so. Its timer is that of the answer to a query about it. */
final class MulticastGroup extends Timer {
    private final MulticastGroups groups;
    final IpAddress address;
    /** The memberships of sockets. */
    final List<MulticastMembership> memberships = new ArrayList<>();
    /** Memberships of the host itself, which hear every source. */
    int ownMemberships;

    /** What is wanted now. */
    MulticastFilter filter = MulticastFilter.NOTHING;
    /** What was wanted before the last change. */
    MulticastFilter previous = MulticastFilter.NOTHING;
    /** Of the changes that are being reported: whether the filter's mode was among them, */
    boolean modeChanged;
    /** and else, which sources. */
    final Set<IpAddress> changedSources = new LinkedHashSet<>();
    /** How often the changes are still to be reported (RFC 9776 §5.1). */
    int changeReportsLeft;
    /** Sources that a pending query asks about; empty if it asks about the group. */
    final Set<IpAddress> queriedSources = new LinkedHashSet<>();
    /** With old queriers: whether this host was the last to report the group, and so must say when it leaves. */
    boolean lastReporter;

    MulticastGroup(MulticastGroups groups, IpAddress address) {
        this.groups = groups;
        this.address = address;
    }

    /** Whether anyone here is in the group. */
    boolean hasMembers() {
        return ownMemberships > 0 || !memberships.isEmpty();
    }

    /** Works out {@link #filter}; returns whether it has changed. */
    boolean update() {
        MulticastFilter now = ownMemberships > 0 ? MulticastFilter.EVERYTHING : MulticastFilter.merge(memberships);
        boolean changed = !now.equals(filter);
        filter = now;
        return changed;
    }

    /** Nothing is to be reported any more. */
    void settle() {
        previous = filter;
        modeChanged = false;
        changedSources.clear();
        changeReportsLeft = 0;
    }

    @Override
    protected void expire(long now) {
        groups.reporter(this).answer(this, now);
    }
}
