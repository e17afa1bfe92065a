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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.Segment;
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import java.io.IOException;
import java.net.BindException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What may take the place of a connection in TIME-WAIT, and what may not: RFC 9293 §3.6.1, RFC 6191, RFC 1337. */
class TcpTimeWaitTest {
    private final ScriptedPeer peer = new ScriptedPeer();

    @AfterEach
    void close() {
        peer.close();
    }

    /** Has the host connect and close first; it is in TIME-WAIT then. */
    private SimSocket closeFirstAfterConnecting() {
        SimSocket socket = peer.accept(new TcpSettings(), synAck -> synAck.mss(1000));
        socket.finish();
        peer.expect(FIN, ACK);
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
        peer.sndNxt++;
        peer.expect(ACK);
        socket.close();
        assertThat(timeWaits()).isEqualTo(1);
        return socket;
    }

    private int timeWaits() {
        return peer.host.shard().tcp().timeWaitCount();
    }

    private TcpConnection connectAgain() throws IOException {
        TcpConnection c = peer.host
                .shard()
                .connect(new TcpSettings(), null, peer.hostPort, SimHost.parse(ScriptedPeer.PEER), peer.port, null);
        c.flush(peer.time.nanoTime());
        return c;
    }

    @Test
    void aSynEndsItOnlyWhereSomebodyListens() {
        closeFirstAfterConnecting();
        peer.send(of(SYN).seq(peer.sndNxt + 1000).mss(1000));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt);
        assertThat(timeWaits()).as("a stray SYN must not end it (RFC 1337)").isEqualTo(1);
    }

    /** RFC 6191 §2: whatever its sequence number is. */
    @Test
    void aSynWithTimestampsEndsOneWithoutThem() {
        peer.connect();
        SimSocket socket = peer.host.accepted.get(0);
        socket.finish();
        peer.expect(FIN, ACK);
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
        peer.sndNxt++;
        peer.expect(ACK);
        assertThat(timeWaits()).isEqualTo(1);
        peer.send(of(SYN).seq(peer.sndNxt - 100_000).mss(1000).timestamps(12_345, 0));
        assertThat(peer.expect(SYN, ACK).acknowledgment).isEqualTo(peer.sndNxt - 100_000 + 1);
        assertThat(timeWaits()).isZero();
    }

    @Test
    void aSynWithFinDoesNotEndIt() {
        peer.connect();
        SimSocket socket = peer.host.accepted.get(0);
        socket.finish();
        peer.expect(FIN, ACK);
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
        peer.sndNxt++;
        peer.expect(ACK);
        peer.send(of(SYN, FIN).seq(peer.sndNxt + 1000).mss(1000));
        peer.drain();
        assertThat(timeWaits()).isEqualTo(1);
    }

    @Test
    void thisEndOpensItAnewAfterASecondIfTimestampsTellTheTwoApart() throws IOException {
        peer.timestamps = true;
        closeFirstAfterConnecting();
        int oldEnd = peer.rcvNxt;
        assertThatThrownBy(this::connectAgain).isInstanceOf(BindException.class).hasMessageContaining("in use");
        peer.after(Duration.ofMillis(1001));
        TcpConnection c = connectAgain();
        Segment syn = peer.expect(SYN);
        assertThat(syn.sourcePort).isEqualTo(peer.hostPort);
        assertThat(syn.sequence - oldEnd).as("beyond the old one's numbers").isPositive();
        assertThat(timeWaits()).isZero();
        c.abort(peer.time.nanoTime());
    }

    @Test
    void thisEndDoesNotOpenItAnewWithoutTimestamps() {
        closeFirstAfterConnecting();
        peer.after(Duration.ofSeconds(30));
        assertThatThrownBy(this::connectAgain).isInstanceOf(BindException.class).hasMessageContaining("in use");
        assertThat(timeWaits()).isEqualTo(1);
    }

    @Test
    void aChosenPortIsNeverOneInTimeWait() {
        closeFirstAfterConnecting();
        for (int i = 0; i < 50; i++) {
            SimSocket socket = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), peer.port, new TcpSettings());
            assertThat(socket.connection.localPort()).isNotEqualTo(peer.hostPort);
        }
    }

    @Test
    void oldSegmentsAreAnsweredAtALimitedRate() {
        closeFirstAfterConnecting();
        for (int i = 0; i < 20; i++) {
            peer.send(of(ACK).seq(peer.sndNxt - 100).ack(peer.rcvNxt).length(10));
        }
        assertThat(peer.drain()).hasSize(1).allMatch(s -> s.acknowledgment == peer.sndNxt);
        peer.after(Duration.ofSeconds(1));
        peer.send(of(ACK).seq(peer.sndNxt - 100).ack(peer.rcvNxt).length(10));
        assertThat(peer.drain()).hasSize(1);
    }
}
