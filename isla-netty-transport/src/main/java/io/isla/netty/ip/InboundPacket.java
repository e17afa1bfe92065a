/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.SegmentationType;
import io.netty.buffer.ByteBuf;

/**
 * A validated IP packet on its way to a transport protocol: where its parts lie in the buffer, and what the header said. One object per
 * shard is filled again for each packet; it is valid during the call it is passed to. Filled by the network layer only.
 *
 * <p>To keep payload bytes a receiver copies them or retains the buffer, as {@link InboundFrame} says.
 */
public final class InboundPacket {
    ByteBuf buffer;
    int networkOffset;
    int transportOffset;
    int transportLength;
    long sourceHigh;
    long sourceLow;
    long destinationHigh;
    long destinationLow;
    int protocol;
    int trafficClass;
    int hopLimit;
    boolean unicast;
    /** Whether the packet had a Fragment header, even of a single fragment (RFC 6980 wants to know). */
    boolean fragmented;
    /** Whether another shard has received the packet, and this is a copy to learn from. */
    boolean copied;

    InboundFrame.Checksum checksum = InboundFrame.Checksum.UNKNOWN;
    SegmentationType segmentation = SegmentationType.NONE;
    int segmentSize;

    /** Creates an object to be filled. */
    public InboundPacket() {}

    /** The buffer that holds the packet. */
    public ByteBuf buffer() {
        return buffer;
    }

    /** Index of the IP header. */
    public int networkOffset() {
        return networkOffset;
    }

    /** Index of the first byte after the IP header and its options or extension headers. */
    public int transportOffset() {
        return transportOffset;
    }

    /** Bytes from {@link #transportOffset()} to the end of the packet; padding of the link not counted. */
    public int transportLength() {
        return transportLength;
    }

    /** First half of the source address (see {@link io.isla.netty.wire.IpAddress}). */
    public long sourceHigh() {
        return sourceHigh;
    }

    /** Second half of the source address. */
    public long sourceLow() {
        return sourceLow;
    }

    /** First half of the destination address. */
    public long destinationHigh() {
        return destinationHigh;
    }

    /** Second half of the destination address. */
    public long destinationLow() {
        return destinationLow;
    }

    /** The transport protocol number. */
    public int protocol() {
        return protocol;
    }

    /** The TOS or traffic class octet: DSCP and ECN. */
    public int trafficClass() {
        return trafficClass;
    }

    /** The TTL or hop limit with which the packet arrived. */
    public int hopLimit() {
        return hopLimit;
    }

    /** Whether the packet was sent to a unicast address of this host, at the link and at the network layer. */
    public boolean isUnicast() {
        return unicast;
    }

    /** What is known about the transport checksum; {@code UNKNOWN} means that the transport must verify it. */
    public InboundFrame.Checksum checksum() {
        return checksum;
    }

    /** Whether and of what this packet was joined on its way in. */
    public SegmentationType segmentation() {
        return segmentation;
    }

    /** Payload bytes of each joined segment but the last; 0 if nothing was joined. */
    public int segmentSize() {
        return segmentSize;
    }
}
