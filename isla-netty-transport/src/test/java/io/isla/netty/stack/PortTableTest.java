/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.BindException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PortTableTest {
    private final PortTable ports = new PortTable(100, 102, range -> 0);

    @ParameterizedTest
    @CsvSource({
        // The first, the second, whether one of them leaves IPv4 alone, whether both can be.
        "10.0.0.2, 10.0.0.2, false, false",
        "10.0.0.2, 10.0.0.3, false, true",
        "10.0.0.2, fd00::2, false, true",
        "0.0.0.0, 10.0.0.2, false, false",
        "0.0.0.0, fd00::2, false, true",
        "0.0.0.0, 0.0.0.0, false, false",
        "::, 0.0.0.0, false, false",
        "::, 0.0.0.0, true, true",
        "::, 10.0.0.2, false, false",
        "::, 10.0.0.2, true, true",
        "::, fd00::2, true, false",
        "::, ::, true, false"
    })
    void twoMayBindAPortIfNoPacketIsForBoth(String first, String second, boolean v6Only, boolean possible)
            throws Exception {
        for (boolean reversed : new boolean[] {false, true}) {
            String one = reversed ? second : first;
            String other = reversed ? first : second;
            PortTable table = new PortTable(100, 102, range -> 0);
            table.bind(Shards.address(one), 80, false, v6Only);
            if (possible) {
                assertThat(table.bind(Shards.address(other), 80, false, v6Only)).isEqualTo(80);
            } else {
                assertThatThrownBy(() -> table.bind(Shards.address(other), 80, false, v6Only))
                        .isInstanceOf(BindException.class);
            }
        }
    }

    @Test
    void thoseWhoShareMayBindTheSame() throws Exception {
        ports.bind(Shards.address("::"), 80, true, false);
        assertThat(ports.bind(Shards.address("10.0.0.2"), 80, true, false)).isEqualTo(80);
        assertThatThrownBy(() -> ports.bind(Shards.address("10.0.0.3"), 80, false, false))
                .isInstanceOf(BindException.class);
    }

    @Test
    void aFreePortIsChosenAndGivenBack() throws Exception {
        for (int port = 100; port <= 102; port++) {
            assertThat(ports.bind(Shards.address("::"), 0, false, false)).isEqualTo(port);
        }
        assertThatThrownBy(() -> ports.bind(Shards.address("::"), 0, false, false))
                .isInstanceOf(BindException.class)
                .hasMessageContaining("100 to 102");
        ports.release(Shards.address("::"), 101);
        assertThat(ports.isBound(101)).isFalse();
        assertThat(ports.bind(Shards.address("::"), 0, false, false)).isEqualTo(101);
    }
}
