/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.Segment;
import io.isla.netty.testing.SimSocket;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Timers, loss detection and recovery: RFC 6298, RFC 5681, RFC 6675, RFC 8985, RFC 9937, RFC 5682, RFC 4015, RFC 3042, RFC 6582. */
class TcpRecoveryTest {
    private static final Duration RTT = Duration.ofMillis(50);

    private final ScriptedPeer peer = new ScriptedPeer();

    @AfterEach
    void close() {
        peer.close();
    }

    @BeforeEach
    void shakeHandsInARoundTrip() {
        peer.handshakeDelay = RTT;
    }

    private SimSocket connectSack() {
        return peer.connect(new TcpSettings(), syn -> syn.mss(1000).sackPermitted());
    }

    private Segment ack(int acknowledgment, int... sack) {
        Segment segment = of(ACK).seq(peer.sndNxt).ack(acknowledgment);
        return sack.length == 0 ? segment : segment.sack(sack);
    }

    /** Ten segments of 1000 bytes in flight, after a round trip of 50 ms was measured. */
    private List<Segment> tenInFlight(SimSocket socket) {
        socket.write(new byte[1000]);
        peer.drain();
        peer.after(RTT);
        peer.send(peer.ackAll());
        socket.write(new byte[10 * socket.connection.info(0).sendMss()]);
        List<Segment> flight = peer.drain();
        assertThat(flight).hasSize(10);
        return flight;
    }

    private static int cwnd(SimSocket socket) {
        return socket.connection.info(0).cwnd();
    }

    @Test
    void retransmitsAfterTheTimeoutAndBacksOffExponentially() {
        SimSocket socket = peer.connect();
        socket.write(new byte[100]);
        Segment first = peer.expect(ACK);
        double last = first.time / 1e9;
        double previousGap = 0;
        for (int i = 0; i < 8; i++) {
            Segment again = peer.expectWithin(Duration.ofSeconds(130), ACK);
            assertThat(again.sequence).isEqualTo(first.sequence);
            assertThat(again.data).hasSize(100);
            double gap = again.time / 1e9 - last;
            if (i > 0) {
                assertThat(gap / previousGap).isBetween(1.95, 2.05);
            } else {
                assertThat(gap).as("a round trip, and the floor of 200 ms").isBetween(0.25, 0.26);
            }
            previousGap = gap;
            last = again.time / 1e9;
        }
    }

    @Test
    void advisesTheNetworkLayerOfR1ThatItsNextHopMayBeDead() {
        SimSocket socket = peer.connect();
        long requests = peer.counter("ArpOutRequests");
        socket.write(new byte[100]);
        // Two timeouts, of 0.2 s and 0.4 s: the link address that was resolved a moment ago is believed.
        peer.after(Duration.ofMillis(1000));
        assertThat(peer.counter("TCPTimeouts")).isEqualTo(2);
        assertThat(peer.counter("ArpOutRequests")).isEqualTo(requests);
        peer.after(Duration.ofSeconds(7));
        assertThat(peer.counter("TCPTimeouts")).isGreaterThanOrEqualTo(3);
        assertThat(peer.counter("ArpOutRequests")).as("asked for again").isGreaterThan(requests);
        peer.drain();
        assertThat(socket.error).isNull();
    }

    @Test
    void tellsTheUserAfterNoLessThanThreeRetransmissions() {
        SimSocket socket = peer.connect();
        socket.write(new byte[100]);
        int sent = 0;
        while ((socket.events & TcpEvents.SOFT_ERROR) == 0) {
            sent += peer.drain().size();
            peer.after(Duration.ofMillis(10));
        }
        sent += peer.drain().size();
        assertThat(sent).as("the first transmission and R1 = 3 others").isEqualTo(4);
    }

    @Test
    void givesUpAfterR2AndTellsTheUserEarlierAfterR1() {
        SimSocket socket = peer.connect();
        socket.write(new byte[100]);
        peer.after(Duration.ofSeconds(4));
        assertThat(socket.events & TcpEvents.SOFT_ERROR).as("R1 passed").isNotZero();
        peer.after(Duration.ofSeconds(100));
        assertThat(socket.error).as("R2 is at least 100 s").isNull();
        peer.after(Duration.ofMinutes(20));
        assertThat(socket.error).isInstanceOf(IOException.class).hasMessageContaining("timed out");
        peer.drain();
    }

