/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Many hosts on one switch, half of them servers, that exchange requests and responses. */
final class Crowd implements AutoCloseable {
    private static final int BYTES = 200;

    final VirtualNetwork network =
            VirtualNetwork.builder().seed(1).traceLength(0).build();
    final List<VirtualHost> servers = new ArrayList<>();
    final List<VirtualHost> clients = new ArrayList<>();
    private final VirtualSwitch lan = network.addSwitch("lan");
    private final List<Channel> channels = new ArrayList<>();
    long responses;

    /** So many hosts, each 5 ms from the switch. */
    Crowd(int hosts) {
        for (int i = 0; i < hosts; i++) {
            VirtualHost host = network.host("10.0." + i / 250 + "." + (1 + i % 250) + "/16");
            network.link(host, lan).latency(Duration.ofMillis(5));
            (i % 2 == 0 ? servers : clients).add(host);
        }
        servers.forEach(Echo::serve);
    }

    /** Each client gets so many connections, to one server after the other. */
    void connect(int connectionsPerClient) {
        for (int i = 0; i < clients.size(); i++) {
            for (int j = 0; j < connectionsPerClient; j++) {
                VirtualHost server = servers.get((i + j) % servers.size());
                channels.add(Echo.connect(clients.get(i), server, new SimpleChannelInboundHandler<ByteBuf>() {
                            @Override
                            protected void channelRead0(ChannelHandlerContext context, ByteBuf message) {
                                responses += message.readableBytes() / BYTES;
                            }
                        })
                        .channel());
            }
        }
        if (!network.runUntil(() -> channels.get(channels.size() - 1).isActive(), Duration.ofMinutes(1))) {
            throw new IllegalStateException(network.state());
        }
        network.runFor(Duration.ofSeconds(2));
        if (!channels.stream().allMatch(Channel::isActive)) {
            throw new IllegalStateException("not all of " + channels.size() + " connections have come about");
        }
    }

    int connections() {
        return channels.size();
    }

    /** Every connection carries a request. */
    void ask() {
        channels.forEach(channel -> channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[BYTES])));
    }

    /** Every connection carries a request so often, the first at different moments. */
    void askEvery(Duration interval) {
        long nanos = interval.toNanos();
        for (int i = 0; i < channels.size(); i++) {
            Channel channel = channels.get(i);
            channel.eventLoop()
                    .scheduleAtFixedRate(
                            () -> channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[BYTES])),
                            nanos * i / channels.size(),
                            nanos,
                            TimeUnit.NANOSECONDS);
        }
    }

    @Override
    public void close() {
        network.close();
    }
}
