/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.FIN;
import static io.isla.netty.testing.Segment.RST;
import static io.isla.netty.testing.Segment.SYN;
import static io.isla.netty.testing.Segment.URG;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.Segment;
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What of a segment is in the window, and what its flags mean where it is not: RFC 9293 §3.10.7.4, first step, and RFC 5961. */
class TcpAcceptabilityTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final ScriptedPeer peer = new ScriptedPeer();

    @AfterEach
    void close() {
        peer.close();
    }

    /** A connection whose receive buffer of 2000 bytes is full. */
    private SimSocket withClosedWindow() {
        SimSocket socket = peer.connect(new TcpSettings().receiveBuffer(2000), syn -> syn.mss(1000));
        socket.reading(false);
        peer.send(peer.nextData(1000));
        peer.send(peer.nextData(1000));
        peer.after(SECOND).drain();
        assertThat(socket.connection.info(0).receiveWindow()).isZero();
        return socket;
    }

    // ---------------------------------------------------------------- resets

    @Test
    void aResetThatBeginsBeforeTheWindowIsNotExact() {
        SimSocket socket = peer.connect();
        // What reaches into the window with a payload must not count as if it had begun there: one guess would hit many
        // numbers.
        peer.send(of(RST).seq(peer.sndNxt - 1000).length(1001));
        assertThat(socket.error).isNull();
        peer.after(SECOND).drain();
        peer.send(of(RST).seq(peer.sndNxt));
        assertThat(socket.error).isNotNull();
    }

    @Test
    void aResetWithDataIsTakenWhileTheWindowIsClosed() {
        SimSocket socket = withClosedWindow();
        peer.send(of(RST).seq(peer.sndNxt).data("why"));
        assertThat(socket.error).isNotNull();
        socket.close();
    }

    @Test
    void aResetBehindWhatIsHeldAheadOfAGapIsTaken() {
        SimSocket socket = peer.connect(new TcpSettings(), syn -> syn.mss(1000).sackPermitted());
        peer.send(of(ACK).seq(peer.sndNxt + 1000).ack(peer.rcvNxt).length(500));
        peer.drain();
        peer.send(of(RST).seq(peer.sndNxt + 1500));
        assertThat(socket.error)
                .as("the peer's next sequence number, which it may not know to be unexpected here")
                .isNotNull();
    }

    @Test
    void challengesAreLimitedForResetsWithDataToo() {
        peer.connect();
        for (int i = 0; i < 50; i++) {
            peer.send(of(RST).seq(peer.sndNxt + 1000 + i).length(10));
        }
        assertThat(peer.drain()).hasSize(1);
    }

    // ---------------------------------------------------------------- SYN

    @Test
    void aSynIsChallengedWhereverItBegins() {
        SimSocket socket = peer.connect();
        int challenges = 0;
        int[] distances = {-100_000, -500, -2, 0, 10, 60_000, 100_000};
        for (int distance : distances) {
            peer.after(SECOND);
            peer.send(of(SYN, ACK)
                    .seq(peer.sndNxt + distance)
                    .ack(peer.rcvNxt)
                    .data(new byte[distance == -500 ? 1000 : 1]));
            for (Segment challenge : peer.drain()) {
                challenges++;
                assertThat(challenge.flags).isEqualTo(ACK);
                assertThat(challenge.acknowledgment).isEqualTo(peer.sndNxt);
            }
        }
        assertThat(challenges).isEqualTo(distances.length);
        assertThat(socket.receivedCount()).as("nothing of it is data").isZero();
        assertThat(socket.error).isNull();
    }

    @Test
    void aSynAckThatComesAgainIsAcknowledgedAgain() {
        SimSocket socket = peer.accept(new TcpSettings(), synAck -> synAck.mss(1000));
        peer.send(of(SYN, ACK).seq(peer.iss).ack(peer.rcvNxt).mss(1000));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt);
        assertThat(socket.error).isNull();
    }

    // ---------------------------------------------------------------- the edges of the window

    @Test
    void whatReachesBeyondTheWindowIsCutAtItsEdge() {
        SimSocket socket = peer.connect(new TcpSettings().receiveBuffer(2000), syn -> syn.mss(1000));
        socket.reading(false);
        peer.send(of(ACK).seq(peer.sndNxt).ack(peer.rcvNxt).length(3000));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt + 2000);
        assertThat(peer.counter("BeyondWindow")).isEqualTo(1);
        socket.reading(true);
        assertThat(socket.receivedCount()).isEqualTo(2000);
    }

    @Test
    void aFinBehindDataThatFillsTheWindowIsTaken() {
        SimSocket socket = peer.connect(new TcpSettings().receiveBuffer(2000), syn -> syn.mss(1000));
        socket.reading(false);
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt).length(2000));
        assertThat(peer.expect(ACK).acknowledgment).as("it needs no room").isEqualTo(peer.sndNxt + 2001);
        assertThat(socket.peerClosed).isTrue();
        socket.reading(true);
        assertThat(socket.inputFinished).isTrue();
    }

    @Test
    void aBareFinIsTakenWhileTheWindowIsClosed() {
        SimSocket socket = withClosedWindow();
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt + 1);
        assertThat(socket.peerClosed).isTrue();
        socket.reading(true);
        assertThat(socket.receivedCount()).isEqualTo(2000);
    }

    @Test
    void dataInAClosedWindowIsNotTakenAndItsFinNeither() {
        SimSocket socket = withClosedWindow();
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt).length(10));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt);
        assertThat(socket.peerClosed).isFalse();
        assertThat(peer.counter("TCPZeroWindowDrop")).isEqualTo(1);
        socket.reading(true);
        assertThat(socket.receivedCount()).isEqualTo(2000);
    }

    @Test
    void anAcknowledgementBehindAFullWindowCounts() {
        SimSocket socket = peer.connect(new TcpSettings().receiveBuffer(2000), syn -> syn.mss(1000));
        socket.write(new byte[100]);
        peer.drain();
        // The peer has sent all that the window holds; on its way, the data was lost.
        peer.send(of(ACK).seq(peer.sndNxt + 2000).ack(peer.rcvNxt));
        assertThat(socket.connection.info(0).flight()).isZero();
    }

    @Test
    void whatLiesOutsideTheWindowIsAnsweredByAnAcknowledgement() {
        SimSocket socket = peer.connect(new TcpSettings().receiveBuffer(2000), syn -> syn.mss(1000));
        peer.send(of(ACK).seq(peer.sndNxt + 2000).ack(peer.rcvNxt).length(10));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt);
        peer.send(of(ACK).seq(peer.sndNxt - 50).ack(peer.rcvNxt).length(10));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt);
        assertThat(socket.receivedCount()).isZero();
    }

    @Test
    void dataInASynAckIsCutAtTheWindowThatTheSynOffered() {
        SimSocket socket =
                peer.host.connect(SimHost.parse(ScriptedPeer.PEER), peer.port, new TcpSettings().receiveBuffer(500));
        socket.reading(false);
        Segment syn = peer.expect(SYN);
        peer.hostPort = syn.sourcePort;
        assertThat(syn.window).isEqualTo(500);
        peer.send(of(SYN, ACK).seq(peer.iss).ack(syn.end()).mss(1000).length(800));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.iss + 1 + 500);
        socket.reading(true);
        assertThat(socket.receivedCount()).isEqualTo(500);
    }

    // ---------------------------------------------------------------- urgent data

    @Test
    void theUrgentPointerCountsFromTheSegmentAsItWasSent() {
        SimSocket socket = peer.connect();
        socket.reading(false);
        peer.send(peer.nextData(1000));
        peer.drain();
        Segment overlapping = of(ACK, URG)
                .seq(peer.sndNxt - 600)
                .ack(peer.rcvNxt)
                .length(1000)
                .urg(900);
        peer.send(overlapping);
        assertThat(socket.connection.urgentBytes())
                .as("1000 before it, 300 of it")
                .isEqualTo(1300);
        socket.reading(true);
    }

    // ---------------------------------------------------------------- the last step of the handshake

    @Test
    void anAcknowledgementWithDataOutsideTheWindowCompletesNoHandshake() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        Segment synAck = peer.expect(SYN, ACK);
        peer.after(Duration.ofMillis(600));
        peer.send(of(ACK).seq(peer.iss + 1 + synAck.window).ack(synAck.end()).length(10));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.iss + 1);
        assertThat(peer.host.accepted).isEmpty();
        peer.send(of(ACK).seq(peer.iss + 1).ack(synAck.end()));
        assertThat(peer.host.accepted).hasSize(1);
        peer.host.accepted.get(0).abort();
        peer.drain();
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
    }

    @Test
    void segmentsOutsideTheWindowOfAHandshakeAreAnsweredAtALimitedRate() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        Segment synAck = peer.expect(SYN, ACK);
        peer.after(SECOND).drain();
        for (int i = 0; i < 20; i++) {
            peer.send(of(ACK).seq(peer.iss - 5000).ack(synAck.end()));
        }
        assertThat(peer.drain()).hasSize(1);
    }
}
