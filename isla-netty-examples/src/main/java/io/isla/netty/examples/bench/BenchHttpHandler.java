/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * Answers a GET with 600 bytes, one of {@code /endless} with bytes for as long as they are taken, by a channel with Netty's own water marks, or those that the
 * query asks for; counts and forgets what a PUT brings.
 */
final class BenchHttpHandler extends ChannelInboundHandlerAdapter {
    /** Bytes in the content of an ordinary answer. */
    static final int CONTENT_LENGTH = 600;

    private static final String ENDLESS = "/endless";
    private static final String WATER_MARK = "high-water-mark";
    /** What an endless download and upload say is their length: more than can be sent while anybody waits. */
    static final long ENDLESS_LENGTH = 1L << 60;

    private static final int CHUNK = 64 * 1024;
    private static final AsciiString TEXT = AsciiString.cached("text/plain");
    private static final AsciiString LENGTH = AsciiString.cached(Integer.toString(CONTENT_LENGTH));
    private static final ByteBuf CONTENT =
            Unpooled.unreleasableBuffer(Unpooled.directBuffer(CONTENT_LENGTH, CONTENT_LENGTH)
                    .writeBytes("isla\n".repeat(CONTENT_LENGTH / 5).getBytes(StandardCharsets.US_ASCII))
                    .asReadOnly());

    private final LongAdder received;
    private boolean keepAlive;
    private String endless;

    /** @param received counts the bytes of content that arrive */
    BenchHttpHandler(LongAdder received) {
        this.received = received;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        try {
            if (message instanceof HttpRequest request) {
                keepAlive = HttpUtil.isKeepAlive(request);
                endless =
                        request.method().equals(HttpMethod.GET) && request.uri().startsWith(ENDLESS)
                                ? request.uri()
                                : null;
            }
            if (message instanceof HttpContent content) {
                received.add(content.content().readableBytes());
            }
            if (message instanceof LastHttpContent) {
                if (endless != null) {
                    beginEndless(ctx);
                } else {
                    answer(ctx);
                }
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void answer(ChannelHandlerContext ctx) {
        HttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, CONTENT.duplicate());
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, TEXT).set(HttpHeaderNames.CONTENT_LENGTH, LENGTH);
        if (keepAlive) {
            ctx.write(response, ctx.voidPromise());
        } else {
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            ctx.write(response).addListener(ChannelFutureListener.CLOSE);
        }
    }

    /**
     * The path of an endless download.
     *
     * @param waterMark the high one of the channel, in bytes; the low one is a quarter. 0 for Netty's own
     */
    static String endless(int waterMark) {
        return waterMark == 0 ? ENDLESS : ENDLESS + "?" + WATER_MARK + "=" + waterMark;
    }

    private void beginEndless(ChannelHandlerContext ctx) {
        List<String> waterMark = new QueryStringDecoder(endless).parameters().get(WATER_MARK);
        if (waterMark != null) {
            int high = Integer.parseInt(waterMark.get(0));
            ctx.channel().config().setWriteBufferWaterMark(new WriteBufferWaterMark(high / 4, high));
        }
        HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, ENDLESS_LENGTH);
        ctx.write(response, ctx.voidPromise());
        writeChunks(ctx);
    }

    private static void writeChunks(ChannelHandlerContext ctx) {
        while (ctx.channel().isWritable()) {
            // A buffer of its own each time, as a program has; what is in it does not matter, so that nothing is filled
            // in.
            ByteBuf chunk = ctx.alloc().directBuffer(CHUNK, CHUNK);
            ctx.write(new DefaultHttpContent(chunk.writerIndex(CHUNK)), ctx.voidPromise());
        }
        ctx.flush();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.flush();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        // That there is no more room is told in the middle of a write.
        if (endless != null && ctx.channel().isWritable()) {
            writeChunks(ctx);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        // That a client goes away in the middle is how a measurement ends.
        if (!(cause instanceof IOException)) {
            cause.printStackTrace();
        }
        ctx.close();
    }
}
