/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.wire.IpAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Who is where in a network: the owners of addresses, what is joined by switches alone, and the ways between routers. Computed anew after each change. */
final class Topology {
    private final VirtualNetwork network;
    /** Who has an address: a host, or the router that one was made up for. */
    private final Map<IpAddress, VirtualNode> owners = new LinkedHashMap<>();
    /** The addresses that were made up for the interfaces of routers; they stay. */
    private final Map<Port, List<Subnet>> interfaces = new HashMap<>();

    private final Map<VirtualNode, Segment> segments = new HashMap<>();
    private final Map<VirtualRouter, Map<IpAddress, Hop>> routes = new HashMap<>();
    private final Set<Subnet> subnets = new LinkedHashSet<>();
    private boolean current;

    /**
     * The next step to an address.
     *
     * @param port where to send
     * @param mac the Ethernet address to send to
     */
    record Hop(Port port, long mac) {}

    /**
     * What switches join.
     *
     * @param all the ends of links at hosts and routers
     * @param routers those of them at routers
     */
    private record Segment(List<Port> all, List<Port> routers) {}

    Topology(VirtualNetwork network) {
        this.network = network;
    }

    void changed() {
        current = false;
        segments.clear();
        routes.clear();
    }

    /**
     * Notes who has an address.
     *
     * @throws IllegalArgumentException if another has it
     */
    void claim(VirtualHost host) {
        checkFree(host.name(), host.subnets());
        host.subnets().forEach(subnet -> owners.put(subnet.address(), host));
        changed();
    }

    /**
     * Checks that nobody has the addresses of a host that is to be.
     *
     * @throws IllegalArgumentException if another has one
     */
    void checkFree(String name, List<Subnet> addresses) {
        for (Subnet subnet : addresses) {
            VirtualNode owner = owners.get(subnet.address());
            if (owner != null) {
                throw new IllegalArgumentException("host " + name + ": the address " + subnet.address()
                        + " is used already, by " + (owner instanceof VirtualHost ? "host " : "router ") + owner);
            }
        }
    }

    VirtualNode ownerOf(IpAddress address) {
        return address == null ? null : owners.get(address);
    }

    /** The ends of links, at hosts and routers, that a frame sent from here can reach through switches, if any; perhaps the sender's own, too. */
    private Segment segment(Port port) {
        VirtualNode next = port.other().node();
        if (!next.isSwitch()) {
            return segment(List.of(port.other()));
        }
        Segment known = segments.get(next);
        if (known == null) {
            List<Port> behind = new ArrayList<>();
            Set<VirtualNode> switches = new LinkedHashSet<>();
            next.ports().forEach(onwards -> {
                behind.addAll(behind(onwards, switches));
            });
            switches.add(next);
            known = segment(behind);
            for (VirtualNode joined : switches) {
                segments.put(joined, known);
            }
        }
        return known;
    }

    private static Segment segment(List<Port> all) {
        return new Segment(
                all,
                all.stream()
                        .filter(port -> port.node() instanceof VirtualRouter)
                        .toList());
    }

    /** The ends of links, at hosts and routers, that a frame sent from one end of a link comes to, or is handed on to. */
    List<Port> behind(Port port) {
        return behind(port, new LinkedHashSet<>());
    }

    private static List<Port> behind(Port start, Set<VirtualNode> switches) {
        List<Port> found = new ArrayList<>();
        Deque<Port> left = new ArrayDeque<>();
        left.add(start.other());
        while (!left.isEmpty()) {
            Port port = left.poll();
            if (!port.node().isSwitch()) {
                found.add(port);
                continue;
            }
            switches.add(port.node());
            for (Port onwards : port.node().ports()) {
                if (onwards != port) {
                    left.add(onwards.other());
                }
            }
        }
        return found;
    }

    /** Whether switches join two switches already. */
    static boolean areJoined(VirtualNode a, VirtualNode b) {
        Deque<Port> left = new ArrayDeque<>(a.ports());
        while (!left.isEmpty()) {
            Port there = left.poll().other();
            if (there.node() == b) {
                return true;
            }
            if (there.node().isSwitch()) {
                there.node().ports().stream().filter(port -> port != there).forEach(left::add);
            }
        }
        return false;
    }

    // ------------------------------------------------------------------------------------------------ addresses of
    // routers

    private void update() {
        if (current) {
            return;
        }
        current = true;
        for (VirtualRouter router : network.routers()) {
            for (Port port : router.ports()) {
                for (Port neighbor : segment(port).all) {
                    if (neighbor.node() instanceof VirtualHost host) {
                        host.subnets().forEach(subnet -> makeUpAddress(port, subnet));
                    }
                }
            }
        }
    }

