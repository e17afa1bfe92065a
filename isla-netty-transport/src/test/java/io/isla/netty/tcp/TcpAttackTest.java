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
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Segments and ICMP messages of a third party do no harm: RFC 5961, RFC 5927, RFC 4987, RFC 9293 §3.9.2. */
class TcpAttackTest {
    private final ScriptedPeer peer = new ScriptedPeer();

    @AfterEach
    void close() {
        peer.close();
    }

    @Test
    void believesAResetOnlyAtTheExactSequenceNumber() {
        SimSocket socket = peer.connect();
        peer.send(of(RST).seq(peer.sndNxt + 1000));
        assertThat(peer.expect(ACK).acknowledgment).as("a challenge").isEqualTo(peer.sndNxt);
        peer.after(Duration.ofSeconds(1));
        peer.send(of(RST).seq(peer.sndNxt - 1));
        peer.send(of(RST).seq(peer.sndNxt + 10_000_000));
        peer.expectNothing();
        assertThat(socket.error).isNull();
        peer.send(of(RST).seq(peer.sndNxt));
        assertThat(socket.error).isNotNull();
    }

    @Test
    void challengesAResetInSynReceivedThatIsNotExact() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        Segment synAck = peer.expect(SYN, ACK);
        peer.send(of(RST).seq(peer.iss + 1 + 1000));
        Segment challenge = peer.expect(ACK);
        assertThat(challenge.sequence).isEqualTo(synAck.sequence + 1);
        assertThat(challenge.acknowledgment).isEqualTo(peer.iss + 1);
        peer.send(of(RST).seq(peer.iss + 1 + 70_000));
        peer.send(of(RST).seq(peer.iss));
        peer.expectNothing();
        assertThat(peer.counter("IslaChallengeRST")).isEqualTo(1);
        assertThat(peer.counter("TCPChallengeACK")).isEqualTo(1);
        // The request is still there: the handshake completes.
        peer.send(of(ACK).seq(peer.iss + 1).ack(synAck.sequence + 1));
        assertThat(peer.host.accepted).hasSize(1);
    }

    @Test
    void endsARequestByTheResetThatAnswersTheChallenge() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        peer.expect(SYN, ACK);
        peer.send(of(RST).seq(peer.iss + 5));
        Segment challenge = peer.expect(ACK);
        peer.send(of(RST).seq(challenge.acknowledgment));
        peer.expectNothing(Duration.ofSeconds(60));
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
        assertThat(peer.counter("AttemptFails")).isEqualTo(1);
    }

    @Test
    void challengesAResetDuringASimultaneousOpenThatIsNotExact() {
        SimSocket socket = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), peer.port, new TcpSettings());
        Segment syn = peer.expect(SYN);
        peer.hostPort = syn.sourcePort;
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        peer.expect(SYN, ACK);
        peer.send(of(RST).seq(peer.iss + 1 + 1000));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.iss + 1);
        assertThat(socket.error).isNull();
        peer.send(of(RST).seq(peer.iss + 1));
        assertThat(socket.error).isInstanceOf(ConnectException.class);
    }

    @Test
    void answersASynOnALiveConnectionWithAChallenge() {
        SimSocket socket = peer.connect();
        peer.send(of(SYN).seq(peer.sndNxt + 10));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt);
        peer.after(Duration.ofSeconds(1));
        peer.send(of(SYN).seq(peer.sndNxt - 100_000));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt);
        assertThat(socket.error).isNull();
    }

    @Test
    void rejectsDataWhoseAcknowledgementIsOutOfRange() {
        SimSocket socket = peer.connect();
        peer.send(of(ACK).seq(peer.sndNxt).ack(peer.rcvNxt + 1).length(10));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt);
        peer.after(Duration.ofSeconds(1));
        peer.send(of(ACK).seq(peer.sndNxt).ack(peer.rcvNxt - 1_000_000).length(10));
        peer.expect(ACK);
        assertThat(socket.receivedCount()).isZero();
        assertThat(peer.counter("IslaAckUnsent")).isEqualTo(1);
        assertThat(peer.counter("IslaOldAck")).isEqualTo(1);
    }

    @Test
    void limitsChallengesOnOneConnection() {
        peer.connect();
        for (int i = 0; i < 50; i++) {
            peer.send(of(RST).seq(peer.sndNxt + 1000 + i));
        }
        assertThat(peer.drain()).hasSize(1);
        assertThat(peer.counter("TCPACKSkippedChallenge")).isEqualTo(49);
    }

    @Test
    void limitsChallengesOfTheHost() {
        TcpParameters parameters = new TcpParameters();
        parameters.challengeAcksPerSecond = 10;
        try (ScriptedPeer limited = new ScriptedPeer(parameters)) {
            limited.host.listen(80, 1000, new TcpSettings());
            int challenges = 0;
            for (int i = 0; i < 40; i++) {
                limited.port = 5000 + i;
                limited.connectAgain(syn -> syn.mss(1000));
                limited.send(of(SYN).seq(limited.sndNxt + 10));
                challenges += limited.drain().size();
            }
            assertThat(challenges).isBetween(5, 15);
            limited.after(Duration.ofSeconds(2));
            limited.send(of(SYN).seq(limited.sndNxt + 10));
            limited.expect(ACK);
        }
    }

    @Test
    void ignoresIcmpErrorsThatQuoteNothingInFlight() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1000]);
        peer.drain();
        peer.sendIcmpError(3, 3, 0, peer.rcvNxt + 5000);
        peer.sendIcmpError(3, 4, 500, peer.hostIss - 5);
        assertThat(socket.error).isNull();
        assertThat(peer.counter("OutOfWindowIcmps")).isEqualTo(2);
    }

    @Test
    void treatsIcmpErrorsOnALiveConnectionAsAdvice() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1000]);
        Segment data = peer.expect(ACK);
        int[][] errors = {{3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 5}, {3, 13}, {11, 0}, {12, 0}};
        for (int[] error : errors) {
            socket.events = 0;
            peer.sendIcmpError(error[0], error[1], 0, data.sequence);
            assertThat(socket.error).isNull();
            assertThat(socket.connection.state()).isEqualTo(TcpState.ESTABLISHED);
            assertThat(socket.events & TcpEvents.SOFT_ERROR)
                    .as("the user is told of %s", Arrays.toString(error))
                    .isNotZero();
            assertThat(socket.connection.softError()).isInstanceOf(IOException.class);
        }
        peer.send(peer.ackAll());
        assertThat(socket.connection.info(0).flight()).isZero();
        assertThat(socket.connection.softError())
                .as("no reason for what may happen later")
                .isNull();
    }

    @Test
    void discardsSourceQuench() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1000]);
        Segment data = peer.expect(ACK);
        int cwnd = socket.connection.info(0).cwnd();
        peer.sendIcmpError(4, 0, 0, data.sequence);
        assertThat(socket.connection.info(0).cwnd()).isEqualTo(cwnd);
        assertThat(socket.events & TcpEvents.SOFT_ERROR).isZero();
    }

    @Test
    void endsAnAttemptToConnectOnIcmpUnreachable() {
        int[][] errors = {{3, 1}, {3, 3}, {3, 0}, {3, 13}};
        for (int[] error : errors) {
            SimSocket socket = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
            Segment syn = peer.expect(SYN);
            peer.hostPort = syn.sourcePort;
            peer.sendIcmpError(error[0], error[1], 0, syn.sequence);
            assertThat(socket.error)
                    .isInstanceOf(error[1] == 3 ? ConnectException.class : NoRouteToHostException.class);
        }
    }

    @Test
    void sendsSmallerSegmentsAfterPacketTooBig() {
        SimSocket socket = peer.connect(new TcpSettings(), syn -> syn.mss(1460));
        socket.write(new byte[4000]);
        List<Segment> sent = peer.drain();
        assertThat(sent.get(0).data).hasSize(1460);
        assertThat(sent).allMatch(s -> s.dontFragment);
        peer.sendIcmpError(3, 4, 1000, sent.get(0).sequence);
        List<Segment> again = peer.drain();
        assertThat(again).isNotEmpty().allMatch(s -> s.data.length <= 960);
        assertThat(again.get(0).sequence).isEqualTo(sent.get(0).sequence);
    }

    @Test
    void reportsHostUnreachableWhenTheNeighbourDoesNotAnswer() {
        SimSocket socket = peer.host.connect(SimHost.parse("10.0.0.99"), 80, new TcpSettings());
        peer.after(Duration.ofSeconds(5));
        assertThat(socket.error).isInstanceOf(NoRouteToHostException.class);
    }

    @Test
    void answersWithCookiesWhenTheSynQueueIsFullAndKeepsTheOptions() {
        TcpParameters parameters = new TcpParameters();
        parameters.maxSynBacklog = 8;
        try (ScriptedPeer flooded = new ScriptedPeer(parameters)) {
            flooded.host.listen(80, 100, new TcpSettings());
            for (int i = 0; i < 20; i++) {
                flooded.port = 5000 + i;
                flooded.send(of(SYN).seq(flooded.iss)
                        .mss(1400)
                        .windowScale(9)
                        .sackPermitted()
                        .timestamps(1000, 0));
            }
            assertThat(flooded.drain()).hasSize(20);
            assertThat(flooded.counter("SyncookiesSent")).isEqualTo(12);
            assertThat(flooded.host.shard().tcp().flowCount()).isEqualTo(8);

            flooded.port = 6000;
            flooded.timestamps = true;
            SimSocket socket =
                    flooded.connectAgain(syn -> syn.mss(1400).windowScale(9).sackPermitted());
            TcpInfo info = socket.connection.info(0);
            assertThat(info.sendWindowScale()).isEqualTo(9);
            assertThat(info.sack()).isTrue();
            assertThat(info.timestamps()).isTrue();
            assertThat(info.sendMss()).isEqualTo(1400 - 12);
            flooded.send(flooded.nextData(10));
            assertThat(socket.receivedCount()).isEqualTo(10);
            assertThat(flooded.counter("SyncookiesRecv")).isEqualTo(1);
        }
    }

    @Test
    void acceptsNoForgedOrOldCookie() {
        TcpParameters parameters = new TcpParameters();
        parameters.maxSynBacklog = 8;
        try (ScriptedPeer flooded = new ScriptedPeer(parameters)) {
            flooded.host.listen(80, 100, new TcpSettings());
            for (int i = 0; i < 10; i++) {
                flooded.port = 5000 + i;
                flooded.send(of(SYN).seq(flooded.iss).mss(1400));
            }
            List<Segment> answers = flooded.drain();
            Segment cookie = answers.get(9);
            flooded.send(of(ACK).seq(flooded.iss + 1).ack(cookie.sequence + 2));
            flooded.expect(RST);
            flooded.send(of(ACK).seq(flooded.iss + 2).ack(cookie.sequence + 1));
            flooded.expect(RST);
            flooded.after(Duration.ofSeconds(300)).drain();
            flooded.send(of(ACK).seq(flooded.iss + 1).ack(cookie.sequence + 1));
            flooded.expect(RST);
            assertThat(flooded.host.accepted).isEmpty();
        }
    }

    @Test
    void dropsSegmentsToBroadcastAndFromImpossibleSources() {
        peer.host.listen(80, 10, new TcpSettings());
        for (String destination : List.of("10.0.0.255", "255.255.255.255", "224.0.0.1")) {
            peer.hostPort = 80;
            peer.sendBetween(of(SYN).seq(peer.iss), ScriptedPeer.PEER, destination);
            peer.expectNothing();
            // Nor is there a reset, for no connection and for no listener.
            peer.sendBetween(of(ACK).seq(peer.iss).ack(1), ScriptedPeer.PEER, destination);
            peer.expectNothing();
            peer.hostPort = 81;
            peer.sendBetween(of(SYN).seq(peer.iss), ScriptedPeer.PEER, destination);
            peer.expectNothing();
        }
        peer.hostPort = 80;
        for (String source : List.of("255.255.255.255", "224.0.0.1", "0.0.0.0", "10.0.0.255", "127.0.0.1")) {
            peer.sendBetween(of(SYN).seq(peer.iss), source, ScriptedPeer.HOST);
            peer.expectNothing();
        }
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
    }

    @Test
    void dropsASynThatIsAFinToo() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN, FIN).seq(peer.iss));
        peer.expectNothing();
        assertThat(peer.counter("ListenDrops")).isEqualTo(1);
    }

    @Test
    void survivesEveryCombinationOfFlagsInEveryState() {
        peer.host.listen(80, 10, new TcpSettings());
        for (int flags = 0; flags < 256; flags++) {
            for (int situation = 0; situation < 3; situation++) {
                peer.port++;
                peer.iss += 100_000;
                peer.sndNxt = peer.iss + 1;
                SimSocket socket = null;
                if (situation > 0) {
                    socket = peer.connectAgain(syn -> syn.mss(1000));
                }
                if (situation > 1) {
                    socket.finish();
                }
                peer.drain();
                Segment segment = new Segment()
                        .seq(peer.sndNxt)
                        .ack(peer.rcvNxt)
                        .data(new byte[flags % 7])
                        .urg(flags);
                segment.flags = flags;
                peer.send(segment);
                peer.drain();
                if (socket != null) {
                    socket.abort();
                    peer.drain();
                }
            }
        }
    }
}
