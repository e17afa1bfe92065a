/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SentSegmentsTest {
    private final SentSegments sent = new SentSegments(new SentSegments.Pool());

    private void lose(int i) {
        SentSegment segment = sent.get(i);
        sent.setFlags(segment, segment.flags | SentSegment.LOST);
        sent.delivered(segment);
    }

    private List<Integer> order() {
        List<Integer> starts = new ArrayList<>();
        for (SentSegment s = sent.earliestSent(); s != null; s = s.later) {
            starts.add(s.start);
        }
        return starts;
    }

    @Test
    void whatIsNotLostAfterAllGoesBackToItsPlaceInTheOrderOfSending() {
        for (int i = 0; i < 6; i++) {
            sent.add(i * 10, i * 10 + 10, 0, 100 + i);
        }
        sent.resent(sent.get(1), 200);
        for (int i : new int[] {0, 1, 3, 5}) {
            lose(i);
        }
        assertThat(order()).containsExactly(20, 40);
        sent.restoreLost();
        assertThat(order()).containsExactly(0, 20, 30, 40, 50, 10);
        assertThat(sent.lostBytes()).isZero();
    }

    @Test
    void allOfItMayHaveBeenLost() {
        for (int i = 0; i < 3; i++) {
            sent.add(i * 10, i * 10 + 10, 0, 100);
            lose(i);
        }
        assertThat(order()).isEmpty();
        sent.restoreLost();
        assertThat(order()).containsExactly(0, 10, 20);
        sent.removeFirst();
        assertThat(order()).containsExactly(10, 20);
    }
}
