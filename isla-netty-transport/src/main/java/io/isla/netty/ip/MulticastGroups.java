/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The multicast groups that this host's sockets have joined, and those that every host is in. */
final class MulticastGroups {
    private static final IpAddress ALL_SYSTEMS = IpAddress.v4(0xe000_0001);
    private static final IpAddress ALL_NODES =
            IpAddress.of(NeighborDiscoverySender.LINK_LOCAL_GROUP_HIGH, NeighborDiscoverySender.ALL_NODES_LOW);
    private static final IpAddress INTERFACE_ALL_NODES =
            IpAddress.of(0xff01_0000_0000_0000L, NeighborDiscoverySender.ALL_NODES_LOW);

    /** For changes; what packets are looked up in is {@link #table}. */
    private final Map<IpAddress, MulticastGroup> groups = new HashMap<>();
    /** The groups with members: open addressing with linear probing, at most half full, replaced when they change. */
    private MulticastGroup[] table = new MulticastGroup[8];

    private MembershipReporter reporterV4;
    private MembershipReporter reporterV6;

    MulticastGroups() {
        // RFC 1112 §4, RFC 4291 §2.8: what every host is in, for good.
        for (IpAddress address : List.of(ALL_SYSTEMS, ALL_NODES, INTERFACE_ALL_NODES)) {
            group(address).ownMemberships++;
            group(address).update();
        }
        rebuild();
    }

    void reporters(MembershipReporter v4, MembershipReporter v6) {
        reporterV4 = v4;
        reporterV6 = v6;
    }

    MembershipReporter reporter(MulticastGroup group) {
        return group.address.isV4() ? reporterV4 : reporterV6;
    }

    /** Whether packets to a group are accepted. */
    boolean isMember(long high, long low) {
        int mask = table.length - 1;
        for (int i = hash(high, low) & mask; table[i] != null; i = i + 1 & mask) {
            if (table[i].address.is(high, low)) {
                return true;
            }
        }
        return false;
    }

    /** Whether routers are told of a group: not of what every host is in, nor of what never leaves an interface (RFC 9776 §5, RFC 9777 §6). */
    static boolean isReported(IpAddress address) {
        return !address.equals(ALL_SYSTEMS)
                && !address.equals(ALL_NODES)
                && (address.isV4() || (address.high() >>> 48 & 0xf) > 1);
    }

    /** The group with an address, or {@code null} if nobody here has to do with it. */
    MulticastGroup find(IpAddress address) {
        return groups.get(address);
    }

    /** All groups of a family, those that were just left too. */
    List<MulticastGroup> all(boolean v4) {
        List<MulticastGroup> all = new ArrayList<>();
        for (MulticastGroup group : groups.values()) {
            if (group.address.isV4() == v4) {
                all.add(group);
            }
        }
        return all;
    }

    /** The host itself joins, as for the solicited-node group of one of its addresses. */
    void joinOwn(IpAddress address, long now) {
        MulticastGroup group = group(address);
        group.ownMemberships++;
        changed(group, now);
    }

    /** The host itself leaves. */
    void leaveOwn(IpAddress address, long now) {
        MulticastGroup group = groups.get(address);
        if (group != null && group.ownMemberships > 0) {
            group.ownMemberships--;
            changed(group, now);
        }
    }

    /** A socket joins. */
    MulticastMembership join(IpAddress address, boolean include, Collection<IpAddress> sources, long now) {
        MulticastGroup group = group(address);
        MulticastMembership membership = new MulticastMembership(group);
        membership.include = include;
        membership.sources.addAll(sources);
        group.memberships.add(membership);
        changed(group, now);
        return membership;
    }

    /** A socket says what it wants to hear. */
    void setSources(MulticastMembership membership, boolean include, Collection<IpAddress> sources, long now) {
        membership.include = include;
        membership.sources.clear();
        membership.sources.addAll(sources);
        if (membership.group.memberships.contains(membership)) {
            changed(membership.group, now);
        }
    }

    /** A socket leaves; does nothing if it has. */
    void leave(MulticastMembership membership, long now) {
        if (membership.group.memberships.remove(membership)) {
            changed(membership.group, now);
        }
    }

    /** Nothing more is to be said of a group: forgets it if it was left. */
    void reportedInFull(MulticastGroup group) {
        if (!group.hasMembers()) {
            groups.remove(group.address, group);
        }
    }

    private MulticastGroup group(IpAddress address) {
        return groups.computeIfAbsent(address, key -> new MulticastGroup(this, key));
    }

    private void changed(MulticastGroup group, long now) {
        boolean filterChanged = group.update();
        rebuild();
        if (filterChanged && isReported(group.address)) {
            reporter(group).changed(group, now);
        } else if (!group.hasMembers() && group.changeReportsLeft == 0) {
            groups.remove(group.address, group);
        }
    }

    private void rebuild() {
        int members = 0;
        for (MulticastGroup group : groups.values()) {
            members += group.hasMembers() ? 1 : 0;
        }
        int capacity = 8;
        while (capacity < members * 2) {
            capacity *= 2;
        }
        MulticastGroup[] next = new MulticastGroup[capacity];
        for (MulticastGroup group : groups.values()) {
            if (group.hasMembers()) {
                int i = hash(group.address.high(), group.address.low()) & capacity - 1;
                while (next[i] != null) {
                    i = i + 1 & capacity - 1;
                }
                next[i] = group;
            }
        }
        table = next;
    }

    private static int hash(long high, long low) {
        long mixed = (high * 31 + low) * 0x9e37_79b9_7f4a_7c15L;
        return (int) (mixed >>> 32);
    }
}
