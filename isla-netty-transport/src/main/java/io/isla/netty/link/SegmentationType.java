/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

/** What a frame larger than the MTU is to be split into (generic segmentation offload). */
public enum SegmentationType {
    /** The frame is a single packet. */
    NONE,
    /** TCP segments in IPv4 packets. */
    TCP_V4,
    /** TCP segments in IPv6 packets. */
    TCP_V6,
    /** UDP datagrams of equal size, the last one perhaps shorter, in IPv4 or IPv6 packets. */
    UDP
}
