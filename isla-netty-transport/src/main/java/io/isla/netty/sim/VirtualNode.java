/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What links of a {@link VirtualNetwork} join: a host, a switch or a router. */
public abstract sealed class VirtualNode permits VirtualHost, VirtualSwitch, VirtualRouter, PeerNode {
    final VirtualNetwork network;
    private final String name;
    private final List<Port> ports = new ArrayList<>();

    VirtualNode(VirtualNetwork network, String name) {
        this.network = network;
        this.name = name;
    }

    /** Its name, unique in its network: for a host its first address, unless it was given another. */
    public final String name() {
        return name;
    }

    /** The network. */
    public final VirtualNetwork network() {
        return network;
    }

    /** The links that end here, in the order in which they were made. */
    public final List<VirtualLink> links() {
        return ports.stream().map(Port::link).toList();
    }

    /** The ends of links that are here. */
    final List<Port> ports() {
        return Collections.unmodifiableList(ports);
    }

    /**
     * Adds the end of a link.
     *
     * @throws IllegalArgumentException if there is no room for another
     */
    void attach(Port port) {
        ports.add(port);
    }

    /** Takes back {@link #attach}. */
    void detach(Port port) {
        ports.remove(port);
    }

    /** Whether packets are forwarded here without being looked at above their Ethernet header. */
    boolean isSwitch() {
        return false;
    }

    /** Takes over a frame that has come through a link. On the network's thread. */
    abstract void receive(Port port, ByteBuf frame);

    @Override
    public final String toString() {
        return name;
    }
}
