/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.CWR;
import static io.isla.netty.testing.Segment.ECE;
import static io.isla.netty.testing.Segment.RST;
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
import org.junit.jupiter.api.Test;

/** Options are negotiated, sent and tolerated as RFC 9293 §3.2 and §3.7.1, RFC 7323 and RFC 2018 say. */
class TcpOptionsTest {
    private final ScriptedPeer peer = new ScriptedPeer();

    @AfterEach
    void close() {
        peer.close();
    }

    @Test
    void announcesAnMssByTheLinkMtu() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        assertThat(peer.expect(SYN, ACK).mssOption()).isEqualTo(1460);
        for (int mtu : new int[] {576, 1000, 9000}) {
            try (ScriptedPeer other = new ScriptedPeer(new TcpParameters(), mtu)) {
                other.host.listen(80, 10, new TcpSettings());
                other.send(of(SYN).seq(other.iss).mss(1000));
                assertThat(other.expect(SYN, ACK).mssOption())
                        .as("MMS_R less the header, whatever the peer takes")
                        .isEqualTo(mtu - 40);
                other.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
                assertThat(other.expect(SYN).mssOption()).isEqualTo(mtu - 40);
            }
        }
    }

    @Test
    void assumes536WithoutAnMssOption() {
        SimSocket socket = peer.connect(new TcpSettings(), syn -> {});
        socket.write(new byte[2000]);
        assertThat(peer.expect(ACK).data).hasSize(536);
    }

    @Test
    void sendsNoMoreThanThePeerTakesAndLeavesRoomForOptions() {
        SimSocket socket = peer.connect(new TcpSettings(), syn -> syn.mss(1000));
        socket.write(new byte[3000]);
        assertThat(peer.drain()).allMatch(s -> s.data.length == 1000);

        peer.timestamps = true;
        peer.port++;
        SimSocket withTimestamps = peer.connectAgain(syn -> syn.mss(1000));
        withTimestamps.write(new byte[3000]);
        assertThat(peer.drain().get(0).data).hasSize(988);
    }

    @Test
    void offersNothingInASynAckThatTheSynDidNot() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        Segment synAck = peer.expect(SYN, ACK);
        assertThat(synAck.option(3)).isNull();
        assertThat(synAck.option(4)).isNull();
        assertThat(synAck.option(8)).isNull();
    }

    @Test
    void negotiatesWindowScaleSackAndTimestamps() {
        peer.timestamps = true;
        SimSocket socket = peer.connect(
                new TcpSettings(), syn -> syn.mss(1000).windowScale(7).sackPermitted());
        socket.write(new byte[10]);
        Segment data = peer.expect(ACK);
        assertThat(data.option(8)).isNotNull();
        assertThat(data.window << 10).as("scaled window").isGreaterThan(65_535);
        TcpInfo info = socket.connection.info(peer.time.nanoTime());
        assertThat(info.sack()).isTrue();
        assertThat(info.timestamps()).isTrue();
        assertThat(info.sendWindowScale()).isEqualTo(7);
    }

    @Test
    void sendsMssOnSynSegmentsOnlyAndPadsWithZeros() {
        SimSocket socket = peer.connect();
        socket.write(new byte[5000]);
        assertThat(peer.drain()).allMatch(s -> s.option(2) == null);
        TcpSettings settings = new TcpSettings().fastOpenConnect(true);
        peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, settings);
        Segment syn = peer.expect(SYN);
        assertThat(syn.option(34)).as("a request for a cookie").isEmpty();
        assertThat(syn.options.length % 4).isZero();
        assertThat(syn.options[syn.options.length - 1]).isZero();
    }

    @Test
    void ignoresUnknownOptionsAndReadsThoseBehindThem() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss).options(200, 5, 1, 2, 3, 1, 253, 2).mss(700));
        peer.expect(SYN, ACK);
        peer.send(of(ACK).seq(peer.iss + 1).ack(peer.rcvNxt));
        peer.host.accepted.get(0).write(new byte[1000]);
        assertThat(peer.expect(ACK).data).hasSize(700);
    }

    @Test
    void copesWithOptionsOfIllegalLength() {
        peer.host.listen(80, 10, new TcpSettings());
        int[][] illegal = {
            {2, 0},
            {2, 1},
            {2, 40, 1, 1},
            {8, 2},
            {8, 10},
            {5, 3, 0},
            {5, 9, 1, 2, 3, 4, 5, 6, 7},
            {3, 2},
            {254},
            {34, 1}
        };
        for (int[] options : illegal) {
            peer.port++;
            peer.send(of(SYN).seq(peer.iss).options(options));
            Segment synAck = peer.expect(SYN, ACK);
            peer.send(of(ACK).seq(peer.iss + 1).ack(synAck.sequence + 1).options(options));
        }
        assertThat(peer.host.accepted).hasSize(illegal.length);
    }

    @Test
    void takesOptionsInAnySegmentAtAnyAlignment() {
        SimSocket socket = peer.connect(new TcpSettings(), syn -> syn.mss(1000).sackPermitted());
        socket.write(new byte[3000]);
        List<Segment> sent = peer.drain();
        int second = sent.get(1).sequence;
        peer.send(of(ACK).seq(peer.sndNxt)
                .ack(sent.get(0).sequence)
                .options(1, 5, 10, second >> 24, second >> 16, second >> 8, second)
                .options(second + 1000 >> 24, second + 1000 >> 16, second + 1000 >> 8, second + 1000));
        assertThat(socket.connection.info(0).sacked()).isEqualTo(1000);
    }

    @Test
    void dropsSegmentsWithABadChecksumOrDataOffset() {
        SimSocket socket = peer.connect();
        peer.send(peer.nextData(100).badChecksum());
        assertThat(socket.receivedCount()).isZero();
        assertThat(peer.counter("InCsumErrors")).isEqualTo(1);
        peer.expectNothing();
    }

    @Test
    void sendsGoodChecksums() {
        SimSocket socket = peer.connect();
        for (int i = 1; i < 40; i++) {
            socket.write(new byte[i]);
            assertThat(peer.expect(ACK).checksumGood).isTrue();
            peer.send(peer.ackAll());
        }
    }

    @Test
    void dropsOldSegmentsByTimestampAndAnswersThem() {
        peer.timestamps = true;
        SimSocket socket = peer.connect(new TcpSettings(), syn -> syn.mss(1000));
        peer.send(peer.nextData(10));
        peer.after(Duration.ofMillis(300)).drain();
        Segment old = peer.nextData(10).timestamps(peer.timestamp() - 10_000, peer.lastHostTimestamp);
        peer.send(old);
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt - 10);
        assertThat(socket.receivedCount()).isEqualTo(10);
        assertThat(peer.counter("PAWSEstab")).isEqualTo(1);
        peer.send(of(RST).seq(peer.sndNxt - 10).timestamps(1, 1));
        assertThat(socket.error).as("a reset is not subject to PAWS").isNotNull();
    }

    @Test
    void echoesTheTimestampOfTheSegmentAtTheLeftEdge() {
        peer.timestamps = true;
        peer.connect(new TcpSettings(), syn -> syn.mss(1000).sackPermitted());
        int base = peer.timestamp();
        peer.after(Duration.ofMillis(10));
        peer.send(of(ACK).seq(peer.sndNxt + 100)
                .ack(peer.rcvNxt)
                .length(100)
                .timestamps(base + 500, peer.lastHostTimestamp));
        assertThat(peer.expect(ACK).timestampEcho())
                .as("not that of a segment ahead of a gap")
                .isLessThan(base + 500);
        peer.send(of(ACK).seq(peer.sndNxt).ack(peer.rcvNxt).length(100).timestamps(base + 400, peer.lastHostTimestamp));
        assertThat(peer.expect(ACK).timestampEcho()).isEqualTo(base + 400);
    }

    @Test
    void negotiatesEcnWhenThePeerAsks() {
        SimSocket socket = peer.connect(new TcpSettings(), syn -> {
            syn.mss(1000);
            syn.flags |= ECE | CWR;
        });
        assertThat(peer.host.accepted).hasSize(1);
        socket.write(new byte[100]);
        assertThat(peer.expect(ACK).trafficClass & 3).as("ECT(0) on data").isEqualTo(2);
        peer.send(peer.nextData(1000).tos(3));
        peer.send(peer.nextData(1000));
        peer.after(Duration.ofMillis(300));
        assertThat(peer.drain()).isNotEmpty().allMatch(s -> s.has(ECE));
        Segment cwr = peer.nextData(1000);
        cwr.flags |= CWR;
        peer.send(cwr);
        peer.after(Duration.ofMillis(300));
        assertThat(peer.drain()).isNotEmpty().noneMatch(s -> s.has(ECE));
    }

    @Test
    void reducesItsWindowOnceARoundTripForEcnEcho() {
        SimSocket socket = peer.connect(new TcpSettings(), syn -> {
            syn.mss(1000);
            syn.flags |= ECE | CWR;
        });
        socket.write(new byte[100_000]);
        List<Segment> flight = peer.drain();
        assertThat(flight).hasSize(10);
        int before = socket.connection.info(0).cwnd();
        Segment echo = of(ACK).seq(peer.sndNxt).ack(flight.get(1).sequence);
        echo.flags |= ECE;
        peer.send(echo);
        Segment echo2 = of(ACK).seq(peer.sndNxt).ack(flight.get(2).sequence);
        echo2.flags |= ECE;
        peer.send(echo2);
        assertThat(socket.connection.info(0).ssthresh()).isBetween(before / 2, before * 3 / 4);
        peer.send(of(ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
        List<Segment> next = peer.drain();
        assertThat(next).isNotEmpty();
        assertThat(next).extracting(s -> s.has(CWR)).startsWith(true);
        assertThat(next.stream().filter(s -> s.has(CWR)).count()).isEqualTo(1);
    }
}
