/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpProtocol;

/**
 * The way from a local to a remote address, as the network layer last resolved it: next hop and path MTU. A transport keeps one
 * for each connection and passes it along with what it sends; the network layer refreshes it when routes, neighbours or path
 * MTU have changed since.
 *
 * <p>Not thread-safe; belongs to the shard that resolved it.
 */
public final class Path {
    long localHigh;
    long localLow;
    long remoteHigh;
    long remoteLow;
    int mtu;
    int maxTcpSegmentationBytes;
    boolean loopback;
    boolean broadcast;
    boolean multicast;
    boolean resolved;
    /** The generation of the routing and path MTU state that this path was resolved from. */
    int generation;
    /** The next hop on its link, or {@code null} where none is needed (loopback, point-to-point). */
    Neighbor nextHop;

    /** Creates a path that leads nowhere until it is {@linkplain IpOutput#resolve resolved}. */
    public Path() {}

    /** First half of the source address. */
    public long localHigh() {
        return localHigh;
    }

    /** Second half of the source address. */
    public long localLow() {
        return localLow;
    }

    /** First half of the destination address. */
    public long remoteHigh() {
        return remoteHigh;
    }

    /** Second half of the destination address. */
    public long remoteLow() {
        return remoteLow;
    }

    /** The largest IP packet that is believed to get through unfragmented, in bytes: the path MTU, at most the link's. */
    public int mtu() {
        return mtu;
    }

    /** The largest IP packet that may be sent with segmentation requested, in bytes. */
    public int maxSegmentationBytes() {
        return Math.min(maxTcpSegmentationBytes, IpStack.MAX_PACKET);
    }

    /** The same for TCP: more than 65,535 where the destination is on the link and the link takes that ({@code Link.maxTcpSegmentationBytes}). */
    public int maxTcpSegmentationBytes() {
        return maxTcpSegmentationBytes;
    }

    /** The largest packet of a protocol that may be sent with segmentation requested. */
    int maxSegmentationBytes(int protocol) {
        return protocol == IpProtocol.TCP ? maxTcpSegmentationBytes : maxSegmentationBytes();
    }

    /** Whether the destination is one host, neither a multicast group nor all hosts of a network. */
    public boolean isUnicast() {
        return !broadcast && !multicast;
    }

    /** Whether the destination is this host itself. */
    public boolean isLoopback() {
        return loopback;
    }
}
