/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Which hosts cannot be heard by which: what a firewall in front of each host would drop. */
final class Partitions {
    private final VirtualNetwork network;
    /** For each host, those that do not hear it. */
    private final Map<VirtualNode, Set<VirtualNode>> deaf = new HashMap<>();

    Partitions(VirtualNetwork network) {
        this.network = network;
    }

    void separate(Collection<? extends VirtualNode> from, Collection<? extends VirtualNode> to) {
        for (VirtualNode sender : from) {
            for (VirtualNode receiver : to) {
                if (sender != receiver) {
                    deaf.computeIfAbsent(sender, node -> new HashSet<>()).add(receiver);
                }
            }
        }
    }

    void heal() {
        deaf.clear();
    }

    /** Whether a frame that a link is about to take is not to arrive: as its sender sends it, or, if it is for many, as one of them is about to get it. */
    boolean blocks(Port from, ByteBuf frame) {
        if (deaf.isEmpty()) {
            return false;
        }
        VirtualNode sender = network.nodeOf(Packet.source(frame));
        Set<VirtualNode> receivers = sender == null ? null : deaf.get(sender);
        if (receivers == null) {
            return false;
        }
        if (receivers.contains(from.other().node())) {
            return true;
        }
        IpAddress destination = Packet.destination(frame);
        VirtualNode receiver = from.node() == sender ? network.nodeOf(destination) : null;
        return receiver != null && receivers.contains(receiver);
    }
}
