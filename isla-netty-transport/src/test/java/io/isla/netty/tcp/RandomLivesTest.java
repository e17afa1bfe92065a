/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.sim.LinkConditions;
import io.isla.netty.sim.VirtualTime;
import io.isla.netty.sim.VirtualWire;
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import io.isla.netty.timer.ArmedTimers;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Short lives of a connection between two hosts over a bad wire, each decided by a seed: whatever happens to the segments, the bytes arrive once, in
 * order and all, both ends end, and nothing is left behind.
 */
class RandomLivesTest {
    private static final long FIXED_SEED = 20_260_101;
    private static final int FIXED_LIVES = Integer.getInteger("isla.test.lives", 1500);
    private static final int FRESH_LIVES = Integer.getInteger("isla.test.lives", 1500);
    private static final long SECOND = 1_000_000_000L;
    /** The maximum segment lifetime: half of what TIME-WAIT lasts. */
    private static final long MSL = new TcpParameters().timeWait / 2;

    @Test
    void livesOfFixedSeeds() {
        lives(FIXED_SEED, FIXED_LIVES);
    }

    /** Its path is slower to begin with than later on, and many acknowledgements are lost: once their echoes were taken for round trips of minutes. */
    @Test
    void aLifeOfManyLostAcknowledgements() {
        lives(1_795_961_211_081L, 1);
    }

    @Test
    void livesOfAFreshSeed() {
        long seed = Long.getLong("isla.test.seed", System.currentTimeMillis());
        System.out.println("RandomLivesTest: fresh seed " + seed + "; run again with -Disla.test.seed=" + seed);
        lives(seed, FRESH_LIVES);
    }

    private static void lives(long seed, int count) {
        for (int i = 0; i < count; i++) {
            long life = seed + i;
            try {
                live(life);
            } catch (Throwable t) {
                throw new AssertionError(
                        "life of seed " + life + " failed; run it alone with -Disla.test.seed=" + life
                                + " -Disla.test.lives=1: " + t.getMessage(),
                        t);
            }
        }
    }

    private static void live(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
        VirtualTime time = new VirtualTime();
        int mtu = 576 + random.nextInt(1000);
        boolean whole = random.nextInt(4) == 0;
        VirtualWire wire = new VirtualWire(time, random.nextLong(), mtu, whole);
        impair(wire.aToB(), random);
        impair(wire.bToA(), random);
        if (!whole && random.nextInt(8) == 0) {
            // A black hole for what is larger, in one direction.
            (random.nextBoolean() ? wire.aToB() : wire.bToA()).mtu(576 + random.nextInt(mtu - 575));
        }
        SimHost a = new SimHost(time, wire.a(), "10.0.0.1", parameters(random), random.nextLong(), allocator);
        SimHost b = new SimHost(time, wire.b(), "10.0.0.2", parameters(random), random.nextLong(), allocator);
        b.listen(80, 10, settings(random));
        SimSocket client = a.connect(b, 80, settings(random));
        assertThat(time.runUntil(() -> client.connected || client.closed, 400 * SECOND))
                .as("connects or fails")
                .isTrue();
        if (client.connected) {
            converse(time, client, b, random);
        }
        assertThat(time.runUntil(() -> isQuiet(a) && isQuiet(b), 3600 * SECOND))
                .as("no more than TIME-WAIT is left")
                .isTrue();
        time.runFor(2 * MSL + SECOND);
        assertEnded("a", a, client);
        assertEnded("b", b, b.accepted.isEmpty() ? null : b.accepted.get(0));
        // What IP has learnt of the path and the neighbour, it forgets in its own time.
        time.runFor(3600 * SECOND);
        assertThat(a.shard().timers().size()).as("timers left at a").isZero();
        assertThat(b.shard().timers().size()).as("timers left at b").isZero();
        a.close();
        b.close();
        time.runFor(SECOND);
        assertThat(allocator.metric().usedDirectMemory()).as("memory left").isZero();
    }

    private static boolean isQuiet(SimHost host) {
        TcpStack tcp = host.shard().tcp();
        return tcp.flowCount() == tcp.timeWaitCount();
    }

    /** Twice the maximum segment lifetime later: the connection is CLOSED (RFC 9293 §3.3.2), and nothing remembers it. */
    private static void assertEnded(String name, SimHost host, SimSocket socket) {
        if (socket != null) {
            assertThat(socket.connection.state()).as("state at %s", name).isEqualTo(TcpState.CLOSED);
            TcpInvariants.check(socket.connection);
            assertThat(socket.connection.readableBytes())
                    .as("bytes unread at %s", name)
                    .isZero();
        }
        assertThat(host.shard().tcp().flowCount()).as("flows left at %s", name).isZero();
        assertThat(host.shard().tcp().timeWaitCount())
                .as("connections in TIME-WAIT at %s", name)
                .isZero();
        assertThat(ArmedTimers.of(host.shard().timers()))
                .as("timers left at %s: of TCP", name)
                .noneMatch(timer -> timer.startsWith("io.isla.netty.tcp."));
    }

