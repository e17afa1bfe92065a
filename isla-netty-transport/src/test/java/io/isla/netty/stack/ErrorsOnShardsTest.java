/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static io.isla.netty.stack.Shards.address;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.ip.Packets;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.udp.UdpEndpoint;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import java.io.IOException;
import java.net.PortUnreachableException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** ICMP errors about what the shards of a host have sent: whichever of them receives one, the one that it concerns hears of it, and it is counted once. */
class ErrorsOnShardsTest {
    private static final int OWN = Packets.v4("10.0.0.2");
    private static final int PEER = Packets.v4("10.0.0.1");
    private static final IpAddress PEER_ADDRESS = address("10.0.0.1");
    private static final int PEER_PORT = 9;
    private static final int SHARDS = 4;

    private Shards shards;

    @BeforeEach
    void open() throws IOException {
        Shards.HostSetup setup = new Shards.HostSetup();
        setup.addresses = List.of(address("10.0.0.2", 24));
        shards = new Shards(setup);
        shards.start(SHARDS);
        shards.settle();
        shards.receive(Packets.arp(Shards.OWN_LINK, ArpHeader.REQUEST, Shards.PEER_LINK, PEER, 0, OWN));
        shards.sent.clear();
    }

    @AfterEach
    void close() throws IOException {
        shards.close();
    }

    private void portUnreachable(byte[] quoted) {
        byte[] error = Packets.icmp(IcmpHeader.DESTINATION_UNREACHABLE, IcmpHeader.PORT_UNREACHABLE, 0, quoted);
        shards.receive(Packets.ethernet(
                Shards.OWN_LINK, Shards.PEER_LINK, EtherType.IPV4, Packets.ipv4(PEER, OWN, IpProtocol.ICMP, error)));
    }

    private static byte[] datagram(int sourcePort) {
        byte[] udp = Packets.udp(OWN, PEER, sourcePort, PEER_PORT, new byte[8]);
        return Packets.ipv4(OWN, PEER, IpProtocol.UDP, udp);
    }

    @Test
    void anErrorAboutADatagramIsTheEndpointsWhichSentIt() throws Exception {
        List<UdpEndpoint> endpoints = new ArrayList<>();
        for (Shard shard : shards.shards) {
            UdpEndpoint endpoint = shards.host.endpoints().open(shard, IpAddress.ANY_V6, 0, false, false, ready -> {});
            assertThat(endpoint.connect(PEER_ADDRESS, PEER_PORT)).isTrue();
            endpoints.add(endpoint);
        }

        for (UdpEndpoint endpoint : endpoints) {
            portUnreachable(datagram(endpoint.localPort()));
            assertThat(endpoint.takeError()).isInstanceOf(PortUnreachableException.class);
        }
        assertThat(endpoints).noneMatch(UdpEndpoint::hasError);
        assertThat(shards.host.counters()).containsEntry("IslaUdpIcmpIgnored", 0L);

        portUnreachable(datagram(1));
        assertThat(shards.host.counters())
                .containsEntry("IslaUdpIcmpIgnored", 1L)
                .containsEntry("IcmpInDestUnreachs", SHARDS + 1L);
    }

    @Test
    void anErrorAboutASegmentIsTheConnectionsWhichSentIt() throws Exception {
        for (Shard shard : shards.shards) {
            shard.connect(new TcpSettings(), null, 0, PEER_ADDRESS, PEER_PORT, null)
                    .flush(shard.now());
        }
        shards.settle();
        List<byte[]> segments = shards.take(EtherType.IPV4).stream()
                .map(frame -> Arrays.copyOfRange(frame, 14, frame.length))
                .toList();
        assertThat(segments).hasSize(SHARDS);

        segments.forEach(this::portUnreachable);
        assertThat(shards.host.counters())
                .containsEntry("AttemptFails", (long) SHARDS)
                .containsEntry("IslaIcmpIgnored", 0L);

        // They have ended.
        segments.forEach(this::portUnreachable);
        assertThat(shards.host.counters()).containsEntry("IslaIcmpIgnored", (long) SHARDS);
    }
}
