/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CongestionControlsTest {

    @ParameterizedTest
    @ValueSource(strings = {"cubic", "reno"})
    void givesEachConnectionAnInstanceOfItsOwn(String name) {
        CongestionControl one = CongestionControls.create(name);

        assertThat(one.name()).isEqualTo(name);
        assertThat(CongestionControls.create(name)).isNotSameAs(one).hasSameClassAs(one);
    }

    /** Names are those of Linux, which tells capitals from small letters too. */
    @ParameterizedTest
    @ValueSource(strings = {"vegas", "CUBIC", ""})
    void saysWhichThereAreWhenAskedForAnother(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CongestionControls.create(name))
                .withMessageContaining("'" + name + "'")
                .withMessageContaining("cubic")
                .withMessageContaining("reno");
    }

    @Test
    void knowsWhatItCreatesAndNothingElse() {
        assertThat(CongestionControls.names().split(", ")).isNotEmpty().allMatch(CongestionControls::isKnown);
        assertThat(CongestionControls.isKnown("vegas")).isFalse();
    }
}
