/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.ManualIoEventLoop;
import io.netty.channel.socket.DatagramPacket;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A channel with much to read takes its turn like any other: the network goes on between its read loops. */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class ReadingInTurnsTest {
    private static final int PIECE = 100;
    private static final int PIECES = 50;

    @RegisterExtension
    final WatchedHosts hosts = new WatchedHosts();

    /** Connects a child that does not read yet, with one piece to each read loop, and sends it all of them. */
    private ConnectedPair connectAndSend(EventLog child) throws Exception {
        ConnectedPair pair = hosts.connect(
                hosts.serverBootstrap(child)
                        .childOption(ChannelOption.AUTO_READ, false)
                        .childOption(
                                ChannelOption.RECVBUF_ALLOCATOR,
                                new FixedRecvByteBufAllocator(PIECE).maxMessagesPerRead(1)),
                child,
                hosts.clientBootstrap(new EventLog()));
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(new byte[PIECES * PIECE]));
        hosts.turn();
        assertThat(child.bytes()).isEmpty();
        hosts.packets.clear();
        return pair;
    }

    private static void readAll(Channel child, boolean auto) {
        if (auto) {
            child.config().setAutoRead(true);
        } else {
            child.read();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsAnsweredToOneReadLoopLeavesBeforeTheNext(boolean auto) throws Exception {
        int[] late = new int[1];
        EventLog child = new EventLog() {
            private int answered;

            @Override
            public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                // Another host's loop, which takes from the wire what is there.
                hosts.client.runNow();
                int seen = hosts.packets.dataFrom(WatchedHosts.SERVER).stream()
                        .mapToInt(PacketLog.Packet::length)
                        .sum();
                // The last answer may be on its way.
                if (seen < answered - PIECE) {
                    late[0]++;
                }
                ByteBuf answer = Unpooled.copiedBuffer((ByteBuf) message);
                answered += answer.readableBytes();
                super.channelRead(context, message);
                context.writeAndFlush(answer);
            }

            @Override
            public void channelReadComplete(ChannelHandlerContext context) throws Exception {
                super.channelReadComplete(context);
                if (!auto) {
                    context.read();
                }
            }
        };
        ConnectedPair pair = connectAndSend(child);

        readAll(pair.child(), auto);
        hosts.until(() -> child.bytes().length == PIECES * PIECE);

        assertThat(late[0])
                .as("read loops that the answer to an earlier one waited for")
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anotherChannelIsReadBetweenReadLoops(boolean auto) throws Exception {
        EventLog otherChild = new EventLog();
        Channel[] otherClient = new Channel[1];
        int[] readBefore = {-1};
        EventLog child = new EventLog() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                super.channelRead(context, message);
                if (reads().size() == 1) {
                    otherClient[0].writeAndFlush(Unpooled.wrappedBuffer(new byte[] {1}));
                    // Another host's loop: its packet is on the link when this returns.
                    hosts.client.runNow();
                }
                if (readBefore[0] < 0 && otherChild.bytes().length > 0) {
                    readBefore[0] = reads().size();
                }
            }

            @Override
            public void channelReadComplete(ChannelHandlerContext context) throws Exception {
                super.channelReadComplete(context);
                if (!auto) {
                    context.read();
                }
            }
        };
        ConnectedPair pair = connectAndSend(child);
        Channel otherServer = hosts.await(hosts.serverBootstrap(otherChild).bind(WatchedHosts.SERVER, 81))
                .channel();
        otherClient[0] = hosts.connect(otherServer, otherChild, hosts.clientBootstrap(new EventLog()))
                .client();

        readAll(pair.child(), auto);
        hosts.until(() -> child.bytes().length == PIECES * PIECE);

        assertThat(readBefore[0]).isBetween(1, 4);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anotherChannelIsReadBetweenReadLoopsOfDatagrams(boolean auto) throws Exception {
        Channel client = datagrams(hosts.client, 0, new ChannelInboundHandlerAdapter());
        InetSocketAddress first = new InetSocketAddress(WatchedHosts.SERVER, 7);
        InetSocketAddress second = new InetSocketAddress(WatchedHosts.SERVER, 8);
        int[] reads = new int[1];
        int[] readBefore = {-1};
        Channel server = datagrams(hosts.server, first.getPort(), new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                ReferenceCountUtil.release(message);
                if (++reads[0] == 1) {
                    client.writeAndFlush(new DatagramPacket(Unpooled.buffer(1).writeByte(1), second));
                    // Another host's loop: its packet is on the link when this returns.
                    hosts.client.runNow();
                }
            }

            @Override
            public void channelReadComplete(ChannelHandlerContext context) {
                if (!auto) {
                    context.read();
                }
            }
        });
        datagrams(hosts.server, second.getPort(), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext context, Object message) {
                        ReferenceCountUtil.release(message);
                        readBefore[0] = reads[0];
                    }
                })
                .config()
                .setAutoRead(true);
        for (int i = 0; i < PIECES; i++) {
            client.writeAndFlush(new DatagramPacket(Unpooled.wrappedBuffer(new byte[PIECE]), first));
        }
        hosts.turn();
        assertThat(reads[0]).isZero();

        readAll(server, auto);
        hosts.until(() -> reads[0] == PIECES && readBefore[0] >= 0);

        assertThat(readBefore[0]).isBetween(1, 4);
    }

    /** A channel that does not read yet, and then one datagram to each read loop. */
    private Channel datagrams(ManualIoEventLoop loop, int port, ChannelInboundHandlerAdapter handler) {
        return hosts.await(hosts.datagramBootstrap(loop, handler)
                        .option(ChannelOption.AUTO_READ, false)
                        .option(
                                ChannelOption.RECVBUF_ALLOCATOR,
                                new FixedRecvByteBufAllocator(PIECE).maxMessagesPerRead(1))
                        .bind(port))
                .channel();
    }
}
