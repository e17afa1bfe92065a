/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;

class ProgramsTest {

    private static final String NONE = "no-such-program";

    @Test
    void findsWhatIsInstalled() {
        assertThat(Programs.find("sh")).isPresent();
        assertThat(Programs.find(NONE)).isEmpty();
    }

    @Test
    void returnsWhatAProgramLeavesBehind() throws Exception {
        Programs.Result result = Programs.runWithInput("in", "sh", "-c", "cat; echo err >&2; exit 3");

        assertThat(result.status()).isEqualTo(3);
        assertThat(result.text()).isEqualTo("in");
        assertThat(result.errors()).isEqualTo("err\n");
    }

    @Test
    void startsAProgramUntilItIsClosed() throws Exception {
        try (Programs.Running running =
                Programs.start(line -> line.startsWith("port "), "sh", "-c", "echo hello; echo port 7; exec cat")) {
            assertThat(running.readyLine()).isEqualTo("port 7");
            assertThat(running.output()).startsWith("hello\n");
        }
    }

    @Test
    void saysWhatAProgramPrintedThatDidNotStart() {
        assertThatThrownBy(() -> Programs.start(line -> false, "sh", "-c", "echo address in use"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("did not start; it printed: address in use");
    }

    @Test
    void aMissingProgramSkipsItsTestUnlessAllAreRequired() {
        ConditionEvaluationResult skipped = RequiresProgramCondition.decide("a test", List.of("sh", NONE), Map.of());

        assertThat(skipped.isDisabled()).isTrue();
        assertThat(skipped.getReason()).hasValue("a test SKIPPED, a program is not installed: " + NONE);
        assertThat(RequiresProgramCondition.decide("a test", List.of("sh"), Map.of())
                        .isDisabled())
                .isFalse();
        assertThatThrownBy(() -> RequiresProgramCondition.decide("a test", List.of(NONE), Map.of("CI", "true")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(NONE);
    }
}
