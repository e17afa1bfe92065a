/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.link.Link;

/** What the network interfaces of simulated hosts have in common: Ethernet, one queue that receives, and super-segments of any size that are split on the way. */
abstract class SimulatedInterface implements Link {
    static final int ETHERNET_HEADER = 14;
    private static final int MAX_SUPER_SEGMENT = 65_535;

    private final String name;
    private final int mtu;

    SimulatedInterface(String name, int mtu) {
        this.name = name;
        this.mtu = mtu;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final Medium medium() {
        return Medium.ETHERNET;
    }

    @Override
    public final int mtu() {
        return mtu;
    }

    @Override
    public final int maxReceiveQueues() {
        return 1;
    }

    @Override
    public final int maxSegmentationBytes() {
        return MAX_SUPER_SEGMENT;
    }

    /** Whether a frame is longer than the interface takes. */
    final boolean isTooLong(int frameBytes) {
        return frameBytes > mtu + ETHERNET_HEADER;
    }
}
