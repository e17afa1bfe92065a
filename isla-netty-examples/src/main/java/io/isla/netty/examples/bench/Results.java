/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What was measured: for each workload, measure and server, a value of each round. */
public final class Results {
    private final Map<Workload, Map<Measure, Map<ServerKind, List<Double>>>> values = new EnumMap<>(Workload.class);
    private final Map<ServerKind, String> absent = new EnumMap<>(ServerKind.class);
    private final List<String> failures = new ArrayList<>();
    private final Map<String, String> notes = new LinkedHashMap<>();

    /** Adds the value of a round. */
    void add(Workload workload, Measure measure, ServerKind server, double value) {
        values.computeIfAbsent(workload, w -> new EnumMap<>(Measure.class))
                .computeIfAbsent(measure, m -> new EnumMap<>(ServerKind.class))
                .computeIfAbsent(server, s -> new ArrayList<>())
                .add(value);
    }

    /** Adds the values of a round. */
    void add(Workload workload, ServerKind server, Map<Measure, Double> round) {
        round.forEach((measure, value) -> add(workload, measure, server, value));
    }

    /** Says why a server that was wanted is not measured. */
    void absent(ServerKind server, String reason) {
        absent.put(server, reason);
    }

    /** The servers that were wanted and could not be measured, with the reasons. */
    Map<ServerKind, String> absent() {
        return Collections.unmodifiableMap(absent);
    }

    /** Says that a measurement has failed: what there is of it is of other rounds. */
    void failed(Workload workload, ServerKind server, String reason) {
        failures.add(workload + ", " + server + ": failed: " + reason);
    }

    /** The measurements that have failed, and why. */
    public List<String> failures() {
        return Collections.unmodifiableList(failures);
    }

    /** Says something that a reader must know of a workload; the last that is said of one topic stands. */
    void note(String topic, String text) {
        notes.put(topic, text);
    }

    /** What a reader must know. */
    Iterable<String> notes() {
        return notes.values();
    }

    /** What was measured of a workload, in the order in which it is shown. */
    List<Measure> measures(Workload workload) {
        return List.copyOf(values.getOrDefault(workload, Map.of()).keySet());
    }

    /** The workloads of which there is something. */
    List<Workload> workloads() {
        return List.copyOf(values.keySet());
    }

    /** The servers of which there is something. */
    List<ServerKind> servers() {
        return values.values().stream()
                .flatMap(measures -> measures.values().stream())
                .flatMap(servers -> servers.keySet().stream())
                .distinct()
                .sorted()
                .toList();
    }

    /** The values of all rounds, perhaps none. */
    public List<Double> values(Workload workload, Measure measure, ServerKind server) {
        return Collections.unmodifiableList(values.getOrDefault(workload, Map.of())
                .getOrDefault(measure, Map.of())
                .getOrDefault(server, List.of()));
    }

    /** What the rounds say, if there were any. */
    public Optional<Statistics> of(Workload workload, Measure measure, ServerKind server) {
        List<Double> all = values(workload, measure, server);
        return all.isEmpty() ? Optional.empty() : Optional.of(Statistics.of(all));
    }

    /** A server's median to that of epoll. */
    Optional<Double> ratio(Workload workload, Measure measure, ServerKind server) {
        if (measure.isCount()) {
            return Optional.empty();
        }
        return of(workload, measure, server)
                .flatMap(its -> of(workload, measure, ServerKind.EPOLL).map(its::ratioTo))
                .filter(Double::isFinite);
    }
}
