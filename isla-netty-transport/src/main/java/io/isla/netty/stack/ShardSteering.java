/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.InboundPacket;
import io.isla.netty.ip.Steering;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;

/** Brings to its shard what the link could not: packets that were put together from fragments, and echo replies. */
final class ShardSteering implements Steering {
    private final Shard shard;

    ShardSteering(Shard shard) {
        this.shard = shard;
    }

    @Override
    public boolean handOver(InboundFrame packet) {
        if (PacketFlow.isIcmpError(packet, Link.Medium.IP)) {
            // As of those that come whole: whose flow it is about, only its owner knows.
            for (Shard other : shard.host().shards()) {
                if (other != shard) {
                    other.inbox()
                            .offerCopy(
                                    packet, Inbox.Kind.PACKET_COPY, shard.loop().allocator());
                }
            }
            return false;
        }
        Shard owner = PacketFlow.owner(shard.host().steering(), packet, shard);
        if (owner == shard) {
            return false;
        }
        owner.inbox().offerCopy(packet, Inbox.Kind.PACKET, shard.loop().allocator());
        return true;
    }

    @Override
    public boolean handOverEchoReply(InboundPacket packet, int identifier) {
        Shard owner = shard.host().echoIdentifiers().owner(identifier);
        if (owner == null || owner == shard) {
            return false;
        }
        owner.inbox().offerPacket(packet, shard.loop().allocator());
        return true;
    }
}
