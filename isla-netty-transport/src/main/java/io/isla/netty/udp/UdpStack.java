/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.udp;

import io.isla.netty.counter.Counters;
import io.isla.netty.ip.IcmpError;
import io.isla.netty.ip.IcmpErrorKind;
import io.isla.netty.ip.InboundPacket;
import io.isla.netty.ip.IpOutput;
import io.isla.netty.ip.TransportReceiver;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.util.Queue;

/** UDP on one shard (RFC 768, RFC 1122 §4.1). All methods are for the shard's thread. */
public final class UdpStack implements TransportReceiver {
    /** What the owner of the stack knows of endpoints. */
    public interface EndpointPolicy {
        /** The endpoints on a port, of all shards, or {@code null} if there are none. */
        UdpEndpoint[] endpoints(int port);

        /**
         * {@linkplain UdpEndpoint#handOver Hands} a datagram, whose payload it takes over, to the endpoint of another shard, and has that shard
         * {@linkplain #takeHandedOver take} it; or drops it if too many are under way.
         */
        void handOver(UdpEndpoint endpoint, UdpDatagram datagram);

        /**
         * Has the shard of an endpoint {@linkplain #takeHandedOver take} what was handed over to it. Any thread.
         *
         * @return whether it will
         */
        boolean callToTake(UdpEndpoint endpoint);

        /** A queue to which any thread may add, and from which any may take. */
        Queue<UdpDatagram> newQueue();

        /** A number that is the same for all packets of a flow, and unpredictable. */
        int flowHash(InboundPacket packet, int localPort, int remotePort);

        /** Tells the sender that nobody listens. */
        void sendPortUnreachable(InboundPacket packet, long now);
    }

    final IpOutput ip;
    final Counters<UdpCounter> counters;
    final UdpSender output;
    private final ByteBufAllocator allocator;
    final EndpointPolicy policy;
    private Object attachment;
    private UdpEndpoint firstReady;
    private UdpEndpoint lastReady;

    /**
     * Creates UDP for a shard.
     *
     * @param frame what datagrams are built in; not used by anybody else during a call to this stack
     */
    public UdpStack(
            IpOutput ip,
            ByteBufAllocator allocator,
            OutboundFrame frame,
            EndpointPolicy policy,
            Counters<UdpCounter> counters) {
        this.ip = ip;
        this.allocator = allocator;
        this.policy = policy;
        this.counters = counters;
        output = new UdpSender(this, frame);
    }

    /** What the owner of the stack has attached. */
    public Object attachment() {
        return attachment;
    }

    /** Attaches something for the owner of the stack. */
    public void attachment(Object newAttachment) {
        attachment = newAttachment;
    }

    /**
     * Creates an endpoint of this shard; whoever owns the stack makes it known.
     *
     * @param local unspecified for all addresses
     * @param v6Only whether an endpoint on {@code ::} leaves IPv4 alone
     */
    public UdpEndpoint open(IpAddress local, int port, boolean v6Only, UdpUser user) {
        return new UdpEndpoint(this, local, port, v6Only, user);
    }

    /** Has an endpoint of this shard take what other shards have handed over to it; or, if it has moved on, has it do so where it is. */
    public void takeHandedOver(UdpEndpoint endpoint) {
        if (endpoint.successor() != null) {
            forwardHandedOver(endpoint);
            return;
        }
        for (UdpDatagram next = endpoint.nextHandedOver(); next != null; next = endpoint.nextHandedOver()) {
            deliver(endpoint, next);
        }
    }

    /** As {@link #takeHandedOver} when this shard has ended, and its endpoints with it. Any thread. */
    public void forwardHandedOver(UdpEndpoint endpoint) {
        UdpEndpoint present = endpoint;
        while (present.successor() != null) {
            present = present.successor();
        }
        // An answer that is late does no harm: its shard knows better.
        if (present.isClosed() || !policy.callToTake(present)) {
            present.dropHandedOver();
        }
    }

    private void deliver(UdpEndpoint endpoint, UdpDatagram datagram) {
        counters.increment(endpoint.offer(datagram) ? UdpCounter.IN_DATAGRAMS : UdpCounter.RCVBUF_ERRORS);
    }

    // ------------------------------------------------------------------------------------------------ input

