/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;

/** A small site: {@code GET /N} is N random bytes, {@code GET} of anything else a text, and what is posted comes back. */
@Sharable
final class Site extends SimpleChannelInboundHandler<FullHttpRequest> {

    static final Site INSTANCE = new Site();
    static final String TEXT = "Hello over Isla. ".repeat(1000);
    static final int LARGE = 4_000_000;
    static final int MAX_REQUEST = 20_000_000;

    private Site() {}

    /** The site over HTTP/1.1. */
    static void addHttp1(ChannelPipeline pipeline) {
        pipeline.addLast(new HttpServerCodec(), new HttpObjectAggregator(MAX_REQUEST), INSTANCE);
    }

    /** The site, once there is something that makes HTTP/1.1's objects. */
    static void addObjects(ChannelPipeline pipeline) {
        pipeline.addLast(new HttpObjectAggregator(MAX_REQUEST), INSTANCE);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, content(request));
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.TEXT_PLAIN);
        HttpUtil.setContentLength(response, response.content().readableBytes());
        boolean keepAlive = HttpUtil.isKeepAlive(request);
        HttpUtil.setKeepAlive(response, keepAlive);
        var written = context.writeAndFlush(response);
        if (!keepAlive) {
            written.addListener(ChannelFutureListener.CLOSE);
        }
    }

    private static ByteBuf content(FullHttpRequest request) {
        if (request.method().equals(HttpMethod.POST)) {
            return request.content().retain();
        }
        String path = request.uri().substring(1);
        return path.matches("\\d+")
                ? Unpooled.wrappedBuffer(Bytes.random(Integer.parseInt(path)))
                : Unpooled.copiedBuffer(TEXT, StandardCharsets.UTF_8);
    }
}
