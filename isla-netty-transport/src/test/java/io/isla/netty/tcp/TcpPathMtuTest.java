/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.FIN;
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

/** The path takes less than it did, with data in flight: RFC 1191 §6.5, RFC 5927 §7.2, RFC 9293 §3.7.5. */
class TcpPathMtuTest {
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

    private SimSocket connect() {
        return peer.connect(new TcpSettings(), syn -> syn.mss(1460).sackPermitted());
    }

    private static int bytes(List<Segment> segments) {
        return segments.stream().mapToInt(s -> s.data.length).sum();
    }

    @Test
    void sendsAgainAllThatWasTooLargeAndKeepsItsWindow() {
        SimSocket socket = connect();
        socket.write(new byte[14_600]);
        List<Segment> flight = peer.drain();
        assertThat(flight).hasSize(10);
        int before = socket.connection.info(0).cwnd();
        peer.sendIcmpError(3, 4, 1000, flight.get(0).sequence);
        List<Segment> again = peer.drain();
        assertThat(again).allMatch(s -> s.data.length <= 960);
        assertThat(again.get(0).sequence).isEqualTo(flight.get(0).sequence);
        assertThat(bytes(again)).as("all of it: it was not congestion").isEqualTo(14_600);
        assertThat(socket.connection.info(0).cwnd()).isEqualTo(before);
        // The other nine have met the same router.
        for (int i = 1; i < 10; i++) {
            peer.sendIcmpError(3, 4, 1000, flight.get(i).sequence);
        }
        peer.expectNothing();
        peer.after(RTT);
        peer.send(of(ACK).seq(peer.sndNxt).ack(flight.get(9).end()));
        assertThat(socket.connection.info(0).congestionState()).isEqualTo("OPEN");
        assertThat(socket.connection.info(0).cwnd()).isGreaterThanOrEqualTo(before);
        assertThat(peer.counter("TCPTimeouts")).isZero();
        assertThat(peer.counter("TCPSackRecovery")).isZero();
    }

    @Test
    void whatFitsIsNotSentAgain() {
        SimSocket socket = connect();
        socket.write(new byte[500]);
        Segment small = peer.expect(ACK);
        socket.write(new byte[1460]);
        Segment large = peer.expect(ACK);
        socket.write(new byte[500]).finish();
        peer.drain();
        peer.sendIcmpError(3, 4, 1000, large.sequence);
        List<Segment> again = peer.drain();
        assertThat(again).extracting(s -> s.data.length).containsExactly(960, 500);
        assertThat(again.get(0).sequence).isEqualTo(large.sequence);
        assertThat(again).noneMatch(s -> s.sequence == small.sequence || s.has(FIN));
        // What is sent from now on in super-segments is made of packets that fit; an error that comes late changes
        // nothing.
        peer.sendIcmpError(3, 4, 1000, small.sequence);
        peer.expectNothing();
    }

    @Test
    void aConnectionWhoseErrorWentToAnotherSendsSmallerSegmentsAfterATimeout() {
        SimSocket first = connect();
        first.write(new byte[14_600]);
        List<Segment> flight = peer.drain();
        int firstPort = peer.port;
        int firstSndNxt = peer.sndNxt;
        peer.port++;
        peer.iss += 1_000_000;
        SimSocket second = peer.connectAgain(syn -> syn.mss(1460).sackPermitted());
        second.write(new byte[1460]);
        Segment other = peer.expect(ACK);
        peer.sendIcmpError(3, 4, 1000, other.sequence);
        peer.drain();
        peer.send(of(ACK).seq(peer.sndNxt).ack(other.end()));
        // Nothing but its own timers moves the first connection.
        peer.after(Duration.ofMillis(400));
        List<Segment> again = peer.drain().stream()
                .filter(s -> s.destinationPort == firstPort)
                .toList();
        assertThat(again).isNotEmpty().allMatch(s -> s.data.length <= 960);
        assertThat(again).anyMatch(s -> s.sequence == flight.get(0).sequence);
        peer.port = firstPort;
        peer.sndNxt = firstSndNxt;
        int acked = flight.get(0).sequence;
        for (int i = 0; i < 20 && acked != flight.get(9).end(); i++) {
            for (Segment segment : again) {
                acked = segment.sequence == acked ? segment.end() : acked;
            }
            peer.send(of(ACK).seq(peer.sndNxt).ack(acked));
            peer.after(RTT);
            again = peer.drain();
        }
        assertThat(acked).as("everything gets through").isEqualTo(flight.get(9).end());
        assertThat(first.error).isNull();
    }

    @Test
    void anErrorCannotMakeSegmentsTiny() {
        SimSocket socket = connect();
        socket.write(new byte[1460]);
        Segment data = peer.expect(ACK);
        peer.sendIcmpError(3, 4, 68, data.sequence);
        peer.drain();
        assertThat(socket.connection.info(0).sendMss()).isEqualTo(552 - 40);
    }

    @Test
    void anErrorThatTellsNoSizeOrALargerOneIsNoReasonToGrow() {
        SimSocket socket = connect();
        socket.write(new byte[1460]);
        Segment data = peer.expect(ACK);
        peer.sendIcmpError(3, 4, 9000, data.sequence);
        peer.expectNothing();
        assertThat(socket.connection.info(0).sendMss()).isEqualTo(1460);
        peer.sendIcmpError(3, 4, 0, data.sequence);
        assertThat(peer.drain()).as("the next plateau of RFC 1191 §7.1").isNotEmpty();
        assertThat(socket.connection.info(0).sendMss()).isBetween(900, 1459);
    }
}
