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

/** Old timestamps (RFC 7323 §5): what was sent long ago is refused, what a path has merely reordered is not. */
class TcpPawsTest {
    private final ScriptedPeer peer = new ScriptedPeer();
    private SimSocket socket;

    @BeforeEach
    void connect() {
        peer.timestamps = true;
        peer.handshakeDelay = Duration.ofMillis(50);
        socket = peer.connect(new TcpSettings(), syn -> syn.mss(1000).sackPermitted());
        peer.after(Duration.ofMillis(300));
    }

    @AfterEach
    void close() {
        peer.close();
    }

    private Segment aged(Segment segment, int millis) {
        return segment.timestamps(peer.timestamp() - millis, peer.lastHostTimestamp);
    }

    @Test
    void anOvertakenAcknowledgementStillReportsWhatHasArrived() {
        socket.write(new byte[10_000]);
        List<Segment> flight = peer.drain();
        int first = flight.get(0).sequence;
        peer.send(of(ACK).seq(peer.sndNxt).ack(first).sack(first + 2012, first + 2024));
        int packet = flight.get(2).sequence;
        peer.send(aged(of(ACK).seq(peer.sndNxt).ack(first), 20)
                .sack(packet, flight.get(2).end()));
        assertThat(socket.connection.info(0).sacked()).isEqualTo(flight.get(2).data.length);
        assertThat(peer.counter("PAWSEstab")).isZero();
        peer.drain();
    }

    @Test
    void overtakenDataIsTakenWhereItIsMissing() {
        Segment late = peer.nextData(10);
        Segment ahead = peer.nextData(10);
        peer.send(ahead);
        // Sent again after it, and here before it: the edge of what is acknowledged has its timestamp now.
        Segment again = of(ACK).seq(late.sequence).ack(peer.rcvNxt).length(5);
        peer.send(again);
        peer.send(aged(late, 13));
        assertThat(socket.receivedCount()).isEqualTo(20);
        assertThat(peer.counter("PAWSEstab")).isZero();
        peer.drain();
    }

    @Test
    void dataAheadOfAGapIsTakenAsWell() {
        Segment lost = peer.nextData(10);
        Segment late = peer.nextData(10);
        Segment second = peer.nextData(10);
        peer.send(lost);
        peer.send(aged(second, 13));
        peer.send(aged(late, 13));
        assertThat(socket.receivedCount()).isEqualTo(30);
        peer.drain();
    }

    @Test
    void dataFromLongerAgoIsRefused() {
        Segment late = peer.nextData(10);
        peer.send(of(ACK).seq(late.sequence).ack(peer.rcvNxt));
        peer.send(aged(late, 201));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(late.sequence);
        assertThat(socket.receivedCount()).isZero();
        assertThat(peer.counter("PAWSEstab")).isEqualTo(1);
    }

    /** With a clock that ticks once a second, 99 ticks are more than it takes sequence numbers to come round. */
    @Test
    void fewTicksOfASlowClockAreALongTime() {
        Segment late = peer.nextData(10);
        int stamp = peer.timestamp();
        for (int second = 1; second <= 3; second++) {
            peer.after(Duration.ofSeconds(1));
            stamp++;
            peer.send(of(ACK).seq(late.sequence).ack(peer.rcvNxt).timestamps(stamp, peer.lastHostTimestamp));
        }
        peer.drain();
        peer.send(late.timestamps(stamp - 2, peer.lastHostTimestamp));
        peer.expect(ACK);
        assertThat(socket.receivedCount()).isZero();
        assertThat(peer.counter("PAWSEstab")).isEqualTo(1);
    }

    @Test
    void oldDataThatIsNotMissingIsRefused() {
        Segment data = peer.nextData(10);
        peer.send(data);
        peer.drain();
        peer.send(aged(of(ACK).seq(data.sequence).ack(peer.rcvNxt).length(10), 13));
        peer.expect(ACK);
        assertThat(peer.counter("PAWSEstab")).isEqualTo(1);
    }

    @Test
    void anAcknowledgementFromBeforeTheLastDataIsDroppedInSilence() {
        Segment data = peer.nextData(10);
        peer.send(data);
        peer.drain();
        peer.send(aged(of(ACK).seq(data.sequence).ack(peer.rcvNxt), 20));
        peer.expectNothing();
        assertThat(peer.counter("PAWSOldAck")).isEqualTo(1);
        assertThat(peer.counter("PAWSEstab")).isZero();
    }

    @Test
    void aRetransmissionOnAPathThatReordersLetsTheReceiverTakeWhatWasSentJustBeforeIt() {
        socket.write(new byte[4000]);
        List<Segment> flight = peer.drain();
        peer.after(Duration.ofMillis(50));
        // The second overtakes the first: the path reorders.
        peer.send(of(ACK).seq(peer.sndNxt)
                .ack(flight.get(0).sequence)
                .sack(flight.get(1).sequence, flight.get(1).end()));
        peer.send(of(ACK).seq(peer.sndNxt).ack(flight.get(3).end()));
        assertThat(peer.counter("TCPSACKReorder")).isEqualTo(1);

        peer.after(Duration.ofMillis(100));
        socket.write(new byte[10_000]);
        List<Segment> next = peer.drain();
        peer.after(Duration.ofMillis(50));
        peer.send(of(ACK).seq(peer.sndNxt)
                .ack(next.get(0).sequence)
                .sack(next.get(1).sequence, next.get(8).end()));
        // A round trip and a quarter after it was sent, the first is taken for lost.
        peer.after(Duration.ofMillis(15));
        Segment again = peer.drain().stream()
                .filter(s -> s.sequence == next.get(0).sequence)
                .findFirst()
                .orElseThrow();

        int present = next.get(0).timestampValue() + 63;
        assertThat(again.timestampValue()).isBetween(present - 15, present - 11);
        assertThat(again.timestampValue()).isGreaterThan(next.get(0).timestampValue());
    }

    @Test
    void aRetransmissionOnAPathThatDoesNotReorderTellsTheTime() {
        socket.write(new byte[10_000]);
        List<Segment> flight = peer.drain();
        peer.after(Duration.ofMillis(50));
        peer.send(of(ACK).seq(peer.sndNxt)
                .ack(flight.get(0).sequence)
                .sack(flight.get(1).sequence, flight.get(8).end()));
        Segment again = peer.drain().get(0);

        assertThat(again.sequence).isEqualTo(flight.get(0).sequence);
        assertThat(again.timestampValue() - flight.get(0).timestampValue()).isBetween(49, 51);
    }
}
