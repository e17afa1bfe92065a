/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.sim.VirtualTime;
import io.isla.netty.sim.VirtualWire;
import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.Segment;
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Paths that drop what is too large and tell nobody: RFC 4821, RFC 8899. */
class TcpMtuProbingTest {
    private static final long SECOND = 1_000_000_000L;
    private static final Duration LATENCY = Duration.ofMillis(10);
    /** Headers of IPv4 and TCP, and the timestamps option. */
    private static final int HEADERS = 52;

    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
    private final VirtualTime time = new VirtualTime();
    private final VirtualWire wire = new VirtualWire(time, 3, 1500, false);
    private SimHost sender;
    private SimHost receiver;
    private int smallest = Integer.MAX_VALUE;
    private int largest;

    private void hosts(TcpParameters parameters, String senderAddress, String receiverAddress) {
        wire.aToB().latency(LATENCY);
        wire.bToA().latency(LATENCY);
        // Enough for a window to grow, and little enough to live a minute of it.
        wire.aToB().rate(4_000_000, 100_000);
        sender = new SimHost(time, wire.a(), senderAddress, parameters, 1, allocator);
        receiver = new SimHost(time, wire.b(), receiverAddress, new TcpParameters(), 2, allocator);
        receiver.listen(80, 10, new TcpSettings());
    }

    private void hosts(TcpParameters parameters) {
        hosts(parameters, "10.0.0.1", "10.0.0.2");
    }

    @AfterEach
    void close() {
        if (sender != null) {
            sender.close();
            receiver.close();
            time.runFor(SECOND);
            assertThat(allocator.metric().usedDirectMemory()).as("memory left").isZero();
        }
    }

    /** A connection over which the sender sends without end. */
    private SimSocket stream() {
        SimSocket socket = sender.connect(receiver, 80, new TcpSettings());
        assertThat(time.runUntil(() -> socket.connected && !receiver.accepted.isEmpty(), 5 * SECOND))
                .isTrue();
        receiver.accepted.get(receiver.accepted.size() - 1).counting();
        socket.endless();
        return socket;
    }

    private long received() {
        return receiver.accepted.get(receiver.accepted.size() - 1).receivedTotal();
    }

    /** Lets minutes pass in which little is sent. */
    private void hurryThrough(int minutes) {
        wire.aToB().rate(300_000, 100_000);
        time.runFor(minutes * 60 * SECOND);
        wire.aToB().rate(4_000_000, 100_000);
        time.runFor(5 * SECOND);
    }

    private int packetSize(SimSocket socket) {
        return socket.connection.info(time.nanoTime()).sendMss() + HEADERS;
    }

    private int cwnd(SimSocket socket) {
        return socket.connection.info(time.nanoTime()).cwnd();
    }

    @Test
    void findsTheSizeThatABlackHoleLetsThrough() {
        hosts(new TcpParameters());
        wire.aToB().mtu(1400);
        SimSocket socket = stream();
        // 0.2 s, 0.4 s and 0.8 s of silence, in round figures.
        assertThat(time.runUntil(() -> received() > 0, 3 * SECOND))
                .as("data gets through")
                .isTrue();
        assertThat(packetSize(socket)).isEqualTo(1024 + 40);
        assertThat(sender.counter("IslaMtuBlackHoles")).isEqualTo(1);
        time.runFor(10 * SECOND);
        assertThat(packetSize(socket)).isBetween(1393, 1400);
        assertThat(sender.counter("TCPMTUPSuccess")).isGreaterThanOrEqualTo(3);
        assertThat(sender.counter("TCPMTUPFail")).isGreaterThanOrEqualTo(3);
        long before = received();
        time.runFor(10 * SECOND);
        assertThat((received() - before) * 8 / 10).as("goodput in bit/s").isGreaterThan(3_500_000);
        assertThat(sender.counter("TCPTimeouts"))
                .as("the three of the black hole")
                .isEqualTo(3);
    }

