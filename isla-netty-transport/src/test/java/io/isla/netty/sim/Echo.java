/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.channel.IslaServerSocketChannel;
import io.isla.netty.channel.IslaSocketChannel;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import java.util.function.Supplier;

/** A server that sends back what it gets, and a client that counts. */
final class Echo {
    static final int PORT = 7;

    private Echo() {}

    static ChannelFuture serve(VirtualHost host) {
        return serve(host, Server::new);
    }

    static ChannelFuture serve(VirtualHost host, Supplier<ChannelHandler> handler) {
        return new ServerBootstrap()
                .group(host.group())
                .channel(IslaServerSocketChannel.class)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(handler.get());
                    }
                })
                .bind(PORT);
    }

    static ChannelFuture connect(VirtualHost from, VirtualHost to, ChannelHandler handler) {
        return new Bootstrap()
                .group(from.group())
                .channel(IslaSocketChannel.class)
                .handler(handler)
                .connect(to.address(), PORT);
    }

    static final class Server extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    static final class Counter extends SimpleChannelInboundHandler<ByteBuf> {
        int bytes;
        boolean inactive;
        Throwable cause;

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf message) {
            bytes += message.readableBytes();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            inactive = true;
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable thrown) {
            cause = thrown;
            context.close();
        }
    }
}
