/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.isla.netty.testing.KernelTest;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class BenchCommandTest {
    private static final Pattern VALUE = Pattern.compile(
            "\"workload\": \"([^\"]+)\",\\s+\"measure\": \"([^\"]+)\",\\s+\"label\": \"[^\"]+\",\\s+\"server\":"
                    + " \"([^\"]+)\",\\s+\"median\": ([0-9.E-]+)");

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    /** That each part of it works; how fast anything is, on a machine that runs tests, says nothing. */
    @Test
    @KernelTest
    @Timeout(value = 180, unit = TimeUnit.SECONDS)
    void measures() throws Exception {
        assumeTrue(mayMakeNamespaces(), "only root may make network namespaces that have names");
        Path json = directory.resolve("bench.json");
        Path svg = directory.resolve("bench.svg");

        List<String> servers = List.of("isla", "isla_syscalls", "isla_batches", "isla_napi", "epoll", "raw");
        List<String> arguments = new ArrayList<>(List.of("bench", "--quick", "--servers"));
        arguments.addAll(servers);
        arguments.addAll(List.of(
                "--java-options",
                "-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
                "--only",
                "close",
                "download-deep-1",
                "upload-1",
                "latency-1",
                "--latency-rate",
                "100",
                "--water-mark",
                "64",
                "--json",
                json.toString(),
                "--svg",
                svg.toString()));

        int status = run(arguments.toArray(String[]::new));

        assertThat(err.toString()).isEmpty();
        assertThat(status).isZero();
        List<MatchResult> values =
                VALUE.matcher(Files.readString(json)).results().toList();
        for (String server : servers) {
            assertThat(median(values, "close", "requests_per_second", server)).isPositive();
            assertThat(median(values, "close", "machine_cpu", server)).isPositive();
            assertThat(median(values, "close", "allocated", server)).isNotNegative();
            assertThat(median(values, "close", "errors", server)).isZero();
            assertThat(median(values, "latency-1", "achieved", server)).isBetween(1.0, 200.0);
            assertThat(median(values, "latency-1", "p999", server))
                    .isGreaterThanOrEqualTo(median(values, "latency-1", "p50", server))
                    .isPositive();
            assertThat(median(values, "latency-1", "errors", server)).isZero();
            assertThat(median(values, "upload-1", "gigabits", server)).isBetween(0.001, 1000.0);
            if (!server.equals("raw")) {
                assertThat(median(values, "download-deep-1", "gigabits", server))
                        .isBetween(0.001, 1000.0);
            }
        }
        assertThat(out.toString())
                .contains(
                        "take 64 KiB", "| close ", "| upload-1 ", "| latency-1 ", "- raw: a responder on a TAP device");
        assertThat(svg).content().startsWith("<svg").contains("close: requests/s");
        assertThat(namespaces()).as("what it has made is gone").doesNotContain("isla-bench-" + pid());
    }

    private static double median(List<MatchResult> values, String workload, String measure, String server) {
        return values.stream()
                .filter(value -> value.group(1).equals(workload)
                        && value.group(2).equals(measure)
                        && value.group(3).equals(server))
                .mapToDouble(value -> Double.parseDouble(value.group(4)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + workload + ", " + measure + " of " + server));
    }

    private static boolean mayMakeNamespaces() throws Exception {
        String name = "isla-bench-test-" + pid();
        boolean made = new ProcessBuilder("ip", "netns", "add", name)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
        if (made) {
            new ProcessBuilder("ip", "netns", "del", name).start().waitFor();
        }
        return made;
    }

    private static String namespaces() throws Exception {
        return new String(new ProcessBuilder("ip", "netns", "list")
                .start()
                .getInputStream()
                .readAllBytes());
    }

    private static long pid() {
        return ProcessHandle.current().pid();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bench --only nothing-of-this-name",
                "bench --servers netcat",
                "bench --rounds 0",
                "bench --seconds 0",
                "bench --loops 0",
                "bench --latency-rate 0",
                "bench --water-mark 0",
                "bench --json /no/such/directory/file.json",
                "bench --svg /no/such/directory/file.svg",
            })
    void saysWhatIsWrongWithArguments(String arguments) {
        assertThat(run(arguments.split(" "))).isEqualTo(2);
        assertThat(err.toString()).isNotBlank().doesNotContain("\tat ");
    }

    private int run(String... arguments) {
        CommandLine command = Main.commandLine();
        command.setOut(new PrintWriter(out, true));
        command.setErr(new PrintWriter(err, true));
        return command.execute(arguments);
    }
}
