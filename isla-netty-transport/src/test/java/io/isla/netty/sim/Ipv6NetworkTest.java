/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.channel.IslaSocketChannel;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import java.net.NoRouteToHostException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Hosts with addresses of both families, on one link and across routers. */
class Ipv6NetworkTest {
    private final VirtualNetwork network = VirtualNetwork.create(6);
    private final VirtualHost server = network.namedHost("server", "10.1.0.1", "fd00:1::1");
    private final VirtualHost client = network.namedHost("client", "10.2.0.1", "fd00:2::1");
    private final VirtualRouter near = network.router("near");
    private final VirtualRouter far = network.router("far");
    private final VirtualLink backbone = network.link(near, far).latency(Duration.ofMillis(10));

    Ipv6NetworkTest() {
        network.lan("clients", client, near);
        network.link(far, server);
    }

    @AfterEach
    void close() {
        network.close();
        assertThat(network.packetMemory()).isZero();
    }

    private ChannelFuture connect(String address, Echo.Counter counter) {
        return new Bootstrap()
                .group(client.group())
                .channel(IslaSocketChannel.class)
                .handler(counter)
                .connect(address, Echo.PORT);
    }

    /** A host may use an address of IPv6 once it knows that nobody else has it. */
    private void start() {
        server.group();
        client.group();
        network.runFor(Duration.ofSeconds(3));
        network.await(Echo.serve(server));
    }

    @Test
    void bothFamiliesGoAcrossRouters() {
        start();
        for (String address : new String[] {"10.1.0.1", "fd00:1::1"}) {
            Echo.Counter counter = new Echo.Counter();
            Channel channel = network.await(connect(address, counter)).channel();
            Duration before = network.elapsed();
            channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[1000]));

            assertThat(network.runUntil(() -> counter.bytes == 1000, Duration.ofSeconds(1)))
                    .isTrue();
            assertThat(network.elapsed().minus(before)).isEqualTo(Duration.ofMillis(20));
        }
        assertThat(network.trace()).contains("fd00:2:0:0:0:0:0:1.").contains(" > fd00:1:0:0:0:0:0:1.7: Flags [S]");
    }

    @Test
    void aPacketThatIsTooBigIsAnswered() {
        start();
        backbone.mtu(1300);
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(connect("fd00:1::1", counter)).channel();

        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[20_000]));

        assertThat(network.runUntil(() -> counter.bytes == 20_000, Duration.ofSeconds(5)))
                .isTrue();
        assertThat(network.trace()).contains("ICMP6 packet too big, mtu 1300");
    }

    @Test
    void anAddressThatNobodyHasIsUnreachable() {
        start();

        assertThatThrownBy(() -> network.await(connect("fd00:1::77", new Echo.Counter()), Duration.ofSeconds(5)))
                .isInstanceOf(NoRouteToHostException.class);
        assertThat(network.trace()).contains("ICMP6 destination unreachable");
    }
}
