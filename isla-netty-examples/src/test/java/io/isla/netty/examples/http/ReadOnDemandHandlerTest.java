/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReadOnDemandHandlerTest {

    private final List<Object> seen = new ArrayList<>();
    private int reads;
    private boolean readAgain;

    private final EmbeddedChannel channel = channel();

    private EmbeddedChannel channel() {
        EmbeddedChannel created = new EmbeddedChannel();
        created.config().setAutoRead(false);
        created.pipeline()
                .addLast(new ChannelOutboundHandlerAdapter() {
                    @Override
                    public void read(ChannelHandlerContext ctx) {
                        reads++;
                        ctx.read();
                    }
                })
                .addLast(new ReadOnDemandHandler())
                .addLast(new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext ctx, Object message) {
                        seen.add(message);
                        if (readAgain) {
                            ctx.read();
                        }
                    }

                    @Override
                    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
                        seen.add(event);
                    }
                });
        return created;
    }

    @Test
    void handsOnOneMessageForEachRead() {
        channel.writeInbound("a", "b", "c");
        assertThat(seen).isEmpty();

        channel.read();
        assertThat(seen).containsExactly("a");

        channel.read();
        channel.read();
        assertThat(seen).containsExactly("a", "b", "c");
    }

    @Test
    void readsFromTheConnectionOnlyWhenNothingIsLeft() {
        channel.writeInbound("a", "b");
        channel.read();
        channel.read();
        assertThat(reads).isZero();

        channel.read();
        assertThat(reads).isEqualTo(1);
    }

    @Test
    void readsOnWhenWhatCameInMadeNoMessage() {
        channel.read();
        assertThat(reads).isEqualTo(1);

        channel.pipeline().fireChannelReadComplete();
        assertThat(reads).isEqualTo(2);

        channel.writeInbound("a");
        assertThat(seen).containsExactly("a");
        assertThat(reads).as("nobody wants more").isEqualTo(2);
    }

    @Test
    void manyMessagesDoNotMakeADeepStack() {
        readAgain = true;
        Object[] messages = new Object[100_000];
        Arrays.fill(messages, "x");
        channel.writeInbound(messages);

        channel.read();

        assertThat(seen).hasSize(messages.length);
    }

    @Test
    void theEndComesAfterWhatCameBeforeIt() {
        channel.writeInbound("a");
        channel.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        assertThat(seen).isEmpty();

        channel.read();

        assertThat(seen).containsExactly("a", ChannelInputShutdownEvent.INSTANCE);
    }

    @Test
    void releasesWhatNobodyWanted() {
        ByteBuf first = Unpooled.buffer(1);
        ByteBuf second = Unpooled.buffer(1);
        channel.writeInbound(first);
        channel.close();
        assertThat(first.refCnt()).isZero();

        EmbeddedChannel other = channel();
        other.writeInbound(second);
        other.pipeline().remove(ReadOnDemandHandler.class);
        assertThat(second.refCnt()).isZero();
    }
}
