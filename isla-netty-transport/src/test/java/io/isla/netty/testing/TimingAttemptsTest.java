/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs tests with the annotation, as JUnit does, and looks at what comes of it. */
class TimingAttemptsTest {
    private static int attempts;

    private final List<TestExecutionResult> results = new ArrayList<>();
    private String errors = "";

    /** Tests for this one to run: some fail. No tests of the build itself. */
    static class OfPurpose {
        @TimingTest
        @ParameterizedTest
        @ValueSource(ints = {1, 2, 3, 4})
        void passesAtAttempt(int number) {
            attempts++;
            assertThat(attempts).as("attempt").isEqualTo(number);
            attempts = 0;
        }

        @TimingTest
        @Test
        void fails() {
            attempts++;
            throw new IllegalStateException("failure " + attempts);
        }

        @TimingTest
        @Test
        void isNotMadeHere() {
            attempts++;
            assumeTrue(false);
        }
    }

    @BeforeEach
    void forget() {
        attempts = 0;
    }

    private void run(String method) {
        PrintStream before = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            // Without the listeners of this run, which is another one.
            LauncherFactory.create(LauncherConfig.builder()
                            .enableLauncherSessionListenerAutoRegistration(false)
                            .enableTestExecutionListenerAutoRegistration(false)
                            .enablePostDiscoveryFilterAutoRegistration(false)
                            .build())
                    .execute(
                            LauncherDiscoveryRequestBuilder.request()
                                    .selectors(
                                            DiscoverySelectors.selectMethod(OfPurpose.class.getName() + "#" + method))
                                    .build(),
                            new TestExecutionListener() {
                                @Override
                                public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                                    if (test.isTest()) {
                                        results.add(result);
                                    }
                                }
                            });
        } finally {
            System.setErr(before);
        }
        errors = printed.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aTestPassesWhenOneOfThreeAttemptsDoesAndTheOthersAreTold() {
        run("passesAtAttempt(int)");

        assertThat(results)
                .extracting(TestExecutionResult::getStatus)
                .containsExactly(
                        TestExecutionResult.Status.SUCCESSFUL,
                        TestExecutionResult.Status.SUCCESSFUL,
                        TestExecutionResult.Status.SUCCESSFUL,
                        TestExecutionResult.Status.FAILED);
        assertThat(errors.lines().filter(line -> line.contains("failed: "))).hasSize(1 + 2 + 3);
        assertThat(errors).contains("OfPurpose, ").contains("attempt 2 of 3 failed: ");
    }

    @Test
    void aTestFailsWithTheFailuresOfAllItsAttempts() {
        run("fails()");

        assertThat(attempts).isEqualTo(3);
        assertThat(results)
                .singleElement()
                .satisfies(result -> assertThat(result.getThrowable()).hasValueSatisfying(failure -> {
                    assertThat(failure).hasMessage("failure 3");
                    assertThat(failure.getSuppressed())
                            .extracting(Throwable::getMessage)
                            .containsExactly("failure 1", "failure 2");
                }));
    }

    @Test
    void aTestThatIsSkippedIsNotTriedAgain() {
        run("isNotMadeHere()");

        assertThat(attempts).isOne();
        assertThat(results)
                .extracting(TestExecutionResult::getStatus)
                .containsExactly(TestExecutionResult.Status.ABORTED);
    }
}
