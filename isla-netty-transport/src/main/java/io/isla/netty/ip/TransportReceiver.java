/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

/** A transport protocol as the network layer sees it. Called on the shard's thread. */
public interface TransportReceiver {
    /**
     * A packet for this protocol has arrived. Must not throw.
     *
     * @param packet valid during this call
     * @param now the present, in nanoseconds
     */
    void receive(InboundPacket packet, long now);

    /**
     * An ICMP error has arrived about a packet of this protocol, or the network layer itself has found out that it cannot be
     * delivered (no answer to ARP or neighbour discovery: {@link IcmpErrorKind#HOST_UNREACHABLE}). Must not throw.
     *
     * @param error valid during this call
     * @param now the present, in nanoseconds
     */
    void receiveError(IcmpError error, long now);
}
