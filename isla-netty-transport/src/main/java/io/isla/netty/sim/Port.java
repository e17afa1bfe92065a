/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.buffer.ByteBuf;

/** One end of a link, at a node. */
final class Port {
    private final VirtualNode node;
    private final VirtualLink link;
    private final LinkDirection direction;
    /** The Ethernet address of the node here; that of a switch is never used. */
    private final long mac;

    private Port other;

    Port(VirtualNode node, VirtualLink link, LinkDirection direction, long mac) {
        this.node = node;
        this.link = link;
        this.direction = direction;
        this.mac = mac;
    }

    static void join(Port a, Port b) {
        a.other = b;
        b.other = a;
    }

    VirtualNode node() {
        return node;
    }

    VirtualLink link() {
        return link;
    }

    /** What happens to packets that are sent here. */
    LinkDirection direction() {
        return direction;
    }

    long mac() {
        return mac;
    }

    Port other() {
        return other;
    }

    /** Sends a frame, which the link then owns. */
    void send(ByteBuf frame) {
        link.send(this, frame);
    }
}
