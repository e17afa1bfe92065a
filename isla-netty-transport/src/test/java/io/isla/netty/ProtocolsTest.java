/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds docs/protocols.md to the code: to the RFCs that are cited in it, and to the tests that there are. */
class ProtocolsTest {
    private static final Pattern RFC = Pattern.compile("RFC (\\d+)");
    private static final Pattern TEST = Pattern.compile("`(\\w+Test)`");
    private static final Pattern TEST_METHOD = Pattern.compile("@(Test|ParameterizedTest|EnumSource|TestFactory)\\b");

    private static Path root() {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.exists(directory.resolve("docs/protocols.md"))) {
            directory = directory.getParent();
        }
        return directory;
    }

    /** The cells of each row of the tables: protocol, RFCs, what is done, what is not, tests. */
    private static List<String[]> rows() throws IOException {
        List<String[]> rows = new ArrayList<>();
        boolean inTable = false;
        for (String line : Files.readAllLines(root().resolve("docs/protocols.md"))) {
            if (line.startsWith("| Protocol ")) {
                inTable = true;
            } else if (!line.startsWith("|")) {
                inTable = false;
            } else if (inTable && !line.startsWith("| ---")) {
                String[] cells = line.substring(1, line.lastIndexOf('|')).split("\\|", -1);
                for (int i = 0; i < cells.length; i++) {
                    cells[i] = cells[i].strip();
                }
                rows.add(cells);
            }
        }
        return rows;
    }

    private static String sources(String directory) throws IOException {
        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.walk(root().resolve(directory))) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".java")).toList()) {
                all.append(Files.readString(file));
            }
        }
        return all.toString();
    }

    @Test
    void everyRowIsWhole() throws IOException {
        assertThat(rows()).hasSizeGreaterThan(20).allSatisfy(cells -> {
            assertThat(cells).as(cells[0]).hasSize(5);
            assertThat(cells[0]).isNotEmpty();
            assertThat(cells[1]).as(cells[0]).isNotEmpty();
            assertThat(cells[2]).as(cells[0]).isNotEmpty();
        });
    }

    @Test
    void everyRfcIsCitedWhereItIsImplemented() throws IOException {
        Set<String> cited = new HashSet<>();
        RFC.matcher(sources("isla-netty-transport/src/main")).results().forEach(match -> cited.add(match.group(1)));
        List<String> wrong = new ArrayList<>();
        for (String[] cells : rows()) {
            for (MatchResult rfc : RFC.matcher(cells[1]).results().toList()) {
                if (!cited.contains(rfc.group(1))) {
                    wrong.add(cells[0] + ": " + rfc.group());
                }
            }
        }
        assertThat(wrong).as("not cited in any source").isEmpty();
    }

    @Test
    void everyRowNamesTestsThatThereAre() throws IOException {
        List<String> wrong = new ArrayList<>();
        try (Stream<Path> files = Files.walk(root().resolve("isla-netty-transport/src/test"))) {
            List<Path> all = files.toList();
            for (String[] cells : rows()) {
                List<MatchResult> names = TEST.matcher(cells[4]).results().toList();
                if (names.isEmpty()) {
                    wrong.add(cells[0] + " names no test");
                }
                for (MatchResult name : names) {
                    if (!isTest(all, name.group(1))) {
                        wrong.add(cells[0] + ": " + name.group(1));
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    private static boolean isTest(List<Path> files, String name) throws IOException {
        for (Path file : files) {
            if (file.getFileName().toString().equals(name + ".java")) {
                String source = Files.readString(file);
                return TEST_METHOD.matcher(source).find() || source.contains("Testsuite");
            }
        }
        return false;
    }
}
