/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.CWR;
import static io.isla.netty.testing.Segment.ECE;
import static io.isla.netty.testing.Segment.FIN;
import static io.isla.netty.testing.Segment.SYN;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.Segment;
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Explicit congestion notification: RFC 3168 §6.1. */
class TcpEcnTest {
    private static final int ECT_0 = 2;
    private static final int CONGESTION_EXPERIENCED = 3;
    private static final Duration RTT = Duration.ofMillis(50);

    private final ScriptedPeer peer;

    TcpEcnTest() {
        TcpParameters parameters = new TcpParameters();
        parameters.ecn = TcpParameters.Ecn.REQUEST;
        peer = new ScriptedPeer(parameters);
    }

    @AfterEach
    void close() {
        peer.close();
    }

    @BeforeEach
    void shakeHandsInARoundTrip() {
        peer.handshakeDelay = RTT;
    }

    private SimSocket connectEcn() {
        return peer.connect(new TcpSettings(), syn -> {
            syn.mss(1000).sackPermitted();
            syn.flags |= ECE | CWR;
        });
    }

    private static int mark(Segment segment) {
        return segment.trafficClass & 3;
    }

    // ---------------------------------------------------------------- negotiation

    @Test
    void asksForItWithTheFirstSynOnlyAndNeverMarksASyn() {
        peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
        Segment syn = peer.expect(SYN, ECE, CWR);
        assertThat(mark(syn)).isZero();
        Segment again = peer.expectWithin(Duration.ofSeconds(2), SYN);
        assertThat(mark(again)).as("a path that drops it lets this one through").isZero();
    }

    @Test
    void doesWithoutItIfTheSynComesAgainWithoutIt() {
        peer.host.listen(80, 10, new TcpSettings());
        Segment syn = of(SYN).seq(peer.iss).mss(1000);
        syn.flags |= ECE | CWR;
        peer.send(syn);
        peer.expect(SYN, ACK, ECE);
        peer.after(Duration.ofMillis(700));
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        Segment synAck = peer.expect(SYN, ACK);
        peer.send(of(ACK).seq(peer.iss + 1).ack(synAck.sequence + 1));
        SimSocket socket = peer.host.accepted.get(0);
        assertThat(socket.connection.info(0).ecn()).isFalse();
        socket.write(new byte[100]);
        assertThat(mark(peer.expect(ACK))).isZero();
    }

    @Test
    void usesItIfTheSynAckSaysSo() {
        SimSocket socket = peer.accept(new TcpSettings(), synAck -> {
            synAck.mss(1000);
            synAck.flags |= ECE;
        });
        assertThat(socket.connection.info(0).ecn()).isTrue();
        socket.write(new byte[100]);
        assertThat(mark(peer.expect(ACK))).isEqualTo(ECT_0);
    }

    @Test
    void doesWithoutItIfTheSynAckReflectsBothFlags() {
        SimSocket socket = peer.accept(new TcpSettings(), synAck -> {
            synAck.mss(1000);
            synAck.flags |= ECE | CWR;
        });
        assertThat(socket.connection.info(0).ecn()).isFalse();
        socket.write(new byte[100]);
        assertThat(mark(peer.expect(ACK))).isZero();
    }

