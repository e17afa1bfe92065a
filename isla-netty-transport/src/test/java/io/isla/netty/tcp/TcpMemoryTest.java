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
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A peer can make a connection hold so much memory and no more, whatever it sends. */
class TcpMemoryTest {
    private static final int BUFFER = 32 * 1024;

    private final ScriptedPeer peer = new ScriptedPeer();
    private int sent;

    @AfterEach
    void close() {
        peer.close();
    }

    private long memory() {
        return peer.allocator.metric().usedDirectMemory();
    }

    private SimSocket connect() {
        SimSocket socket = peer.connect(
                new TcpSettings().receiveBuffer(BUFFER),
                syn -> syn.mss(1000).sackPermitted().windowScale(3));
        socket.reading(false);
        return socket;
    }

    private void sendAhead(int offset, int length) {
        peer.sendWithoutWaiting(
                of(ACK).seq(peer.sndNxt + offset).ack(peer.rcvNxt).length(length));
        settleNowAndThen();
    }

    private void settleNowAndThen() {
        if (++sent % 50 == 0) {
            peer.settle();
            peer.drain();
        }
    }

    @Test
    void holdsLittleOfSingleOctetsAheadOfGaps() {
        SimSocket socket = connect();
        long before = memory();
        for (int offset = 1; offset < 6000; offset += 2) {
            sendAhead(offset, 1);
        }
        peer.settle();
        assertThat(memory() - before).isLessThan(64 * 1024);
        assertThat(socket.connection.reassembly.memory()).isLessThanOrEqualTo(64 * 1024);
        assertThat(peer.counter("TCPOFODrop")).isPositive();
    }

    @Test
    void holdsLittleOfPairsOfOctetsAheadOfGaps() {
        connect();
        long before = memory();
        for (int offset = 1; offset < 6000; offset += 3) {
            sendAhead(offset, 1);
            sendAhead(offset + 1, 1);
        }
        peer.settle();
        assertThat(memory() - before).isLessThan(64 * 1024);
    }

    @Test
    void holdsLittleMoreThanItsBufferOfSingleOctetsInOrder() {
        SimSocket socket = connect();
        long before = memory();
        for (int i = 0; i < 3000; i++) {
            peer.sendWithoutWaiting(peer.nextData(1));
            settleNowAndThen();
        }
        peer.settle();
        assertThat(memory() - before).isLessThan(3000 + 20 * 1024);
        socket.reading(true);
        assertThat(socket.receivedCount()).isEqualTo(3000);
    }

    @Test
    void holdsAWholeWindowAheadOfAGap() {
        SimSocket socket = connect();
        int window = socket.connection.info(0).receiveWindow();
        int offset = 1000;
        for (; offset + 1000 <= window; offset += 1000) {
            sendAhead(offset, 1000);
        }
        peer.settle();
        assertThat(peer.counter("TCPOFODrop"))
                .as("nothing that fits the window")
                .isZero();
        peer.drain();
        peer.send(of(ACK).seq(peer.sndNxt).ack(peer.rcvNxt).length(1000));
        assertThat(peer.expect(ACK).acknowledgment).isEqualTo(peer.sndNxt + offset);
        socket.reading(true);
        assertThat(socket.receivedCount()).isEqualTo(offset);
    }

    @Test
    void getsOnWithWhatFillsTheGapWhenItHoldsAllItMay() {
        SimSocket socket = connect();
        socket.reading(true);
        SplittableRandom random = new SplittableRandom(1);
        byte[] data = new byte[6000];
        random.nextBytes(data);
        int base = peer.sndNxt;
        for (int offset = 1; offset < data.length; offset += 2) {
            peer.sendWithoutWaiting(of(ACK).seq(base + offset).ack(peer.rcvNxt).data(new byte[] {data[offset]}));
            settleNowAndThen();
        }
        peer.settle();
        peer.drain();
        assertThat(peer.counter("TCPOFODrop")).isPositive();
        for (int offset = 0; offset < data.length; offset += 1000) {
            peer.send(of(ACK).seq(base + offset)
                    .ack(peer.rcvNxt)
                    .data(java.util.Arrays.copyOfRange(data, offset, offset + 1000)));
        }
        peer.after(Duration.ofSeconds(1)).drain();
        assertThat(socket.received()).isEqualTo(data);
    }

    @Test
    void rememberedSentDataDoesNotGrowWithWhatThePeerReports() {
        SimSocket socket = connect();
        socket.write(new byte[10_000]);
        Segment first = peer.drain().get(0);
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 2000; i++) {
            int start = first.sequence + 1 + random.nextInt(9000);
            peer.send(of(ACK).seq(peer.sndNxt).ack(first.sequence).sack(start, start + 1 + random.nextInt(900)));
            peer.drain();
        }
        assertThat(socket.connection.sent.count()).isLessThanOrEqualTo(10);
    }
}
