/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** What the {@link FlowTable} holds: something that answers to a 4-tuple, a connection or an embryonic one. */
abstract class Flow {
    final long localHigh;
    final long localLow;
    final long remoteHigh;
    final long remoteLow;
    final int localPort;
    final int remotePort;
    /** The next flow in the same bucket. */
    Flow nextInBucket;

    Flow(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {
        this.localHigh = localHigh;
        this.localLow = localLow;
        this.localPort = localPort;
        this.remoteHigh = remoteHigh;
        this.remoteLow = remoteLow;
        this.remotePort = remotePort;
    }

    final boolean is(long lh, long ll, int lp, long rh, long rl, int rp) {
        return remoteLow == rl
                && remotePort == rp
                && localPort == lp
                && localLow == ll
                && remoteHigh == rh
                && localHigh == lh;
    }
}
