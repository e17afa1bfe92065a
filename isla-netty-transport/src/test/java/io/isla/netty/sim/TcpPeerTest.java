/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static io.isla.netty.sim.PeerSegment.ACK;
import static io.isla.netty.sim.PeerSegment.FIN;
import static io.isla.netty.sim.PeerSegment.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.handler.timeout.ReadTimeoutHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Handlers against a peer that is scripted segment by segment. */
class TcpPeerTest {
    /** Answers each line with itself. */
    private static final class LineEcho extends SimpleChannelInboundHandler<ByteBuf> {
        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf line) {
            context.writeAndFlush(Unpooled.wrappedBuffer(line.retain(), Unpooled.wrappedBuffer(new byte[] {'\n'})));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    private static TcpPeer lines() {
        return TcpPeer.connectedTo(new LineBasedFrameDecoder(80), new LineEcho());
    }

    @Test
    void aLineInTwoSegmentsIsAnsweredOnce() {
        try (TcpPeer peer = lines()) {
            peer.send("hel");
            peer.expect(ACK);
            peer.expectNothing(Duration.ofSeconds(1));
            peer.send("lo\n");
            peer.expectData("hello\n");
            peer.sendAck();
            peer.expectNothing(Duration.ofSeconds(10));
        }
    }

    @Test
    void segmentsOutOfOrderAreOneLine() {
        try (TcpPeer peer = lines()) {
            peer.send(PeerSegment.of(ACK).seq(4).data("lo\n"));
            PeerSegment duplicate = peer.expect(ACK);
            assertThat(duplicate.ack()).isEqualTo(1);
            peer.send(PeerSegment.of(ACK).seq(1).data("hel"));
            peer.expectData("hello\n");
        }
    }

    @Test
    void aResetClosesTheChannel() {
        try (TcpPeer peer = lines()) {
            peer.send("half a line");
            peer.sendReset();
            assertThat(peer.channel().isOpen()).isFalse();
        }
    }

    @Test
    void halfClosureReachesHandlersAndTheirAnswerThePeer() {
        List<Object> events = new ArrayList<>();
        try (TcpPeer peer = TcpPeer.connectedTo(new ChannelInboundHandlerAdapter() {
            @Override
            public void handlerAdded(ChannelHandlerContext context) {
                context.channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
            }

            @Override
            public void userEventTriggered(ChannelHandlerContext context, Object event) {
                events.add(event.getClass().getSimpleName());
                if (events.size() == 1) {
                    context.writeAndFlush(Unpooled.copiedBuffer(new byte[] {'!'}));
                    context.close();
                }
            }
        })) {
            peer.sendFin();
            peer.expectData("!");
            assertThat(peer.expectFin().has(FIN | ACK)).isTrue();
            assertThat(events).first().isEqualTo("ChannelInputShutdownEvent");
        }
    }

    @Test
    void aWindowOfZeroStopsTheHandlersWrites() {
        try (TcpPeer peer = lines()) {
            peer.window(0);
            peer.send("hello\n");
            PeerSegment ack = peer.expect(ACK);
            assertThat(ack.data()).isEmpty();
            peer.window(3).sendAck();
            peer.expectData("hel");
            peer.window(100).sendAck();
            peer.expectData("lo\n");
        }
    }

    @Test
    void whatIsNotAcknowledgedComesAgain() {
        try (TcpPeer peer = lines()) {
            peer.send("hello\n");
            peer.expectData("hello\n");
            PeerSegment again = peer.expect(ACK);
            assertThat(again.text()).isEqualTo("hello\n");
            assertThat(again.seq()).isEqualTo(1);
        }
    }

    @Test
    void aClientsTimeoutIsSeenAsItsFin() {
        try (TcpPeer peer = TcpPeer.acceptedFrom(new ReadTimeoutHandler(5), new ChannelInboundHandlerAdapter() {
            @Override
            public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                context.close();
            }
        })) {
            peer.expectNothing(Duration.ofMillis(4900));
            peer.expectFin();
            assertThat(peer.network().elapsed()).isEqualTo(Duration.ofSeconds(5));
        }
    }

    @Test
    void aClientWhoseSynIsNotAnsweredAsksAgain() {
        try (TcpPeer peer = TcpPeer.connecting(new ChannelInboundHandlerAdapter())) {
            assertThat(peer.channel().isActive()).isFalse();
            peer.runFor(Duration.ofMillis(900));
            assertThat(peer.expect(SYN).seq()).isZero();
            peer.send(PeerSegment.of(SYN, ACK));
            peer.expect(ACK);
            assertThat(peer.channel().isActive()).isTrue();
        }
    }

    @Test
    void whatIsExpectedAndDoesNotComeIsTold() {
        try (TcpPeer peer = lines()) {
            assertThatThrownBy(() -> peer.expect(FIN, ACK))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("no segment within PT1S")
                    .hasMessageContaining("Flags [S], seq 0");
            peer.send("hello\n");
            assertThatThrownBy(() -> peer.expectData("world\n"))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("'hello\n' (6 bytes)");
            peer.sendAck();
            peer.send("again\n");
            assertThatThrownBy(() -> peer.expectNothing(Duration.ofSeconds(1)))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("unexpected [P.]");
            assertThatThrownBy(() -> peer.window(-1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("-1");
        }
    }
}
