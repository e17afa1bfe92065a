/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.FIN;
import static io.isla.netty.testing.Segment.SYN;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.Segment;
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import java.net.ConnectException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is waited for goes off when it should, whatever else happens meanwhile: RFC 6298 §5, RFC 8985 §7, RFC 9293 §3.8.3 and §3.8.6. */
class TcpTimersTest {
    private static final Duration RTT = Duration.ofMillis(50);
    private static final long MILLIS = 1_000_000L;

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

    private List<Segment> tenInFlight(SimSocket socket) {
        socket.write(new byte[10_000]);
        List<Segment> flight = peer.drain();
        assertThat(flight).hasSize(10);
        return flight;
    }

    // ---------------------------------------------------------------- delayed acknowledgement

    @Test
    void aDelayedAcknowledgementIsNotPutOffBySegmentsThatFollow() {
        SimSocket socket = peer.connect();
        // A dialogue, so that acknowledgements are delayed.
        for (int i = 0; i < 30; i++) {
            peer.send(peer.nextData(10));
            socket.write(new byte[1]);
            peer.after(Duration.ofMillis(30)).drain();
            peer.send(peer.ackAll());
        }
        peer.after(Duration.ofSeconds(1)).drain();
        socket.write(new byte[1]);
        peer.drain();
        peer.send(peer.nextData(10));
        socket.connection.ackPolicy.dataSent(peer.time.nanoTime(), Long.MAX_VALUE);
        peer.drain();
        List<Segment> acks = new ArrayList<>();
        long unacknowledgedSince = -1;
        for (int i = 0; i < 60; i++) {
            long sentAt = peer.time.nanoTime();
            peer.send(peer.nextData(1));
            if (unacknowledgedSince < 0) {
                unacknowledgedSince = sentAt;
            }
            peer.after(Duration.ofMillis(30));
            for (Segment ack : peer.drain()) {
                acks.add(ack);
                assertThat(ack.time - unacknowledgedSince).isLessThan(500 * MILLIS);
                unacknowledgedSince = -1;
            }
        }
        assertThat(acks).hasSizeGreaterThan(5);
    }

    // ---------------------------------------------------------------- retransmission, probe, reordering

    @Test
    void smallWritesDoNotPutOffTheProbeBeyondTheTimeout() {
        SimSocket socket = connectSack();
        socket.write(new byte[1]);
        Segment first = peer.expect(ACK);
        long again = 0;
        for (int i = 0; i < 100 && again == 0; i++) {
            peer.after(Duration.ofMillis(20));
            socket.write(new byte[1]);
            peer.drain();
            if (peer.counter("TCPLossProbes") + peer.counter("TCPTimeouts") > 0) {
                again = peer.time.nanoTime();
            }
        }
        assertThat(again - first.time).isBetween(200 * MILLIS, 300 * MILLIS);
    }