    @Test
    void goesOnWhenThePathShrinksAndUsesItWhenItGrowsAgain() {
        hosts(new TcpParameters());
        SimSocket socket = stream();
        time.runFor(5 * SECOND);
        assertThat(packetSize(socket)).isEqualTo(1500);
        wire.aToB().mtu(1300);
        long before = received();
        assertThat(time.runUntil(() -> received() > before + 1_000_000, 30 * SECOND))
                .as("goes on")
                .isTrue();
        time.runFor(20 * SECOND);
        assertThat(packetSize(socket)).isBetween(1293, 1300);
        wire.aToB().mtu(65_535);
        time.runFor(60 * SECOND);
        assertThat(packetSize(socket)).as("nobody knows yet").isLessThanOrEqualTo(1300);
        long timeouts = sender.counter("TCPTimeouts");
        hurryThrough(11);
        assertThat(packetSize(socket)).isEqualTo(1500);
        assertThat(sender.counter("TCPTimeouts")).as("found by probes").isEqualTo(timeouts);
    }

    @Test
    void aPathThatStaysNarrowCostsNoTimeoutsWhenItIsTriedAgain() {
        hosts(new TcpParameters());
        wire.aToB().mtu(1300);
        SimSocket socket = stream();
        time.runFor(20 * SECOND);
        assertThat(packetSize(socket)).isBetween(1293, 1300);
        long timeouts = sender.counter("TCPTimeouts");
        long probes = sender.counter("TCPMTUPFail");
        hurryThrough(12);
        assertThat(sender.counter("TCPMTUPFail")).as("tried again").isGreaterThan(probes);
        assertThat(sender.counter("TCPTimeouts")).isEqualTo(timeouts);
        assertThat(packetSize(socket)).isBetween(1293, 1300);
    }

    @Test
    void otherConnectionsBeginWithWhatWasFound() {
        hosts(new TcpParameters());
        wire.aToB().mtu(1400);
        stream();
        time.runFor(20 * SECOND);
        long timeouts = sender.counter("TCPTimeouts");
        SimSocket next = stream();
        assertThat(packetSize(next)).isBetween(1393, 1400);
        time.runFor(5 * SECOND);
        assertThat(received()).isGreaterThan(100_000);
        assertThat(sender.counter("TCPTimeouts")).isEqualTo(timeouts);
    }

    @Test
    void anOutageIsNoNarrowPath() {
        hosts(new TcpParameters());
        SimSocket socket = stream();
        time.runFor(5 * SECOND);
        wire.aToB().cut(true);
        time.runFor(8 * SECOND);
        wire.aToB().cut(false);
        assertThat(packetSize(socket)).isEqualTo(512 + 40);
        time.runFor(30 * SECOND);
        assertThat(packetSize(socket)).as("all of it is found again").isEqualTo(1500);
        SimSocket next = stream();
        assertThat(packetSize(next)).as("and nobody else was told otherwise").isEqualTo(1500);
    }

    @Test
    void nothingIsLookedForWhenItIsOff() {
        TcpParameters parameters = new TcpParameters();
        parameters.mtuProbing = TcpParameters.MtuProbing.OFF;
        hosts(parameters);
        wire.aToB().mtu(1400);
        SimSocket socket = stream();
        time.runFor(60 * SECOND);
        assertThat(received()).isZero();
        assertThat(packetSize(socket)).isEqualTo(1500);
    }

    @Test
    void beginsSmallAndProbesAtOnceWhenItIsAlwaysOn() {
        TcpParameters parameters = new TcpParameters();
        parameters.mtuProbing = TcpParameters.MtuProbing.ALWAYS;
        hosts(parameters);
        wire.aToB().mtu(1480);
        SimSocket socket = stream();
        assertThat(packetSize(socket)).isEqualTo(1064);
        time.runFor(10 * SECOND);
        assertThat(packetSize(socket)).isBetween(1473, 1480);
        assertThat(sender.counter("TCPTimeouts")).isZero();
        assertThat(sender.counter("IslaMtuBlackHoles")).isZero();
    }

    @Test
    void aPathMayTakeLessThanWhatTheSearchBeginsWith() {
        hosts(new TcpParameters());
        wire.aToB().mtu(700);
        SimSocket socket = stream();
        time.runFor(20 * SECOND);
        assertThat(packetSize(socket)).isBetween(693, 700);
        assertThat(received()).isPositive();
        assertThat(sender.counter("IslaMtuBlackHoles"))
                .as("the base, and half of it")
                .isEqualTo(2);
    }

