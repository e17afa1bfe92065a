/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.SimSocket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How much bulk data is on its way and waits to be sent: what the path holds, however large windows and buffers might become. */
class TcpBulkTest {
    private static final int MIB = 1 << 20;
    private static final long MICRO = TimeUnit.MICROSECONDS.toNanos(1);

    private ScriptedPeer peer = new ScriptedPeer();

    @AfterEach
    void close() {
        peer.close();
    }

    private SimSocket connect(int sendBuffer) {
        SimSocket socket = peer.connect(
                new TcpSettings().sendBuffer(sendBuffer), syn -> syn.mss(1000).windowScale(10));
        socket.connection.window.cwnd = 16 * MIB;
        return socket;
    }

    @Test
    void aConnectionSendsSoMuchATurnAndTheRestInThoseToCome() {
        SimSocket socket = connect(4 * MIB);
        TcpConnection c = socket.connection;

        socket.write(new byte[2 * MIB]);

        assertThat(c.flightSize()).isBetween(TurnQueue.QUANTUM, TurnQueue.QUANTUM + 65_536);
        assertThat(peer.host.shard().hasWork())
                .as("there is to be another turn")
                .isTrue();
        int before = c.flightSize();
        peer.host.shard().runTurn();
        assertThat(c.flightSize() - before).isBetween(TurnQueue.QUANTUM, TurnQueue.QUANTUM + 65_536);
        peer.settle();
        assertThat(c.flightSize()).isEqualTo(2 * MIB);
        assertThat(peer.host.shard().hasWork()).isFalse();
    }

    @Test
    void aBufferThatSizesItselfTakesNoMoreThanGoesOutInTheTimeToGetMore() {
        SimSocket socket = connect(0);
        TcpConnection c = socket.connection;
        c.sendBuffer = 32 * MIB;
        c.window.cwnd = 2000;

        assertThat(c.writableBytes()).isEqualTo(2 * TurnQueue.QUANTUM);
        socket.write(new byte[4 * MIB]);
        assertThat(c.unsentBytes()).isEqualTo(2 * TurnQueue.QUANTUM - 2000);

        // What is sent makes room, before it is acknowledged.
        c.window.cwnd = 16 * MIB;
        c.flush(peer.time.nanoTime());
        peer.settle();
        assertThat(socket.taken()).isEqualTo(4 * MIB);
        assertThat(c.flightSize()).isEqualTo(4 * MIB);
    }

    @Test
    void aBufferOfTheUsersSizeTakesThatMuch() {
        SimSocket socket = connect(4 * MIB);
        socket.connection.window.cwnd = 2000;
        assertThat(socket.connection.writableBytes()).isEqualTo(4 * MIB);
    }

    @Test
    void aBufferThatSizesItselfGrowsByWhatThePathCanHold() {
        assertThat(bufferAfter(Duration.ofNanos(50 * MICRO)))
                .as("a path of 100 Gbit/s holds 625,000 bytes in 50 µs, which is less than keeps both ends busy")
                .isEqualTo(768 * 1024);
        assertThat(bufferAfter(Duration.ofNanos(200 * MICRO)))
                .as("a path of 100 Gbit/s holds so much in 200 µs")
                .isEqualTo(2_500_000);
        assertThat(bufferAfter(Duration.ofMillis(100))).isEqualTo(32 * MIB);
    }

    /** The send buffer of a connection with a large window, after a round trip of so long. */
    private int bufferAfter(Duration rtt) {
        peer.close();
        peer = new ScriptedPeer();
        peer.handshakeDelay = rtt;
        SimSocket socket = connect(0);
        socket.connection.window.cwnd = 64 * MIB;
        for (int i = 0; i < 2; i++) {
            socket.write(new byte[1000]);
            peer.after(rtt);
            peer.drain();
            peer.send(peer.ackAll().win(0xffff));
        }
        return socket.connection.sendBuffer;
    }

    @Test
    void aPacketLongerThanItsHeaderCanTellIsAShareOfTheWindow() {
        assertThat(TcpOutput.longestPacket(65_535, 262_000, 14_600)).isEqualTo(65_535);
        assertThat(TcpOutput.longestPacket(65_535, 262_000, 400_000)).isEqualTo(100_000);
        assertThat(TcpOutput.longestPacket(65_535, 262_000, 16 * MIB)).isEqualTo(262_000);
        assertThat(TcpOutput.longestPacket(65_535, 65_535, 16 * MIB)).isEqualTo(65_535);
    }
}
