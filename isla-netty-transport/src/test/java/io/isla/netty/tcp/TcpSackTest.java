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
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What selective acknowledgements tell, and what they do not: RFC 2018, RFC 2883, RFC 6675 §3, RFC 8985 §6.2, RFC 5682, RFC 3708. */
class TcpSackTest {
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

    private List<Segment> tenInFlight(SimSocket socket) {
        socket.write(new byte[10_000]);
        List<Segment> flight = peer.drain();
        assertThat(flight).hasSize(10);
        return flight;
    }

    private static int cwnd(SimSocket socket) {
        return socket.connection.info(0).cwnd();
    }

    // ---------------------------------------------------------------- reordering

    @Test
    void anAcknowledgementThatAdvancesAndSacksAtOnceShowsNoReordering() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        peer.after(RTT);
        // The receiver owed an acknowledgement of two segments when the fourth came without the third.
        peer.send(ack(
                flight.get(2).sequence, flight.get(3).sequence, flight.get(3).end()));
        assertThat(peer.counter("TCPSACKReorder")).isZero();
        peer.send(ack(
                flight.get(2).sequence, flight.get(3).sequence, flight.get(5).end()));
        assertThat(peer.drain())
                .as("three sacked on a path that does not reorder")
                .anyMatch(s -> s.sequence == flight.get(2).sequence);
    }

    @Test
    void aSegmentThatArrivesAfterALaterOneShowsReordering() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        peer.after(RTT);
        peer.send(ack(
                flight.get(0).sequence, flight.get(1).sequence, flight.get(1).end()));
        peer.send(ack(flight.get(2).sequence));
        assertThat(peer.counter("TCPSACKReorder")).isEqualTo(1);
        assertThat(socket.connection.info(0).reorderings()).isEqualTo(1);
    }

    // ---------------------------------------------------------------- the scoreboard

    @Test
    void aBlockThatHoldsNoWholePacketMarksNothing() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int base = flight.get(0).sequence;
        assertThat(socket.connection.sent.count()).as("a super-segment").isEqualTo(1);
        for (int i = 1; i < 900; i += 2) {
            peer.send(ack(base, base + i, base + i + 1, base + 5000 + i, base + 5001 + i));
        }
        assertThat(socket.connection.info(0).sacked()).isZero();
        assertThat(socket.connection.sent.count()).isEqualTo(1);
        peer.send(ack(base, base + 1500, base + 3700));
        assertThat(socket.connection.info(0).sacked()).as("what is whole in it").isEqualTo(1000);
        peer.drain();
    }

    @Test
    void theTailOfAFlightIsAPacketOfItsOwn() {
        SimSocket socket = connectSack();
        socket.write(new byte[2500]);
        List<Segment> flight = peer.drain();
        peer.send(ack(
                flight.get(0).sequence, flight.get(2).sequence, flight.get(2).end()));
        assertThat(socket.connection.info(0).sacked()).isEqualTo(500);
        peer.drain();
    }

    @Test
    void packetsThatCarriedSackBlocksThemselvesAreToldApart() {
        SimSocket socket = connectSack();
        peer.send(of(ACK).seq(peer.sndNxt + 100).ack(peer.rcvNxt).length(100));
        peer.drain();
        socket.write(new byte[5000]);
        List<Segment> flight = peer.drain();
        assertThat(flight.get(0).data).as("12 bytes fewer for the block").hasSize(988);
        peer.after(RTT);
        peer.send(ack(
                flight.get(0).sequence, flight.get(1).sequence, flight.get(3).end()));
        assertThat(socket.connection.info(0).sacked()).isEqualTo(3 * 988);
        peer.after(Duration.ofMillis(20));
        assertThat(peer.drain())
                .anyMatch(s -> s.sequence == flight.get(0).sequence
                        && s.end() == flight.get(0).end());
    }

    // ---------------------------------------------------------------- duplicates

    @Test
    void reportsThePartOfASegmentThatIsADuplicateAheadOfAGap() {
        connectSack();
        int base = peer.sndNxt;
        peer.send(of(ACK).seq(base + 2000).ack(peer.rcvNxt).length(1000));
        peer.drain();
        peer.send(of(ACK).seq(base + 2500).ack(peer.rcvNxt).length(1000));
        assertThat(peer.expect(ACK).sackBlocks())
                .as("RFC 2883 §4.2.2")
                .containsExactly(base + 2500, base + 3000, base + 2000, base + 3500);
    }

    @Test
    void undoesARecoveryThatIsOverWhenADsackShowsItToBeSpurious() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int before = cwnd(socket);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(ack(hole, flight.get(1).sequence, flight.get(5).end()));
        peer.after(Duration.ofMillis(15));
        assertThat(peer.drain()).anyMatch(s -> s.sequence == hole);
        peer.send(ack(flight.get(9).end()));
        assertThat(socket.connection.info(0).congestionState()).isEqualTo("OPEN");
        assertThat(cwnd(socket)).isLessThan(before);
        socket.write(new byte[1000]);
        peer.drain();
        peer.send(ack(flight.get(9).end(), hole, hole + 1000));
        assertThat(cwnd(socket)).isGreaterThanOrEqualTo(before);
        assertThat(peer.counter("TCPDSACKUndo")).isEqualTo(1);
    }

    @Test
    void doesNotTakeTheDuplicateOfAProbeForThatOfARetransmission() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int before = cwnd(socket);
        int hole = flight.get(0).sequence;
        Segment probe = peer.expectWithin(Duration.ofMillis(150), ACK);
        assertThat(probe.sequence).isEqualTo(flight.get(9).sequence);
        // All but the first had only been slow.
        peer.send(ack(hole, flight.get(1).sequence, flight.get(9).end()));
        peer.after(Duration.ofMillis(15));
        assertThat(peer.drain()).anyMatch(s -> s.sequence == hole);
        peer.send(ack(
                hole,
                flight.get(9).sequence,
                flight.get(9).end(),
                flight.get(1).sequence,
                flight.get(9).end()));
        peer.send(ack(flight.get(9).end()));
        assertThat(cwnd(socket)).as("the first was lost").isLessThan(before);
        assertThat(peer.counter("TCPDSACKUndo")).isZero();
    }

    // ---------------------------------------------------------------- spurious timeouts

    @Test
    void takesATimeoutForRealWithoutSackIfTheRetransmissionMayHaveFilledTheHole() {
        SimSocket socket = peer.connect();
        List<Segment> flight = tenInFlight(socket);
        int before = cwnd(socket);
        peer.after(Duration.ofMillis(300)).drain();
        assertThat(peer.counter("TCPTimeouts")).isEqualTo(1);
        // The first was lost; the rest has waited for it at the receiver.
        peer.send(ack(flight.get(9).end()));
        assertThat(peer.counter("TCPSpuriousRTOs")).isZero();
        assertThat(cwnd(socket)).isLessThan(before);
    }

    @Test
    void detectsASpuriousTimeoutWithoutSackByTwoAcknowledgements() {
        SimSocket socket = peer.connect();
        List<Segment> flight = tenInFlight(socket);
        socket.write(new byte[20_000]);
        int before = cwnd(socket);
        peer.after(Duration.ofMillis(300)).drain();
        assertThat(peer.counter("TCPTimeouts")).isEqualTo(1);
        peer.send(ack(flight.get(1).sequence));
        assertThat(peer.drain())
                .as("new data only")
                .isNotEmpty()
                .allMatch(s -> s.sequence - flight.get(9).end() >= 0);
        peer.send(ack(flight.get(2).sequence));
        assertThat(peer.counter("TCPSpuriousRTOs")).isEqualTo(1);
        assertThat(cwnd(socket)).isGreaterThanOrEqualTo(before);
    }

    @Test
    void takesATimeoutDuringRecoveryForReal() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        int before = cwnd(socket);
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(ack(hole, flight.get(1).sequence, flight.get(4).end()));
        assertThat(peer.drain()).anyMatch(s -> s.sequence == hole);
        assertThat(socket.connection.info(0).congestionState()).isEqualTo("RECOVERY");
        // The retransmission is lost too, and so are all further acknowledgements.
        peer.after(Duration.ofMillis(350)).drain();
        assertThat(peer.counter("TCPTimeouts")).isEqualTo(1);
        peer.send(ack(flight.get(9).end()));
        assertThat(peer.counter("TCPSpuriousRTOs")).isZero();
        assertThat(cwnd(socket)).isLessThan(before);
    }

    @Test
    void detectsADelayThatOutlastsSeveralTimeouts() {
        SimSocket socket = connectSack();
        List<Segment> flight = tenInFlight(socket);
        socket.write(new byte[20_000]);
        int before = cwnd(socket);
        peer.after(Duration.ofSeconds(2)).drain();
        assertThat(peer.counter("TCPTimeouts")).isGreaterThanOrEqualTo(2);
        peer.send(ack(flight.get(1).sequence));
        peer.send(ack(flight.get(2).sequence));
        assertThat(peer.counter("TCPSpuriousRTOs")).isEqualTo(1);
        assertThat(cwnd(socket)).isGreaterThanOrEqualTo(before);
        peer.drain();
    }
}
