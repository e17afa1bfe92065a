/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.Loopback;
import io.isla.netty.link.OutboundFrame;

/** Brings packets that the host sends to itself to the shard that owns their flow. */
final class LoopbackDelivery implements Loopback {
    private final Shard shard;

    LoopbackDelivery(Shard shard) {
        this.shard = shard;
    }

    @Override
    public void deliver(OutboundFrame frame) {
        Shard owner = PacketFlow.owner(
                shard.host().steering(), frame.header(), frame.headerStart(), frame.headerLength(), shard);
        owner.inbox().offerLoopback(frame, shard.loop().allocator());
    }
}
