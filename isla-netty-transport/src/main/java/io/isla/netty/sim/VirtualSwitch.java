/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import java.util.HashMap;
import java.util.Map;

/**
 * A switch: hands each frame on to the link that its destination is behind, without delay. What asks for the owner of an address goes to that owner only,
 * as in switches that know them all; so a large network is not flooded. Other multicast and broadcast frames go to every link.
 */
public final class VirtualSwitch extends VirtualNode {
    /** The link behind which an Ethernet address is. */
    private final Map<Long, Port> stations = new HashMap<>();

    private int knownPorts;

    VirtualSwitch(VirtualNetwork network, String name) {
        super(network, name);
    }

    @Override
    boolean isSwitch() {
        return true;
    }

    @Override
    void receive(Port port, ByteBuf frame) {
        long destination = EthernetHeader.destination(frame, frame.readerIndex());
        if (!EthernetHeader.isGroup(destination)) {
            forward(port, towards(destination), frame);
        } else if (Packet.isArp(frame) || Packet.isNeighborMessage(frame)) {
            IpAddress asked = Packet.destination(frame);
            VirtualNode owner = network.topology().ownerOf(asked);
            forward(port, owner == null ? null : towards(owner), frame);
        } else if (isForRouters(frame)) {
            frame.release();
        } else {
            for (Port out : ports()) {
                if (out != port) {
                    out.send(frame.copy());
                }
            }
            frame.release();
        }
    }

    /** Reports of multicast listeners and questions for routers: nobody here needs them, and every host sends them when it starts. */
    private static boolean isForRouters(ByteBuf frame) {
        int type = Packet.icmpv6Type(frame);
        return type == Icmpv6Header.ROUTER_SOLICITATION || Packet.isMulticastListenerReport(frame);
    }

    private static void forward(Port from, Port out, ByteBuf frame) {
        if (out == null || out == from) {
            frame.release();
        } else {
            out.send(frame);
        }
    }

    private Port towards(long mac) {
        learn();
        return stations.get(mac);
    }

    private Port towards(VirtualNode node) {
        learn();
        for (Port port : node.ports()) {
            Port out = stations.get(port.mac());
            if (out != null) {
                return out;
            }
        }
        return null;
    }

    /** The network knows who is where. */
    private void learn() {
        if (knownPorts == network.ports()) {
            return;
        }
        knownPorts = network.ports();
        stations.clear();
        for (Port out : ports()) {
            for (Port station : network.topology().behind(out)) {
                stations.put(station.mac(), out);
            }
        }
    }
}
