/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.MulticastMembership;
import io.isla.netty.udp.UdpEndpoint;
import io.isla.netty.wire.IpAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** One endpoint's membership in one multicast group, on all shards of its host. Made by {@link HostGroups#join}. Any thread. */
public final class GroupMembership implements UdpEndpoint.Group {
    private record Filter(boolean include, List<IpAddress> sources) {}

    private final IpAddress group;
    private final Map<Shard, MulticastMembership> onShards = new ConcurrentHashMap<>();
    private volatile Filter filter;
    private volatile boolean left;

    GroupMembership(IpAddress group, boolean include, List<IpAddress> sources) {
        this.group = group;
        filter(include, sources);
    }

    /** The group. */
    public IpAddress group() {
        return group;
    }

    /** Whether only the sources listed are heard; if not, all but those. */
    public boolean isInclude() {
        return filter.include;
    }

    /** The sources listed. */
    public List<IpAddress> sources() {
        return filter.sources;
    }

    void filter(boolean include, List<IpAddress> sources) {
        filter = new Filter(include, List.copyOf(sources));
    }

    void left() {
        left = true;
    }

    @Override
    public boolean accepts(long groupHigh, long groupLow, long sourceHigh, long sourceLow) {
        if (!group.is(groupHigh, groupLow)) {
            return false;
        }
        Filter present = filter;
        for (int i = 0; i < present.sources.size(); i++) {
            if (present.sources.get(i).is(sourceHigh, sourceLow)) {
                return present.include;
            }
        }
        return !present.include;
    }

    @Override
    public boolean is(long groupHigh, long groupLow) {
        return group.is(groupHigh, groupLow);
    }

    // ------------------------------------------------------------------------------------------------ on a shard's
    // thread

    void joinOn(Shard shard, long now) {
        if (!left && !onShards.containsKey(shard)) {
            Filter present = filter;
            onShards.put(shard, shard.ip().join(group, present.include, present.sources, now));
        }
    }

    void updateOn(Shard shard, long now) {
        MulticastMembership membership = onShards.get(shard);
        if (membership != null) {
            Filter present = filter;
            shard.ip().setSources(membership, present.include, present.sources, now);
        }
    }

    /** A shard has ended. */
    void forget(Shard shard) {
        onShards.remove(shard);
    }

    void leaveOn(Shard shard, long now) {
        MulticastMembership membership = onShards.remove(shard);
        if (membership != null) {
            shard.ip().leave(membership, now);
        }
    }
}
