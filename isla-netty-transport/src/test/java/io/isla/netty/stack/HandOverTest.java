/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.ip.Packets;
import io.isla.netty.link.Link;
import io.isla.netty.testing.Segment;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What one shard receives and another one has to deal with is counted once. */
class HandOverTest {
    private static final IpAddress HOST = Shards.address("10.0.0.1");
    private static final IpAddress PEER = Shards.address("10.0.0.2");
    private static final int COUNT = 64;
    private static final int MORE_FRAGMENTS = 0x2000;
    private static final int FIRST = 504;

    private Shards net;

    @BeforeEach
    void open() throws Exception {
        Shards.HostSetup setup = new Shards.HostSetup();
        setup.medium = Link.Medium.IP;
        setup.addresses = List.of(Shards.address("10.0.0.1", 24));
        // All comes to one of the four.
        setup.receiveQueues = 1;
        net = new Shards(setup);
        net.start(4);
        net.settle();
    }

    @AfterEach
    void close() throws Exception {
        net.close();
    }

    private static byte[] fragment(int flagsAndOffset, int identification, byte[] payload) {
        return Packets.ipv4(
                PEER.v4Bits(), HOST.v4Bits(), IpProtocol.UDP, 64, flagsAndOffset, identification, new byte[0], payload);
    }

    private void counts(String name, long expected) {
        assertThat(net.host.counters().get(name)).as(name).isEqualTo(expected);
    }

    @Test
    void segments() {
        for (int i = 0; i < COUNT; i++) {
            Segment syn = Segment.of(Segment.SYN).seq(1000);
            syn.sourcePort = 4000 + i;
            syn.destinationPort = 80;
            ByteBuf frame = syn.encode(0, 0, HOST.v4Bits(), PEER.v4Bits());
            net.receive(ByteBufUtil.getBytes(frame.skipBytes(EthernetHeader.LENGTH)));
            frame.release();
        }
        assertThat(net.sent).as("resets").hasSize(COUNT);
        counts("LinkRX_FRAMES", COUNT);
        counts("IpInReceives", COUNT);
        counts("IpInDelivers", COUNT);
        counts("InSegs", COUNT);
    }

    @Test
    void fragments() {
        for (int i = 0; i < COUNT; i++) {
            byte[] datagram = Packets.udp(PEER.v4Bits(), HOST.v4Bits(), 4000 + i, 9, Packets.bytes(1000));
            net.receive(fragment(MORE_FRAGMENTS, i, Arrays.copyOf(datagram, FIRST)));
            net.receive(fragment(FIRST / 8, i, Arrays.copyOfRange(datagram, FIRST, datagram.length)));
        }
        counts("IpReasmOKs", COUNT);
        counts("IpInReceives", 2 * COUNT);
        counts("IpInDelivers", COUNT);
    }
}
