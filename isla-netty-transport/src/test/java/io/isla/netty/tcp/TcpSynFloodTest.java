/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.MacAddress;
import io.isla.netty.sim.VirtualTime;
import io.isla.netty.sim.VirtualWire;
import io.isla.netty.stack.HostListener;
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * A flood of SYNs from addresses that are not theirs, at a listener that others use meanwhile over the same wire (RFC 4987): nobody who means it is turned away,
 * and what the host remembers is bounded.
 */
class TcpSynFloodTest {
    private static final int SYNS_PER_SECOND = 100_000;
    private static final int PORT = 80;
    private static final int BACKLOG = 128;
    private static final int REQUEST = 100;
    private static final int RESPONSE = 3000;
    private static final long MILLI = 1_000_000L;
    private static final long SECOND = 1000 * MILLI;
    private static final int SERVER = 0x0a00_0001;

    private final VirtualTime time = new VirtualTime();
    private final VirtualWire wire = new VirtualWire(time, 1, 1500, false);
    private final UnpooledByteBufAllocator memory = new UnpooledByteBufAllocator(true, true);
    private final UnpooledByteBufAllocator clientMemory = new UnpooledByteBufAllocator(true, true);
    private final SplittableRandom random = new SplittableRandom(4987);
    private final List<SimSocket> clients = new ArrayList<>();
    private final List<SimSocket> serving = new ArrayList<>();
    private SimHost server;
    private SimHost client;
    private int finished;
    private int established;
    private long sent;
    private long mostMemory;
    private int mostPending;
    private int mostFlows;

    /** The flood comes by way of the gateway, and its answers leave by it. */
    @Test
    void servesOthersDuringAFloodFromAfar() {
        server = new SimHost(time, wire.a(), "10.0.0.1", 24, "10.0.0.2", new TcpParameters(), 1, memory);
        flood(10, 0x0a4d_0000, 16);
        // A cookie for all but those who found the queue with room.
        assertThat(server.counter("SyncookiesSent")).isGreaterThan(sent - 10_000);
        assertThat(server.counter("SyncookiesRecv")).isGreaterThan(finished / 2);
        close();
    }

    /** The flood's addresses are on the link, and each answer to it wants the link address of somebody who is not there. */
    @Test
    void servesOthersDuringAFloodFromTheSameLink() {
        server = new SimHost(time, wire.a(), "10.0.0.1", 8, null, new TcpParameters(), 1, memory);
        flood(2, 0x0a4d_0000, 16);
        close();
    }

    private void flood(int seconds, int range, int rangeBits) {
        client = new SimHost(time, wire.b(), "10.0.0.2", 8, null, new TcpParameters(), 2, clientMemory);
        wire.aToB().latency(Duration.ofMillis(1));
        wire.bToA().latency(Duration.ofMillis(1));
        HostListener listener = server.listen(PORT, BACKLOG, new TcpSettings());
        // The peaceful before it.
        step(100, 0, range, rangeBits);
        time.runFor(SECOND);
        assertThat(server.shard().tcp().flowCount()).isLessThanOrEqualTo(finished);
        long before = memory.metric().usedDirectMemory();
        int millis = seconds * 1000;
        step(millis, SYNS_PER_SECOND / 1000, range, rangeBits);
        assertThat(sent).isEqualTo((long) seconds * SYNS_PER_SECOND);
        time.runUntil(() -> finished == established, 5 * SECOND);
        serve();

        assertThat(finished).as("connections that came and went").isEqualTo((100 + millis) / 10);
        assertThat(client.counter("TCPSynRetrans"))
                .as("SYNs that had to be sent again")
                .isZero();
        assertThat(client.counter("AttemptFails") + client.counter("EstabResets"))
                .isZero();
        assertThat(server.counter("ListenOverflows")).isZero();
        assertThat(mostPending).as("embryonic connections at most").isLessThanOrEqualTo(BACKLOG);
        // Those in TIME-WAIT are the peaceful ones.
        assertThat(mostFlows).as("flows at most").isLessThanOrEqualTo(BACKLOG + finished);
        assertThat(mostMemory - before)
                .as("bytes of buffers at most, beyond those before")
                .isLessThan(2 << 20);
        // The flood is over: what waits for an acknowledgement that never comes is given up, and TIME-WAIT ends.
        time.runFor(130 * SECOND);
        assertThat(server.shard().tcp().flowCount()).as("flows left").isZero();
        assertThat(memory.metric().usedDirectMemory())
                .as("bytes of buffers left")
                .isEqualTo(before);
        assertThat(listener.isClosed()).isFalse();
    }

