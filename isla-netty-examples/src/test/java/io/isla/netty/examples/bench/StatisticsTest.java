/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class StatisticsTest {

    @Test
    void takesTheValueInTheMiddle() {
        assertThat(Statistics.of(5, 1, 9).median()).isEqualTo(5);
    }

    @Test
    void takesTheMeanOfTheTwoInTheMiddle() {
        assertThat(Statistics.of(8, 2, 100, 4).median()).isEqualTo(6);
    }

    @Test
    void spreadIsHalfTheRangeToTheMedian() {
        Statistics statistics = Statistics.of(90, 100, 120);

        assertThat(statistics.min()).isEqualTo(90);
        assertThat(statistics.max()).isEqualTo(120);
        assertThat(statistics.spread()).isCloseTo(0.15, within(1e-9));
        assertThat(Statistics.of(7).spread()).isZero();
        assertThat(Statistics.of(0, 0, 0).spread()).isZero();
    }

    @Test
    void ratioIsOfMedians() {
        assertThat(Statistics.of(1, 3, 1000).ratioTo(Statistics.of(2))).isEqualTo(1.5);
        assertThat(Statistics.of(1).ratioTo(Statistics.of(0))).isNaN();
    }

    @Test
    void takesAtLeastOneValue() {
        assertThatIllegalArgumentException().isThrownBy(() -> Statistics.of(List.of()));
    }
}
