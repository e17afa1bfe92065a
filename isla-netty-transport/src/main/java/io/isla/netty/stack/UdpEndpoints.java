/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.InboundPacket;
import io.isla.netty.tcp.SipHash;
import io.isla.netty.udp.UdpDatagram;
import io.isla.netty.udp.UdpEndpoint;
import io.isla.netty.udp.UdpStack;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** The endpoints of a host, as UDP on one of its shards needs to know them: each lives on the shard of its channel's loop. */
final class UdpEndpoints implements UdpStack.EndpointPolicy {
    private static final int SALT = 0x75647068;

    private final Shard shard;
    private final SipHash hash;

    UdpEndpoints(Shard shard, SipHash hash) {
        this.shard = shard;
        this.hash = hash;
    }

    @Override
    public UdpEndpoint[] endpoints(int port) {
        return shard.host().endpoints().on(port);
    }

    @Override
    public void handOver(UdpEndpoint endpoint, UdpDatagram datagram) {
        HostEndpoints.owner(endpoint).inbox().offerDatagram(endpoint, datagram);
    }

    @Override
    public boolean callToTake(UdpEndpoint endpoint) {
        Shard owner = HostEndpoints.owner(endpoint);
        return owner.submit(() -> owner.udp().takeHandedOver(endpoint));
    }

    @Override
    public Queue<UdpDatagram> newQueue() {
        return new ConcurrentLinkedQueue<>();
    }

    @Override
    public int flowHash(InboundPacket packet, int localPort, int remotePort) {
        return (int) hash.hash(
                packet.destinationHigh(),
                packet.destinationLow(),
                localPort,
                packet.sourceHigh(),
                packet.sourceLow(),
                remotePort,
                SALT);
    }

    @Override
    public void sendPortUnreachable(InboundPacket packet, long now) {
        shard.ip().sendPortUnreachable(packet, now);
    }
}
