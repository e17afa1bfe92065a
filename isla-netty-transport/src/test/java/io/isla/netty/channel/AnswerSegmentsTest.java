/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.util.ReferenceCountUtil;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a server that answers and closes puts on the wire: one segment, with the answer and FIN. */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class AnswerSegmentsTest {
    private static final int ANSWER = 600;

    @RegisterExtension
    final WatchedHosts hosts = new WatchedHosts();

    private final EventLog clientLog = new EventLog();

    /** Answers each read, and closes. */
    private static final class AnswerAndClose extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
            context.writeAndFlush(Unpooled.wrappedBuffer(new byte[ANSWER])).addListener(ChannelFutureListener.CLOSE);
        }
    }

    private void assertAnswerIsOneSegment() {
        hosts.until(() -> clientLog.events().contains("inactive"));
        List<PacketLog.Packet> withDataOrEnd = hosts.packets.from(WatchedHosts.SERVER).stream()
                .filter(packet -> packet.isData() || packet.has(TcpHeader.FIN))
                .toList();
        assertThat(withDataOrEnd).hasSize(1);
        PacketLog.Packet answer = withDataOrEnd.get(0);
        assertThat(answer.length()).isEqualTo(ANSWER);
        assertThat(answer.has(TcpHeader.FIN | TcpHeader.PSH | TcpHeader.ACK))
                .as("%s", answer)
                .isTrue();
    }

    @Test
    void whenTheRequestComesWithTheEndOfTheHandshake() throws Exception {
        hosts.await(hosts.serverBootstrap(new AnswerAndClose()).bind());
        hosts.clientBootstrap(clientLog).connect(WatchedHosts.SERVER, 80).addListener((ChannelFutureListener)
                connected -> connected.channel().writeAndFlush(Unpooled.wrappedBuffer(new byte[] {1})));

        assertAnswerIsOneSegment();
    }

    @Test
    void whenTheRequestComesLater() throws Exception {
        hosts.await(hosts.serverBootstrap(new AnswerAndClose()).bind());
        var client = hosts.await(hosts.clientBootstrap(clientLog).connect(WatchedHosts.SERVER, 80))
                .channel();
        hosts.pass(10);
        client.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {1}));

        assertAnswerIsOneSegment();
    }

    @Test
    void whenTheServerAsksForTheRequestWithRead() throws Exception {
        EventLog child = new EventLog();
        ConnectedPair pair = hosts.connect(
                hosts.serverBootstrap(child).childOption(ChannelOption.AUTO_READ, false),
                child,
                hosts.clientBootstrap(clientLog));
        pair.child().pipeline().addFirst(new AnswerAndClose());
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(new byte[] {1}));
        hosts.turn();
        hosts.packets.clear();

        pair.child().read();

        assertAnswerIsOneSegment();
    }
}
