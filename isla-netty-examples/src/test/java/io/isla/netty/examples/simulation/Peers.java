/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.simulation;

import io.isla.netty.channel.IslaServerSocketChannel;
import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.sim.VirtualHost;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** Bootstraps as any application has them. */
final class Peers {
    private Peers() {}

    static ChannelFuture serve(VirtualHost host, int port, Consumer<Channel> pipeline) {
        return new ServerBootstrap()
                .group(host.group())
                .channel(IslaServerSocketChannel.class)
                .childHandler(initializer(pipeline))
                .bind(port);
    }

    static ChannelFuture connect(VirtualHost from, VirtualHost to, int port, Consumer<Channel> pipeline) {
        return new Bootstrap()
                .group(from.group())
                .channel(IslaSocketChannel.class)
                .handler(initializer(pipeline))
                .connect(to.address(), port);
    }

    static ChannelInitializer<Channel> initializer(Consumer<Channel> pipeline) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                pipeline.accept(channel);
            }
        };
    }

    /** A handler of one kind of message. */
    static <T> ChannelHandler on(Class<T> type, BiConsumer<ChannelHandlerContext, T> action) {
        return new SimpleChannelInboundHandler<>(type) {
            @Override
            protected void channelRead0(ChannelHandlerContext context, T message) {
                action.accept(context, message);
            }

            @Override
            public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                context.close();
            }
        };
    }
}
