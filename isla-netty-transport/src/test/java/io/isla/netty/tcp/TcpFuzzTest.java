/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.sim.VirtualTime;
import io.isla.netty.sim.VirtualWire;
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Mutated segments and ICMP errors, by a seed, for connections in every state and for listeners: nothing throws, hangs or leaks, what is counted adds
 * up, and no connection is ever left without a timer for what it waits for.
 */
class TcpFuzzTest {
    private static final long FIXED_SEED = 9293;
    /** Segments in all. */
    private static final int SEGMENTS = Integer.getInteger("isla.test.fuzz", 150_000);

    private static final int SEGMENTS_PER_HOST = 5000;
    private static final IpAddress HOST = SimHost.parse("10.0.0.1");
    private static final IpAddress PEER = SimHost.parse("10.0.0.2");

    @Test
    void segments() {
        Map<TcpState, Integer> states = new EnumMap<>(TcpState.class);
        for (int i = 0; i * SEGMENTS_PER_HOST < SEGMENTS; i++) {
            run(FIXED_SEED + i, SEGMENTS_PER_HOST, false, states);
        }
        assertThat(states.keySet())
                .as("states that segments have met")
                .contains(
                        TcpState.SYN_SENT,
                        TcpState.SYN_RECEIVED,
                        TcpState.ESTABLISHED,
                        TcpState.FIN_WAIT_1,
                        TcpState.FIN_WAIT_2,
                        TcpState.CLOSE_WAIT,
                        TcpState.CLOSING,
                        TcpState.LAST_ACK,
                        TcpState.TIME_WAIT);
    }

    @Test
    void segmentsOfAFreshSeed() {
        long seed = Long.getLong("isla.test.seed", System.currentTimeMillis());
        System.out.println("TcpFuzzTest: fresh seed " + seed + "; run again with -Disla.test.seed=" + seed);
        for (int i = 0; i * SEGMENTS_PER_HOST < SEGMENTS / 2; i++) {
            run(seed + i, SEGMENTS_PER_HOST, false, new EnumMap<>(TcpState.class));
        }
    }

    @Test
    void icmpErrors() {
        for (int i = 0; i * SEGMENTS_PER_HOST < SEGMENTS / 4; i++) {
            run(FIXED_SEED + i, SEGMENTS_PER_HOST, true, new EnumMap<>(TcpState.class));
        }
    }

    private static void run(long seed, int segments, boolean icmp, Map<TcpState, Integer> states) {
        try {
            new Run(seed, icmp, states).run(segments);
        } catch (Throwable t) {
            throw new AssertionError(
                    "seed " + seed + " failed; run it alone with -Disla.test.seed=" + seed + " -Disla.test.fuzz=1: "
                            + t.getMessage(),
                    t);
        }
    }

    private static final class Run {
        private final SplittableRandom random;
        private final boolean icmp;
        private final Map<TcpState, Integer> states;
        private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
        private final VirtualTime time = new VirtualTime();
        private final VirtualWire wire = new VirtualWire(time, 1, 1500, false);
        private final SimHost host;
        private final FuzzPeer peer;
        private final List<SimSocket> sockets = new ArrayList<>();

        Run(long seed, boolean icmp, Map<TcpState, Integer> states) {
            this.icmp = icmp;
            this.states = states;
            random = new SplittableRandom(seed);
            TcpParameters parameters = new TcpParameters();
            parameters.ecn = TcpParameters.Ecn.values()[random.nextInt(3)];
            parameters.maxSynBacklog = 8 + random.nextInt(100);
            parameters.maxTimeWait = 5 + random.nextInt(100);
            parameters.mtuProbing =
                    TcpParameters.MtuProbing.values()[random.nextInt(TcpParameters.MtuProbing.values().length)];
            parameters.congestionControl = random.nextBoolean() ? Cubic.NAME : NewReno.NAME;
            host = new SimHost(time, wire.a(), "10.0.0.1", parameters, random.nextLong(), allocator);
            peer = new FuzzPeer(time, wire, HOST, PEER, random, allocator);
            host.listen(80, 20, settings().fastOpenBacklog(random.nextInt(20)));
        }