    @Test
    void aLinkMayTakeLessThanWhatTheSearchBeginsWith() {
        VirtualWire narrow = new VirtualWire(time, 4, 900, false);
        narrow.aToB().latency(LATENCY).rate(4_000_000, 100_000).mtu(800);
        narrow.bToA().latency(LATENCY);
        sender = new SimHost(time, narrow.a(), "10.0.0.1", new TcpParameters(), 1, allocator);
        receiver = new SimHost(time, narrow.b(), "10.0.0.2", new TcpParameters(), 2, allocator);
        receiver.listen(80, 10, new TcpSettings());
        SimSocket socket = stream();
        time.runFor(20 * SECOND);
        assertThat(packetSize(socket)).isBetween(793, 800);
    }

    @Test
    void findsTheMtuOfJumboFramesToo() {
        TcpParameters parameters = new TcpParameters();
        VirtualWire jumbo = new VirtualWire(time, 4, 9000, false);
        jumbo.aToB().latency(LATENCY).rate(50_000_000, 500_000).mtu(4000);
        jumbo.bToA().latency(LATENCY);
        sender = new SimHost(time, jumbo.a(), "10.0.0.1", parameters, 1, allocator);
        receiver = new SimHost(time, jumbo.b(), "10.0.0.2", parameters, 2, allocator);
        receiver.listen(80, 10, new TcpSettings());
        SimSocket socket = stream();
        time.runFor(15 * SECOND);
        assertThat(packetSize(socket)).isBetween(3993, 4000);
    }

    @Test
    void ipv6IsNeverCutBelowWhatEveryPathOfItTakes() {
        hosts(new TcpParameters(), "fd00::1", "fd00::2");
        wire.aToB().mtu(1280);
        SimSocket socket = stream();
        time.runFor(3 * SECOND);
        assertThat(socket.connection.info(time.nanoTime()).sendMss()).isEqualTo(1280 - 72);
        assertThat(received()).isPositive();
        wire.aToB().cut(true);
        time.runFor(30 * SECOND);
        assertThat(socket.connection.info(time.nanoTime()).sendMss()).isEqualTo(1280 - 72);
    }

    @Test
    void whatIsSmallIsNotLostForItsSize() {
        hosts(new TcpParameters());
        SimSocket socket = sender.connect(receiver, 80, new TcpSettings());
        time.runFor(SECOND);
        wire.aToB().cut(true);
        socket.write(new byte[500]);
        time.runFor(20 * SECOND);
        assertThat(sender.counter("TCPTimeouts")).isGreaterThan(4);
        assertThat(sender.counter("IslaMtuBlackHoles")).isZero();
        assertThat(packetSize(socket)).isEqualTo(1500);
    }

    @Test
    void aProbeThatIsLostIsNoCongestion() {
        TcpParameters parameters = new TcpParameters();
        parameters.mtuProbing = TcpParameters.MtuProbing.ALWAYS;
        hosts(parameters);
        wire.aToB().rate(0, 0);
        wire.aToB().mtu(1300);
        SimSocket socket = stream();
        assertThat(time.runUntil(() -> sender.counter("TCPMTUPFail") > 0, 10 * SECOND))
                .isTrue();
        int before = cwnd(socket);
        time.runFor(LATENCY.toNanos() * 6);
        assertThat(cwnd(socket)).isGreaterThanOrEqualTo(before);
        assertThat(socket.connection.info(time.nanoTime()).ssthresh()).isEqualTo(Integer.MAX_VALUE);
        assertThat(sender.counter("TCPSackRecovery")).isZero();
        assertThat(sender.counter("TCPTimeouts")).isZero();
    }

    @Test
    void findsTheSizeForAPeerWithoutSackToo() {
        TcpParameters parameters = new TcpParameters();
        parameters.sack = false;
        hosts(parameters);
        wire.aToB().mtu(1400);
        SimSocket socket = stream();
        time.runFor(30 * SECOND);
        assertThat(packetSize(socket)).isBetween(1393, 1400);
        assertThat(sender.counter("TCPMTUPFail")).isPositive();
    }

    // ------------------------------------------------------------------------------------------------ segment by
    // segment

    private static ScriptedPeer peerInSearch() {
        TcpParameters parameters = new TcpParameters();
        parameters.mtuProbing = TcpParameters.MtuProbing.ALWAYS;
        return new ScriptedPeer(parameters);
    }

    private static List<Segment> firstFlight(ScriptedPeer peer, SimSocket socket) {
        socket.write(new byte[60_000]);
        return peer.drain();
    }

