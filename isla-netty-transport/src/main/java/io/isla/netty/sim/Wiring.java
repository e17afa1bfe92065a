/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** The nodes and links of a network, in the order in which they were made: adds them, and says what is wrong with those that cannot be. On the network's thread. */
final class Wiring {
    private final VirtualNetwork network;
    private final SplittableRandom random;
    private final Topology topology;
    private final Map<String, VirtualNode> nodes = new LinkedHashMap<>();
    private final List<VirtualHost> hosts = new ArrayList<>();
    private final List<VirtualRouter> routers = new ArrayList<>();
    private final List<VirtualLink> links = new ArrayList<>();
    private int ports;

    /**
     * Nothing yet.
     *
     * @param random split for each host and each link
     */
    Wiring(VirtualNetwork network, SplittableRandom random) {
        this.network = network;
        this.random = random;
        topology = new Topology(network);
    }

    /**
     * Adds a host.
     *
     * @param name {@code null} for its first address
     */
    VirtualHost host(String name, String... addresses) {
        if (addresses.length == 0) {
            throw new IllegalArgumentException("host: give at least one address, such as 10.0.0.1");
        }
        List<Subnet> parsed = new ArrayList<>();
        for (String address : addresses) {
            Subnet subnet = Subnet.parse("host", address);
            if (parsed.stream().anyMatch(other -> other.address().equals(subnet.address()))) {
                throw new IllegalArgumentException("host: the address " + address + " is given twice");
            }
            parsed.add(subnet);
        }
        String called = name == null ? parsed.get(0).address().toString() : name;
        topology.checkFree(called, parsed);
        VirtualHost host = add(new VirtualHost(network, called, parsed, random.split()));
        topology.claim(host);
        hosts.add(host);
        return host;
    }

    VirtualSwitch addSwitch(String name) {
        return add(new VirtualSwitch(network, name));
    }

    VirtualRouter router(String name) {
        VirtualRouter router = add(new VirtualRouter(network, name));
        routers.add(router);
        return router;
    }

    private <N extends VirtualNode> N add(N node) {
        network.checkOpen();
        if (nodes.putIfAbsent(node.name(), node) != null) {
            throw new IllegalArgumentException("name: there is a node named " + node.name() + " already");
        }
        return node;
    }

    VirtualLink link(VirtualNode first, VirtualNode second) {
        if (first.network() != network || second.network() != network) {
            throw new IllegalArgumentException(
                    "link: " + (first.network() != network ? first : second) + " is of another network");
        }
        if (first == second) {
            throw new IllegalArgumentException("link: both ends are " + first);
        }
        if (first.isSwitch() && second.isSwitch() && Topology.areJoined(first, second)) {
            throw new IllegalArgumentException(
                    "link: switches " + first + " and " + second + " are joined already; frames would go in a circle");
        }
        network.checkOpen();
        VirtualLink link = new VirtualLink(network, first, second, random.split(), nextMac(), nextMac());
        first.attach(link.a());
        try {
            second.attach(link.b());
        } catch (IllegalArgumentException e) {
            first.detach(link.a());
            throw e;
        }
        links.add(link);
        topology.changed();
        return link;
    }

    private long nextMac() {
        return 0x0200_0000_0000L | ++ports;
    }

    List<VirtualHost> hosts() {
        return Collections.unmodifiableList(hosts);
    }

    List<VirtualRouter> routers() {
        return routers;
    }

    List<VirtualLink> links() {
        return Collections.unmodifiableList(links);
    }

    Topology topology() {
        return topology;
    }

    /** How many ends of links there have been. */
    int ports() {
        return ports;
    }
}
