/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Holds docs/tcp-conformance.md to the list of requirements and to the tests that there are. */
class TcpConformanceTest {
    private static final Pattern TEST_NAME = Pattern.compile("`(\\w+Test)#(\\w+)`");
    private static final List<String> PACKAGES =
            List.of("io.isla.netty.tcp.", "io.isla.netty.channel.", "io.isla.netty.ip.");

    private record Row(String group, String id, String level, String requirement) {}

    private static List<Row> requirements() throws IOException {
        try (InputStream in = TcpConformanceTest.class.getResourceAsStream("rfc9293-requirements.tsv")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> line.split("\t"))
                    .map(cells -> new Row(cells[0], cells[1], cells[2], cells[3]))
                    .toList();
        }
    }

    private static List<String[]> table() throws IOException {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.exists(directory.resolve("docs/tcp-conformance.md"))) {
            directory = directory.getParent();
        }
        return Files.readAllLines(directory.resolve("docs/tcp-conformance.md")).stream()
                .filter(line -> line.startsWith("| "))
                .skip(2)
                .map(line -> line.substring(2, line.length() - 2).split(" \\| ", 5))
                .toList();
    }

    @Test
    void listsEveryRequirementInOrder() throws IOException {
        List<Row> requirements = requirements();
        assertThat(requirements).hasSize(126);
        assertThat(table())
                .extracting(cells -> new Row(cells[0], cells[1], cells[2], cells[3]))
                .isEqualTo(requirements);
    }

    @Test
    void everyMustAndShouldNamesATestThatExists() throws IOException {
        List<String> wrong = new ArrayList<>();
        for (String[] cells : table()) {
            List<MatchResult> names = TEST_NAME.matcher(cells[4]).results().toList();
            boolean may = cells[2].equals("MAY");
            if (names.isEmpty() && !(may && cells[4].startsWith("Left out"))) {
                wrong.add(cells[1] + " names no test");
            }
            for (MatchResult name : names) {
                if (!isTest(name.group(1), name.group(2))) {
                    wrong.add(cells[1] + " names " + name.group() + ", which does not exist");
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    /** Departures are few, deliberate and known: another is not to slip in. */
    @Test
    void departsOnlyWhereLinuxDoes() throws IOException {
        assertThat(table().stream()
                        .filter(cells -> cells[4].contains("Departs"))
                        .map(cells -> cells[1]))
                .containsExactlyInAnyOrder(
                        "SHLD-14", "MAY-10", "MAY-11", "MUST-51", "MUST-52", "MUST-53", "SHLD-24", "MUST-56",
                        "SHLD-26");
    }

    private static boolean isTest(String className, String methodName) {
        for (String candidate : PACKAGES) {
            try {
                Class<?> type = Class.forName(candidate + className);
                return Arrays.stream(type.getDeclaredMethods())
                        .filter((Method method) -> method.getName().equals(methodName))
                        .anyMatch(method -> method.isAnnotationPresent(Test.class));
            } catch (ClassNotFoundException e) {
                // In the other package, perhaps.
            }
        }
        return false;
    }
}