    @Test
    void writesDoNotPutOffTheReorderingTimer() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        long sackedAt = peer.time.nanoTime();
        peer.send(of(ACK).seq(peer.sndNxt)
                .ack(hole)
                .sack(flight.get(1).sequence, flight.get(1).end()));
        for (int i = 0; i < 10; i++) {
            socket.write(new byte[10]);
            peer.after(Duration.ofMillis(3));
        }
        Segment again = peer.drain().stream()
                .filter(s -> s.sequence == hole)
                .findFirst()
                .orElseThrow();
        assertThat(again.time - sackedAt).as("a quarter of a round trip").isBetween(12 * MILLIS, 14 * MILLIS);
    }

    /** Sends a segment whose first acknowledgement is lost; returns the segment and its retransmission. */
    private List<Segment> sentTwice(SimSocket socket) {
        socket.write(new byte[500]);
        Segment first = peer.expect(ACK);
        Segment again = peer.expectWithin(Duration.ofSeconds(2), ACK);
        assertThat(again.sequence).isEqualTo(first.sequence);
        return List.of(first, again);
    }

    /**
     * By how much the timeout grows when a segment that was sent twice is acknowledged with the timestamp of the first transmission.
     *
     * @param after how long after the second
     * @param duplicate whether the acknowledgement reports that it came twice
     */
    private long growthOfTimeout(Duration after, boolean duplicate) {
        peer.timestamps = true;
        SimSocket socket = connectSack();
        long before = socket.connection.info(0).rto();
        List<Segment> both = sentTwice(socket);
        peer.after(after);
        Segment ack = of(ACK).seq(peer.sndNxt)
                .ack(both.get(1).end())
                .timestamps(peer.timestamp(), both.get(0).timestampValue());
        if (duplicate) {
            ack.sack(both.get(1).sequence, both.get(1).end());
        }
        peer.send(ack);
        return socket.connection.info(0).rto() - before;
    }

    @Test
    void theTimestampOfAnAcknowledgementThatWasLostIsNoRoundTrip() {
        // The receiver has had it all along, and echoes what came with the first.
        assertThat(growthOfTimeout(RTT, false)).isLessThanOrEqualTo(0);
    }

    @Test
    void theTimestampOfAnAcknowledgementThatWasLostIsNoRoundTripEvenIfThePathHasBecomeFaster() {
        assertThat(growthOfTimeout(RTT.multipliedBy(2).dividedBy(3), false)).isLessThanOrEqualTo(0);
    }

    @Test
    void theTimestampOfAnAcknowledgementThatReportsADuplicateIsNoRoundTrip() {
        // A duplicate that is reported has arrived, however soon that is.
        assertThat(growthOfTimeout(RTT.dividedBy(4), true)).isLessThanOrEqualTo(0);
    }

    @Test
    void theTimestampOfAnAcknowledgementThatWasLateIsOne() {
        // Sooner than the retransmission can have been answered.
        assertThat(growthOfTimeout(RTT.dividedBy(4), false)).isGreaterThan(50 * MILLIS);
    }

    @Test
    void aDuplicateOfWhatWasAcknowledgedLastHasItsOwnTimestampEchoed() {
        peer.timestamps = true;
        peer.connect();
        int start = peer.sndNxt;
        peer.send(of(ACK).seq(start).ack(peer.rcvNxt).data(new byte[100]));
        peer.drain();
        peer.after(Duration.ofSeconds(1));
        int later = peer.timestamp();
        peer.send(of(ACK).seq(start).ack(peer.rcvNxt).data(new byte[100]));
        assertThat(peer.expect(ACK).timestampEcho()).isEqualTo(later);

        // One from before that says nothing of the path.
        peer.after(Duration.ofSeconds(1));
        peer.send(of(ACK).seq(start).ack(peer.rcvNxt).data(new byte[50]));
        assertThat(peer.expect(ACK).timestampEcho()).isEqualTo(later);
    }

    @Test
    void theTimeoutAfterAProbeCountsFromTheProbe() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        Segment probe = peer.expectWithin(Duration.ofMillis(150), ACK);
        assertThat(probe.sequence).isEqualTo(flight.get(9).sequence);
        Segment head = peer.expectWithin(Duration.ofMillis(300), ACK);
        assertThat(head.sequence).isEqualTo(flight.get(0).sequence);
        assertThat(head.time - probe.time).as("a round trip and 200 ms").isBetween(250 * MILLIS, 252 * MILLIS);
    }

    /** With a steady round trip, the timeout that counts from the first transmission is over before the probe's acknowledgement is back. */
    @Test
    void aProbeSparesTheTimeoutWhateverTheRoundTrip() {
        Duration rtt = Duration.ofMillis(250);
        peer.handshakeDelay = rtt;
        SimSocket socket = connectSack();
        for (int i = 0; i < 40; i++) {
            socket.write(new byte[1000]);
            peer.drain();
            peer.after(rtt);
            peer.send(peer.ackAll());
        }
        socket.write(new byte[5000]);
        List<Segment> flight = peer.drain();
        peer.after(rtt);
        peer.send(of(ACK).seq(peer.sndNxt).ack(flight.get(3).sequence));
        Segment probe = peer.expectWithin(Duration.ofSeconds(1), ACK);
        assertThat(probe.sequence).isEqualTo(flight.get(4).sequence);
        peer.after(rtt);
        peer.send(of(ACK).seq(peer.sndNxt).ack(flight.get(3).sequence).sack(probe.sequence, probe.end()));
        assertThat(peer.expectWithin(Duration.ofMillis(100), ACK).sequence).isEqualTo(flight.get(3).sequence);
        assertThat(peer.counter("TCPTimeouts")).isZero();
    }

    @Test
    void smallSegmentsAreProbedForAsSoonAsLargeOnes() {
        SimSocket socket = peer.connect(
                new TcpSettings().noDelay(true), syn -> syn.mss(1000).sackPermitted());
        for (int i = 0; i < 8; i++) {
            socket.write(new byte[100]);
        }
        List<Segment> flight = peer.drain();
        assertThat(flight).hasSize(8);
        Segment probe = peer.expectWithin(Duration.ofMillis(103), ACK);
        assertThat(probe.sequence).isEqualTo(flight.get(7).sequence);
    }

    @Test
    void anAttemptToConnectLastsAsLongAsTheUserTimeout() {
        SimSocket socket =
                peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings().userTimeoutMillis(1500));
        peer.expect(SYN);
        peer.expectWithin(Duration.ofMillis(1100), SYN);
        peer.after(Duration.ofMillis(490));
        assertThat(socket.error).isNull();
        peer.after(Duration.ofMillis(15));
        assertThat(socket.error).isInstanceOf(ConnectException.class).hasMessageContaining("no answer to 2 SYNs");
    }

    @Test
    void selectiveAcknowledgementsDoNotPutOffTheTimeout() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(of(ACK).seq(peer.sndNxt)
                .ack(hole)
                .sack(flight.get(1).sequence, flight.get(3).end()));
        Segment again = peer.drain().stream()
                .filter(s -> s.sequence == hole)
                .findFirst()
                .orElseThrow();
        for (int i = 4; i < 10; i++) {
            peer.after(Duration.ofMillis(60));
            if (peer.counter("TCPTimeouts") == 0) {
                // Nothing that was sent after the retransmission: it may still be on its way, for all that is known.
                peer.send(of(ACK).seq(peer.sndNxt)
                        .ack(hole)
                        .sack(flight.get(1).sequence, flight.get(i).end()));
            }
        }
        Segment third = peer.drain().stream()
                .filter(s -> s.sequence == hole)
                .findFirst()
                .orElseThrow();
        assertThat(peer.counter("TCPTimeouts")).isEqualTo(1);
        assertThat(third.time - again.time).isBetween(200 * MILLIS, 300 * MILLIS);
    }

    @Test
    void aRetransmissionOfTheOldestDataStartsTheTimeoutAnew() {
        SimSocket socket = peer.connect();
        List<Segment> flight = tenInFlight(socket);
        int hole = flight.get(0).sequence;
        peer.after(Duration.ofMillis(240));
        for (int i = 0; i < 3; i++) {
            peer.send(of(ACK).seq(peer.sndNxt).ack(hole));
        }
        assertThat(peer.drain()).as("fast retransmit").anyMatch(s -> s.sequence == hole);
        peer.after(Duration.ofMillis(200));
        assertThat(peer.counter("TCPTimeouts")).isZero();
        peer.after(Duration.ofMillis(60));
        assertThat(peer.counter("TCPTimeouts")).isEqualTo(1);
        peer.drain();
    }

    // ---------------------------------------------------------------- closed windows

    @Test
    void aWindowThatOpensALittleAfterALongTimeIsUsedSoon() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1000]);
        peer.expect(ACK);
        peer.send(peer.ackAll().win(0));
        socket.write(new byte[5000]);
        for (int i = 0; i < 9; i++) {
            peer.expectWithin(Duration.ofSeconds(130));
            peer.send(peer.ackAll().win(0));
        }
        peer.send(peer.ackAll().win(300));
        peer.expectNothing(Duration.ofMillis(100));
        // Acknowledgements that bring no more room do not put it off.
        for (int i = 0; i < 3; i++) {
            peer.after(Duration.ofMillis(50));
            peer.send(peer.ackAll().win(300));
        }
        assertThat(peer.expectWithin(Duration.ofSeconds(1), ACK).data).hasSize(300);
    }

    @Test
    void aFinWaitsForTheWindowAndTheWindowIsProbed() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1000]);
        peer.expect(ACK);
        peer.send(peer.ackAll().win(0));
        socket.finish();
        peer.expectNothing(Duration.ofMillis(190));
        for (int i = 0; i < 30; i++) {
            Segment probe = peer.expectWithin(Duration.ofSeconds(130), ACK);
            assertThat(probe.sequence).isEqualTo(peer.rcvNxt - 1);
            peer.send(peer.ackAll().win(0));
        }
        assertThat(socket.error).isNull();
        peer.send(peer.ackAll().win(1));
        assertThat(peer.expect(FIN, ACK).sequence).isEqualTo(peer.rcvNxt - 1);
        peer.send(peer.ackAll());
        assertThat(socket.connection.state()).isEqualTo(TcpState.FIN_WAIT_2);
    }

    @Test
    void aFinForWhichTheDataLeavesNoRoomFollowsLater() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1000]);
        peer.expect(ACK);
        peer.send(peer.ackAll().win(1500));
        io.netty.buffer.ByteBuf data = io.netty.buffer.Unpooled.wrappedBuffer(new byte[1500]);
        socket.connection.write(data, 0, 1500, false);
        socket.finish();
        List<Segment> sent = peer.drain();
        assertThat(sent).extracting(s -> s.data.length).containsExactly(1000, 500);
        assertThat(sent).noneMatch(s -> s.has(FIN));
        peer.send(peer.ackAll());
        peer.expect(FIN, ACK);
    }

    @Test
    void aPeerThatShrinksItsWindowToNothingButAnswersIsNotGivenUp() {
        SimSocket socket = peer.connect();
        List<Segment> flight = tenInFlight(socket);
        int una = flight.get(0).sequence;
        peer.send(of(ACK).seq(peer.sndNxt + 1).ack(una).win(0));
        peer.sndNxt++;
        peer.drain();
        long start = peer.time.nanoTime();
        for (int i = 0; i < 40; i++) {
            Segment again = peer.expectWithin(Duration.ofSeconds(130));
            assertThat(again.sequence).isEqualTo(una);
            peer.send(of(ACK).seq(peer.sndNxt).ack(una).win(0));
            peer.drain();
        }
        assertThat(peer.time.nanoTime() - start)
                .isGreaterThan(Duration.ofMinutes(45).toNanos());
        assertThat(socket.error).isNull();
        peer.after(Duration.ofMinutes(10)).drain();
        assertThat(socket.error).as("one that is silent is").hasMessageContaining("timed out");
    }

    // ---------------------------------------------------------------- user timeout

    @Test
    void theUserTimeoutCutsTheBackoffShort() {
        SimSocket socket = peer.connect(new TcpSettings().userTimeoutMillis(5000), syn -> syn.mss(1000));
        socket.write(new byte[100]);
        Segment first = peer.expect(ACK);
        Segment again = peer.expectWithin(Duration.ofSeconds(1), ACK);
        peer.time.runUntil(() -> socket.closed, Duration.ofSeconds(60).toNanos());
        assertThat(peer.time.nanoTime() - again.time).isBetween(5000 * MILLIS, 5010 * MILLIS);
        assertThat(socket.error).hasMessageContaining("timed out");
        assertThat(peer.drain()).isNotEmpty().allMatch(s -> s.sequence == first.sequence);
    }

    @Test
    void theUserTimeoutGivesARetransmissionTime() {
        SimSocket socket = peer.connect(new TcpSettings().userTimeoutMillis(100), syn -> syn.mss(1000));
        socket.write(new byte[100]);
        peer.expect(ACK);
        peer.expectWithin(Duration.ofSeconds(1), ACK);
        peer.after(Duration.ofMillis(90));
        assertThat(socket.error).isNull();
        peer.send(peer.ackAll());
        peer.after(Duration.ofSeconds(1));
        assertThat(socket.error).isNull();
    }

    @Test
    void theUserTimeoutHoldsForAClosedWindowEvenIfThePeerAnswers() {
        SimSocket socket = peer.connect(new TcpSettings().userTimeoutMillis(10_000), syn -> syn.mss(1000));
        socket.write(new byte[1000]);
        peer.expect(ACK);
        peer.send(peer.ackAll().win(0));
        socket.write(new byte[1000]);
        long start = peer.time.nanoTime();
        while (!socket.closed && peer.time.nanoTime() - start < 60_000 * MILLIS) {
            peer.time.runUntil(() -> socket.closed, Duration.ofMillis(100).toNanos());
            for (Segment probe : peer.drain()) {
                assertThat(probe.data).isEmpty();
                peer.send(peer.ackAll().win(0));
            }
        }
        assertThat(peer.time.nanoTime() - start).isBetween(10_000 * MILLIS, 10_200 * MILLIS);
        assertThat(socket.error).hasMessageContaining("timed out");
    }
}
