/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.OutboundFrame;

/**
 * Where packets go that this host sends to itself. The shard copies them, and delivers the copy later, on the shard that owns the flow,
 * to {@link IpStack#receiveLoopback}; never from within the call that sent.
 */
@FunctionalInterface
public interface Loopback {
    /**
     * A packet for this host. Must not throw, and must not deliver it before it has returned.
     *
     * @param frame starts with its IP header, whatever the medium of the link; valid during this call. A requested checksum has not been
     *     filled in, and requested segmentation has not been done: neither is needed for a packet that stays in memory.
     */
    void deliver(OutboundFrame frame);
}
