/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.ForkedJvm;
import io.netty.util.ResourceLeakDetector;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The same seed, the same packets at the same nanosecond: in one JVM and in another. And no native code. */
@Timeout(600)
class DeterminismTest {
    private final ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();

    /** Each of millions of accesses to a buffer would be noted down. */
    @BeforeEach
    void lookForLeaksNowAndThenOnly() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.SIMPLE);
    }

    @AfterEach
    void lookForAllLeaksAgain() {
        ResourceLeakDetector.setLevel(level);
    }

    @Test
    void twoRunsInOneJvmAreEqualToTheByte() {
        byte[] first = BusyScenario.run(11);
        byte[] second = BusyScenario.run(11);

        assertThat(first.length).as("a busy scenario").isGreaterThan(1_000_000);
        assertThat(second).isEqualTo(first);
        assertThat(BusyScenario.run(12)).isNotEqualTo(first);
    }

    @Test
    void runsInTwoJvmsAreEqualToTheByte() throws Exception {
        String here = BusyScenario.digest(BusyScenario.run(13));

        // With other defaults, as on another machine.
        assertThat(ForkedJvm.run(
                        BusyScenario.class, List.of("-Xmx300m", "-Dio.netty.leakDetection.level=disabled"), "13"))
                .containsExactly(here);
        assertThat(ForkedJvm.run(
                        BusyScenario.class,
                        List.of(
                                "-Xmx300m",
                                "-XX:TieredStopAtLevel=1",
                                "-Dio.netty.noUnsafe=true",
                                "-Duser.language=ar",
                                "-XX:ActiveProcessorCount=1"),
                        "13"))
                .containsExactly(here);
    }

    @Test
    void noNativeLibraryIsLoaded() throws Exception {
        List<String> output = ForkedJvm.run(LoadedLibraries.class, List.of("-Xmx300m"));

        assertThat(output).as("libraries that the JVM has loaded").anyMatch(line -> line.contains("libjvm"));
        assertThat(output).noneMatch(line -> line.contains("netty") || line.contains("jna"));
    }
}
