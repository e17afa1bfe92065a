/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A thousand hosts and ten thousand connections; what they cost is their events. */
@Timeout(300)
class ScaleTest {
    /** Connections come about, and each carries a request and its response; returns the events. */
    private static long events(int hosts, int connectionsPerClient) {
        try (Crowd crowd = new Crowd(hosts)) {
            crowd.connect(connectionsPerClient);
            assertThat(crowd.connections()).isEqualTo(hosts / 2 * connectionsPerClient);
            crowd.ask();
            crowd.network.runFor(Duration.ofSeconds(2));
            assertThat(crowd.responses).isEqualTo(crowd.connections());
            return crowd.network.events();
        }
    }

    @Test
    void eventsGrowWithWhatHappensNotWithTheSquareOfHosts() {
        ResourceLeakDetector.Level before = ResourceLeakDetector.getLevel();
        // Each of the million accesses to a buffer would be noted down.
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.SIMPLE);
        try {
            long few = events(100, 20);
            long many = events(1000, 20);

            assertThat(many).isLessThan(few * 11);
        } finally {
            ResourceLeakDetector.setLevel(before);
        }
    }
}