    @Test
    void probesWithOneLargerSegmentAmongOthersAndGrowsWhenItIsAcknowledged() {
        try (ScriptedPeer peer = peerInSearch()) {
            peer.handshakeDelay = Duration.ofMillis(20);
            SimSocket socket =
                    peer.connect(new TcpSettings(), syn -> syn.mss(1460).sackPermitted());
            List<Segment> flight = firstFlight(peer, socket);
            // Half way between 1064 and 1500; in a full window, as one packet.
            assertThat(flight).extracting(s -> s.data.length).first().isEqualTo(1242);
            assertThat(flight.subList(1, flight.size())).allMatch(s -> s.data.length == 1024);
            peer.after(Duration.ofMillis(20));
            peer.send(of(ACK).seq(peer.sndNxt).ack(flight.get(0).end()));
            assertThat(peer.counter("TCPMTUPSuccess")).isEqualTo(1);
            List<Segment> next = peer.drain();
            assertThat(next).extracting(s -> s.data.length).contains(1351);
            assertThat(next).filteredOn(s -> s.data.length != 1351).allMatch(s -> s.data.length == 1242);
        }
    }

    @Test
    void sendsWhatALostProbeHeldInSmallerSegmentsWithTheWindowAsItWas() {
        try (ScriptedPeer peer = peerInSearch()) {
            peer.handshakeDelay = Duration.ofMillis(20);
            SimSocket socket =
                    peer.connect(new TcpSettings(), syn -> syn.mss(1460).sackPermitted());
            List<Segment> flight = firstFlight(peer, socket);
            Segment probe = flight.get(0);
            int before = socket.connection.info(0).cwnd();
            peer.after(Duration.ofMillis(20));
            for (int i = 1; i <= 4; i++) {
                peer.send(of(ACK).seq(peer.sndNxt)
                        .ack(probe.sequence)
                        .sack(probe.end(), flight.get(i).end()));
            }
            List<Segment> again = peer.drain().stream()
                    .filter(s -> s.sequence - probe.end() < 0)
                    .toList();
            assertThat(again).extracting(s -> s.data.length).containsExactly(1024, 218);
            assertThat(again.get(0).sequence).isEqualTo(probe.sequence);
            assertThat(socket.connection.info(0).cwnd()).isGreaterThanOrEqualTo(before);
            assertThat(peer.counter("TCPMTUPFail")).isEqualTo(1);
            assertThat(peer.counter("TCPSackRecovery")).isZero();
        }
    }

    @Test
    void aProbeThatIsLostWithOthersSaysNothing() {
        try (ScriptedPeer peer = peerInSearch()) {
            peer.handshakeDelay = Duration.ofMillis(20);
            SimSocket socket =
                    peer.connect(new TcpSettings(), syn -> syn.mss(1460).sackPermitted());
            List<Segment> flight = firstFlight(peer, socket);
            peer.after(Duration.ofMillis(20));
            // The probe and the segment after it.
            peer.send(of(ACK).seq(peer.sndNxt)
                    .ack(flight.get(0).sequence)
                    .sack(flight.get(2).sequence, flight.get(7).end()));
            assertThat(peer.counter("TCPMTUPFail")).isZero();
            assertThat(peer.counter("TCPSackRecovery")).as("congestion").isEqualTo(1);
            assertThat(socket.connection.info(0).ssthresh()).isLessThan(Integer.MAX_VALUE);
        }
    }

    @Test
    void aRouterThatTellsAfterAllEndsTheSearch() {
        try (ScriptedPeer peer = peerInSearch()) {
            peer.handshakeDelay = Duration.ofMillis(20);
            SimSocket socket =
                    peer.connect(new TcpSettings(), syn -> syn.mss(1460).sackPermitted());
            List<Segment> flight = firstFlight(peer, socket);
            int before = socket.connection.info(0).cwnd();
            peer.sendIcmpError(3, 4, 1064, flight.get(0).sequence);
            List<Segment> again = peer.drain();
            assertThat(again).extracting(s -> s.data.length).containsExactly(1024, 218);
            assertThat(socket.connection.info(0).cwnd()).isGreaterThanOrEqualTo(before);
            assertThat(peer.counter("TCPMTUPFail")).isZero();
            int acked = flight.get(0).sequence;
            for (int i = 0; i < 30 && socket.connection.info(0).flight() > 0; i++) {
                peer.after(Duration.ofMillis(20));
                peer.send(of(ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
                assertThat(peer.drain()).allMatch(s -> s.data.length <= 1024);
            }
            assertThat(peer.rcvNxt - acked).isEqualTo(60_000);
        }
    }
}
