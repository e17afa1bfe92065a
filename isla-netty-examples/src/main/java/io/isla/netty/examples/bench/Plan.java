/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.List;
import java.util.Set;

/**
 * What is to be measured.
 *
 * @param servers which ones, in the order in which they are shown
 * @param workloads which ones
 * @param rounds how often each server is measured in each workload, in turns
 * @param seconds how long each time
 * @param warmUpSeconds how long each server does each work before it counts; 0: not at all
 * @param loops event loops of each server
 * @param clientThreads threads of wrk
 * @param congestionControl what the kernel's TCP uses, at both ends
 * @param latencyRate requests per second at one connection, where they come at a constant rate
 * @param waterMark KiB that a channel of the server takes from its user in a deep download before it says that it is not writable; a quarter, when it is again
 */
public record Plan(
        List<ServerKind> servers,
        Set<Workload> workloads,
        int rounds,
        int seconds,
        int warmUpSeconds,
        int loops,
        int clientThreads,
        String congestionControl,
        int latencyRate,
        int waterMark) {

    public Plan {
        require("--rounds", rounds, 1, 1000);
        require("--seconds", seconds, 1, 3600);
        require("--warm-up", warmUpSeconds, 0, 3600);
        require("--loops", loops, 1, 64);
        require("--client-threads", clientThreads, 1, 64);
        require("--latency-rate", latencyRate, 1, 1_000_000);
        require("--water-mark", waterMark, 1, 1 << 20);
        if (!congestionControl.matches("[a-z0-9_]{1,15}")) {
            throw new IllegalArgumentException("--congestion-control: " + congestionControl
                    + " is no name of one; see net.ipv4.tcp_available_congestion_control");
        }
        if (servers.isEmpty() || workloads.isEmpty()) {
            throw new IllegalArgumentException("--servers, --only: there is nothing to measure");
        }
    }

    private static void require(String option, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    option + ": " + value + " is not in the range " + min + " to " + max + "; choose a number that is");
        }
    }

    /** How many measurements it takes, warm-ups apart, if all servers can be measured. */
    int steps() {
        return rounds
                * (int) workloads.stream()
                        .flatMap(workload -> servers.stream().filter(workload::suits))
                        .count();
    }
}
