/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.MulticastMembership;
import io.isla.netty.wire.IpAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The multicast groups that a host's endpoints have joined. All shards are in each of them, because any may receive a packet; the one that leads tells the
 * routers. Any thread.
 */
public final class HostGroups {
    private interface OnShard {
        void run(Shard shard, long now);
    }

    private final HostStack host;
    private final List<GroupMembership> memberships = new CopyOnWriteArrayList<>();

    HostGroups(HostStack host) {
        this.host = host;
    }

    /**
     * Joins a group. The membership is yet to be {@linkplain io.isla.netty.udp.UdpEndpoint#add added} to an endpoint.
     *
     * @param include whether only the sources listed are heard; if not, all but these
     * @param joined run on one of the host's loops once every shard is in the group
     * @throws IllegalArgumentException if it is not a multicast address, or the sources cannot be
     */
    public GroupMembership join(IpAddress group, boolean include, List<IpAddress> sources, Runnable joined) {
        if (!group.isMulticast()) {
            throw new IllegalArgumentException("not a multicast address: " + group);
        }
        check(group, sources);
        GroupMembership membership = new GroupMembership(group, include, sources);
        memberships.add(membership);
        onAll(membership::joinOn, joined);
        return membership;
    }

    /**
     * Says what sources are to be heard from now on.
     *
     * @param done run on one of the host's loops once every shard knows
     * @throws IllegalArgumentException if the sources cannot be
     */
    public void setSources(GroupMembership membership, boolean include, List<IpAddress> sources, Runnable done) {
        check(membership.group(), sources);
        membership.filter(include, sources);
        onAll(membership::updateOn, done);
    }

    /**
     * Leaves a group. Idempotent.
     *
     * @param left run on one of the host's loops once every shard has left it
     */
    public void leave(GroupMembership membership, Runnable left) {
        membership.left();
        memberships.remove(membership);
        onAll(membership::leaveOn, left);
    }

    /** A new shard joins what the others are in. On its thread. */
    void joinAllOn(Shard shard) {
        for (GroupMembership membership : memberships) {
            membership.joinOn(shard, shard.now());
        }
    }

    /** A shard has ended. */
    void forget(Shard shard) {
        memberships.forEach(membership -> membership.forget(shard));
    }

    private void onAll(OnShard action, Runnable done) {
        List<Shard> shards = host.shards();
        AtomicInteger left = new AtomicInteger(shards.size() + 1);
        Runnable one = () -> {
            if (left.decrementAndGet() == 0) {
                done.run();
            }
        };
        for (Shard shard : shards) {
            boolean accepted = shard.submit(() -> {
                if (!shard.isClosed()) {
                    action.run(shard, shard.now());
                }
                one.run();
            });
            if (!accepted) {
                one.run();
            }
        }
        one.run();
    }

    private static void check(IpAddress group, List<IpAddress> sources) {
        if (sources.size() > MulticastMembership.MAX_SOURCES) {
            throw new IllegalArgumentException("at most " + MulticastMembership.MAX_SOURCES
                    + " sources in the filter of a multicast group: " + sources.size());
        }
        for (IpAddress source : sources) {
            if (source.isMulticast() || source.isUnspecified() || source.isV4() != group.isV4()) {
                throw new IllegalArgumentException("not a source of packets to " + group + ": " + source);
            }
        }
    }
}
