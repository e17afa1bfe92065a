/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LinuxTest {
    @ParameterizedTest
    @CsvSource({
        "6.18.44-fc-v669, true",
        "6.3, true",
        "6.3.0-rc1, true",
        "10.0, true",
        "6.2.16, false",
        "6.1.0-44-amd64, false",
        "5.19, false",
        "unknown, false",
        "'', false",
    })
    void readsTheVersionOfTheKernel(String release, boolean atLeast) {
        assertThat(Linux.isAtLeast(release, 6, 3)).isEqualTo(atLeast);
    }
}
