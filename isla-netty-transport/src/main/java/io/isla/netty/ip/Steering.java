/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.InboundFrame;

/**
 * Where packets go whose shard the link cannot know: those that have been put together from fragments, since all fragments but the first have
 * no ports, and echo replies.
 */
@FunctionalInterface
public interface Steering {
    /** Every flow is this shard's. */
    Steering NONE = packet -> false;

    /**
     * A unicast packet has been put together.
     *
     * @param packet starts with its IP header, whatever the medium of the link; valid during this call
     * @return whether another shard owns it, and a copy is on its way to that shard's {@link IpStack#receivePacket}
     */
    boolean handOver(InboundFrame packet);

    /**
     * An echo reply has arrived whose identifier nobody has registered on this shard.
     *
     * @param packet valid during this call
     * @return whether another shard has sent the request, and a copy is on its way to that shard's {@link IpStack#receivePacket}
     */
    default boolean handOverEchoReply(InboundPacket packet, int identifier) {
        return false;
    }
}
