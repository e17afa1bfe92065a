/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim.junit;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.sim.VirtualHost;
import io.isla.netty.sim.VirtualNetwork;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Tests for {@link VirtualNetworkTestTest} to run: some fail. No test of the build itself. */
class OfPurpose {
    static final List<String> RUNS = new ArrayList<>();
    static VirtualNetwork last;
    private VirtualNetwork before;

    @BeforeEach
    void prepare(VirtualNetwork network) {
        before = network;
    }

    @VirtualNetworkTest(seeds = 5, seed = 10)
    void failsWithSeedTwelve(VirtualNetwork network, SplittableRandom random) {
        assertThat(network).isSameAs(before);
        VirtualHost host = network.host("10.0.0.1");
        network.link(host, network.host("10.0.0.2"));
        host.group();
        network.runUntilIdle();
        RUNS.add(network.seed() + " " + random.nextInt(1000));
        last = network;
        assertThat(network.seed()).isNotEqualTo(12);
    }

    /** Its preparation, or what follows it, fails. */
    static class Around {
        @BeforeEach
        void prepare(VirtualNetwork network) {
            if (network.seed() == 2) {
                throw new IllegalStateException("not prepared");
            }
        }

        @AfterEach
        void cleanUp(VirtualNetwork network) {
            if (network.seed() >= 3) {
                throw new IllegalStateException("not cleaned up");
            }
        }

        @VirtualNetworkTest(seeds = 4)
        void runs(VirtualNetwork network) {
            if (network.seed() == 4) {
                throw new IllegalStateException("not run");
            }
        }
    }

    @VirtualNetworkTest
    void runsOnce(VirtualNetwork network) {
        RUNS.add("once with " + network.seed());
    }
}
