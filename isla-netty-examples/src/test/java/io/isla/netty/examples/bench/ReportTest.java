/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class ReportTest {

    private final Results results = new Results();
    private final Report report = new Report(
            new Plan(
                    List.of(ServerKind.ISLA, ServerKind.EPOLL, ServerKind.IO_URING, ServerKind.RAW),
                    EnumSet.of(Workload.CLOSE, Workload.LATENCY_1),
                    3,
                    5,
                    0,
                    1,
                    1,
                    "cubic",
                    5000,
                    1024),
            new Machine(
                    2,
                    "A <fast> \"processor\"",
                    "Linux 6.18",
                    "OpenJDK 17",
                    "4.2.18.Final",
                    Instant.parse("2026-03-01T10:20:30Z"),
                    0.25),
            results);

    ReportTest() {
        for (double value : new double[] {30_000, 33_000, 36_300}) {
            results.add(Workload.CLOSE, ServerKind.ISLA, Map.of(Measure.REQUESTS_PER_SECOND, value));
        }
        for (double value : new double[] {16_500, 16_400, 16_600}) {
            results.add(Workload.CLOSE, ServerKind.EPOLL, Map.of(Measure.REQUESTS_PER_SECOND, value));
        }
        results.add(Workload.CLOSE, ServerKind.RAW, Map.of(Measure.REQUESTS_PER_SECOND, 132_000.0));
        results.add(Workload.CLOSE, ServerKind.ISLA, Map.of(Measure.LAST_ACK, 7.0));
        results.add(Workload.CLOSE, ServerKind.EPOLL, Map.of(Measure.LAST_ACK, 0.0));
        results.add(Workload.LATENCY_1, ServerKind.ISLA, Map.of(Measure.P50, 40.0));
        results.add(Workload.LATENCY_1, ServerKind.EPOLL, Map.of(Measure.P50, 50.0));
        results.absent(ServerKind.IO_URING, "the kernel does not let it");
        results.note("a", "Something to know.");
        results.failed(Workload.PIPELINED, ServerKind.RAW, "wrk has said nothing");
    }

    @Test
    void tableHasMediansSpreadAndRatios() {
        List<String> lines = report.table().lines().toList();

        assertThat(lines.get(0))
                .contains("2 cores (A <fast> \"processor\")", "Linux 6.18", "OpenJDK 17", "2026-03-01T10:20:30Z");
        assertThat(lines.stream().map(line -> line.replaceAll(" +", " ")))
                .containsSubsequence(
                        "| work | measure | isla | epoll | raw |",
                        "| close | requests/s | 33,000 ±10% (2.00×) | 16,500 ±1% | 132,000 (8.00×) |",
                        "| close | client's sockets left in LAST-ACK | 7 | 0 | – |",
                        "| latency-1 | latency p50, µs | 40 (0.80×) | 50 | – |");
        assertThat(lines.stream().filter(line -> line.startsWith("|")).map(String::length))
                .as("columns are aligned")
                .containsOnly(lines.get(4).length());
    }

    @Test
    void tableSaysWhatIsMissingAndWhatToKnow() {
        assertThat(report.table())
                .contains(
                        "Medians of 3 alternating rounds of 5 s",
                        "\n- io_uring: not measured: the kernel does not let it.\n",
                        "\n- close: a connection for each request",
                        "\n- pipelined, raw: failed: wrk has said nothing\n",
                        "\n- Something to know.\n");
    }

    @Test
    void jsonHasAllValues() {
        assertThat(report.json().replaceAll("\\s+", " "))
                .startsWith("{ \"machine\": { \"cores\": 2, \"processor\": \"A <fast> \\\"processor\\\"\",")
                .contains("\"absent\": { \"io_uring\": \"the kernel does not let it\" }")
                .contains("\"failures\": [ \"pipelined, raw: failed: wrk has said nothing\" ]")
                .contains("\"notes\": [ \"Something to know.\" ]")
                .contains("\"workload\": \"close\", \"measure\": \"requests_per_second\", \"label\": \"requests/s\","
                        + " \"server\": \"isla\", \"median\": 33000.0, \"min\": 30000.0, \"max\": 36300.0,")
                .contains("\"ratioToEpoll\": 2.0, \"values\": [30000.0, 33000.0, 36300.0]");
    }

    @Test
    void jsonEscapesAndKnowsNoNumbersThatAreNone() {
        assertThat(Json.write(Map.of("a\n\"b\\", List.of("\u0001", List.of(1, Double.NaN)))))
                .isEqualTo("""
                        {
                          "a\\u000a\\"b\\\\": [
                            "\\u0001",
                            [1, null]
                          ]
                        }
                        """);
        assertThat(Json.write(Map.of())).isEqualTo("{}\n");
        assertThat(Json.write(List.of())).isEqualTo("[]\n");
    }

    @Test
    void chartIsAPictureOfTheRatios() throws Exception {
        Document svg = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(report.chart())));

        NodeList texts = svg.getElementsByTagName("text");
        List<String> words = new ArrayList<>();
        for (int i = 0; i < texts.getLength(); i++) {
            words.add(texts.item(i).getTextContent());
        }
        assertThat(words)
                .contains("isla", "raw", "More is better", "close: requests/s", "2.00", "8.00")
                .contains("Less is better", "latency-1: latency p50, µs", "0.80")
                .doesNotContain("epoll");
        // The background, two colours in the legend, and three bars.
        assertThat(svg.getElementsByTagName("rect").getLength()).isEqualTo(1 + 2 + 3);
        for (int i = 1; i < 6; i++) {
            var bar = svg.getElementsByTagName("rect").item(i).getAttributes();
            int end = Integer.parseInt(bar.getNamedItem("x").getNodeValue())
                    + Integer.parseInt(bar.getNamedItem("width").getNodeValue());
            assertThat(end).as("a bar that is too long is cut").isLessThan(860);
        }
    }

    @Test
    void chartOfNothingIsStillAPicture() throws Exception {
        Report nothing = new Report(report.plan(), report.machine(), new Results());

        assertThat(DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(new InputSource(new StringReader(nothing.chart())))
                        .getDocumentElement()
                        .getTagName())
                .isEqualTo("svg");
        assertThat(nothing.table()).contains("| work | measure |");
    }
}
