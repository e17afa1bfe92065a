/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** What a host derives from a secret for each flow: initial sequence numbers, where timestamps start, Fast Open cookies. */
final class FlowSecrets {
    private static final int SALT_ISS = 1;
    private static final int SALT_TIMESTAMP = 3;
    private static final int SALT_FAST_OPEN = 4;

    private final SipHash hash;

    FlowSecrets(SipHash hash) {
        this.hash = hash;
    }

    /** A sequence number to start from (RFC 6528): a clock of 4 µs, and a keyed hash of the 4-tuple. */
    int initialSequence(Flow flow, long now) {
        return (int) hash.hash(
                        flow.localHigh,
                        flow.localLow,
                        flow.localPort,
                        flow.remoteHigh,
                        flow.remoteLow,
                        flow.remotePort,
                        SALT_ISS)
                + (int) (now >> 12);
    }

    /** Where the timestamps of a flow start (RFC 7323 §5.4): not the host's uptime, and steady over incarnations. */
    int timestampOffset(Flow flow) {
        return timestampOffset(flow.localHigh, flow.localLow, flow.remoteHigh, flow.remoteLow);
    }

    int timestampOffset(long localHigh, long localLow, long remoteHigh, long remoteLow) {
        return (int) hash.hash(localHigh, localLow, 0, remoteHigh, remoteLow, 0, SALT_TIMESTAMP);
    }

    /** The Fast Open cookie of a client address (RFC 7413 §4.1.2). */
    byte[] fastOpenCookie(Flow flow) {
        long value = hash.hash(flow.remoteHigh, flow.remoteLow, flow.localHigh, flow.localLow, SALT_FAST_OPEN);
        byte[] cookie = new byte[8];
        for (int i = 0; i < 8; i++) {
            cookie[i] = (byte) (value >> 56 - 8 * i);
        }
        return cookie;
    }
}
