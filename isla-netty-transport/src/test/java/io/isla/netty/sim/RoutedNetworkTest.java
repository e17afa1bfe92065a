/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.channel.IslaDatagramChannel;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Hosts in several subnets, and the routers between them. */
class RoutedNetworkTest {
    private final VirtualNetwork network = VirtualNetwork.create(3);
    private final VirtualHost server = network.namedHost("server", "10.1.0.1");
    private final VirtualHost client = network.namedHost("client", "10.2.0.1");
    private final VirtualRouter near = network.router("near");
    private final VirtualRouter far = network.router("far");
    private final VirtualLink access = network.link(client, near);
    private final VirtualLink backbone = network.link(near, far);
    private final VirtualLink remote = network.link(far, network.lan("remote", server));

    @AfterEach
    void close() {
        network.close();
        assertThat(network.packetMemory()).isZero();
    }

    @Test
    void packetsGoFromRouterToRouter() {
        backbone.latency(Duration.ofMillis(25));
        network.await(Echo.serve(server));
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        Duration before = network.elapsed();

        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[1000]));

        assertThat(network.runUntil(() -> counter.bytes == 1000, Duration.ofSeconds(1)))
                .isTrue();
        assertThat(network.elapsed().minus(before)).isEqualTo(Duration.ofMillis(50));
        assertThat(near.addresses(access)).extracting("hostAddress").containsExactly("10.2.0.254");
        assertThat(near.counters().get("forwarded")).isPositive();
    }

    @Test
    void aSmallerMtuOnTheWayIsFoundByItsIcmpError() {
        backbone.mtu(1000);
        Echo.Counter counter = echo(20_000);

        assertThat(network.runUntil(() -> counter.bytes == 20_000, Duration.ofSeconds(2)))
                .isTrue();
        assertThat(near.counters().get("too big")).isPositive();
        assertThat(network.trace()).contains("unreachable - need to frag (mtu 1000)");
    }

    private Echo.Counter echo(int bytes) {
        network.await(Echo.serve(server));
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[bytes]));
        return counter;
    }

    @Test
    void icmpThatIsFilteredIsNotHeard() {
        backbone.mtu(1000);
        access.filterIcmp(true);
        remote.filterIcmp(true);
        echo(20_000);

        network.runFor(Duration.ofMillis(500));

        assertThat(access.counters().get("ICMP filtered")).isPositive();
        assertThat(client.counters().getOrDefault("IcmpInMsgs", 0L)).isZero();
    }

    @Test
    void aRouterCanBeToldToKeepSilent() {
        backbone.mtu(1000);
        near.icmpErrors(false);
        echo(20_000);

        network.runFor(Duration.ofMillis(500));

        assertThat(near.counters().get("too big")).isPositive();
        assertThat(network.trace()).doesNotContain("ICMP");
    }

    @Test
    void addressesThatNobodyHasAreUnreachable() {
        server.group();
        ChannelFuture host = connect("10.1.0.77");
        assertThatThrownBy(() -> network.await(host, Duration.ofSeconds(1))).isInstanceOf(NoRouteToHostException.class);
        ChannelFuture net = connect("192.0.2.1");
        assertThatThrownBy(() -> network.await(net, Duration.ofSeconds(1)))
                .isInstanceOf(java.net.SocketException.class);
        assertThat(network.trace()).contains("ICMP host unreachable").contains("ICMP net unreachable");
    }

    private ChannelFuture connect(String address) {
        return new Bootstrap()
                .group(client.group())
                .channel(io.isla.netty.channel.IslaSocketChannel.class)
                .handler(new Echo.Counter())
                .connect(address, Echo.PORT);
    }

    @Test
    void datagramsLargerThanALinkAreSplitAndJoined() {
        backbone.mtu(576);
        List<Integer> received = new ArrayList<>();
        Channel at = network.await(bind(server, received)).channel();
        Channel from = network.await(bind(client, new ArrayList<>())).channel();

        from.writeAndFlush(new DatagramPacket(
                Unpooled.wrappedBuffer(new byte[1400]), new InetSocketAddress(server.address(), 53)));
        network.runFor(Duration.ofSeconds(1));

        assertThat(at.isActive()).isTrue();
        if (near.counters().get("fragmented") == 0) {
            // Sent with "don't fragment": the first only finds the path's MTU.
            from.writeAndFlush(new DatagramPacket(
                    Unpooled.wrappedBuffer(new byte[1400]), new InetSocketAddress(server.address(), 53)));
            network.runFor(Duration.ofSeconds(1));
        }
        assertThat(received).containsExactly(1400);
    }

    private static ChannelFuture bind(VirtualHost host, List<Integer> received) {
        return new Bootstrap()
                .group(host.group())
                .channel(IslaDatagramChannel.class)
                .handler(new SimpleChannelInboundHandler<DatagramPacket>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
                        received.add(packet.content().readableBytes());
                    }
                })
                .bind(53);
    }

    @Test
    void packetsThatHaveCrossedTooManyRoutersAreAnswered() {
        client.group();
        Port port = client.ports().get(0);
        client.transmit(TestPackets.udpV4(network, port.other().mac(), port.mac(), "10.2.0.1", "10.1.0.1", 1, 100));
        network.runFor(Duration.ofSeconds(1));

        assertThat(near.counters().get("ttl exceeded")).isEqualTo(1);
        assertThat(network.trace()).contains("10.2.0.254 > 10.2.0.1: ICMP time exceeded");
        assertThat(client.counters().get("IcmpInTimeExcds")).isEqualTo(1);
    }

    @Test
    void whatHasCrossedEnoughRoutersToBeAnErrorItselfIsNot() {
        client.group();
        Port port = client.ports().get(0);
        for (int i = 0; i < 2; i++) {
            client.transmit(TestPackets.fragment(
                    TestPackets.udpV4(network, port.other().mac(), port.mac(), "10.2.0.1", "10.1.0.1", 1, 100)));
        }
        network.runFor(Duration.ofSeconds(1));

        assertThat(near.counters().get("ttl exceeded")).isEqualTo(2);
        assertThat(network.trace()).doesNotContain("ICMP");
    }
}
