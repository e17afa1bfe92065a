/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What was measured, on what, and how it is shown.
 *
 * @param plan what was to be measured
 * @param machine what it was measured on
 * @param results what came of it
 */
public record Report(Plan plan, Machine machine, Results results) {

    /** One table, in Markdown, with what a reader must know above and below it. */
    public String table() {
        return new TableWriter(this).write();
    }

    /** All values, as JSON. */
    public String json() {
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("machine", machineJson());
        report.put("plan", planJson());
        Map<String, Object> absent = new LinkedHashMap<>();
        results.absent().forEach((kind, reason) -> absent.put(kind.label(), reason));
        report.put("absent", absent);
        report.put("failures", results.failures());
        report.put("notes", results.notes());
        report.put("results", resultsJson());
        return Json.write(report);
    }

    /** Ratios to epoll as a picture, in SVG. */
    public String chart() {
        return new ChartWriter(this).write();
    }

    private Map<String, Object> machineJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("cores", machine.cores());
        json.put("processor", machine.processor());
        json.put("kernel", machine.kernel());
        json.put("jdk", machine.jdk());
        json.put("netty", machine.netty());
        json.put("date", machine.date().toString());
        json.put("load", machine.load());
        return json;
    }

    private Map<String, Object> planJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("rounds", plan.rounds());
        json.put("seconds", plan.seconds());
        json.put("warmUpSeconds", plan.warmUpSeconds());
        json.put("loops", plan.loops());
        json.put("clientThreads", plan.clientThreads());
        json.put("congestionControl", plan.congestionControl());
        json.put("waterMark", plan.waterMark());
        return json;
    }

    private List<Object> resultsJson() {
        List<Object> all = new ArrayList<>();
        for (Workload workload : results.workloads()) {
            for (Measure measure : results.measures(workload)) {
                for (ServerKind server : results.servers()) {
                    results.of(workload, measure, server).ifPresent(statistics -> {
                        Map<String, Object> json = new LinkedHashMap<>();
                        json.put("workload", workload.label());
                        json.put("measure", measure.name().toLowerCase(Locale.ROOT));
                        json.put("label", measure.label());
                        json.put("server", server.label());
                        json.put("median", statistics.median());
                        json.put("min", statistics.min());
                        json.put("max", statistics.max());
                        json.put("spread", statistics.spread());
                        results.ratio(workload, measure, server).ifPresent(ratio -> json.put("ratioToEpoll", ratio));
                        json.put("values", results.values(workload, measure, server));
                        all.add(json);
                    });
                }
            }
        }
        return all;
    }
}
