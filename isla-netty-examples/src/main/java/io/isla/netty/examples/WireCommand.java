/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.isla.netty.link.TapLink;
import io.isla.netty.sim.LinkConditions;
import io.isla.netty.sim.RealTimeWire;
import io.netty.channel.IoEventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code isla wire}: a bad wire between two TAP devices, for machines whose kernel has no netem. */
@Command(
        name = "wire",
        description =
                "Joins two TAP devices by a wire that delays, loses and reorders packets, in both directions. Create the "
                        + "devices by this program; then move them to the network namespaces that the wire is to join.",
        mixinStandardHelpOptions = true)
final class WireCommand implements Callable<Integer> {
    @Option(names = "--tap", arity = "2", required = true, paramLabel = "NAME", description = "The two TAP devices.")
    private String[] taps;

    @Option(
            names = "--delay",
            paramLabel = "MILLIS",
            description = "One-way delay in milliseconds. Default: ${DEFAULT-VALUE}.")
    private double delay;

    @Option(names = "--loss", paramLabel = "PERCENT", description = "Packets lost. Default: ${DEFAULT-VALUE}.")
    private double loss;

    @Option(
            names = "--reorder",
            paramLabel = "PERCENT",
            description = "Packets held back so that later ones overtake them. Default: ${DEFAULT-VALUE}.")
    private double reorder;

    @Option(
            names = "--reorder-delay",
            paramLabel = "MILLIS",
            description = "For how long they are held back. Default: ${DEFAULT-VALUE}.")
    private double reorderDelay = 1;

    @Option(names = "--rate", paramLabel = "MBIT", description = "Megabits per second; 0: no limit.")
    private double rate;

    @Option(
            names = "--queue",
            paramLabel = "BYTES",
            description = "Bytes that may wait for their turn. Default: ${DEFAULT-VALUE}.")
    private int queue = 1_000_000;

    @Option(
            names = "--offload",
            description =
                    "Let segments travel joined, as the kernel's segmentation offload has them: for fast paths. What is "
                            + "lost or held back is then a super-segment.")
    private boolean offload;

    @Option(names = "--seed", paramLabel = "N", description = "Decides what is random. Default: the time of day.")
    private long seed = System.nanoTime();

    @Override
    public Integer call() throws Exception {
        MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        try (TapLink first = TapLink.builder(taps[0]).offload(offload).open();
                TapLink second = TapLink.builder(taps[1]).offload(offload).open()) {
            IoEventLoop loop = group.next();
            RealTimeWire wire = new RealTimeWire(first, second, seed, loop);
            loop.submit(() -> {
                        set(wire.aToB());
                        set(wire.bToA());
                    })
                    .sync();
            System.out.println(
                    "A wire between " + taps[0] + " and " + taps[1] + ", seed " + seed + "; Ctrl-C ends it.");
            Thread.currentThread().join();
            return 0;
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    private void set(LinkConditions conditions) {
        conditions
                .latency(nanos(delay))
                .loss(loss / 100)
                .reorder(reorder / 100, nanos(reorderDelay))
                .rate((long) (rate * 1_000_000), queue);
    }

    private static Duration nanos(double millis) {
        return Duration.ofNanos((long) (millis * 1_000_000));
    }
}