    private void close() {
        server.close();
        client.close();
        time.runFor(SECOND);
        assertThat(memory.metric().usedDirectMemory()).isZero();
        assertThat(clientMemory.metric().usedDirectMemory()).isZero();
    }

    /** Lets milliseconds pass: in each, SYNs come evenly spread, and in every tenth somebody who wants to be served. */
    private void step(int millis, int synsPerMilli, int range, int rangeBits) {
        for (int i = 0; i < millis; i++) {
            if (i % 10 == 0) {
                SimSocket socket = client.connect(server, PORT, new TcpSettings());
                socket.write(new byte[REQUEST]);
                clients.add(socket);
                established++;
            }
            for (int j = 0; j < synsPerMilli; j++) {
                long at = time.nanoTime() + j * MILLI / synsPerMilli;
                ByteBuf syn = syn(range | random.nextInt(1 << rangeBits));
                sent++;
                if (j == 0) {
                    wire.injectFromB(syn);
                } else {
                    time.scheduleAt(at, () -> wire.injectFromB(syn));
                }
            }
            time.runFor(MILLI);
            serve();
            mostMemory = Math.max(mostMemory, memory.metric().usedDirectMemory());
            mostFlows = Math.max(mostFlows, server.shard().tcp().flowCount());
            mostPending = Math.max(mostPending, pending());
        }
    }

    private int pending() {
        int[] requests = {0};
        server.shard().tcp().flows.forEach(flow -> requests[0] += flow instanceof SynRequest ? 1 : 0);
        return requests[0];
    }

    private void serve() {
        serving.addAll(server.accepted);
        server.accepted.clear();
        serving.removeIf(socket -> {
            if (socket.receivedCount() == REQUEST && socket.taken() == 0) {
                socket.write(new byte[RESPONSE]).finish();
            }
            if (socket.inputFinished || socket.closed) {
                assertThat(socket.error).isNull();
                socket.close();
                return true;
            }
            return false;
        });
        clients.removeIf(socket -> {
            assertThat(socket.error).isNull();
            if (socket.inputFinished) {
                assertThat(socket.receivedCount()).isEqualTo(RESPONSE);
                socket.close();
                finished++;
                return true;
            }
            return false;
        });
    }

    /** A SYN as a flooder makes it: with the options of a real one, or bare. */
    private ByteBuf syn(int source) {
        boolean bare = random.nextBoolean();
        int tcpLength = bare ? 20 : 40;
        ByteBuf frame = clientMemory.directBuffer(34 + tcpLength, 34 + tcpLength);
        frame.writeZero(34 + tcpLength);
        EthernetHeader.write(
                frame,
                0,
                MacAddress.locallyAdministered(SERVER & 0xffff).bits(),
                MacAddress.locallyAdministered(2).bits(),
                EtherType.IPV4);
        frame.setByte(14, 0x45);
        frame.setShort(16, 20 + tcpLength);
        frame.setByte(22, 64);
        frame.setByte(23, IpProtocol.TCP);
        frame.setInt(26, source);
        frame.setInt(30, SERVER);
        frame.setShort(24, InternetChecksum.complement(InternetChecksum.sum(frame, 14, 20)));
        int port = 1024 + random.nextInt(60_000);
        TcpHeader.write(frame, 34, port, PORT, random.nextInt(), 0, tcpLength, TcpHeader.SYN, 64_240, 0);
        if (!bare) {
            frame.setInt(54, 0x0204_05b4);
            frame.setInt(58, 0x0402_080a);
            frame.setInt(62, random.nextInt());
            frame.setInt(70, 0x0103_0307);
        }
        int pseudo = InternetChecksum.pseudoHeaderV4(source, SERVER, IpProtocol.TCP, tcpLength);
        TcpHeader.checksum(
                frame,
                34,
                InternetChecksum.complement(InternetChecksum.add(pseudo, InternetChecksum.sum(frame, 34, tcpLength))));
        return frame;
    }
}