        private TcpSettings settings() {
            TcpSettings settings = new TcpSettings()
                    .noDelay(random.nextBoolean())
                    .keepAlive(random.nextBoolean())
                    .keepIdleSeconds(30)
                    .fastOpenConnect(random.nextInt(3) == 0);
            if (random.nextInt(3) == 0) {
                settings.receiveBuffer(500 + random.nextInt(20_000));
            }
            if (random.nextInt(4) == 0) {
                settings.userTimeoutMillis(1000 + random.nextInt(100_000));
            }
            return settings;
        }

        void run(int segments) {
            settle();
            for (int i = 0; i < segments; i++) {
                if (icmp && random.nextInt(3) == 0) {
                    peer.sendIcmpError();
                } else {
                    peer.sendSegment();
                }
                switch (random.nextInt(12)) {
                    case 0, 1, 2, 3 -> settle();
                    case 4 -> userActs();
                    case 5 -> {
                        settle();
                        time.runFor(random.nextLong(Duration.ofMillis(60).toNanos()));
                    }
                    default -> {
                        // More of the same turn.
                    }
                }
                if (random.nextInt(400) == 0) {
                    settle();
                    time.runFor(random.nextLong(Duration.ofSeconds(5).toNanos()));
                }
                if (random.nextInt(3000) == 0) {
                    settle();
                    time.runFor(Duration.ofMinutes(10).toNanos());
                }
            }
            settle();
            check();
            assertThat(host.counter("InSegs")).as("segments in").isEqualTo(peer.sent);
            assertThat(host.counter("OutSegs")).as("segments out").isEqualTo(peer.received);
            end();
        }

        private void settle() {
            long before = time.executed();
            host.scheduleTurn();
            time.runFor(0);
            if (time.executed() - before > 20_000) {
                throw new AssertionError((time.executed() - before) + " events without time passing");
            }
            check();
        }

        private void userActs() {
            settle();
            sockets.addAll(host.accepted);
            host.accepted.clear();
            if (sockets.isEmpty() || sockets.size() < 30 && random.nextInt(4) == 0) {
                sockets.add(host.connect(PEER, 4000 + random.nextInt(5), settings()));
                return;
            }
            int i = random.nextInt(sockets.size());
            SimSocket socket = sockets.get(i);
            if (socket.closed) {
                socket.reading(true);
                socket.close();
                sockets.remove(i);
                return;
            }
            switch (random.nextInt(14)) {
                case 0 -> socket.finish();
                case 1 -> socket.reading(false);
                case 2, 3 -> socket.reading(true);
                case 4 -> {
                    socket.close();
                    sockets.remove(i);
                }
                case 5 -> {
                    if (random.nextInt(4) == 0) {
                        socket.abort();
                        sockets.remove(i);
                    }
                }
                case 6 -> socket.connection.urgent(time.nanoTime());
                case 7 -> {
                    socket.connection.settings().cork(random.nextBoolean());
                    socket.connection.settingsChanged(time.nanoTime());
                }
                case 8 -> socket.connection.shutdownInput(time.nanoTime());
                default -> {
                    if (!socket.connection.isOutputShut()) {
                        socket.write(new byte[random.nextInt(4) == 0 ? random.nextInt(30_000) : random.nextInt(2000)]);
                    }
                }
            }
        }

        private void check() {
            host.shard().tcp().flows.forEach(flow -> {
                if (flow instanceof TcpConnection c) {
                    states.merge(c.state, 1, Integer::sum);
                    TcpInvariants.check(c);
                } else if (flow instanceof SynRequest request) {
                    states.merge(TcpState.SYN_RECEIVED, 1, Integer::sum);
                    if (!request.timer.isArmed()) {
                        throw new AssertionError("no timer for an embryonic connection");
                    }
                }
            });
            if (host.shard().tcp().timeWaitCount() > 0) {
                states.merge(TcpState.TIME_WAIT, host.shard().tcp().timeWaitCount(), Integer::sum);
            }
            for (SimSocket socket : sockets) {
                TcpInvariants.check(socket.connection);
            }
        }

        private void end() {
            sockets.addAll(host.accepted);
            for (SimSocket socket : sockets) {
                socket.reading(true);
                socket.close();
            }
            wire.bToA().cut(true);
            time.runFor(Duration.ofHours(3).toNanos());
            assertThat(host.shard().tcp().flowCount()).as("flows left").isZero();
            host.close();
            time.runFor(1);
            assertThat(allocator.metric().usedDirectMemory()).as("memory left").isZero();
        }
    }
}
