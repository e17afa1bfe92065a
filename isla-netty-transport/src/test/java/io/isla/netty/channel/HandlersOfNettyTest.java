/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.timeout.IdleState;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Netty's {@link IdleStateHandler} and {@link FlowControlHandler} on our channels: what they see depends on the transport's reads, and on what it tells of its writes. */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class HandlersOfNettyTest {
    @RegisterExtension
    final WatchedHosts hosts = new WatchedHosts();

    private final EventLog clientLog = new EventLog();
    private final EventLog childLog = new EventLog();
    private final List<IdleState> idle = new ArrayList<>();

    /** Writes down when a channel is idle. */
    private final class IdleLog extends ChannelInboundHandlerAdapter {
        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            idle.add(((IdleStateEvent) event).state());
        }
    }

    private ConnectedPair connect() throws Exception {
        return connect(hosts.serverBootstrap(childLog), hosts.clientBootstrap(clientLog));
    }

    private ConnectedPair connect(ServerBootstrap server, Bootstrap client) throws Exception {
        return hosts.connect(server, childLog, client);
    }

    private static ChannelFuture write(Channel channel, int bytes) {
        return channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[bytes]));
    }

    private void watchForIdleness(Channel channel, boolean observeOutput, int reader, int writer) {
        channel.pipeline()
                .addFirst(new IdleStateHandler(observeOutput, reader, writer, 0, TimeUnit.SECONDS), new IdleLog());
    }

    // ------------------------------------------------------------------------------------------------ idle

    @Test
    void aReaderIsIdleWhenNothingHasComeForSoLong() throws Exception {
        ConnectedPair pair = connect();
        watchForIdleness(pair.child(), false, 5, 0);
        for (int i = 0; i < 4; i++) {
            hosts.pass(3_000);
            write(pair.client(), 10);
        }
        hosts.pass(4_900);
        assertThat(idle).isEmpty();

        hosts.pass(200);

        assertThat(idle).containsExactly(IdleState.READER_IDLE);
    }

    @Test
    void aWriterIsIdleWhenNothingHasBeenWrittenForSoLong() throws Exception {
        ConnectedPair pair = connect();
        watchForIdleness(pair.client(), false, 0, 5);
        for (int i = 0; i < 4; i++) {
            hosts.pass(3_000);
            write(pair.client(), 10);
        }
        hosts.pass(4_900);
        assertThat(idle).isEmpty();

        hosts.pass(200);

        assertThat(idle).containsExactly(IdleState.WRITER_IDLE);
    }

    /** The one write takes a minute: only who looks at the progress of the outbound buffer sees that it is not stuck. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aWriterWhosePeerReadsSlowlyIsIdleUnlessItsOutputIsObserved(boolean observeOutput) throws Exception {
        ConnectedPair pair = connect(
                hosts.serverBootstrap(childLog)
                        .option(ChannelOption.SO_RCVBUF, 8 * 1024)
                        .childOption(ChannelOption.AUTO_READ, false)
                        .childOption(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(2_000)),
                hosts.clientBootstrap(clientLog).option(ChannelOption.SO_SNDBUF, 8 * 1024));
        watchForIdleness(pair.client(), observeOutput, 0, 5);
        ChannelFuture write = write(pair.client(), 200_000);

        for (int i = 0; i < 60; i++) {
            pair.child().read();
            hosts.pass(500);
        }
        assertThat(childLog.bytes().length).isBetween(60_000, 120_000);
        assertThat(write.isDone()).isFalse();
        // The first time, the handler has nothing to compare with.
        assertThat(idle).hasSizeBetween(observeOutput ? 1 : 5, observeOutput ? 1 : 6);

        // Now it is stuck, and either of them says so.
        idle.clear();
        hosts.pass(11_000);
        assertThat(idle).isNotEmpty().containsOnly(IdleState.WRITER_IDLE);
        pair.child().config().setAutoRead(true);
        hosts.until(write::isDone);
        assertThat(write.isSuccess()).isTrue();
    }

    // ------------------------------------------------------------------------------------------------ flow control

    /** Makes a message of each byte. */
    private static final class Bytes extends ByteToMessageDecoder {
        @Override
        protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
            while (in.isReadable()) {
                out.add(in.readRetainedSlice(1));
            }
        }
    }

    private ConnectedPair connectWithFlowControl() throws Exception {
        ConnectedPair pair = connect(
                hosts.serverBootstrap(childLog).childOption(ChannelOption.AUTO_READ, false),
                hosts.clientBootstrap(clientLog));
        pair.child().pipeline().addFirst(new Bytes(), new FlowControlHandler());
        return pair;
    }

    @Test
    void eachReadIsOneMessageOfTheManyInASegment() throws Exception {
        ConnectedPair pair = connectWithFlowControl();
        write(pair.client(), 10);
        hosts.pass(10);
        assertThat(childLog.bytes()).isEmpty();

        for (int i = 1; i <= 10; i++) {
            pair.child().read();
            hosts.pass(10);
            assertThat(childLog.reads()).hasSize(i).containsOnly(1);
        }
        // One that finds nothing waits for what comes.
        pair.child().read();
        hosts.pass(10);
        write(pair.client(), 3);
        hosts.pass(10);
        assertThat(childLog.reads()).hasSize(11);

        pair.child().config().setAutoRead(true);
        write(pair.client(), 1_000);
        hosts.until(() -> childLog.bytes().length == 10 + 3 + 1_000);
    }

    @Test
    void switchingAutoReadOffInAMessageHoldsBackTheNext() throws Exception {
        ConnectedPair pair = connectWithFlowControl();
        int[] taken = new int[1];
        pair.child()
                .pipeline()
                .addBefore(
                        pair.child().pipeline().context(childLog).name(), "taking", new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelRead(ChannelHandlerContext context, Object message) {
                                if (++taken[0] % 3 == 0) {
                                    context.channel().config().setAutoRead(false);
                                }
                                context.fireChannelRead(message);
                            }
                        });
        write(pair.client(), 30);
        hosts.pass(10);

        for (int i = 1; i <= 10; i++) {
            pair.child().config().setAutoRead(true);
            hosts.pass(10);
            assertThat(taken[0]).isEqualTo(3 * i);
        }
        assertThat(childLog.bytes()).hasSize(30);
    }
}