    @Test
    void saysInTheSynAckThatItTakesPart() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN, ECE, CWR).seq(peer.iss).mss(1000));
        assertThat(mark(peer.expect(SYN, ACK, ECE))).isZero();
        peer.port++;
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        peer.expect(SYN, ACK);
    }

    // ---------------------------------------------------------------- what is marked

    @Test
    void marksNewDataAndNothingElse() {
        SimSocket socket = connectEcn();
        peer.send(peer.nextData(1000));
        assertThat(mark(peer.expect(ACK))).as("pure acknowledgement").isZero();
        socket.write(new byte[3000]);
        List<Segment> data = peer.drain();
        assertThat(data).hasSize(3).allMatch(s -> mark(s) == ECT_0);
        Segment probe = peer.expectWithin(Duration.ofSeconds(1), ACK);
        assertThat(probe.data).isNotEmpty();
        assertThat(mark(probe)).as("retransmission").isZero();
        peer.send(peer.ackAll().win(0));
        socket.write(new byte[1000]);
        assertThat(mark(peer.expectWithin(Duration.ofSeconds(2), ACK)))
                .as("window probe")
                .isZero();
        peer.send(peer.ackAll());
        peer.drain();
        peer.send(peer.ackAll());
        socket.finish();
        assertThat(mark(peer.expect(FIN, ACK))).as("FIN without data").isZero();
    }

    // ---------------------------------------------------------------- the receiver

    @Test
    void echoesAMarkUntilThePeerSaysThatItHasReacted() {
        connectEcn();
        peer.send(peer.nextData(1000));
        assertThat(peer.expect(ACK).flags & ECE).isZero();
        peer.send(peer.nextData(1000).tos(CONGESTION_EXPERIENCED));
        for (int i = 0; i < 5; i++) {
            assertThat(peer.expect().has(ECE)).isTrue();
            peer.send(peer.nextData(1000).tos(ECT_0));
        }
        peer.after(Duration.ofMillis(300)).drain();
        Segment reacted = peer.nextData(1000).tos(ECT_0);
        reacted.flags |= CWR;
        peer.send(reacted);
        assertThat(peer.expect(ACK).flags & ECE).as("at once, and no echo").isZero();
        Segment both = peer.nextData(1000).tos(CONGESTION_EXPERIENCED);
        both.flags |= CWR;
        peer.send(both);
        assertThat(peer.expect().has(ECE)).as("a new mark with it").isTrue();
    }

    @Test
    void takesNoNoticeOfAMarkOutsideTheWindow() {
        connectEcn();
        peer.send(of(ACK).seq(peer.sndNxt - 500).ack(peer.rcvNxt).length(100).tos(CONGESTION_EXPERIENCED));
        assertThat(peer.expect(ACK).flags & ECE).isZero();
    }

    // ---------------------------------------------------------------- the sender

    @Test
    void reducesOnceForAWindowOfEchoesAndSaysSoOnce() {
        SimSocket socket = connectEcn();
        socket.write(new byte[200_000]);
        List<Segment> flight = peer.drain();
        int before = socket.connection.info(0).cwnd();
        peer.after(RTT);
        int reported = 0;
        int afterFirst = 0;
        for (int i = 1; i < 10; i++) {
            Segment echo = of(ACK).seq(peer.sndNxt).ack(flight.get(i).sequence);
            echo.flags |= ECE;
            peer.send(echo);
            if (i == 1) {
                afterFirst = socket.connection.info(0).ssthresh();
                assertThat(afterFirst).isLessThan(before);
            }
            for (Segment sent : peer.drain()) {
                reported += sent.has(CWR) ? 1 : 0;
                assertThat(mark(sent)).as("what says so is new data").isEqualTo(ECT_0);
            }
        }
        assertThat(reported).isEqualTo(1);
        assertThat(socket.connection.info(0).ssthresh()).isEqualTo(afterFirst);
        assertThat(socket.connection.info(0).congestionState()).isEqualTo("CWR");
    }

    @Test
    void saysThatItHasReducedAfterALossToo() {
        SimSocket socket = connectEcn();
        socket.write(new byte[200_000]);
        List<Segment> flight = peer.drain();
        int hole = flight.get(0).sequence;
        peer.after(RTT);
        peer.send(of(ACK).seq(peer.sndNxt)
                .ack(hole)
                .sack(flight.get(1).sequence, flight.get(9).end()));
        List<Segment> sent = peer.drain();
        Segment again =
                sent.stream().filter(s -> s.sequence == hole).findFirst().orElseThrow();
        assertThat(again.flags & CWR).as("a retransmission does not say it").isZero();
        assertThat(mark(again)).isZero();
        assertThat(sent.stream().filter(s -> s.has(CWR))).hasSize(1);
    }

    @Test
    void saysThatItHasReducedAfterATimeout() {
        SimSocket socket = connectEcn();
        socket.write(new byte[1000]);
        Segment data = peer.expect(ACK);
        peer.after(Duration.ofSeconds(1));
        assertThat(peer.counter("TCPTimeouts")).isPositive();
        assertThat(peer.drain()).noneMatch(s -> s.has(CWR));
        peer.send(of(ACK).seq(peer.sndNxt).ack(data.end()));
        socket.write(new byte[3000]);
        List<Segment> next = peer.drain();
        assertThat(next.stream().filter(s -> s.has(CWR))).containsExactly(next.get(0));
    }
}
