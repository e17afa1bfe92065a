/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.sim.VirtualHost;
import io.isla.netty.sim.VirtualNetwork;
import io.isla.netty.sim.junit.VirtualNetworkTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.timeout.IdleState;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A half-open connection: the server has crashed and come back, and knows nothing of a connection that its client still believes in. As long as the client has
 * nothing to say, nobody tells it. A heartbeat does.
 */
class HeartbeatTest {
    private final List<Channel> closed = new ArrayList<>();

    /** Says something when there has been silence for 10 seconds, and gives up after 30. */
    private static void heartbeat(Channel channel) {
        channel.pipeline().addLast(new IdleStateHandler(30, 10, 0), new ChannelInboundHandlerAdapter() {
            @Override
            public void userEventTriggered(ChannelHandlerContext context, Object event) {
                if (event instanceof IdleStateEvent idle) {
                    if (idle.state() == IdleState.READER_IDLE) {
                        context.close();
                    } else {
                        context.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {'?'}));
                    }
                }
            }
        });
    }

    private Channel connect(VirtualNetwork network, boolean beating) {
        VirtualHost server = network.namedHost("server", "10.0.0.1");
        VirtualHost client = network.namedHost("client", "10.0.0.2");
        network.link(client, server).latency(Duration.ofMillis(15)).loss(0.02);
        server.program(host -> network.await(Peers.serve(
                host,
                80,
                channel -> channel.pipeline()
                        .addLast(Peers.on(
                                ByteBuf.class, (context, message) -> context.writeAndFlush(message.retain()))))));
        Channel channel = network.await(Peers.connect(client, server, 80, c -> {
                    if (beating) {
                        heartbeat(c);
                    }
                    c.pipeline().addLast(Peers.on(ByteBuf.class, (context, message) -> {}));
                }))
                .channel();
        channel.closeFuture().addListener(future -> closed.add(channel));
        return channel;
    }

    @VirtualNetworkTest
    void withoutAHeartbeatTheClientBelievesForEver(VirtualNetwork network) {
        Channel channel = connect(network, false);
        network.runFor(Duration.ofMinutes(1));
        network.hosts().get(0).crash();
        network.hosts().get(0).restart();

        network.runFor(Duration.ofDays(7));

        assertThat(channel.isActive()).isTrue();
    }

    @VirtualNetworkTest(seeds = 10)
    void aHeartbeatFindsAServerThatHasForgotten(VirtualNetwork network) {
        Channel channel = connect(network, true);
        network.runFor(Duration.ofMinutes(10));
        assertThat(channel.isActive()).as("a connection that is well").isTrue();

        network.hosts().get(0).crash();
        network.hosts().get(0).restart();

        assertThat(network.runUntil(() -> !closed.isEmpty(), Duration.ofSeconds(32)))
                .as("the server's stack answers the next beat with a reset")
                .isTrue();
    }

    @VirtualNetworkTest(seeds = 10)
    void aHeartbeatFindsAServerThatIsGone(VirtualNetwork network) {
        connect(network, true);
        network.runFor(Duration.ofMinutes(1));
        Duration crash = network.elapsed();
        network.hosts().get(0).crash();

        assertThat(network.runUntil(() -> !closed.isEmpty(), Duration.ofSeconds(31)))
                .isTrue();
        assertThat(network.elapsed().minus(crash)).isGreaterThan(Duration.ofSeconds(15));
    }

    @VirtualNetworkTest(seeds = 10)
    void aShortCutIsNoReasonToGiveUp(VirtualNetwork network) {
        Channel channel = connect(network, true);
        network.runFor(Duration.ofMinutes(1));
        network.links().get(0).cut();
        network.after(Duration.ofSeconds(8), network.links().get(0)::heal);

        network.runFor(Duration.ofMinutes(5));

        assertThat(channel.isActive()).as(network::report).isTrue();
    }
}
