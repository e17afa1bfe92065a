/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static io.isla.netty.channel.PollStrategy.Action.BLOCK;
import static io.isla.netty.channel.PollStrategy.Action.SPIN;
import static io.isla.netty.channel.PollStrategy.Action.YIELD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.channel.PollStrategy.Action;
import org.junit.jupiter.api.Test;

/** When a loop with nothing to do looks again, and when it waits. */
class PollStrategyTest {
    private final PollStrategy strategy =
            PollStrategy.whereItPays(PollStrategy.adaptive(10, 10)).forLoop();

    /** A pause that something ends after so many nanoseconds; returns what was done first. */
    private Action pause(int nanos) {
        Action first = strategy.onIdle(0);
        Action action = first;
        for (int idle = 5; idle <= nanos && action != BLOCK; idle += 5) {
            action = strategy.onIdle(idle);
        }
        return first;
    }

    @Test
    void spinsThenYieldsThenWaits() {
        PollStrategy adaptive = PollStrategy.adaptive(10, 20);
        assertThat(adaptive.onIdle(0)).isEqualTo(SPIN);
        assertThat(adaptive.onIdle(9)).isEqualTo(SPIN);
        assertThat(adaptive.onIdle(10)).isEqualTo(YIELD);
        assertThat(adaptive.onIdle(29)).isEqualTo(YIELD);
        assertThat(adaptive.onIdle(30)).isEqualTo(BLOCK);
        assertThat(PollStrategy.blocking().onIdle(0)).isEqualTo(BLOCK);
        assertThatThrownBy(() -> PollStrategy.adaptive(-1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void looksAgainWhereSomethingComesSoon() {
        for (int i = 0; i < 100; i++) {
            assertThat(pause(15)).isEqualTo(SPIN);
        }
    }

    @Test
    void waitsAtOnceWhereNothingComesSoonAndTriesNowAndThen() {
        for (int i = 0; i < 4; i++) {
            assertThat(pause(100)).isEqualTo(SPIN);
        }
        int tried = 0;
        for (int i = 0; i < 1600; i++) {
            tried += pause(100) == BLOCK ? 0 : 1;
        }
        assertThat(tried).isEqualTo(100);
    }

    @Test
    void looksAgainAsSoonAsThatFindsSomething() {
        for (int i = 0; i < 50; i++) {
            pause(100);
        }
        int pauses = 0;
        while (pause(5) == BLOCK) {
            pauses++;
        }
        assertThat(pauses).isLessThan(16);
        for (int i = 0; i < 20; i++) {
            assertThat(pause(5)).isEqualTo(SPIN);
        }
        // It takes several disappointments to stop again.
        for (int i = 0; i < 4; i++) {
            assertThat(pause(100)).isEqualTo(SPIN);
        }
        assertThat(pause(100)).isEqualTo(BLOCK);
    }

    @Test
    void oneThatNeverWaitsIsAsItWas() {
        PollStrategy spinning = PollStrategy.whereItPays(idle -> SPIN).forLoop();
        for (int idle = 0; idle < 1000; idle++) {
            assertThat(spinning.onIdle(idle % 10)).isEqualTo(SPIN);
        }
    }

    @Test
    void eachLoopLearnsForItself() {
        PollStrategy shared = PollStrategy.whereItPays(PollStrategy.adaptive(10, 10));
        PollStrategy one = shared.forLoop();
        PollStrategy other = shared.forLoop();
        for (int i = 0; i < 10; i++) {
            one.onIdle(0);
            one.onIdle(100);
        }
        assertThat(one.onIdle(0)).isEqualTo(BLOCK);
        assertThat(other.onIdle(0)).isEqualTo(SPIN);
        assertThat(PollStrategy.blocking().forLoop()).isNotNull();
    }
}