    @Test
    void takesNoSampleFromARetransmittedSegment() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1000]);
        peer.drain();
        peer.after(RTT);
        peer.send(peer.ackAll());
        long srtt = socket.connection.rtt.srtt();
        socket.write(new byte[1000]);
        peer.drain();
        peer.after(Duration.ofMillis(500)).drain();
        peer.send(peer.ackAll());
        assertThat(socket.connection.rtt.srtt()).isEqualTo(srtt);
        assertThat(socket.connection.rtt.backoff())
                .as("Karn: the backed-off timeout stays")
                .isPositive();
        socket.write(new byte[1000]);
        peer.drain();
        peer.after(Duration.ofMillis(20));
        peer.send(peer.ackAll());
        assertThat(socket.connection.rtt.backoff()).isZero();
    }

    @Test
    void startsWithAWindowOfTenSegmentsAndDoublesItEachRoundTrip() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1_000_000]);
        assertThat(peer.drain()).hasSize(10);
        peer.after(RTT);
        peer.send(peer.ackAll());
        assertThat(peer.drain()).hasSize(20);
        peer.after(RTT);
        peer.send(peer.ackAll());
        assertThat(peer.drain().size()).isBetween(38, 40);
    }

    @Test
    void growsLinearlyAboveSsthresh() {
        SimSocket socket = peer.connect(new TcpSettings().congestionControl("reno"), syn -> syn.mss(1000));
        socket.write(new byte[1_000_000]);
        peer.drain();
        socket.connection.window.ssthresh = 10_000;
        for (int round = 1; round <= 3; round++) {
            peer.after(RTT);
            peer.send(peer.ackAll());
            peer.drain();
            assertThat(cwnd(socket)).isEqualTo(10_000 + round * 1000);
        }
    }

    @Test
    void doesNotGrowAWindowThatTheApplicationDoesNotUse() {
        SimSocket socket = peer.connect();
        for (int i = 0; i < 50; i++) {
            socket.write(new byte[1000]);
            peer.drain();
            peer.after(RTT);
            peer.send(peer.ackAll());
        }
        assertThat(cwnd(socket)).isEqualTo(10_000);
    }

    @Test
    void fallsBackToTheInitialWindowAfterIdle() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1_000_000]);
        for (int i = 0; i < 20; i++) {
            peer.drain();
            peer.after(RTT);
            peer.send(peer.ackAll());
        }
        peer.drain();
        peer.send(peer.ackAll());
        assertThat(socket.connection.info(0).flight()).isZero();
        assertThat(cwnd(socket)).isGreaterThan(100_000);
        peer.after(Duration.ofSeconds(60));
        socket.write(new byte[100_000]);
        assertThat(peer.drain()).hasSize(10);
    }

    @Test
    void retransmitsWhatThreeSacksShowToBeLost() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(ack(hole, flight.get(1).sequence, flight.get(1).end()));
        peer.send(ack(hole, flight.get(1).sequence, flight.get(2).end()));
        List<Segment> before = peer.drain();
        assertThat(before).as("not yet").noneMatch(s -> s.sequence == hole);
        peer.send(ack(hole, flight.get(1).sequence, flight.get(3).end()));
        assertThat(peer.drain()).as("fast retransmit").anyMatch(s -> s.sequence == hole);
        assertThat(socket.connection.info(0).congestionState()).isEqualTo("RECOVERY");
        peer.send(ack(flight.get(9).end()));
        assertThat(socket.connection.info(0).congestionState()).isEqualTo("OPEN");
        assertThat(peer.counter("TCPSackRecovery")).isEqualTo(1);
        assertThat(peer.counter("TCPTimeouts")).isZero();
    }

    /** A retransmission bears an older timestamp where the path reorders, but none that is older than the retransmission's before: PAWS would refuse it. */
    @Test
    void theTimestampsOfRetransmissionsNeverGoBack() {
        SimSocket socket = connectSack();
        tenInFlight(socket);
        RackLossDetector rack = socket.connection.recovery.rack;
        assertThat(rack.takeTimestampAge(1000, 500)).as("without reordering").isZero();
        rack.noteReordering();
        int age = rack.takeTimestampAge(2000, 500);
        assertThat(age).as("a quarter of the least round trip").isEqualTo((int) (RTT.toMillis() / 4) + 1);
        assertThat(rack.takeTimestampAge(2000, 5))
                .as("newer than it was before")
                .isEqualTo(4);
        rack.onDsack(socket.connection.sndUna, socket.connection.sndNxt);
        assertThat(rack.timestampAge()).isGreaterThan(age);
        assertThat(rack.takeTimestampAge(2003, 500)).as("no older than 1996").isEqualTo(7);
        assertThat(rack.takeTimestampAge(3000, 500)).isEqualTo(rack.timestampAge());
    }

    @Test
    void threeSmallSegmentsShowItAsWell() {
        SimSocket socket = peer.connect(
                new TcpSettings().noDelay(true), syn -> syn.mss(1000).sackPermitted());
        for (int i = 0; i < 8; i++) {
            socket.write(new byte[100]);
        }
        List<Segment> flight = peer.drain();
        assertThat(flight).hasSize(8);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(ack(hole, flight.get(1).sequence, flight.get(1).end()));
        peer.send(ack(hole, flight.get(1).sequence, flight.get(2).end()));
        assertThat(peer.drain()).as("not yet").noneMatch(s -> s.sequence == hole);
        peer.send(ack(hole, flight.get(1).sequence, flight.get(3).end()));
        assertThat(peer.drain()).as("fast retransmit").anyMatch(s -> s.sequence == hole);
    }

    @Test
    void waitsAReorderingWindowBeforeItCallsASegmentLost() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(ack(hole, flight.get(1).sequence, flight.get(1).end()));
        assertThat(peer.drain()).noneMatch(s -> s.sequence == hole);
        peer.after(Duration.ofMillis(10));
        assertThat(peer.drain()).noneMatch(s -> s.sequence == hole);
        peer.after(Duration.ofMillis(5));
        assertThat(peer.drain()).as("a quarter of the least round trip later").anyMatch(s -> s.sequence == hole);
    }

    @Test
    void repairsSeveralHolesInOneRoundTrip() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        peer.after(RTT);
        peer.send(ack(
                flight.get(0).sequence,
                flight.get(9).sequence,
                flight.get(9).end(),
                flight.get(5).sequence,
                flight.get(6).end(),
                flight.get(1).sequence,
                flight.get(2).end()));
        List<Integer> repaired = peer.drain().stream().map(s -> s.sequence).toList();
        assertThat(repaired)
                .contains(
                        flight.get(0).sequence,
                        flight.get(3).sequence,
                        flight.get(4).sequence,
                        flight.get(7).sequence,
                        flight.get(8).sequence);
    }

    @Test
    void detectsALostRetransmission() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        socket.write(new byte[100_000]);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(ack(hole, flight.get(1).sequence, flight.get(9).end()));
        List<Segment> next = peer.drain();
        assertThat(next).anyMatch(s -> s.sequence == hole);
        List<Segment> fresh =
                next.stream().filter(s -> s.sequence - flight.get(9).end() >= 0).toList();
        assertThat(fresh).isNotEmpty();
        peer.after(RTT);
        Segment lastFresh = fresh.get(fresh.size() - 1);
        peer.send(ack(hole, flight.get(1).sequence, lastFresh.end()));
        peer.after(Duration.ofMillis(15));
        assertThat(peer.drain()).as("sent a third time without a timeout").anyMatch(s -> s.sequence == hole);
        assertThat(peer.counter("TCPTimeouts")).isZero();
    }

    @Test
    void sendsATailLossProbeBeforeTheTimeout() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        Segment probe = peer.expectWithin(Duration.ofMillis(150), ACK);
        assertThat(probe.sequence).as("the last segment again").isEqualTo(flight.get(9).sequence);
        assertThat(probe.time - flight.get(9).time).as("two round trips").isBetween(100_000_000L, 110_000_000L);
        peer.after(RTT);
        peer.send(ack(
                flight.get(0).sequence, flight.get(9).sequence, flight.get(9).end()));
        peer.after(Duration.ofMillis(20));
        assertThat(peer.drain())
                .as("the SACK of the probe shows the loss")
                .anyMatch(s -> s.sequence == flight.get(0).sequence);
        assertThat(peer.counter("TCPTimeouts")).isZero();
        assertThat(peer.counter("TCPLossProbes")).isEqualTo(1);
    }

    @Test
    void reactsToALossThatAProbeRepaired() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        peer.send(ack(flight.get(9).sequence));
        int before = cwnd(socket);
        peer.expectWithin(Duration.ofMillis(450), ACK);
        peer.after(RTT);
        peer.send(ack(flight.get(9).end()));
        socket.write(new byte[1000]);
        peer.drain();
        peer.after(RTT);
        peer.send(peer.ackAll());
        assertThat(cwnd(socket)).isLessThan(before);
        assertThat(peer.counter("TCPLossProbeRecovery")).isEqualTo(1);
    }

    @Test
    void doesNotReactToAProbeThatWasNotNeeded() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        peer.send(ack(flight.get(9).sequence));
        int before = cwnd(socket);
        peer.expectWithin(Duration.ofMillis(450), ACK);
        peer.send(ack(flight.get(9).end(), flight.get(9).sequence, flight.get(9).end()));
        assertThat(cwnd(socket)).isGreaterThanOrEqualTo(before);
        assertThat(peer.counter("TCPLossProbeRecovery")).isZero();
    }

    @Test
    void halvesTheFlightSmoothlyDuringRecovery() {
        SimSocket socket = peer.connect(
                new TcpSettings().congestionControl("reno"),
                syn -> syn.mss(1000).sackPermitted());
        List<Segment> flight = tenInFlight(socket);
        socket.write(new byte[100_000]);
        int cwnd = cwnd(socket);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        int sent = 0;
        for (int i = 1; i < 10; i++) {
            peer.send(ack(hole, flight.get(1).sequence, flight.get(i).end()));
            sent += peer.drain().stream().mapToInt(s -> s.data.length).sum();
        }
        assertThat(socket.connection.info(0).ssthresh()).isEqualTo(cwnd / 2);
        assertThat(sent).as("about one segment for every two delivered").isBetween(4000, 8000);
        peer.send(ack(flight.get(9).end()));
        assertThat(socket.connection.info(0).flight()).isLessThanOrEqualTo(cwnd / 2 + 1000);
    }

    @Test
    void recoversByNewRenoWithoutSack() {
        SimSocket socket = peer.connect(new TcpSettings().congestionControl("reno"), syn -> syn.mss(1000));
        List<Segment> flight = tenInFlight(socket);
        socket.write(new byte[20_000]);
        int first = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(ack(first));
        peer.send(ack(first));
        List<Segment> limited = peer.drain();
        assertThat(limited)
                .as("limited transmit (RFC 3042)")
                .hasSize(2)
                .allMatch(s -> s.sequence - flight.get(9).end() >= 0);
        peer.send(ack(first));
        assertThat(peer.drain()).as("fast retransmit").anyMatch(s -> s.sequence == first);
        for (int i = 0; i < 6; i++) {
            peer.send(ack(first));
        }
        peer.drain();
        int second = flight.get(4).sequence;
        peer.send(ack(second));
        assertThat(peer.drain())
                .as("a partial acknowledgement shows the next hole")
                .anyMatch(s -> s.sequence == second);
        assertThat(peer.counter("TCPRenoRecovery")).isEqualTo(1);
        assertThat(peer.counter("TCPTimeouts")).isZero();
    }

    @Test
    void undoesAReductionThatTimestampsShowToBeSpurious() {
        peer.timestamps = true;
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int originalTimestamp = flight.get(0).timestampValue();
        int before = cwnd(socket);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(ack(hole, flight.get(1).sequence, flight.get(5).end()));
        peer.after(Duration.ofMillis(15));
        assertThat(peer.drain()).anyMatch(s -> s.sequence == hole);
        peer.after(Duration.ofMillis(2));
        Segment late = ack(flight.get(9).end()).timestamps(peer.timestamp(), originalTimestamp);
        peer.send(late);
        assertThat(cwnd(socket)).as("the original had only been late").isGreaterThanOrEqualTo(before);
        assertThat(socket.connection.info(0).congestionState()).isEqualTo("OPEN");
    }

    @Test
    void undoesAReductionThatDsackShowsToBeSpurious() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int before = cwnd(socket);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(ack(hole, flight.get(1).sequence, flight.get(5).end()));
        peer.after(Duration.ofMillis(15));
        assertThat(peer.drain()).anyMatch(s -> s.sequence == hole);
        peer.send(ack(flight.get(6).sequence));
        assertThat(cwnd(socket)).isLessThan(before);
        peer.send(ack(flight.get(6).sequence, hole, hole + 1000));
        assertThat(cwnd(socket)).isGreaterThanOrEqualTo(before);
        assertThat(peer.counter("TCPDSACKUndo")).isEqualTo(1);
    }

    @Test
    void detectsASpuriousTimeoutByFrto() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        socket.write(new byte[20_000]);
        int before = cwnd(socket);
        peer.after(Duration.ofMillis(400));
        peer.drain();
        assertThat(peer.counter("TCPTimeouts")).isEqualTo(1);
        assertThat(socket.connection.info(0).congestionState()).isEqualTo("LOSS");
        peer.send(ack(flight.get(1).sequence));
        List<Segment> fresh = peer.drain();
        assertThat(fresh)
                .as("new data, no retransmission")
                .isNotEmpty()
                .allMatch(s -> s.sequence - flight.get(9).end() >= 0);
        peer.send(ack(flight.get(2).sequence));
        assertThat(peer.counter("TCPSpuriousRTOs")).isEqualTo(1);
        assertThat(cwnd(socket)).isGreaterThanOrEqualTo(before);
    }

    @Test
    void goesBackToSlowStartAfterATimeoutThatWasReal() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        peer.after(Duration.ofMillis(400));
        List<Segment> sent = peer.drain();
        assertThat(sent.get(sent.size() - 1).sequence).isEqualTo(flight.get(0).sequence);
        assertThat(cwnd(socket)).isEqualTo(1000);
        assertThat(socket.connection.info(0).ssthresh()).isBetween(5000, 7000);
        peer.send(ack(flight.get(1).sequence));
        List<Segment> next = peer.drain();
        assertThat(next.get(0).sequence).isEqualTo(flight.get(1).sequence);
        assertThat(next).hasSizeBetween(1, 2);
    }

    @Test
    void forgetsSacksThatThePeerTakesBack() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        peer.after(RTT);
        peer.send(ack(
                flight.get(0).sequence, flight.get(1).sequence, flight.get(9).end()));
        peer.after(Duration.ofMillis(20)).drain();
        peer.send(ack(flight.get(1).sequence));
        peer.after(Duration.ofSeconds(2));
        assertThat(peer.drain())
                .as("what was sacked is sent again")
                .anyMatch(s -> s.sequence == flight.get(1).sequence);
        assertThat(peer.counter("TCPSACKReneging")).isEqualTo(1);
    }

    @Test
    void ignoresSackBlocksThatMakeNoSense() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int base = flight.get(0).sequence;
        peer.send(ack(base, base + 50_000, base + 60_000));
        peer.send(ack(base, base + 5000, base + 4000));
        peer.send(ack(base, base - 60_000, base + 4000));
        assertThat(socket.connection.info(0).sacked()).isZero();
        assertThat(socket.error).isNull();
    }

    @Test
    void spreadsSegmentsAtTheRateThatACongestionControlAsksFor() {
        SimSocket socket = peer.connect();
        socket.connection.congestion = new NewReno() {
            @Override
            public long pacingRate(CongestionWindow window) {
                return 1_000_000;
            }
        };
        socket.write(new byte[10_000]);
        List<Segment> sent = new ArrayList<>(peer.drain());
        assertThat(sent).as("a quantum of two segments at once").hasSize(2);
        while (sent.size() < 10) {
            sent.add(peer.expectWithin(Duration.ofMillis(3), ACK));
        }
        double seconds = (sent.get(9).time - sent.get(0).time) / 1e9;
        assertThat(8000 / seconds).as("bytes per second").isBetween(900_000.0, 1_010_000.0);
        assertThat(socket.connection.info(0).pacingRate()).isEqualTo(1_000_000);
    }

    @Test
    void keepsRetransmittingWithTheSameBytes() {
        SimSocket socket = connectSack();
        byte[] data = new byte[3000];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) i;
        }
        socket.write(data);
        List<Segment> sent = peer.drain();
        peer.after(Duration.ofSeconds(3));
        for (Segment again : peer.drain()) {
            int offset = again.sequence - sent.get(0).sequence;
            assertThat(again.data).isEqualTo(Arrays.copyOfRange(data, offset, offset + again.data.length));
        }
    }
}
