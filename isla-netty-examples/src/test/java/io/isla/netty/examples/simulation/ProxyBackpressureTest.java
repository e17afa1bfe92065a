/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.sim.VirtualHost;
import io.isla.netty.sim.VirtualNetwork;
import io.isla.netty.sim.junit.VirtualNetworkTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * A proxy between a fast server and a slow reader. What it does not pass on, it must not take in: otherwise all that the server has ends up in its memory. Within one JVM and without a
 * network, everything is passed on at once, and nobody finds out.
 */
class ProxyBackpressureTest {
    private static final int BYTES = 4_000_000;
    private static final int CHUNK = 64_000;

    private long mostPending;
    private int received;

    /** Passes on what comes; stops reading while the other side cannot take it, if it knows what it does. */
    private final class Relay extends ChannelInboundHandlerAdapter {
        private final Channel to;
        private final boolean careful;

        Relay(Channel to, boolean careful) {
            this.to = to;
            this.careful = careful;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            to.writeAndFlush(message);
            mostPending = Math.max(mostPending, to.unsafe().outboundBuffer().totalPendingWriteBytes());
            if (careful && !to.isWritable()) {
                context.channel().config().setAutoRead(false);
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            to.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(written -> to.close());
        }
    }

    private void run(VirtualNetwork network, boolean careful) {
        VirtualHost server = network.namedHost("server", "10.0.0.1");
        VirtualHost proxy = network.namedHost("proxy", "10.0.0.2");
        VirtualHost reader = network.namedHost("reader", "10.0.0.3");
        network.lan("lan", server, proxy, reader);
        network.links().forEach(link -> link.latency(Duration.ofMillis(1)).rate(1_000_000_000, 500_000));
        network.await(Peers.serve(
                server,
                80,
                channel -> channel.pipeline()
                        .addLast(Peers.on(
                                ByteBuf.class,
                                (context, request) ->
                                        context.writeAndFlush(Unpooled.wrappedBuffer(new byte[BYTES]))))));
        network.await(Peers.serve(proxy, 80, frontend -> {
            frontend.config().setOption(ChannelOption.SO_SNDBUF, 100_000);
            Channel backend = new Bootstrap()
                    .group(frontend.eventLoop())
                    .channel(IslaSocketChannel.class)
                    .option(ChannelOption.SO_RCVBUF, 100_000)
                    .handler(new Relay(frontend, careful))
                    .connect(server.address(), 80)
                    .channel();
            frontend.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                @Override
                public void channelRead(ChannelHandlerContext context, Object request) {
                    backend.writeAndFlush(request);
                }

                @Override
                public void channelWritabilityChanged(ChannelHandlerContext context) {
                    if (context.channel().isWritable()) {
                        backend.config().setAutoRead(true);
                    }
                }
            });
        }));
        readSlowly(network, reader, proxy);
    }

    /** Asks for everything, and then reads a chunk every 20 ms. */
    private void readSlowly(VirtualNetwork network, VirtualHost reader, VirtualHost proxy) {
        Channel channel = network.await(new Bootstrap()
                        .group(reader.group())
                        .channel(IslaSocketChannel.class)
                        .option(ChannelOption.SO_RCVBUF, CHUNK)
                        .option(ChannelOption.AUTO_READ, false)
                        .handler(Peers.on(ByteBuf.class, (context, bytes) -> received += bytes.readableBytes()))
                        .connect(proxy.address(), 80))
                .channel();
        network.runFor(Duration.ofMillis(100));
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[1]));
        channel.eventLoop().scheduleAtFixedRate(channel::read, 20, 20, TimeUnit.MILLISECONDS);
    }

    @VirtualNetworkTest
    void aProxyThatReadsOnKeepsEverythingInMemory(VirtualNetwork network) {
        run(network, false);

        network.runFor(Duration.ofSeconds(2));

        assertThat(mostPending).isGreaterThan(BYTES * 3L / 4);
    }

    @VirtualNetworkTest
    void aProxyThatStopsReadingKeepsLittle(VirtualNetwork network) {
        run(network, true);

        network.runFor(Duration.ofSeconds(2));
        assertThat(mostPending).isPositive().isLessThan(500_000);
        int before = received;
        network.runFor(Duration.ofSeconds(2));
        assertThat(received).as("it goes on all the while").isGreaterThan(before);

        assertThat(network.runUntil(() -> received == BYTES, Duration.ofMinutes(10)))
                .as(network::report)
                .isTrue();
    }
}
