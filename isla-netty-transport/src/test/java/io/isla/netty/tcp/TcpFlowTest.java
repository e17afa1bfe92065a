/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.PSH;
import static io.isla.netty.testing.Segment.RST;
import static io.isla.netty.testing.Segment.URG;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.Segment;
import io.isla.netty.testing.SimSocket;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Data, windows, acknowledgements and small packets: RFC 9293 §3.8.6, RFC 1122 §4.2.3, RFC 5681 §4.2. */
class TcpFlowTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final ScriptedPeer peer = new ScriptedPeer();

    @AfterEach
    void close() {
        peer.close();
    }

    // ---------------------------------------------------------------- sending

    @Test
    void sendsFullSegmentsAndPushesTheLast() {
        SimSocket socket = peer.connect();
        socket.write(new byte[3500]);
        List<Segment> sent = peer.drain();
        assertThat(sent).extracting(s -> s.data.length).containsExactly(1000, 1000, 1000, 500);
        assertThat(sent).extracting(s -> s.has(PSH)).containsExactly(false, false, false, true);
    }

    @Test
    void pushesTheLastSegmentAlsoWhenItIsSentAgain() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1500]);
        List<Segment> sent = peer.drain();
        peer.send(of(ACK).seq(peer.sndNxt).ack(sent.get(1).sequence));
        Segment again = peer.expectWithin(Duration.ofSeconds(2), ACK);
        assertThat(again.sequence).isEqualTo(sent.get(1).sequence);
        assertThat(again.has(PSH)).isTrue();
    }

    @Test
    void collapsesSuccessivePushesIntoOneSegment() {
        SimSocket socket = peer.connect(new TcpSettings().noDelay(false), syn -> syn.mss(1000));
        socket.write(new byte[10]);
        socket.write(new byte[20]);
        socket.write(new byte[30]);
        assertThat(peer.drain()).extracting(s -> s.data.length).containsExactly(10);
        peer.send(peer.ackAll());
        List<Segment> rest = peer.drain();
        assertThat(rest).extracting(s -> s.data.length).containsExactly(50);
        assertThat(rest.get(0).has(PSH)).isTrue();
    }

    @Test
    void holdsSmallSegmentsBackByNagleUnlessDisabled() {
        SimSocket nagle = peer.connect(new TcpSettings().noDelay(false), syn -> syn.mss(1000));
        nagle.write(new byte[10]);
        nagle.write(new byte[10]);
        assertThat(peer.drain()).hasSize(1);
        nagle.connection.settings().noDelay(true);
        nagle.connection.settingsChanged(peer.time.nanoTime());
        assertThat(peer.drain()).extracting(s -> s.data.length).containsExactly(10);
        nagle.write(new byte[10]);
        nagle.write(new byte[10]);
        assertThat(peer.drain()).hasSize(2);
    }

    @Test
    void holdsPartialSegmentsWhileCorkedForAtMost200Millis() {
        SimSocket socket = peer.connect(new TcpSettings().cork(true), syn -> syn.mss(1000));
        socket.write(new byte[1500]);
        assertThat(peer.drain()).extracting(s -> s.data.length).containsExactly(1000);
        peer.send(peer.ackAll());
        peer.expectNothing(Duration.ofMillis(150));
        assertThat(peer.expectWithin(Duration.ofMillis(60), ACK).data).hasSize(500);
        peer.send(peer.ackAll());
        socket.write(new byte[100]);
        peer.expectNothing(Duration.ofMillis(50));
        socket.connection.settings().cork(false);
        socket.connection.settingsChanged(peer.time.nanoTime());
        assertThat(peer.expect(ACK).data).hasSize(100);
    }

    @Test
    void staysWithinThePeersWindow() {
        SimSocket socket = peer.connect(new TcpSettings(), syn -> syn.mss(1000).win(2500));
        socket.write(new byte[10_000]);
        int inFlight = peer.drain().stream().mapToInt(s -> s.data.length).sum();
        assertThat(inFlight).isLessThanOrEqualTo(65_535);
        peer.send(peer.ackAll().win(2500));
        inFlight = peer.drain().stream().mapToInt(s -> s.data.length).sum();
        assertThat(inFlight).isEqualTo(0);
    }

    @Test
    void treatsTheWindowAsUnsignedAndScalesIt() {
        SimSocket socket = peer.connect(
                new TcpSettings(), syn -> syn.mss(1000).windowScale(14).win(65_535));
        peer.send(of(ACK).seq(peer.sndNxt).ack(peer.rcvNxt).win(65_535));
        assertThat(socket.connection.info(0).sendWindow()).isEqualTo(65_535 << 14);
    }

    @Test
    void survivesAShrinkingWindowAndKeepsTheConnection() {
        SimSocket socket = peer.connect();
        socket.write(new byte[9000]);
        List<Segment> sent = peer.drain();
        assertThat(sent).hasSize(9);
        peer.send(of(ACK).seq(peer.sndNxt).ack(sent.get(2).sequence).win(1000));
        socket.write(new byte[1000]);
        assertThat(peer.drain())
                .as("no new data in a shrunken window")
                .noneMatch(s -> s.sequence - sent.get(8).end() >= 0);
        Segment again = peer.expectWithin(Duration.ofSeconds(2), ACK);
        assertThat(again.sequence).as("old data is sent again").isEqualTo(sent.get(2).sequence);
        peer.after(Duration.ofSeconds(100));
        peer.drain();
        assertThat(socket.error).isNull();
        peer.rcvNxt = sent.get(8).end();
        peer.send(peer.ackAll());
        peer.after(Duration.ofSeconds(1));
        assertThat(peer.drain()).isNotEmpty();
    }

    @Test
    void doesNotTimeOutForDataPastTheRightEdgeWhileThePeerAnswers() {
        SimSocket socket = peer.connect();
        socket.write(new byte[3000]);
        int first = peer.drain().get(0).sequence;
        // All of it is in flight, and past the edge, as the window is taken back.
        Segment closed = of(ACK).seq(peer.sndNxt).ack(first).win(0);
        peer.send(closed);
        peer.drain();
        long end = peer.time.nanoTime() + Duration.ofHours(3).toNanos();
        int tries = 0;
        while (peer.time.nanoTime() < end) {
            Segment again = peer.expectWithin(Duration.ofMinutes(3), ACK);
            assertThat(again.sequence - first).isBetween(-1, 0);
            peer.send(of(ACK).seq(peer.sndNxt).ack(first).win(0));
            assertThat(socket.error).isNull();
            tries++;
        }
        // Far more often than R2 says, and with back-off.
        assertThat(tries).isBetween(50, 200);
        peer.send(of(ACK).seq(peer.sndNxt).ack(first).win(5000));
        peer.after(Duration.ofMinutes(3));
        assertThat(peer.drain()).anyMatch(s -> s.sequence == first && s.data.length == 1000);
    }

    @Test
    void probesAClosedWindowAfterTheTimeoutWithBackoffForEver() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1000]);
        peer.expect(ACK);
        peer.send(peer.ackAll().win(0));
        socket.write(new byte[1000]);
        peer.expectNothing(Duration.ofMillis(190));
        List<Double> times = new ArrayList<>();
        double start = peer.time.nanoTime() / 1e9;
        while (times.size() < 25) {
            Segment probe = peer.expectWithin(Duration.ofSeconds(130));
            times.add(probe.time / 1e9 - start);
            peer.send(peer.ackAll().win(0));
        }
        for (int i = 1; i < 8; i++) {
            double gap = times.get(i) - times.get(i - 1);
            double before = i == 1 ? times.get(0) + 0.19 : times.get(i - 1) - times.get(i - 2);
            assertThat(gap / before).as("gap %d", i).isBetween(1.8, 2.2);
        }
        assertThat(times.get(24)).as("far beyond R2 of a dead peer").isGreaterThan(1500);
        assertThat(socket.error).isNull();
        peer.send(peer.ackAll().win(5000));
        assertThat(peer.expect(ACK).data).hasSize(1000);
    }

    @Test
    void givesUpAClosedWindowWhosePeerIsSilent() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1000]);
        peer.expect(ACK);
        peer.send(peer.ackAll().win(0));
        socket.write(new byte[1000]);
        peer.after(Duration.ofMinutes(60));
        assertThat(socket.error).hasMessageContaining("timed out");
    }

    @Test
    void doesNotSendSillySegmentsIntoASmallWindow() {
        SimSocket socket = peer.connect();
        socket.write(new byte[5000]);
        peer.drain();
        peer.send(peer.ackAll().win(0));
        socket.write(new byte[5000]);
        peer.send(peer.ackAll().win(300));
        peer.expectNothing(Duration.ofMillis(100));
        peer.send(peer.ackAll().win(1000));
        assertThat(peer.expect(ACK).data).hasSize(1000);
    }

    @Test
    void usesASmallWindowAfterTheOverrideTimeout() {
        SimSocket socket = peer.connect();
        socket.write(new byte[1000]);
        peer.drain();
        peer.send(peer.ackAll().win(300));
        socket.write(new byte[5000]);
        assertThat(peer.expectWithin(Duration.ofSeconds(2), ACK).data).hasSize(300);
    }

    @Test
    void processesAcknowledgementResetAndUrgentDataWhileItsWindowIsClosed() {
        SimSocket socket = peer.connect(new TcpSettings().receiveBuffer(2000), syn -> syn.mss(1000));
        socket.reading(false);
        peer.send(peer.nextData(1000));
        peer.send(peer.nextData(1000));
        assertThat(peer.drain().get(0).window).isLessThanOrEqualTo(1000);
        socket.write(new byte[100]);
        assertThat(peer.expect(ACK).window).isZero();
        peer.send(of(ACK).seq(peer.sndNxt).ack(peer.rcvNxt).length(1));
        assertThat(socket.connection.info(0).flight())
                .as("the acknowledgement of a probe counts")
                .isZero();
        Segment urgent = of(ACK, URG).seq(peer.sndNxt).ack(peer.rcvNxt).urg(10);
        peer.send(urgent);
        assertThat(socket.events & TcpEvents.URGENT).isNotZero();
        peer.send(of(RST).seq(peer.sndNxt));
        assertThat(socket.error).isNotNull();
        socket.close();
    }

    // ---------------------------------------------------------------- receiving

    @Test
    void neverTakesBackTheWindowItOffered() {
        SimSocket socket = peer.connect(new TcpSettings().receiveBuffer(10_000), syn -> syn.mss(1000));
        socket.reading(false);
        int edge = 0;
        for (int i = 0; i < 10; i++) {
            peer.send(peer.nextData(1000));
            peer.after(Duration.ofMillis(250));
            for (Segment ack : peer.drain()) {
                int newEdge = ack.acknowledgment + ack.window;
                assertThat(edge == 0 || newEdge - edge >= 0).isTrue();
                edge = newEdge;
            }
        }
        assertThat(edge - peer.sndNxt).as("closed when the buffer is full").isZero();
    }

    @Test
    void neverTakesBackAScaledWindow() {
        for (int size : new int[] {1448, 1024, 1300, 2700}) {
            try (ScriptedPeer scaled = new ScriptedPeer()) {
                SimSocket socket =
                        scaled.connect(new TcpSettings(), syn -> syn.mss(1448).windowScale(7));
                int scale = socket.connection.info(0).receiveWindowScale();
                assertThat(1 << scale).as("the unit of the window").isEqualTo(1024);
                socket.reading(false);
                int limit = socket.connection.receiveBufferSize();
                int edge = scaled.sndNxt + 65_535;
                for (int i = 0; i < 400 && edge - scaled.sndNxt > 0; i++) {
                    // In pieces of the path's MTU, all of one size but the last, which fills the window.
                    int length = Math.min(size, edge - scaled.sndNxt);
                    for (int sent = 0; sent < length; sent += 1448) {
                        scaled.send(scaled.nextData(Math.min(1448, length - sent)));
                    }
                    scaled.after(Duration.ofMillis(250));
                    for (Segment ack : scaled.drain()) {
                        int newEdge = ack.acknowledgment + (ack.window << scale);
                        assertThat(newEdge - edge)
                                .as("the edge moves, %s segments %s", size, scaled.trace())
                                .isNotNegative();
                        edge = newEdge;
                    }
                }
                assertThat(socket.connection.readableBytes()).isBetween(limit - 1024, 2 * limit);
                assertThat(socket.connection.info(0).receiveWindow()).isZero();
            }
        }
    }

    @Test
    void closesAScaledWindowThatIsFilledByOctets() {
        peer.timestamps = true;
        SimSocket socket = peer.connect(
                new TcpSettings(), syn -> syn.mss(1448).windowScale(7).timestamps(1, 0));
        int scale = socket.connection.info(0).receiveWindowScale();
        socket.reading(false);
        int limit = socket.connection.receiveBufferSize();
        for (int sent = 0; sent < 2 * limit - 2048; sent += 512) {
            // Each is acknowledged by itself, and moves the edge by as much as it takes.
            peer.send(peer.nextData(512)).after(Duration.ofMillis(250));
        }
        peer.drain();
        assertThat(socket.connection.readableBytes()).isEqualTo(2 * limit - 2048);
        int edge = 0;
        boolean closed = false;
        for (int i = 0; i < 5000 && !closed; i++) {
            peer.send(peer.nextData(1));
            peer.after(Duration.ofMillis(250));
            for (Segment ack : peer.drain()) {
                int newEdge = ack.acknowledgment + (ack.window << scale);
                assertThat(edge == 0 || newEdge - edge > -1024)
                        .as("less than a unit")
                        .isTrue();
                edge = newEdge;
                closed = ack.window == 0;
            }
        }
        assertThat(closed).isTrue();
        int readable = socket.connection.readableBytes();
        assertThat(readable).isLessThanOrEqualTo(2 * limit);
        // What was offered before is taken all the same (RFC 7323 §2.4).
        peer.send(peer.nextData(1));
        assertThat(socket.connection.readableBytes()).isEqualTo(readable + 1);
    }

    @Test
    void opensTheWindowInWorthwhileStepsAsTheUserReads() {
        SimSocket socket = peer.connect(new TcpSettings().receiveBuffer(10_000), syn -> syn.mss(1000));
        socket.reading(false);
        for (int i = 0; i < 10; i++) {
            peer.send(peer.nextData(1000));
        }
        peer.after(Duration.ofMillis(300)).drain();
        socket.connection.read(100).release();
        peer.expectNothing(Duration.ofMillis(300));
        socket.connection.read(400).release();
        peer.expectNothing(Duration.ofMillis(300));
        // An acknowledgement that goes out anyway keeps to the steps as well.
        peer.send(of(ACK).seq(peer.sndNxt - 1).ack(peer.rcvNxt).length(1));
        assertThat(peer.expect(ACK).window).isZero();
        socket.reading(true);
        Segment update = peer.expect(ACK);
        assertThat(update.window).isGreaterThanOrEqualTo(5000);
    }

    @Test
    void acknowledgesEverySecondFullSegment() {
        peer.connect();
        // Past the quick start of a connection.
        for (int i = 0; i < 60; i++) {
            peer.send(peer.nextData(1000));
        }
        peer.host.accepted.get(0).write(new byte[1]);
        peer.send(peer.ackAll());
        peer.after(SECOND).drain();
        peer.host.accepted.get(0).connection.ackPolicy.dataSent(peer.time.nanoTime(), Long.MAX_VALUE);
        int acks = 0;
        for (int i = 0; i < 10; i++) {
            peer.send(peer.nextData(1000));
            acks += peer.drain().size();
        }
        assertThat(acks).isEqualTo(5);
    }

    @Test
    void acknowledgesEverySecondSegmentOfTheSizeItAnnounced() {
        SimSocket socket = peer.connect(new TcpSettings().maxSegmentSize(300), syn -> syn.mss(300));
        for (int i = 0; i < 60; i++) {
            peer.send(peer.nextData(300));
        }
        socket.write(new byte[1]);
        peer.send(peer.ackAll());
        peer.after(SECOND).drain();
        socket.connection.ackPolicy.dataSent(peer.time.nanoTime(), Long.MAX_VALUE);
        int acks = 0;
        for (int i = 0; i < 10; i++) {
            peer.send(peer.nextData(300));
            acks += peer.drain().size();
        }
        assertThat(acks).isEqualTo(5);
    }

    @Test
    void delaysAnAcknowledgementByLessThanHalfASecond() {
        peer.connect();
        for (int i = 0; i < 40; i++) {
            peer.send(peer.nextData(1000));
        }
        SimSocket socket = peer.host.accepted.get(0);
        socket.write(new byte[1]);
        peer.send(peer.ackAll());
        peer.after(SECOND).drain();
        socket.connection.ackPolicy.dataSent(peer.time.nanoTime(), Long.MAX_VALUE);
        peer.send(peer.nextData(100));
        peer.expectNothing(Duration.ofMillis(30));
        Segment ack = peer.expectWithin(Duration.ofMillis(200), ACK);
        assertThat(ack.acknowledgment).isEqualTo(peer.sndNxt);
    }

    @Test
    void acknowledgesQuicklyAtTheStartOfAConnection() {
        peer.connect();
        for (int i = 0; i < 5; i++) {
            peer.send(peer.nextData(100));
            peer.expect(ACK);
        }
    }

    @Test
    void letsDataCarryTheAcknowledgement() {
        SimSocket socket = peer.connect();
        socket.connection.user((c, events) -> {
            io.netty.buffer.ByteBuf request = c.read(1000);
            if (request != null) {
                c.write(request, 0, request.readableBytes(), false);
                request.release();
                c.flush(peer.time.nanoTime());
            }
        });
        peer.send(peer.nextData(100));
        Segment answer = peer.expect(ACK);
        assertThat(answer.data).hasSize(100);
        assertThat(answer.acknowledgment).isEqualTo(peer.sndNxt);
        peer.expectNothing();
    }

    @Test
    void processesAllQueuedSegmentsBeforeItAcknowledges() {
        peer.connect();
        for (int i = 0; i < 8; i++) {
            peer.sendWithoutWaiting(peer.nextData(1000));
        }
        peer.settle();
        List<Segment> sent = peer.drain();
        assertThat(sent)
                .as("one acknowledgement for all that a turn has brought")
                .hasSize(1);
        assertThat(sent.get(0).acknowledgment).isEqualTo(peer.sndNxt);
    }

    @Test
    void queuesSegmentsAheadOfAGapAndReportsThem() {
        SimSocket socket = peer.connect(new TcpSettings(), syn -> syn.mss(1000).sackPermitted());
        int base = peer.sndNxt;
        peer.send(of(ACK).seq(base + 1000).ack(peer.rcvNxt).length(1000));
        Segment first = peer.expect(ACK);
        assertThat(first.acknowledgment).isEqualTo(base);
        assertThat(first.sackBlocks()).containsExactly(base + 1000, base + 2000);
        peer.send(of(ACK).seq(base + 3000).ack(peer.rcvNxt).length(1000));
        assertThat(peer.expect(ACK).sackBlocks()).containsExactly(base + 3000, base + 4000, base + 1000, base + 2000);
        peer.send(of(ACK).seq(base + 2000).ack(peer.rcvNxt).length(1000));
        assertThat(peer.expect(ACK).sackBlocks()).containsExactly(base + 1000, base + 4000);
        peer.send(of(ACK).seq(base).ack(peer.rcvNxt).length(1000));
        Segment all = peer.expect(ACK);
        assertThat(all.acknowledgment).isEqualTo(base + 4000);
        assertThat(all.sackBlocks()).isEmpty();
        assertThat(socket.receivedCount()).isEqualTo(4000);
    }

    @Test
    void reportsDuplicates() {
        peer.connect(new TcpSettings(), syn -> syn.mss(1000).sackPermitted());
        int base = peer.sndNxt;
        peer.send(peer.nextData(1000));
        peer.drain();
        peer.send(of(ACK).seq(base).ack(peer.rcvNxt).length(1000));
        Segment dsack = peer.expect(ACK);
        assertThat(dsack.acknowledgment).isEqualTo(base + 1000);
        assertThat(dsack.sackBlocks()).containsExactly(base, base + 1000);
        peer.send(of(ACK).seq(base + 2000).ack(peer.rcvNxt).length(500));
        peer.drain();
        peer.send(of(ACK).seq(base + 2000).ack(peer.rcvNxt).length(500));
        assertThat(peer.expect(ACK).sackBlocks())
                .as("a duplicate above the acknowledgement comes first, then the block it is in")
                .containsExactly(base + 2000, base + 2500, base + 2000, base + 2500);
    }

    @Test
    void takesOverlappingSegmentsOnce() {
        SimSocket socket = peer.connect(new TcpSettings(), syn -> syn.mss(1000).sackPermitted());
        int base = peer.sndNxt;
        byte[] data = new byte[6000];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) (i * 7 + i / 256);
        }
        int[][] pieces = {{3000, 1000}, {2500, 1000}, {4500, 700}, {3500, 1500}, {1000, 1000}, {0, 3000}, {5000, 1000}};
        for (int[] piece : pieces) {
            peer.send(of(ACK).seq(base + piece[0])
                    .ack(peer.rcvNxt)
                    .data(Arrays.copyOfRange(data, piece[0], piece[0] + piece[1])));
        }
        assertThat(socket.received()).isEqualTo(data);
    }

    // ---------------------------------------------------------------- keep-alive and user timeout

    @Test
    void sendsKeepAlivesOnlyWhenAskedAndIdle() {
        TcpSettings settings =
                new TcpSettings().keepIdleSeconds(60).keepIntervalSeconds(10).keepCount(3);
        SimSocket socket = peer.connect(settings, syn -> syn.mss(1000));
        peer.expectNothing(Duration.ofHours(3));
        assertThat(new TcpSettings().keepAlive()).isFalse();
        assertThat(new TcpSettings().keepIdleSeconds()).isEqualTo(7200);
        socket.connection.settings().keepAlive(true);
        socket.connection.settingsChanged(peer.time.nanoTime());
        Segment probe = peer.expectWithin(SECOND, ACK);
        assertThat(probe.sequence).as("an old sequence number").isEqualTo(peer.rcvNxt - 1);
        assertThat(probe.data).as("without data").isEmpty();
        peer.send(peer.ackAll());
        peer.expectNothing(Duration.ofSeconds(55));
        peer.send(peer.nextData(10));
        peer.drain();
        peer.expectNothing(Duration.ofSeconds(55));
        peer.expectWithin(Duration.ofSeconds(10), ACK);
    }

    @Test
    void waitsTwoHoursForTheFirstKeepAliveUnlessToldOtherwise() {
        peer.connect(new TcpSettings().keepAlive(true), syn -> syn.mss(1000));
        peer.expectNothing(Duration.ofMinutes(119));
        peer.expectWithin(Duration.ofMinutes(2), ACK);
    }

    @Test
    void acknowledgementsPutKeepAlivesOffAsDataDoes() {
        SimSocket socket = peer.connect(new TcpSettings().keepAlive(true).keepIdleSeconds(60), syn -> syn.mss(1000));
        peer.expectNothing(Duration.ofSeconds(40));
        socket.write(new byte[10]);
        peer.expect(ACK);
        peer.send(peer.ackAll());
        peer.expectNothing(Duration.ofSeconds(55));
        assertThat(peer.expectWithin(Duration.ofSeconds(10), ACK).sequence).isEqualTo(peer.rcvNxt - 1);
    }

    @Test
    void toleratesLostKeepAlivesAndGivesUpAfterTheCount() {
        TcpSettings settings = new TcpSettings()
                .keepAlive(true)
                .keepIdleSeconds(60)
                .keepIntervalSeconds(10)
                .keepCount(3);
        SimSocket socket = peer.connect(settings, syn -> syn.mss(1000));
        peer.expectWithin(Duration.ofSeconds(61), ACK);
        peer.expectWithin(Duration.ofSeconds(11), ACK);
        assertThat(socket.error).isNull();
        peer.send(peer.ackAll());
        peer.expectWithin(Duration.ofSeconds(61), ACK);
        peer.expectWithin(Duration.ofSeconds(11), ACK);
        peer.expectWithin(Duration.ofSeconds(11), ACK);
        peer.expectWithin(Duration.ofSeconds(11), RST, ACK);
        assertThat(socket.error).isInstanceOf(IOException.class).hasMessageContaining("timed out");
    }

    @Test
    void failsAfterTheUserTimeout() {
        SimSocket socket = peer.connect(new TcpSettings().userTimeoutMillis(5000), syn -> syn.mss(1000));
        socket.write(new byte[100]);
        peer.after(Duration.ofSeconds(4));
        assertThat(socket.error).isNull();
        peer.after(Duration.ofSeconds(6));
        assertThat(socket.error).hasMessageContaining("timed out");
        peer.drain();
    }

    // ---------------------------------------------------------------- urgent data, TTL, TOS

    @Test
    void sendsAndReceivesUrgentDataInLine() {
        SimSocket socket = peer.connect();
        io.netty.buffer.ByteBuf data = io.netty.buffer.Unpooled.wrappedBuffer(new byte[2500]);
        socket.connection.write(data, 0, 2500, false);
        socket.connection.urgent(peer.time.nanoTime());
        List<Segment> sent = peer.drain();
        assertThat(sent).hasSize(3).allMatch(s -> s.has(URG));
        assertThat(sent)
                .allMatch(s -> s.sequence + s.urgentPointer == sent.get(2).end());
        peer.send(peer.ackAll());

        socket.reading(false);
        Segment urgent = peer.nextData(1000).urg(1500);
        urgent.flags |= Segment.URG;
        peer.send(urgent);
        assertThat(socket.events & TcpEvents.URGENT).isNotZero();
        assertThat(socket.connection.urgentBytes()).isEqualTo(1500);
        socket.reading(true);
        assertThat(socket.connection.urgentBytes()).isEqualTo(500);
        peer.send(peer.nextData(1000));
        assertThat(socket.connection.urgentBytes()).isZero();
        assertThat(socket.receivedCount()).isEqualTo(2000);
    }

    @Test
    void sendsWithTheTtlAndTrafficClassThatTheUserSet() {
        SimSocket socket = peer.connect(new TcpSettings().hopLimit(7).trafficClass(0xb8), syn -> syn.mss(1000));
        socket.write(new byte[10]);
        Segment data = peer.expect(ACK);
        assertThat(data.ttl).isEqualTo(7);
        assertThat(data.trafficClass).isEqualTo(0xb8);
        socket.connection.settings().trafficClass(0x28);
        socket.write(new byte[10]);
        assertThat(peer.expect(ACK).trafficClass).isEqualTo(0x28);
    }
}
