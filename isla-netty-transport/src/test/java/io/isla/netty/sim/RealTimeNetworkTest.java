/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The same network with event loops on threads of their own, in the time of the machine. */
@Timeout(120)
class RealTimeNetworkTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final VirtualNetwork network =
            VirtualNetwork.builder().seed(9).realTime().build();
    private final VirtualHost server = network.namedHost("server", "10.1.0.1");
    private final VirtualHost client = network.namedHost("client", "10.2.0.1");
    private final VirtualRouter router = network.router("router");
    private final VirtualLink link = network.link(client, router);

    RealTimeNetworkTest() {
        network.lan("lan", server, router);
    }

    @AfterEach
    void close() {
        network.close();
        assertThat(network.packetMemory())
                .as("bytes of packets that nobody has released")
                .isZero();
    }

    @Test
    void applicationsMayWaitAndLinksTakeTheirTime() throws Exception {
        link.latency(Duration.ofMillis(30));
        Echo.serve(server).sync();
        Counting counting = new Counting();
        long start = System.nanoTime();
        Channel channel = Echo.connect(client, server, counting).sync().channel();
        assertThat(channel.eventLoop().inEventLoop()).isFalse();
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(60));

        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[100_000])).sync();

        assertThat(network.runUntil(() -> counting.bytes == 100_000, PATIENCE)).isTrue();
        assertThat(router.counters().get("forwarded")).isPositive();
        assertThat(network.trace()).contains("client: 10.2.0.1.");
        assertThat(network.report()).contains("seed 9");
    }

    @Test
    void whatIsLostIsSentAgain() throws Exception {
        link.latency(Duration.ofMillis(1)).loss(0.05);
        Echo.serve(server).sync();
        Counting counting = new Counting();
        ChannelFuture connect = network.await(Echo.connect(client, server, counting), PATIENCE);

        connect.channel().writeAndFlush(Unpooled.wrappedBuffer(new byte[200_000]));

        assertThat(network.runUntil(() -> counting.bytes == 200_000, PATIENCE)).isTrue();
        assertThat(link.counters().get("lost")).isPositive();
    }

    @Test
    void hostsCrashAndComeBackAndLinksAreCut() throws Exception {
        link.latency(Duration.ofMillis(1));
        server.program(host -> Echo.serve(host).syncUninterruptibly());
        Counting counting = new Counting();
        Channel channel = Echo.connect(client, server, counting).sync().channel();
        link.cut();
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[1]));
        network.runFor(Duration.ofMillis(50));
        assertThat(counting.bytes).isZero();
        link.heal();
        assertThat(network.runUntil(() -> counting.bytes == 1, PATIENCE)).isTrue();

        server.crash();
        server.restart();
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[1]));

        assertThat(network.runUntil(() -> !channel.isOpen(), PATIENCE))
                .as("reset by the new server")
                .isTrue();
    }

    @Test
    void whatTakesVirtualTimeIsRefused() {
        server.group();
        assertThatThrownBy(server::pause).hasMessageContaining("real time");
        assertThatThrownBy(network::runUntilIdle).hasMessageContaining("real time");
    }

    private static final class Counting extends io.netty.channel.SimpleChannelInboundHandler<io.netty.buffer.ByteBuf> {
        private volatile int bytes;

        @Override
        @SuppressWarnings("NonAtomicOperationOnVolatileField")
        protected void channelRead0(io.netty.channel.ChannelHandlerContext context, io.netty.buffer.ByteBuf message) {
            bytes = bytes + message.readableBytes();
        }

        @Override
        public void exceptionCaught(io.netty.channel.ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
