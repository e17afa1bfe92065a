/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What {@code iperf3 --json} says at its end. */
final class Iperf3Output {
    private static final Pattern RECEIVED = Pattern.compile(
            "\"sum_received\"\\s*:\\s*\\{[^}]*?\"bits_per_second\"\\s*:\\s*([0-9.eE+-]+)", Pattern.DOTALL);
    private static final Pattern ERROR = Pattern.compile("\"error\"\\s*:\\s*\"([^\"]*)\"");

    private Iperf3Output() {}

    /**
     * How fast bytes have arrived, all streams together, in Gbit/s.
     *
     * @throws IllegalArgumentException if it is not what iperf3 says after it has measured
     */
    static double gigabits(String json) {
        Matcher error = ERROR.matcher(json);
        if (error.find()) {
            throw new IllegalArgumentException("iperf3 has failed: " + error.group(1));
        }
        Matcher received = RECEIVED.matcher(json);
        if (!received.find()) {
            throw new IllegalArgumentException("iperf3 has not said what it measured: " + json.strip());
        }
        return Double.parseDouble(received.group(1)) / 1e9;
    }
}