    @Override
    public void receive(InboundPacket packet, long now) {
        ByteBuf buffer = packet.buffer();
        int offset = packet.transportOffset();
        int available = packet.transportLength();
        if (!UdpHeader.isValid(buffer, offset, available)) {
            counters.increment(UdpCounter.IN_ERRORS);
            return;
        }
        int length = UdpHeader.length(buffer, offset);
        if (packet.segmentation() == SegmentationType.UDP) {
            // Joined datagrams: the header says the length of the first, or of all.
            length = available;
        }
        if (packet.segmentation() != SegmentationType.UDP && !isChecksumGood(packet, length)) {
            counters.increment(UdpCounter.IN_ERRORS);
            counters.increment(UdpCounter.IN_CSUM_ERRORS);
            return;
        }
        int localPort = UdpHeader.destinationPort(buffer, offset);
        int remotePort = UdpHeader.sourcePort(buffer, offset);
        UdpEndpoint[] endpoints = policy.endpoints(localPort);
        int payload = offset + UdpHeader.LENGTH;
        int payloadLength = length - UdpHeader.LENGTH;
        if (!packet.isUnicast()) {
            receiveMulticast(packet, endpoints, localPort, remotePort, payload, payloadLength);
            return;
        }
        UdpEndpoint endpoint = endpoints == null ? null : find(endpoints, packet, localPort, remotePort);
        if (endpoint == null) {
            counters.increment(UdpCounter.NO_PORTS);
            policy.sendPortUnreachable(packet, now);
            return;
        }
        give(endpoint, packet, localPort, remotePort, payload, payloadLength);
    }

    private boolean isChecksumGood(InboundPacket packet, int length) {
        if (packet.checksum() != InboundFrame.Checksum.UNKNOWN) {
            return true;
        }
        if (UdpHeader.checksum(packet.buffer(), packet.transportOffset()) == 0) {
            // RFC 768: not computed; RFC 8200 §8.1: not allowed.
            return IpAddress.isV4(packet.destinationHigh(), packet.destinationLow());
        }
        int pseudoHeader = InternetChecksum.pseudoHeader(
                packet.sourceHigh(),
                packet.sourceLow(),
                packet.destinationHigh(),
                packet.destinationLow(),
                IpProtocol.UDP,
                length);
        return InternetChecksum.isValid(packet.buffer(), packet.transportOffset(), length, pseudoHeader);
    }

    private UdpEndpoint find(UdpEndpoint[] endpoints, InboundPacket packet, int localPort, int remotePort) {
        UdpEndpoint best = null;
        int bestMatch = 0;
        int equals = 0;
        for (UdpEndpoint endpoint : endpoints) {
            int match = match(endpoint, packet, remotePort);
            if (match > bestMatch) {
                best = endpoint;
                bestMatch = match;
                equals = 1;
            } else if (match > 0 && match == bestMatch) {
                equals++;
            }
        }
        if (equals > 1) {
            int index = Integer.remainderUnsigned(policy.flowHash(packet, localPort, remotePort), equals);
            for (UdpEndpoint endpoint : endpoints) {
                if (match(endpoint, packet, remotePort) == bestMatch && index-- == 0) {
                    return endpoint;
                }
            }
        }
        return best;
    }

    private static int match(UdpEndpoint endpoint, InboundPacket packet, int remotePort) {
        return endpoint.match(
                packet.destinationHigh(), packet.destinationLow(), packet.sourceHigh(), packet.sourceLow(), remotePort);
    }

    private void receiveMulticast(
            InboundPacket packet, UdpEndpoint[] endpoints, int localPort, int remotePort, int payload, int length) {
        boolean wanted = false;
        if (endpoints != null) {
            for (UdpEndpoint endpoint : endpoints) {
                if (endpoint.wants(
                        packet.destinationHigh(),
                        packet.destinationLow(),
                        packet.sourceHigh(),
                        packet.sourceLow(),
                        remotePort)) {
                    wanted = true;
                    give(endpoint, packet, localPort, remotePort, payload, length);
                }
            }
        }
        if (!wanted) {
            counters.increment(UdpCounter.IGNORED_MULTI);
        }
    }

    private void give(
            UdpEndpoint endpoint, InboundPacket packet, int localPort, int remotePort, int payload, int length) {
        int segment = packet.segmentation() == SegmentationType.UDP && packet.segmentSize() > 0
                ? packet.segmentSize()
                : Math.max(1, length);
        int done = 0;
        do {
            int n = Math.min(segment, length - done);
            ByteBuf copy = allocator.directBuffer(Math.max(1, n), Math.max(1, n));
            packet.buffer().getBytes(payload + done, copy, n);
            UdpDatagram datagram = new UdpDatagram(
                    copy,
                    IpAddress.of(packet.sourceHigh(), packet.sourceLow()),
                    remotePort,
                    IpAddress.of(packet.destinationHigh(), packet.destinationLow()),
                    localPort,
                    packet.trafficClass(),
                    packet.hopLimit());
            if (endpoint.stack() == this) {
                // Before it moved here, this shard may have handed over what came earlier on the same way.
                takeHandedOver(endpoint);
                deliver(endpoint, datagram);
            } else {
                policy.handOver(endpoint, datagram);
            }
            done += n;
        } while (done < length);
    }

