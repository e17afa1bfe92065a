/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * Proportional rate reduction (RFC 6937 and its successor, RFC 9937): during recovery, how much may be sent for each acknowledgement, so that
 * the flight comes down to ssthresh smoothly. Sizes in bytes.
 */
final class ProportionalRateReduction {
    private long delivered;
    private long out;
    /** RecoverFS: the flight when the reduction began. */
    private long recoverFlight;

    /** Begins a reduction. */
    void start(int flightSize) {
        delivered = 0;
        out = 0;
        recoverFlight = Math.max(1, flightSize);
    }

    /** Bytes were sent during the reduction. */
    void sent(int bytes) {
        out += bytes;
    }

    /**
     * The congestion window after an acknowledgement.
     *
     * @param newlyDelivered bytes that it says were delivered
     * @param inFlight bytes in flight now, lost ones left out
     * @param safe it moved SND.UNA and reported no further loss (SafeACK)
     * @param mustSend whether a fast retransmission is due and at least one segment must go out
     */
    int cwnd(int newlyDelivered, int inFlight, int ssthresh, int mss, boolean safe, boolean mustSend) {
        delivered += newlyDelivered;
        long sendCount;
        if (inFlight > ssthresh) {
            sendCount = (delivered * ssthresh + recoverFlight - 1) / recoverFlight - out;
        } else {
            sendCount = Math.max(delivered - out, newlyDelivered);
            if (safe) {
                sendCount += mss;
            }
            sendCount = Math.min(ssthresh - inFlight, sendCount);
        }
        sendCount = Math.max(sendCount, mustSend && out == 0 ? mss : 0);
        return (int) Math.min(Integer.MAX_VALUE / 2, inFlight + Math.max(0, sendCount));
    }
}