    private void makeUpAddress(Port port, Subnet subnet) {
        subnets.add(new Subnet(subnet.first(), subnet.prefixLength()));
        List<Subnet> present = interfaces.computeIfAbsent(port, p -> new ArrayList<>());
        for (Subnet own : present) {
            if (own.first().equals(subnet.first()) && own.prefixLength() == subnet.prefixLength()) {
                return;
            }
        }
        // From the last but one, the last being the broadcast address of IPv4.
        for (int number = subnet.size() - 2; number > 0; number--) {
            IpAddress address = subnet.at(number);
            if (!owners.containsKey(address)) {
                owners.put(address, port.node());
                present.add(new Subnet(address, subnet.prefixLength()));
                return;
            }
        }
        throw new IllegalArgumentException("router " + port.node() + ": there is no address left for it in "
                + subnet.first() + "/" + subnet.prefixLength());
    }

    /** The addresses of a router's end of a link. */
    List<Subnet> interfaceAddresses(Port port) {
        update();
        return interfaces.getOrDefault(port, List.of());
    }

    /** The routers' addresses that a host would have as its default gateways: the first of each family. */
    List<IpAddress> gatewaysOf(VirtualHost host) {
        update();
        IpAddress v4 = null;
        IpAddress v6 = null;
        for (Port neighbor : segment(host.ports().get(0)).routers) {
            for (Subnet own : interfaceAddresses(neighbor)) {
                for (Subnet subnet : host.subnets()) {
                    if (subnet.contains(own.address())) {
                        v4 = v4 == null && own.address().isV4() ? own.address() : v4;
                        v6 = v6 == null && !own.address().isV4() ? own.address() : v6;
                    }
                }
            }
        }
        List<IpAddress> gateways = new ArrayList<>();
        if (v4 != null) {
            gateways.add(v4);
        }
        if (v6 != null) {
            gateways.add(v6);
        }
        return gateways;
    }

    /**
     * Checks that a host has somebody to talk to.
     *
     * @throws IllegalArgumentException if all that it is linked with is in other subnets
     */
    void checkReaches(VirtualHost host, List<IpAddress> gateways) {
        if (!gateways.isEmpty()) {
            return;
        }
        boolean alone = true;
        for (Port neighbor : segment(host.ports().get(0)).all) {
            if (neighbor.node() == host) {
                continue;
            }
            alone = false;
            if (neighbor.node() instanceof VirtualHost other) {
                for (Subnet own : host.subnets()) {
                    if (other.subnets().stream().anyMatch(subnet -> own.contains(subnet.address()))) {
                        return;
                    }
                }
            } else {
                return;
            }
        }
        throw new IllegalArgumentException(
                "host " + host.name() + " has no route: nobody on its link is in " + host.subnets()
                        + ", and there is no router; put one between, or give the hosts addresses of one subnet");
    }

    // ------------------------------------------------------------------------------------------------ routes

    /** The next step from a router to an address; {@code null} if there is none. */
    Hop route(VirtualRouter router, IpAddress destination) {
        update();
        return routes.computeIfAbsent(router, this::explore).get(destination);
    }

    /** Whether any link has the subnet of an address. */
    boolean isKnown(IpAddress destination) {
        return subnets.stream().anyMatch(subnet -> subnet.contains(destination));
    }

    /** The shortest ways first. */
    private Map<IpAddress, Hop> explore(VirtualRouter router) {
        Map<IpAddress, Hop> found = new HashMap<>();
        Map<VirtualNode, Hop> firstHops = new LinkedHashMap<>();
        Deque<VirtualNode> left = new ArrayDeque<>();
        left.add(router);
        firstHops.put(router, null);
        while (!left.isEmpty()) {
            VirtualNode at = left.poll();
            Hop towards = firstHops.get(at);
            for (Port port : at.ports()) {
                interfaces.getOrDefault(port, List.of()).forEach(own -> {
                    if (towards != null) {
                        found.putIfAbsent(own.address(), towards);
                    }
                });
                for (Port neighbor : segment(port).all) {
                    if (neighbor.node() == at) {
                        continue;
                    }
                    Hop hop = towards == null ? new Hop(port, neighbor.mac()) : towards;
                    if (neighbor.node() instanceof VirtualHost host) {
                        host.subnets().forEach(subnet -> found.putIfAbsent(subnet.address(), hop));
                    } else if (firstHops.putIfAbsent(neighbor.node(), hop) == null && neighbor.node() != router) {
                        left.add(neighbor.node());
                    }
                }
            }
        }
        return found;
    }
}
