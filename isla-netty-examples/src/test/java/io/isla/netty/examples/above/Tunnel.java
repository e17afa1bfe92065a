/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;

/**
 * An HTTP proxy that tunnels ({@code CONNECT}): it connects from the loop of the channel that asks, and reads from one side only what
 * the other has taken.
 */
final class Tunnel extends SimpleChannelInboundHandler<FullHttpRequest> {

    private final Class<? extends Channel> channel;

    private Tunnel(Class<? extends Channel> channel) {
        this.channel = channel;
    }

    /** The proxy, which connects with channels of the class. */
    static ChannelHandler proxy(Class<? extends Channel> channelClass) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline()
                        .addLast("http", new HttpServerCodec())
                        .addLast("whole", new HttpObjectAggregator(1 << 16))
                        .addLast(new Tunnel(channelClass));
            }
        };
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        if (!request.method().equals(HttpMethod.CONNECT)) {
            answer(context, HttpResponseStatus.METHOD_NOT_ALLOWED).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        int colon = request.uri().lastIndexOf(':');
        InetSocketAddress remote = new InetSocketAddress(
                request.uri().substring(0, colon),
                Integer.parseInt(request.uri().substring(colon + 1)));
        Channel asking = context.channel();
        asking.config().setAutoRead(false);
        new Bootstrap()
                .group(asking.eventLoop())
                .channel(channel)
                .option(ChannelOption.AUTO_READ, false)
                .handler(new Relay(asking))
                .connect(remote)
                .addListener((ChannelFutureListener) connected -> {
                    if (!connected.isSuccess()) {
                        answer(context, HttpResponseStatus.BAD_GATEWAY).addListener(ChannelFutureListener.CLOSE);
                        return;
                    }
                    answer(context, HttpResponseStatus.OK);
                    ChannelPipeline pipeline = context.pipeline();
                    pipeline.remove("http");
                    pipeline.remove("whole");
                    pipeline.replace(this, null, new Relay(connected.channel()));
                    asking.read();
                    connected.channel().read();
                });
    }

    private static ChannelFuture answer(ChannelHandlerContext context, HttpResponseStatus status) {
        return context.writeAndFlush(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status));
    }

    /** Hands what it reads to another channel, a piece at a time. */
    private static final class Relay extends ChannelInboundHandlerAdapter {
        private final Channel other;

        Relay(Channel other) {
            this.other = other;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object piece) {
            if (!other.isActive()) {
                ReferenceCountUtil.release(piece);
                return;
            }
            other.write(piece);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(written -> {
                if (written.isSuccess()) {
                    context.read();
                } else {
                    context.close();
                }
            });
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
