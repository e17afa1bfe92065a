/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.FIN;
import static io.isla.netty.testing.Segment.RST;
import static io.isla.netty.testing.Segment.SYN;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.Segment;
import io.isla.netty.testing.SimSocket;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Connections are closed, half closed and reset as RFC 9293 §3.6 and §3.10.4–3.10.8 say. */
class TcpClosingTest {
    private final ScriptedPeer peer = new ScriptedPeer();

    @AfterEach
    void close() {
        peer.close();
    }

    private static TcpState state(SimSocket socket) {
        return socket.connection.state();
    }

    @Test
    void closesFirstThroughFinWaitAndTimeWait() {
        SimSocket socket = peer.connect();
        socket.finish();
        Segment fin = peer.expect(FIN, ACK);
        assertThat(state(socket)).isEqualTo(TcpState.FIN_WAIT_1);
        peer.send(peer.ackAll());
        assertThat(state(socket)).isEqualTo(TcpState.FIN_WAIT_2);
        assertThat(socket.events & TcpEvents.OUTPUT_DONE).isNotZero();
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(fin.end()));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt + 1);
        assertThat(socket.inputFinished).isTrue();
        assertThat(peer.host.shard().tcp().timeWaitCount()).isEqualTo(1);
        peer.after(Duration.ofSeconds(59));
        assertThat(peer.host.shard().tcp().timeWaitCount()).isEqualTo(1);
        peer.after(Duration.ofSeconds(2));
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
    }

    @Test
    void closesSecondThroughCloseWaitAndLastAck() {
        SimSocket socket = peer.connect();
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt + 1);
        assertThat(state(socket)).isEqualTo(TcpState.CLOSE_WAIT);
        assertThat(socket.peerClosed).isTrue();
        socket.write(new byte[100]).finish();
        assertThat(peer.expect(ACK).data).hasSize(100);
        peer.expect(FIN, ACK);
        assertThat(state(socket)).isEqualTo(TcpState.LAST_ACK);
        peer.sndNxt++;
        peer.send(peer.ackAll());
        assertThat(state(socket)).isEqualTo(TcpState.CLOSED);
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
    }

    @Test
    void closesSimultaneouslyThroughClosing() {
        SimSocket socket = peer.connect();
        socket.finish();
        Segment fin = peer.expect(FIN, ACK);
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(fin.sequence));
        peer.sndNxt++;
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt);
        assertThat(state(socket)).isEqualTo(TcpState.CLOSING);
        peer.send(peer.ackAll());
        assertThat(peer.host.shard().tcp().timeWaitCount()).isEqualTo(1);
    }

    @Test
    void goesOnReceivingAfterClosingItsOutput() {
        SimSocket socket = peer.connect();
        socket.finish();
        peer.expect(FIN, ACK);
        peer.send(peer.nextData(5000).length(1000));
        peer.sndNxt -= 4000;
        peer.drain();
        assertThat(socket.receivedCount()).isEqualTo(1000);
    }

    @Test
    void sendsFinWithTheLastData() {
        SimSocket socket = peer.connect();
        byte[] data = new byte[1500];
        socket.connection.write(io.netty.buffer.Unpooled.wrappedBuffer(data), 0, 1500, false);
        socket.connection.shutdownOutput(peer.time.nanoTime());
        List<Segment> sent = peer.drain();
        assertThat(sent).hasSize(2);
        assertThat(sent.get(0).has(FIN)).isFalse();
        assertThat(sent.get(1).has(FIN)).isTrue();
        assertThat(sent.get(1).data).hasSize(500);
    }

    @Test
    void retransmitsALostFin() {
        SimSocket socket = peer.connect();
        socket.finish();
        Segment fin = peer.expect(FIN, ACK);
        Segment again = peer.expectWithin(Duration.ofSeconds(2), FIN, ACK);
        assertThat(again.sequence).isEqualTo(fin.sequence);
        assertThat(state(socket)).isEqualTo(TcpState.FIN_WAIT_1);
    }

    @Test
    void answersAFinEachTimeItComes() {
        SimSocket socket = peer.connect();
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
        peer.expect(ACK);
        for (int millis : new int[] {200, 250, 10, 1}) {
            peer.after(Duration.ofMillis(millis));
            peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
            assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt + 1);
        }
        assertThat(socket.connection.state()).isEqualTo(TcpState.CLOSE_WAIT);
    }

    @Test
    void tellsTheUserOfAResetAndKeepsWhatWasReceived() {
        SimSocket socket = peer.connect();
        socket.reading(false);
        peer.send(peer.nextData(100));
        peer.send(of(RST).seq(peer.sndNxt));
        assertThat(socket.error).isInstanceOf(SocketException.class).hasMessageContaining("reset");
        socket.reading(true);
        assertThat(socket.receivedCount()).isEqualTo(100);
        peer.drain();
        peer.send(peer.nextData(10));
        peer.expect(RST);
    }

    @Test
    void takesAResetThatCarriesData() {
        SimSocket socket = peer.connect();
        peer.send(of(RST).seq(peer.sndNxt).data("no room for you"));
        assertThat(socket.error).isNotNull();
        peer.expectNothing();
    }

    @Test
    void resetsWhenClosedWithUnreadData() {
        SimSocket socket = peer.connect();
        socket.reading(false);
        peer.send(peer.nextData(100));
        peer.drain();
        socket.close();
        assertThat(peer.expect(RST, ACK).sequence).isEqualTo(peer.rcvNxt);
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
        assertThat(peer.counter("TCPAbortOnClose")).isEqualTo(1);
    }

    @Test
    void resetsWhenDataComesAfterClose() {
        SimSocket socket = peer.connect();
        socket.close();
        peer.expect(FIN, ACK);
        peer.send(peer.nextData(10));
        peer.expect(RST, ACK);
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
    }

    @Test
    void deliversQueuedDataAfterClose() {
        SimSocket socket = peer.connect();
        socket.write(new byte[20_000]);
        socket.close();
        int received = 0;
        boolean fin = false;
        while (!fin) {
            for (Segment segment : peer.drain()) {
                received += segment.data.length;
                fin |= segment.has(FIN);
            }
            peer.send(peer.ackAll());
        }
        assertThat(received).isEqualTo(20_000);
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
        peer.expect(ACK);
    }

    @Test
    void abortsWithAReset() {
        SimSocket socket = peer.connect();
        socket.write(new byte[100]);
        peer.drain();
        socket.abort();
        assertThat(peer.expect(RST, ACK).sequence).isEqualTo(peer.rcvNxt);
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
    }

    @Test
    void givesUpAnOrphanInFinWait2() {
        SimSocket socket = peer.connect();
        socket.close();
        peer.expect(FIN, ACK);
        peer.send(peer.ackAll());
        peer.after(Duration.ofSeconds(59));
        assertThat(peer.host.shard().tcp().flowCount()).isEqualTo(1);
        peer.after(Duration.ofSeconds(2));
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
    }

    private void enterTimeWait() {
        SimSocket socket = peer.host.accepted.get(peer.host.accepted.size() - 1);
        socket.finish();
        peer.expect(FIN, ACK);
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
        peer.sndNxt++;
        peer.expect(ACK);
        assertThat(peer.host.shard().tcp().timeWaitCount()).isEqualTo(1);
    }

    @Test
    void acknowledgesARetransmittedFinInTimeWaitAndWaitsAnew() {
        peer.connect();
        enterTimeWait();
        peer.after(Duration.ofSeconds(50));
        peer.send(of(FIN, ACK).seq(peer.sndNxt - 1).ack(peer.rcvNxt));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt);
        peer.after(Duration.ofSeconds(30));
        assertThat(peer.host.shard().tcp().timeWaitCount()).isEqualTo(1);
    }

    @Test
    void ignoresResetsInTimeWait() {
        peer.connect();
        enterTimeWait();
        peer.send(of(RST).seq(peer.sndNxt));
        assertThat(peer.host.shard().tcp().timeWaitCount()).isEqualTo(1);
        assertThat(peer.counter("IslaTWRstIgnored")).isEqualTo(1);
    }

    @Test
    void acceptsANewConnectionFromTimeWaitWithAHigherSequenceNumber() {
        peer.connect();
        enterTimeWait();
        int oldEnd = peer.rcvNxt;
        peer.send(of(SYN).seq(peer.iss));
        assertThat(peer.expect(ACK).acknowledgment)
                .as("an old SYN is answered by an acknowledgement")
                .isEqualTo(peer.sndNxt);
        peer.iss = peer.sndNxt + 10;
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        Segment synAck = peer.expect(SYN, ACK);
        assertThat(synAck.sequence - oldEnd)
                .as("beyond the old connection's numbers")
                .isPositive();
        peer.send(of(ACK).seq(peer.iss + 1).ack(synAck.sequence + 1));
        assertThat(peer.host.accepted).hasSize(2);
        assertThat(peer.host.shard().tcp().timeWaitCount()).isZero();
    }

    @Test
    void acceptsANewConnectionFromTimeWaitWithALaterTimestamp() {
        peer.timestamps = true;
        peer.connect(new TcpSettings(), syn -> syn.mss(1000));
        enterTimeWait();
        peer.after(Duration.ofSeconds(1));
        peer.iss -= 100_000;
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        peer.expect(SYN, ACK);
    }

    @Test
    void manyTimeWaitsAreCheapAndBounded() {
        TcpParameters parameters = new TcpParameters();
        parameters.maxTimeWait = 20;
        try (ScriptedPeer bounded = new ScriptedPeer(parameters)) {
            bounded.host.listen(80, 10, new TcpSettings());
            for (int i = 0; i < 30; i++) {
                bounded.port = 5000 + i;
                SimSocket socket = bounded.connectAgain(syn -> syn.mss(1000));
                socket.finish();
                bounded.expect(FIN, ACK);
                bounded.send(of(FIN, ACK).seq(bounded.sndNxt).ack(bounded.rcvNxt));
                bounded.expect(ACK);
            }
            assertThat(bounded.host.shard().tcp().timeWaitCount()).isEqualTo(20);
            assertThat(bounded.counter("TCPTimeWaitOverflow")).isEqualTo(10);
        }
    }

    @Test
    void takesAFinThatComesAheadOfAGap() {
        SimSocket socket = peer.connect();
        peer.send(of(FIN, ACK).seq(peer.sndNxt + 100).ack(peer.rcvNxt).length(50));
        peer.expect(ACK);
        assertThat(socket.peerClosed).isFalse();
        peer.send(of(ACK).seq(peer.sndNxt).ack(peer.rcvNxt).length(100));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt + 151);
        assertThat(socket.peerClosed).isTrue();
        assertThat(socket.receivedCount()).isEqualTo(150);
    }
}
