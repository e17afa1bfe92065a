/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.ip.Packets;
import io.isla.netty.udp.UdpDatagram;
import io.isla.netty.udp.UdpEndpoint;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A datagram endpoint that moves to another shard loses nothing, and keeps the order of each flow, whichever shard the flow comes in by. */
class EndpointMoveTest {
    private static final int PORT = 9000;

    private Shards net;
    private UdpEndpoint endpoint;
    private int sent;

    @BeforeEach
    void open() throws Exception {
        Shards.HostSetup setup = new Shards.HostSetup();
        setup.addresses = List.of(Shards.address("10.0.0.1", 24));
        net = new Shards(setup);
        net.start(3);
        net.settle();
        endpoint = net.host.endpoints().open(net.shards.get(0), IpAddress.ANY_V4, PORT, false, false, e -> {});
    }

    @AfterEach
    void close() throws Exception {
        net.close();
    }

    private void send(int sourcePort, int port, String text) {
        byte[] udp = Packets.udp(
                Packets.v4("10.0.0.2"),
                Packets.v4("10.0.0.1"),
                sourcePort,
                port,
                text.getBytes(StandardCharsets.US_ASCII));
        byte[] packet = Packets.ipv4(Packets.v4("10.0.0.2"), Packets.v4("10.0.0.1"), IpProtocol.UDP, udp);
        net.transmit(Packets.ethernet(Shards.OWN_LINK, Shards.PEER_LINK, EtherType.IPV4, packet));
    }

    /** The port of a flow that the link gives to a shard. */
    private int flowTo(Shard shard) {
        for (int port = 20_000; ; port++) {
            send(port, PORT + 1, "who?");
            boolean found = shard.runTurn() > 0;
            net.settle();
            if (found) {
                return port;
            }
        }
    }

    /** A datagram comes, and its shard looks whom it is for. */
    private void arrive(int flow, Shard by) {
        send(flow, PORT, Integer.toString(sent++));
        by.runTurn();
    }

    private void read(UdpEndpoint from, List<String> read) {
        for (UdpDatagram next = from.receive(); next != null; next = from.receive()) {
            read.add(next.payload().toString(StandardCharsets.US_ASCII));
            next.payload().release();
        }
    }

    @ParameterizedTest(name = "by shard {0}, from shard 0 to 1 and then to {1}")
    @CsvSource({"0, 2", "1, 2", "2, 2", "0, 0", "1, 0", "2, 0"})
    void nothingIsLostAndNothingOvertakes(int byIndex, int thirdIndex) {
        Shard by = net.shards.get(byIndex);
        Shard first = net.shards.get(0);
        Shard second = net.shards.get(1);
        Shard third = net.shards.get(thirdIndex);
        int flow = flowTo(by);
        List<UdpEndpoint> arrived = new ArrayList<>();

        arrive(flow, by);
        net.host.endpoints().move(endpoint, second, arrived::add);
        arrive(flow, by);
        first.runTurn();
        arrive(flow, by);
        // What was told to the shard that it has left is still on its way from there.
        second.runTurn();
        arrive(flow, by);
        net.host.endpoints().move(arrived.get(0), third, arrived::add);
        arrive(flow, by);
        second.runTurn();
        arrive(flow, by);
        third.runTurn();
        arrive(flow, by);
        List<String> read = new ArrayList<>();
        read(arrived.get(1), read);
        net.settle();
        read(arrived.get(1), read);

        assertThat(read).containsExactly("0", "1", "2", "3", "4", "5", "6");
        assertThat(arrived.get(1).stack()).isSameAs(third.udp());
        assertThat(endpoint.isReadable()).isFalse();
    }

    @ParameterizedTest(name = "by shard {0}")
    @CsvSource({"0", "1", "2"})
    void whatComesForOneThatIsClosedOnItsWayIsDropped(int byIndex) {
        Shard by = net.shards.get(byIndex);
        int flow = flowTo(by);
        List<UdpEndpoint> arrived = new ArrayList<>();
        arrive(flow, by);
        net.host.endpoints().close(endpoint);
        net.host.endpoints().move(endpoint, net.shards.get(1), arrived::add);
        net.settle();

        assertThat(arrived).hasSize(1).containsOnlyNulls();
        arrive(flow, by);
        net.settle();
        assertThat(endpoint.receive()).isNull();
        assertThat(net.host.endpoints().on(PORT)).isNull();
    }
}
