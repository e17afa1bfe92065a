/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.GroupMembership;
import io.isla.netty.stack.HostGroups;
import io.isla.netty.udp.UdpEndpoint;
import io.isla.netty.wire.IpAddress;
import io.netty.channel.ChannelPromise;
import java.net.InetAddress;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The multicast groups that a datagram channel has joined. The channel's loop only. */
final class DatagramMemberships {
    private final IslaDatagramChannel channel;
    private final Map<IpAddress, GroupMembership> joined = new HashMap<>();
    private HostGroups groups;

    DatagramMemberships(IslaDatagramChannel channel) {
        this.channel = channel;
    }

    void join(InetAddress group, InetAddress source, ChannelPromise promise) {
        IpAddress address = IpAddress.of(group);
        GroupMembership present = joined.get(address);
        try {
            if (present == null) {
                groups = channel.host().groups();
                List<IpAddress> sources = source == null ? List.of() : List.of(IpAddress.of(source));
                GroupMembership membership = groups.join(address, source != null, sources, () -> promise.trySuccess());
                joined.put(address, membership);
                if (channel.endpoint() != null) {
                    channel.endpoint().add(membership);
                    channel.host().endpoints().changed();
                }
            } else if (source == null || !present.isInclude()) {
                throw new SocketException("Address already in use: the channel is in " + address + " already");
            } else {
                setSources(present, with(present, IpAddress.of(source)), promise);
            }
        } catch (Exception e) {
            promise.tryFailure(e);
        }
    }

    void leave(InetAddress group, InetAddress source, ChannelPromise promise) {
        try {
            GroupMembership present = present(group);
            if (source == null) {
                leave(present, promise);
                return;
            }
            IpAddress address = IpAddress.of(source);
            if (!present.isInclude() || !present.sources().contains(address)) {
                throw new SocketException("Cannot assign requested address: the channel has not joined "
                        + present.group() + " for the source " + address);
            }
            List<IpAddress> left = new ArrayList<>(present.sources());
            left.remove(address);
            if (left.isEmpty()) {
                leave(present, promise);
            } else {
                setSources(present, left, promise);
            }
        } catch (Exception e) {
            promise.tryFailure(e);
        }
    }

    void block(InetAddress group, InetAddress source, ChannelPromise promise) {
        try {
            GroupMembership present = present(group);
            if (present.isInclude()) {
                throw new SocketException(
                        "Invalid argument: the channel has joined " + present.group() + " for single sources");
            }
            setSources(present, with(present, IpAddress.of(source)), promise);
        } catch (Exception e) {
            promise.tryFailure(e);
        }
    }

    /** The endpoint is new: it is to hear the groups that were joined before. */
    void addTo(UdpEndpoint endpoint) {
        joined.values().forEach(endpoint::add);
    }

    /** The endpoint has come from another shard: it is to hear the groups that are joined now, and no others. */
    void setOf(UdpEndpoint endpoint) {
        endpoint.removeAll();
        addTo(endpoint);
    }

    /** Leaves all. */
    void close() {
        for (GroupMembership membership : joined.values()) {
            groups.leave(membership, () -> {});
        }
        joined.clear();
    }

    private void leave(GroupMembership membership, ChannelPromise promise) {
        joined.remove(membership.group());
        if (channel.endpoint() != null) {
            channel.endpoint().remove(membership);
            channel.host().endpoints().changed();
        }
        groups.leave(membership, () -> promise.trySuccess());
    }

    private void setSources(GroupMembership membership, List<IpAddress> sources, ChannelPromise promise) {
        groups.setSources(membership, membership.isInclude(), sources, () -> promise.trySuccess());
    }

    private GroupMembership present(InetAddress group) throws SocketException {
        GroupMembership present = joined.get(IpAddress.of(group));
        if (present == null) {
            throw new SocketException(
                    "Cannot assign requested address: the channel is not in the group " + group.getHostAddress());
        }
        return present;
    }

    private static List<IpAddress> with(GroupMembership membership, IpAddress source) {
        List<IpAddress> more = new ArrayList<>(membership.sources());
        if (!more.contains(source)) {
            more.add(source);
        }
        return more;
    }
}