    private static void converse(VirtualTime time, SimSocket client, SimHost b, SplittableRandom random) {
        byte[] up = bytes(random);
        byte[] down = bytes(random);
        client.write(up);
        time.runUntil(() -> !b.accepted.isEmpty(), 400 * SECOND);
        if (b.accepted.isEmpty()) {
            // The last step of the handshake never made it: the server has given up.
            client.abort();
            return;
        }
        SimSocket server = b.accepted.get(0);
        server.readSize(1 + random.nextInt(5000));
        server.write(down);
        if (random.nextInt(3) == 0) {
            // A reader that sleeps closes the window.
            SimSocket sleeper = random.nextBoolean() ? server : client;
            sleeper.reading(false);
            time.schedule(random.nextLong(30 * SECOND), () -> sleeper.reading(true));
        }
        int ending = random.nextInt(10);
        if (ending == 0) {
            time.runFor(random.nextLong(SECOND));
            client.abort();
            time.runUntil(() -> server.closed, 2000 * SECOND);
            assertPrefix(up, server.received());
            server.close();
            return;
        }
        if (ending == 1) {
            // Both close their outputs at a random moment, after whatever has been taken by then goes out.
            time.runFor(random.nextLong(SECOND));
        }
        client.finish();
        server.finish();
        boolean done = time.runUntil(
                () -> client.inputFinished && server.inputFinished || client.error != null || server.error != null,
                3000 * SECOND);
        assertThat(done)
                .as("conversation ends; client " + client.connection + ", server " + server.connection)
                .isTrue();
        if (client.error == null && server.error == null) {
            assertThat(server.received()).as("bytes up").isEqualTo(up);
            assertThat(client.received()).as("bytes down").isEqualTo(down);
        } else {
            assertPrefix(up, server.received());
            assertPrefix(down, client.received());
            assertThat(client.error == null ? server.error : client.error)
                    .as("only time-outs may end it")
                    .hasMessageContaining("timed out");
        }
        client.close();
        server.close();
    }

    private static void assertPrefix(byte[] whole, byte[] part) {
        assertThat(part.length).isLessThanOrEqualTo(whole.length);
        assertThat(part).isEqualTo(Arrays.copyOf(whole, part.length));
    }

    private static byte[] bytes(SplittableRandom random) {
        int size = switch (random.nextInt(5)) {
            case 0 -> 0;
            case 1 -> random.nextInt(10);
            case 2 -> random.nextInt(3000);
            case 3 -> random.nextInt(100_000);
            default -> random.nextInt(400_000);
        };
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) random.nextInt();
        }
        return bytes;
    }

    private static TcpParameters parameters(SplittableRandom random) {
        TcpParameters parameters = new TcpParameters();
        parameters.sack = random.nextInt(4) != 0;
        parameters.timestamps = random.nextInt(4) != 0;
        parameters.windowScaling = random.nextInt(4) != 0;
        parameters.ecn = TcpParameters.Ecn.values()[random.nextInt(3)];
        return parameters;
    }

    private static TcpSettings settings(SplittableRandom random) {
        TcpSettings settings = new TcpSettings();
        settings.noDelay(random.nextBoolean());
        settings.quickAck(random.nextInt(5) == 0);
        if (random.nextInt(3) == 0) {
            settings.receiveBuffer(600 + random.nextInt(50_000));
        }
        if (random.nextInt(3) == 0) {
            settings.sendBuffer(600 + random.nextInt(50_000));
        }
        return settings;
    }

    private static void impair(LinkConditions conditions, SplittableRandom random) {
        conditions.latency(Duration.ofNanos(random.nextLong(50_000_000)));
        if (random.nextInt(3) == 0) {
            conditions.jitter(
                    Duration.ofNanos(random.nextLong(20_000_000)), LinkConditions.Jitter.values()[random.nextInt(3)]);
        }
        if (random.nextInt(2) == 0) {
            conditions.loss(random.nextDouble() * 0.15);
        }
        if (random.nextInt(5) == 0) {
            conditions.burstLoss(0.01, 0.3, 0.8);
        }
        if (random.nextInt(3) == 0) {
            conditions.duplicate(random.nextDouble() * 0.1);
        }
        if (random.nextInt(3) == 0) {
            conditions.reorder(random.nextDouble() * 0.3, Duration.ofNanos(random.nextLong(40_000_000)));
        }
        if (random.nextInt(4) == 0) {
            conditions.corrupt(random.nextDouble() * 0.05);
        }
        if (random.nextInt(3) == 0) {
            conditions.rate(1_000_000 + random.nextLong(100_000_000), 3000 + random.nextInt(200_000));
        }
    }
}
