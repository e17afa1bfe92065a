/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Writes results as a Markdown table that is readable as it is. */
final class TableWriter {
    private final Plan plan;
    private final Machine machine;
    private final Results results;
    private final List<List<String>> rows = new ArrayList<>();

    TableWriter(Report report) {
        plan = report.plan();
        machine = report.machine();
        results = report.results();
    }

    String write() {
        List<ServerKind> servers = results.servers();
        List<String> head = new ArrayList<>(List.of("work", "measure"));
        servers.forEach(server -> head.add(server.label()));
        rows.add(head);
        for (Workload workload : results.workloads()) {
            for (Measure measure : results.measures(workload)) {
                List<String> row = new ArrayList<>(List.of(workload.label(), measure.label()));
                servers.forEach(server -> row.add(cell(workload, measure, server)));
                rows.add(row);
            }
        }
        StringBuilder text = new StringBuilder();
        text.append(machine).append("\n\n");
        text.append(String.format(
                Locale.ROOT,
                "Medians of %d alternating rounds of %d s, ± half the range, and in parentheses the ratio to epoll; "
                        + "%d event loop%s for each server, %d thread%s for wrk; the kernel's TCP uses %s; "
                        + "channels of the server take %,d KiB in download-deep.%n%n",
                plan.rounds(),
                plan.seconds(),
                plan.loops(),
                plan.loops() == 1 ? "" : "s",
                plan.clientThreads(),
                plan.clientThreads() == 1 ? "" : "s",
                plan.congestionControl(),
                plan.waterMark()));
        appendRows(text);
        text.append('\n');
        for (ServerKind server : servers) {
            text.append("- ")
                    .append(server)
                    .append(": ")
                    .append(server.description())
                    .append(".\n");
        }
        results.absent()
                .forEach((server, reason) -> text.append("- ")
                        .append(server)
                        .append(": not measured: ")
                        .append(reason)
                        .append(".\n"));
        for (Workload workload : results.workloads()) {
            text.append("- ")
                    .append(workload)
                    .append(": ")
                    .append(workload.description())
                    .append(".\n");
        }
        results.failures().forEach(failure -> text.append("- ").append(failure).append('\n'));
        results.notes().forEach(note -> text.append("- ").append(note).append('\n'));
        return text.toString();
    }

    private String cell(Workload workload, Measure measure, ServerKind server) {
        Optional<Statistics> statistics = results.of(workload, measure, server);
        if (statistics.isEmpty()) {
            return "–";
        }
        StringBuilder cell = new StringBuilder(number(statistics.get().median(), measure.decimals()));
        if (!measure.isCount()) {
            if (statistics.get().count() > 1) {
                cell.append(
                        String.format(Locale.ROOT, " ±%.0f%%", statistics.get().spread() * 100));
            }
            if (server != ServerKind.EPOLL) {
                results.ratio(workload, measure, server)
                        .ifPresent(ratio -> cell.append(String.format(Locale.ROOT, " (%.2f×)", ratio)));
            }
        }
        return cell.toString();
    }

    /** With thousands separated, and at most so many digits after the point. */
    static String number(double value, int decimals) {
        return String.format(Locale.ROOT, "%,." + decimals + "f", value);
    }

    private void appendRows(StringBuilder text) {
        int columns = rows.get(0).size();
        int[] widths = new int[columns];
        for (List<String> row : rows) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        for (int line = 0; line < rows.size(); line++) {
            for (int i = 0; i < columns; i++) {
                String value = rows.get(line).get(i);
                String padding = " ".repeat(widths[i] - value.length());
                // Words to the left, numbers to the right.
                text.append("| ")
                        .append(i < 2 ? value + padding : padding + value)
                        .append(' ');
            }
            text.append("|\n");
            if (line == 0) {
                for (int i = 0; i < columns; i++) {
                    text.append(i < 2 ? "| " + "-".repeat(widths[i]) : "| " + "-".repeat(widths[i] - 1) + ":")
                            .append(' ');
                }
                text.append("|\n");
            }
        }
    }
}
