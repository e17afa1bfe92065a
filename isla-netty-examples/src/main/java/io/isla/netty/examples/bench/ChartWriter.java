/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Draws the ratios to epoll as bars: first where more is better, then where less is. */
final class ChartWriter {
    private static final int WIDTH = 860;
    private static final int LABEL_WIDTH = 330;
    private static final int RIGHT = 60;
    private static final int BAR = 12;
    private static final int GAP = 8;
    private static final int TITLE = 34;
    private static final int MARGIN = 16;
    private static final double MIN_SCALE = 2;
    private static final double MAX_SCALE = 4;
    private static final Map<ServerKind, String> COLORS = Map.of(
            ServerKind.ISLA, "#1b7a8f",
            ServerKind.ISLA_BLOCK, "#7fb8c4",
            ServerKind.IO_URING, "#c98a2b",
            ServerKind.RAW, "#9aa5ab",
            ServerKind.ISLA_SYSCALLS, "#c9b79a",
            ServerKind.ISLA_BATCHES, "#a3b18a",
            ServerKind.ISLA_NAPI, "#5f8f6b",
            ServerKind.IPERF3, "#7d5ba6");
    /** What is drawn of each workload: the table has the rest. */
    private static final List<Measure> DRAWN = List.of(
            Measure.REQUESTS_PER_SECOND,
            Measure.GIGABITS,
            Measure.SERVER_CPU,
            Measure.P50,
            Measure.P99,
            Measure.RSS,
            Measure.START_UP);

    private final Results results;
    private final Machine machine;
    private final List<ServerKind> servers;
    private final StringBuilder svg = new StringBuilder();
    private double scale = MIN_SCALE;
    private int y = MARGIN;

    private record Row(Workload workload, Measure measure) {}

    ChartWriter(Report report) {
        results = report.results();
        machine = report.machine();
        servers = results.servers().stream()
                .filter(server -> server != ServerKind.EPOLL)
                .toList();
    }

    String write() {
        List<Row> rows = rows();
        for (Row row : rows) {
            for (ServerKind server : servers) {
                scale = Math.max(scale, ratio(row, server).orElse(0.0));
            }
        }
        // A bar that is longer still is cut, and says its number.
        scale = Math.min(scale, MAX_SCALE);
        legend();
        panel(
                "More is better",
                rows.stream().filter(row -> row.measure.isHigherBetter()).toList());
        panel(
                "Less is better",
                rows.stream().filter(row -> !row.measure.isHigherBetter()).toList());
        text(MARGIN, y + 4, "small", "start", machine.toString());
        int height = y + MARGIN;
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + WIDTH + "\" height=\"" + height
                + "\" viewBox=\"0 0 " + WIDTH + " " + height + "\" role=\"img\">\n"
                + "<title>Isla and others, as ratios to Netty's epoll transport</title>\n"
                + "<style>text{font-family:sans-serif;font-size:12px;fill:#222}.title{font-size:15px;font-weight:bold}"
                + ".small{font-size:10px;fill:#666}</style>\n"
                + "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" + svg + "</svg>\n";
    }

    private List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        for (Workload workload : results.workloads()) {
            for (Measure measure : results.measures(workload)) {
                Row row = new Row(workload, measure);
                if (DRAWN.contains(measure)
                        && servers.stream()
                                .anyMatch(server -> ratio(row, server).isPresent())) {
                    rows.add(row);
                }
            }
        }
        return rows;
    }

    private Optional<Double> ratio(Row row, ServerKind server) {
        return results.ratio(row.workload, row.measure, server);
    }

    private void legend() {
        int x = MARGIN;
        for (ServerKind server : servers) {
            rect(x, y, BAR, BAR, COLORS.get(server));
            text(x + BAR + 5, y + BAR - 2, "", "start", server.label());
            x += 100;
        }
        text(
                x,
                y + BAR - 2,
                "small",
                "start",
                "the line is Netty's epoll transport on the kernel's TCP, in the same run");
        y += TITLE - MARGIN / 2;
    }

    private void panel(String title, List<Row> rows) {
        if (rows.isEmpty()) {
            return;
        }
        text(MARGIN, y + 16, "title", "start", title);
        y += TITLE;
        int top = y;
        for (Row row : rows) {
            int height = 0;
            for (ServerKind server : servers) {
                Optional<Double> ratio = ratio(row, server);
                if (ratio.isPresent()) {
                    bar(y + height, server, ratio.get());
                    height += BAR;
                }
            }
            text(LABEL_WIDTH - 8, y + height / 2 + 4, "", "end", row.workload + ": " + row.measure.label());
            y += height + GAP;
        }
        int epoll = x(1);
        svg.append("<line x1=\"" + epoll + "\" y1=\"" + (top - 4) + "\" x2=\"" + epoll + "\" y2=\"" + (y - 4)
                + "\" stroke=\"#c0392b\" stroke-dasharray=\"4 3\"/>\n");
        y += GAP;
    }

    private void bar(int top, ServerKind server, double ratio) {
        int end = x(Math.min(ratio, scale));
        rect(LABEL_WIDTH, top, Math.max(1, end - LABEL_WIDTH), BAR - 1, COLORS.get(server));
        text(end + 4, top + BAR - 2, "small", "start", String.format(Locale.ROOT, "%.2f", ratio));
    }

    private int x(double ratio) {
        return LABEL_WIDTH + (int) Math.round(ratio / scale * (WIDTH - LABEL_WIDTH - RIGHT));
    }

    private void rect(int x, int top, int width, int height, String color) {
        svg.append("<rect x=\"" + x + "\" y=\"" + top + "\" width=\"" + width + "\" height=\"" + height + "\" fill=\""
                + color + "\"/>\n");
    }

    private void text(int x, int baseline, String style, String anchor, String text) {
        svg.append("<text x=\"" + x + "\" y=\"" + baseline + "\" class=\"" + style + "\" text-anchor=\"" + anchor
                + "\">" + escape(text) + "</text>\n");
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
