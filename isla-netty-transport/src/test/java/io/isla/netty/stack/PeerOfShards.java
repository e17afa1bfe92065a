/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.SYN;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.Link;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.testing.Segment;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;

/** A host of some shards, and a peer that asks it for connections, as many as there are ports. */
abstract class PeerOfShards {
    static final IpAddress HOST = Shards.address("10.0.0.1");
    static final IpAddress PEER = Shards.address("10.0.0.2");
    static final int PORT = 80;
    static final int FIRST_PORT = 4000;
    static final int FLOWS = 64;
    /** The first of some ports for connections of the host's own. */
    static final int OUTGOING = 33_000;

    static final int ISS = 1000;

    final List<TcpConnection> accepted = new ArrayList<>();
    Shards net;
    HostListener listener;

    @AfterEach
    void close() throws Exception {
        net.close();
    }

    void open(int receiveQueues) throws IOException {
        Shards.HostSetup setup = new Shards.HostSetup();
        setup.medium = Link.Medium.IP;
        setup.addresses = List.of(Shards.address("10.0.0.1", 24));
        setup.receiveQueues = receiveQueues;
        net = new Shards(setup);
    }

    void listen(int backlog, Object group) throws Exception {
        net.settle();
        listener = net.host
                .listeners()
                .listen(
                        IpAddress.ANY_V6,
                        PORT,
                        backlog,
                        true,
                        false,
                        false,
                        ListenScope.NONE,
                        new TcpSettings(),
                        group,
                        c -> {
                            accepted.add(c);
                            listener.accepted();
                        });
        net.settle();
    }

    void send(int remotePort, Segment segment) {
        segment.sourcePort = remotePort;
        segment.destinationPort = PORT;
        receive(segment);
    }

    void receive(Segment segment) {
        net.receive(packet(segment));
    }

    static byte[] packet(Segment segment) {
        ByteBuf frame = segment.encode(0, 0, HOST.v4Bits(), PEER.v4Bits());
        byte[] bytes = ByteBufUtil.getBytes(frame.skipBytes(EthernetHeader.LENGTH));
        frame.release();
        return bytes;
    }

    Segment received() {
        assertThat(net.sent).hasSize(1);
        ByteBuf frame = Unpooled.buffer().writeZero(EthernetHeader.LENGTH).writeBytes(net.sent.remove(0));
        return Segment.decode(frame.setShort(EthernetHeader.LENGTH - 2, EtherType.IPV4), 0);
    }

    /** Asks for connections, and returns the sequence number of each answer. */
    Map<Integer, Integer> ask(List<Integer> ports) {
        Map<Integer, Integer> answers = new TreeMap<>();
        for (int port : ports) {
            send(port, of(SYN).seq(ISS));
            Segment answer = received();
            assertThat(answer.has(SYN) && answer.has(ACK)).isTrue();
            answers.put(port, answer.sequence);
        }
        return answers;
    }

    Map<Integer, Integer> ask(int count) {
        return ask(IntStream.range(FIRST_PORT, FIRST_PORT + count).boxed().toList());
    }

    void acknowledge(Map<Integer, Integer> answers) {
        answers.forEach((port, sequence) -> send(port, of(ACK).seq(ISS + 1).ack(sequence + 1)));
    }

    /** Has a host of some shards, and connections to it; returns the sequence number of the answer to each request. */
    Map<Integer, Integer> connect(int receiveQueues, int shards) throws Exception {
        return connect(receiveQueues, shards, true);
    }

    /** The same, whose handshakes are complete or not. */
    Map<Integer, Integer> connect(int receiveQueues, int shards, boolean complete) throws Exception {
        open(receiveQueues);
        net.start(shards);
        listen(FLOWS, "group");
        Map<Integer, Integer> answers = ask(FLOWS);
        if (complete) {
            acknowledge(answers);
        }
        return answers;
    }

    static long segments(Shard shard) {
        return shard.counters().get("InSegs");
    }

    int listed() {
        return net.host.steering().listed();
    }
}