    @Override
    public void receiveError(IcmpError error, long now) {
        int localPort = UdpHeader.sourcePort(error.buffer(), error.transportOffset());
        int remotePort = UdpHeader.destinationPort(error.buffer(), error.transportOffset());
        UdpEndpoint[] endpoints = policy.endpoints(localPort);
        boolean concerned = false;
        if (endpoints != null) {
            for (UdpEndpoint endpoint : endpoints) {
                if (concerns(endpoint, error, remotePort)) {
                    concerned = true;
                    if (endpoint.stack() == this) {
                        tell(endpoint, error, now);
                    }
                }
            }
        }
        if (!concerned && !error.isCopied()) {
            counters.increment(UdpCounter.ICMP_IGNORED);
        }
    }

    /**
     * Only a connected endpoint is told, as by a kernel that was not asked for more (RFC 1122 §4.1.3.3); but how long packets may be is known of a path, whoever
     * sends there (RFC 8201 §5.1). What a router does not split would never get through otherwise.
     */
    private static boolean concerns(UdpEndpoint endpoint, IcmpError error, int remotePort) {
        boolean toldAlways = error.kind() == IcmpErrorKind.PACKET_TOO_BIG;
        return (toldAlways || endpoint.remoteAddress() != null)
                && endpoint.match(
                                error.localHigh(), error.localLow(), error.remoteHigh(), error.remoteLow(), remotePort)
                        > 0;
    }

    private void tell(UdpEndpoint endpoint, IcmpError error, long now) {
        switch (error.kind()) {
            case PORT_UNREACHABLE, PROTOCOL_UNREACHABLE -> endpoint.error(new PortUnreachableException());
            case NETWORK_UNREACHABLE, HOST_UNREACHABLE, SOURCE_ROUTE_FAILED, ADMINISTRATIVELY_PROHIBITED ->
                endpoint.error(new NoRouteToHostException("No route to host"));
            case PACKET_TOO_BIG -> {
                ip.updatePathMtu(
                        error.localHigh(), error.localLow(), error.remoteHigh(), error.remoteLow(), error.mtu(), now);
                if (endpoint.isFragmentationRefused() && endpoint.remoteAddress() != null) {
                    endpoint.error(new IOException("Message too long"));
                }
            }
            default -> {
                // Time exceeded and parameter problems are transient.
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ events

    void ready(UdpEndpoint endpoint) {
        if (!endpoint.onReadyList && endpoint.user() != null) {
            endpoint.onReadyList = true;
            endpoint.nextReady = null;
            if (lastReady == null) {
                firstReady = endpoint;
            } else {
                lastReady.nextReady = endpoint;
            }
            lastReady = endpoint;
        }
    }

    /** Takes an endpoint off the list, if it is on it. */
    void notReady(UdpEndpoint endpoint) {
        if (!endpoint.onReadyList) {
            return;
        }
        UdpEndpoint before = null;
        for (UdpEndpoint e = firstReady; e != endpoint; e = e.nextReady) {
            before = e;
        }
        if (before == null) {
            firstReady = endpoint.nextReady;
        } else {
            before.nextReady = endpoint.nextReady;
        }
        if (lastReady == endpoint) {
            lastReady = before;
        }
        endpoint.nextReady = null;
        endpoint.onReadyList = false;
    }

    /** Whether {@link #deliverEvents()} has something to do. */
    public boolean hasWork() {
        return firstReady != null;
    }

    /** Tells users what has happened; returns how many calls were made. */
    public int deliverEvents() {
        int delivered = 0;
        // Who becomes ready meanwhile has to wait for the next turn; a user may also take others off the list.
        int max = 0;
        for (UdpEndpoint e = firstReady; e != null; e = e.nextReady) {
            max++;
        }
        for (int i = 0; i < max && firstReady != null; i++) {
            UdpEndpoint endpoint = firstReady;
            firstReady = endpoint.nextReady;
            if (firstReady == null) {
                lastReady = null;
            }
            endpoint.nextReady = null;
            endpoint.onReadyList = false;
            if (endpoint.user() != null) {
                delivered++;
                endpoint.user().onUdpEvents(endpoint);
            }
        }
        return delivered;
    }
}
