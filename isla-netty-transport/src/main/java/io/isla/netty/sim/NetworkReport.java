/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import java.util.Map;

/** All that is known of a network, for messages of failures. */
final class NetworkReport {
    private NetworkReport() {}

    static String of(VirtualNetwork network) {
        StringBuilder text = new StringBuilder("seed ")
                .append(network.seed())
                .append(", after ")
                .append(network.elapsed())
                .append('\n');
        if (!network.foreignThreads().isEmpty()) {
            text.append("not deterministic: tasks have come from threads of the application's own: ")
                    .append(network.foreignThreads())
                    .append('\n');
        }
        text.append(network.state());
        for (VirtualLink link : network.links()) {
            text.append("link ")
                    .append(link)
                    .append(": ")
                    .append(nonZero(link.counters()))
                    .append('\n');
        }
        return text.append("last packets:\n").append(network.trace()).toString();
    }

    private static String nonZero(Map<String, Long> counters) {
        StringBuilder text = new StringBuilder();
        counters.forEach((name, value) -> {
            if (value != 0) {
                text.append(text.isEmpty() ? "" : ", ").append(name).append(' ').append(value);
            }
        });
        return text.toString();
    }
}
