/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** RFC 9937: what may be sent for each acknowledgement of a recovery. */
class ProportionalRateReductionTest {
    private static final int MSS = 1000;

    private final ProportionalRateReduction reduction = new ProportionalRateReduction();
    private int inFlight;
    private int sent;

    /** An acknowledgement of bytes; sends what it allows, and returns that. */
    private int ack(int delivered, int ssthresh, boolean safe, boolean mustSend) {
        inFlight -= delivered;
        int cwnd = reduction.cwnd(delivered, inFlight, ssthresh, MSS, safe, mustSend);
        int room = (cwnd - inFlight) / MSS * MSS;
        reduction.sent(room);
        inFlight += room;
        sent += room;
        return room;
    }

    @Test
    void sendsInProportionToWhatIsDeliveredUntilTheWindowIsDown() {
        // 100 segments out, one of them lost; the window is to be 70.
        reduction.start(100 * MSS);
        inFlight = 99 * MSS;
        for (int i = 0; i < 99; i++) {
            ack(MSS, 70 * MSS, false, i == 0);
        }
        assertThat(sent / MSS).as("seven for ten").isBetween(68, 71);
        assertThat(inFlight / MSS).isBetween(68, 71);
    }

    @Test
    void spreadsThemOverTheRoundTrip() {
        reduction.start(100 * MSS);
        inFlight = 99 * MSS;
        int longestSilence = 0;
        int silence = 0;
        for (int i = 0; i < 90; i++) {
            silence = ack(MSS, 70 * MSS, false, i == 0) == 0 ? silence + 1 : 0;
            longestSilence = Math.max(longestSilence, silence);
        }
        assertThat(longestSilence)
                .as("acknowledgements that nothing was sent for, in a row")
                .isLessThanOrEqualTo(1);
    }

    @Test
    void sendsTheFirstRetransmissionWhateverTheWindow() {
        reduction.start(100 * MSS);
        inFlight = 99 * MSS;
        assertThat(ack(MSS, 50 * MSS, false, true)).isEqualTo(MSS);
    }

    @Test
    void comesBackToTheThresholdByOneSegmentMoreForEachSafeAcknowledgement() {
        // Heavy losses: a quarter of the threshold is in flight.
        reduction.start(100 * MSS);
        inFlight = 20 * MSS;
        int acks = 0;
        while (inFlight < 70 * MSS) {
            assertThat(ack(MSS, 70 * MSS, true, false)).isLessThanOrEqualTo(2 * MSS);
            assertThat(++acks).as("acknowledgements").isLessThan(60);
        }
        assertThat(inFlight).isEqualTo(70 * MSS);
        ack(MSS, 70 * MSS, true, false);
        assertThat(inFlight).as("and no further").isEqualTo(70 * MSS);
    }

    @Test
    void sendsNoMoreThanWasDeliveredWhileLossesGoOn() {
        reduction.start(100 * MSS);
        inFlight = 20 * MSS;
        for (int i = 0; i < 50; i++) {
            assertThat(ack(MSS, 70 * MSS, false, false)).isEqualTo(MSS);
        }
        assertThat(inFlight).isEqualTo(20 * MSS);
    }
}
