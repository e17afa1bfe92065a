/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Some hosts, a bad network, every kind of fault, and much to do. Returns all that was seen on it. */
final class BusyScenario {
    private BusyScenario() {}

    /** Prints the digest of the capture, for another JVM to compare. */
    public static void main(String[] arguments) throws NoSuchAlgorithmException {
        System.out.println(digest(run(Long.parseLong(arguments[0]))));
    }

    static String digest(byte[] capture) throws NoSuchAlgorithmException {
        return capture.length + " "
                + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(capture));
    }

    static byte[] run(long seed) {
        ByteArrayOutputStream capture = new ByteArrayOutputStream();
        try (VirtualNetwork network = VirtualNetwork.create(seed)) {
            network.capture(capture, Long.MAX_VALUE);
            VirtualHost[] servers = {network.host("10.1.0.1"), network.host("10.1.0.2"), network.host("10.1.0.3")};
            VirtualHost[] clients = {network.host("10.2.0.1"), network.host("10.2.0.2"), network.host("10.3.0.1")};
            VirtualRouter router = network.router("router");
            network.link(router, network.lan("servers", servers))
                    .latency(Duration.ofMillis(3))
                    .jitter(Duration.ofMillis(1), LinkConditions.Jitter.PARETO)
                    .rate(20_000_000, 60_000);
            VirtualLink bad = network.link(router, network.lan("clients", clients[0], clients[1]))
                    .latency(Duration.ofMillis(20))
                    .jitter(Duration.ofMillis(2), LinkConditions.Jitter.NORMAL)
                    .loss(0.01)
                    .burstLoss(0.002, 0.3, 0.5)
                    .duplicate(0.01)
                    .reorder(0.02, Duration.ofMillis(5))
                    .corrupt(0.002);
            network.link(clients[2], router).mtu(1200);
            for (VirtualHost server : servers) {
                server.program(Echo::serve);
            }
            for (VirtualHost client : clients) {
                for (VirtualHost server : servers) {
                    for (int i = 0; i < 4; i++) {
                        Echo.connect(client, server, new Talker(i));
                    }
                }
            }
            network.after(Duration.ofSeconds(2), bad::cut);
            network.after(Duration.ofSeconds(3), bad::heal);
            network.after(Duration.ofSeconds(4), servers[0]::crash);
            network.after(Duration.ofSeconds(5), servers[0]::restart);
            network.after(Duration.ofSeconds(6), () -> network.partition(List.of(servers[1]), List.of(clients)));
            network.after(Duration.ofSeconds(8), network::heal);
            network.after(Duration.ofSeconds(9), () -> servers[2].pause(Duration.ofSeconds(1)));
            network.runFor(Duration.ofSeconds(15));
        }
        return capture.toByteArray();
    }

    /** Sends more whenever it gets something, and again a while after. */
    private static final class Talker extends ChannelInboundHandlerAdapter {
        private final int number;
        private int rounds;

        Talker(int number) {
            this.number = number;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.writeAndFlush(Unpooled.wrappedBuffer(new byte[1 + 3000 * number]));
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            int length = ((ByteBuf) message).readableBytes();
            ((ByteBuf) message).release();
            Channel channel = context.channel();
            if (rounds++ < 60) {
                context.executor()
                        .schedule(
                                () -> channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[length])),
                                150 + number,
                                TimeUnit.MILLISECONDS);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
