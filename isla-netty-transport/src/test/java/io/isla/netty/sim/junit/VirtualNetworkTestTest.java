/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs tests with the annotation, as JUnit does, and looks at what comes of it. */
class VirtualNetworkTestTest {
    @TempDir
    Path captures;

    private final List<String> passed = new ArrayList<>();
    private final List<Throwable> failures = new ArrayList<>();
    private String errors = "";

    @AfterEach
    void forget() {
        OfPurpose.RUNS.clear();
    }

    private void run(String method, Map<String, String> properties) {
        run(OfPurpose.class, method, properties);
    }

    private void run(Class<?> test, String method, Map<String, String> properties) {
        properties.forEach(System::setProperty);
        System.setProperty("io.isla.captures", captures.toString());
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(DiscoverySelectors.selectMethod(test.getName() + "#" + method))
                .build();
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
                    .execute(request, new TestExecutionListener() {
                        @Override
                        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                            if (!test.isTest()) {
                                return;
                            }
                            result.getThrowable()
                                    .ifPresentOrElse(failures::add, () -> passed.add(test.getDisplayName()));
                        }
                    });
        } finally {
            System.setErr(before);
            properties.keySet().forEach(System::clearProperty);
            System.clearProperty("io.isla.captures");
        }
        errors = printed.toString(StandardCharsets.UTF_8);
    }

    private static final String FAILING =
            "failsWithSeedTwelve(io.isla.netty.sim.VirtualNetwork,java.util.SplittableRandom)";

    @Test
    void aTestRunsWithEachSeedAndTheOneThatFailsIsTold() {
        run(FAILING, Map.of());

        assertThat(passed).containsExactly("seed 10", "seed 11", "seed 13", "seed 14");
        Path capture = captures.resolve("OfPurpose.failsWithSeedTwelve-12.pcapng");
        assertThat(failures)
                .singleElement()
                .satisfies(failure -> assertThat(failure.getSuppressed()[0].getMessage())
                        .contains("failed with seed 12")
                        .contains("run it again: mvn test -Dtest=OfPurpose#failsWithSeedTwelve -Dio.isla.seed=12 ")
                        .contains("capture: " + capture)
                        .contains("host 10.0.0.1")
                        .contains("who-has 10.0.0.1"));
        assertThat(errors).contains("run it again: mvn test -Dtest=OfPurpose#failsWithSeedTwelve -Dio.isla.seed=12");
        assertThat(capture).exists();
        assertThat(captures.toFile().list())
                .containsExactly(capture.getFileName().toString());
        assertThatThrownBy(() -> OfPurpose.last.runFor(Duration.ZERO)).hasMessageContaining("closed");
    }

    @Test
    void oneSeedCanBeRunAgainAndChanceIsTheSame() throws Exception {
        run(FAILING, Map.of());
        List<String> before = List.copyOf(OfPurpose.RUNS);
        byte[] capture = Files.readAllBytes(captures.resolve("OfPurpose.failsWithSeedTwelve-12.pcapng"));
        OfPurpose.RUNS.clear();
        failures.clear();

        run(FAILING, Map.of("io.isla.seed", "12"));

        assertThat(failures).hasSize(1);
        assertThat(OfPurpose.RUNS).containsExactly(before.get(2));
        assertThat(Files.readAllBytes(captures.resolve("OfPurpose.failsWithSeedTwelve-12.pcapng")))
                .isEqualTo(capture);
    }

    @Test
    void theSeedIsToldOnceIfWhatIsAroundTheTestFails() {
        run(OfPurpose.Around.class, "runs(io.isla.netty.sim.VirtualNetwork)", Map.of());

        assertThat(passed).containsExactly("seed 1");
        assertThat(failures)
                .extracting(failure -> failure.getMessage() + ": "
                        + failure.getSuppressed()[0]
                                .getMessage()
                                .lines()
                                .findFirst()
                                .orElseThrow())
                .containsExactly(
                        "not prepared: io.isla.netty.sim.junit.OfPurpose$Around#runs failed with seed 2",
                        "not cleaned up: io.isla.netty.sim.junit.OfPurpose$Around#runs failed with seed 3",
                        "not run: io.isla.netty.sim.junit.OfPurpose$Around#runs failed with seed 4");
        assertThat(errors.lines().filter(line -> line.startsWith("run it again: ")))
                .hasSize(3)
                .allMatch(line ->
                        line.startsWith("run it again: mvn test -Dtest='OfPurpose$Around#runs' -Dio.isla.seed="));
        assertThat(captures.resolve("OfPurpose.Around.runs-2.pcapng")).exists();
    }

    @Test
    void moreSeedsCanBeAskedForOfTestsThatHaveMoreThanOne() {
        run(FAILING, Map.of("io.isla.seeds", "2"));
        run("runsOnce(io.isla.netty.sim.VirtualNetwork)", Map.of("io.isla.seeds", "2"));

        assertThat(passed).containsExactly("seed 10", "seed 11", "seed 1");
    }

    @Test
    void aSeedThatIsNoNumberIsNamed() {
        run(FAILING, Map.of("io.isla.seed", "twelve"));

        assertThat(OfPurpose.RUNS).isEmpty();
    }
}
