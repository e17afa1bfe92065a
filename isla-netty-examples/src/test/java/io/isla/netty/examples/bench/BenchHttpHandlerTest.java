/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BenchHttpHandlerTest {
    private static final int CHUNK = 64 * 1024;

    /** Counts the content that is written, and lets nothing go out. */
    private static final class Dam extends ChannelOutboundHandlerAdapter {
        private long bytes;

        @Override
        public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
            if (message instanceof HttpContent content) {
                bytes += content.content().readableBytes();
                ctx.write(content.content(), promise);
            }
        }

        @Override
        public void flush(ChannelHandlerContext ctx) {}
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 300_000, 1 << 20})
    void aChannelTakesWhatTheDownloadAsksFor(int waterMark) {
        Dam dam = new Dam();
        EmbeddedChannel channel = new EmbeddedChannel(dam, new BenchHttpHandler(new LongAdder()));

        channel.writeInbound(
                new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, BenchHttpHandler.endless(waterMark)));

        int high = waterMark == 0 ? WriteBufferWaterMark.DEFAULT.high() : waterMark;
        assertThat(dam.bytes).isBetween((long) high - CHUNK, (long) high + CHUNK);
        channel.close();
    }
}
