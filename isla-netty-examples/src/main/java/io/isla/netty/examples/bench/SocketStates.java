/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.Map;
import java.util.TreeMap;

/**
 * How many TCP sockets of a namespace are in each state.
 *
 * @param counts by the state's name as {@code ss} has it, such as {@code TIME-WAIT}
 */
record SocketStates(Map<String, Integer> counts) {

    /** Of what {@code ss -Htan} prints: a line for each socket, with its state first. */
    static SocketStates parse(String output) {
        Map<String, Integer> counts = new TreeMap<>();
        output.lines().map(String::strip).filter(line -> !line.isEmpty()).forEach(line -> {
            int end = line.indexOf(' ');
            counts.merge(end < 0 ? line : line.substring(0, end), 1, Integer::sum);
        });
        return new SocketStates(counts);
    }

    int count(String state) {
        return counts.getOrDefault(state, 0);
    }
}
