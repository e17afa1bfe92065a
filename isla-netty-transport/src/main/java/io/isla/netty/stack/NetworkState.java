/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.AddressBlock;
import io.isla.netty.ip.Route;
import io.isla.netty.wire.IpAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How a host is connected, all sources taken together. Immutable.
 *
 * @param version counts changes
 * @param addresses one entry for each address: that of the source that was first to have it
 * @param blocks blocks of addresses that it answers to
 * @param routes the routes that were given
 * @param mtu the largest packet in bytes
 * @param nameServers the best first
 * @param searchDomains the first first
 */
record NetworkState(
        long version,
        List<HostAddress> addresses,
        List<AddressBlock> blocks,
        List<Route> routes,
        int mtu,
        List<IpAddress> nameServers,
        List<String> searchDomains) {
    static final NetworkState NONE = new NetworkState(0, List.of(), List.of(), List.of(), 0, List.of(), List.of());

    /** All sources together; of MTUs, the smallest. */
    static NetworkState of(long version, Collection<NetworkSettings> sources, int linkMtu) {
        Map<IpAddress, HostAddress> addresses = new LinkedHashMap<>();
        Set<AddressBlock> blocks = new LinkedHashSet<>();
        Set<Route> routes = new LinkedHashSet<>();
        Set<IpAddress> nameServers = new LinkedHashSet<>();
        Set<String> searchDomains = new LinkedHashSet<>();
        int mtu = linkMtu;
        for (NetworkSettings source : sources) {
            source.addresses().forEach(address -> addresses.putIfAbsent(address.address(), address));
            blocks.addAll(source.blocks());
            routes.addAll(source.routes());
            nameServers.addAll(source.nameServers());
            searchDomains.addAll(source.searchDomains());
            mtu = source.mtu() == 0 ? mtu : Math.min(mtu, source.mtu());
        }
        return new NetworkState(
                version,
                List.copyOf(addresses.values()),
                List.copyOf(blocks),
                List.copyOf(routes),
                mtu,
                List.copyOf(nameServers),
                List.copyOf(searchDomains));
    }

    /** Whether packets to an address are accepted, and it may be bound: it is one of the host's own, or of those that it stands in for. */
    boolean accepts(IpAddress address) {
        return has(address) || isInBlock(address, true);
    }

    /** Whether an address is one of the host's own, in a block or by itself. */
    boolean has(IpAddress address) {
        for (HostAddress present : addresses) {
            if (present.address().equals(address)) {
                return true;
            }
        }
        return isInBlock(address, false);
    }

    private boolean isInBlock(IpAddress address, boolean intercepted) {
        for (AddressBlock block : blocks) {
            if ((intercepted || block.kind() == AddressBlock.Kind.OWN)
                    && block.prefix().matches(address, block.prefixLength())
                    && !address.isMulticast()) {
                return true;
            }
        }
        return false;
    }

    /** What a listener has to hear of the step from an earlier state to this one. */
    List<NetworkEvent> eventsSince(NetworkState before) {
        List<NetworkEvent> events = new ArrayList<>();
        for (HostAddress old : before.addresses) {
            if (addresses.stream().noneMatch(old::isSame)) {
                events.add(listener -> listener.addressRemoved(old));
            }
        }
        for (HostAddress present : addresses) {
            HostAddress old = before.addresses.stream()
                    .filter(present::isSame)
                    .findFirst()
                    .orElse(null);
            if (old == null) {
                events.add(listener -> listener.addressAdded(present));
            } else if (!old.equals(present)) {
                events.add(listener -> listener.addressChanged(present));
            }
        }
        if (!routes.equals(before.routes)) {
            events.add(NetworkListener::routesChanged);
        }
        if (!nameServers.equals(before.nameServers) || !searchDomains.equals(before.searchDomains)) {
            events.add(NetworkListener::resolutionChanged);
        }
        if (mtu != before.mtu) {
            events.add(listener -> listener.mtuChanged(mtu));
        }
        return events;
    }
}
