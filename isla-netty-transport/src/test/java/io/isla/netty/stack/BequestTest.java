/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.RST;
import static io.isla.netty.testing.Segment.SYN;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.Link;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.tcp.TcpUser;
import io.isla.netty.testing.Segment;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of the connections of a shard that ends while its host goes on. */
class BequestTest {
    private static final IpAddress HOST = Shards.address("10.0.0.1");
    private static final IpAddress PEER = Shards.address("10.0.0.2");
    private static final int PORT = 80;
    private static final int ISS = 1000;

    private final List<TcpConnection> accepted = new ArrayList<>();
    private Shards net;

    @BeforeEach
    void open() throws Exception {
        Shards.HostSetup setup = new Shards.HostSetup();
        setup.medium = Link.Medium.IP;
        setup.addresses = List.of(Shards.address("10.0.0.1", 24));
        net = new Shards(setup);
        net.start(2);
        net.settle();
        net.host.listeners().listen(IpAddress.ANY_V6, PORT, 10, false, false, new TcpSettings(), accepted::add);
    }

    @AfterEach
    void close() throws Exception {
        net.close();
    }

    private void send(Segment segment) {
        segment.sourcePort = 4000;
        segment.destinationPort = PORT;
        ByteBuf frame = segment.encode(0, 0, HOST.v4Bits(), PEER.v4Bits());
        net.receive(ByteBufUtil.getBytes(frame.skipBytes(EthernetHeader.LENGTH)));
        frame.release();
    }

    private Segment received() {
        assertThat(net.sent).hasSize(1);
        ByteBuf frame = Unpooled.buffer().writeZero(EthernetHeader.LENGTH).writeBytes(net.sent.remove(0));
        return Segment.decode(frame.setShort(EthernetHeader.LENGTH - 2, EtherType.IPV4), 0);
    }

    private Shard owner() {
        return net.shards.stream()
                .filter(shard -> shard.tcp().flowCount() > 0)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aHandshakeIsCompletedByAnotherShard() {
        send(of(SYN).seq(ISS));
        Segment synAck = received();
        net.stop(owner());

        assertThat(owner().tcp().flowCount()).isEqualTo(1);
        send(of(ACK).seq(ISS + 1).ack(synAck.sequence + 1));

        assertThat(net.sent).as("no reset").isEmpty();
        assertThat(accepted).hasSize(1);
    }

    @Test
    void aConnectionThatNobodyHasAcceptedYetGoesToAnotherShardAndIsFoundThere() {
        send(of(SYN).seq(ISS));
        send(of(ACK).seq(ISS + 1).ack(received().sequence + 1));
        Shard first = owner();
        net.stop(first);

        assertThat(net.sent).as("no reset").isEmpty();
        List<Shard> found = new ArrayList<>();
        assertThat(first.with(accepted.get(0), found::add)).isTrue();
        net.settle();
        assertThat(found).containsExactly(owner());
        accepted.get(0).abort(net.ticker.nanoTime());
        net.settle();
        assertThat(received().has(RST)).isTrue();
    }

    /** One that accepts a connection at once, and may leave it. */
    private record Tenant(boolean leaving) implements TcpUser {
        @Override
        public void onTcpEvents(TcpConnection connection, int events) {}

        @Override
        public boolean leaves(TcpConnection connection) {
            if (leaving) {
                connection.user(null);
            }
            return leaving;
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aConnectionGoesToAnotherShardIfItsUserLeavesIt(boolean leaving) {
        send(of(SYN).seq(ISS));
        int acknowledged = received().sequence + 1;
        send(of(ACK).seq(ISS + 1).ack(acknowledged));
        accepted.get(0).user(new Tenant(leaving));
        Shard first = owner();
        net.stop(first);

        if (!leaving) {
            assertThat(received().has(RST)).isTrue();
            return;
        }
        assertThat(net.sent).as("no reset").isEmpty();
        assertThat(owner()).isNotSameAs(first);
        send(of(ACK).seq(ISS + 1).ack(acknowledged).data("x"));
        assertThat(accepted.get(0).readableBytes()).isEqualTo(1);
    }

    @Test
    void theLastShardResetsWhatThereIs() {
        send(of(SYN).seq(ISS));
        send(of(ACK).seq(ISS + 1).ack(received().sequence + 1));
        Shard first = owner();
        net.stop(first);
        Shard last = owner();
        net.stop(last);

        assertThat(received().has(RST)).isTrue();
        assertThat(first.with(accepted.get(0), shard -> {})).isFalse();
    }
}
