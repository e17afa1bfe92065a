/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.echo;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import java.io.IOException;
import java.lang.System.Logger;

/**
 * Sends back what it receives, no more of it at a time than the peer takes: while the channel is not writable it does
 * not read, so that the window closes and the peer has to wait. When the peer has sent all, it gets all, and the
 * connection ends. For channels with {@code ALLOW_HALF_CLOSURE}.
 */
public final class EchoHandler extends ChannelInboundHandlerAdapter {

    private static final Logger LOG = System.getLogger(EchoHandler.class.getName());

    private boolean ending;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ctx.write(message);
        if (!ctx.channel().isWritable()) {
            ctx.channel().config().setAutoRead(false);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.flush();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (!ending) {
            ctx.channel().config().setAutoRead(ctx.channel().isWritable());
        }
        ctx.fireChannelWritabilityChanged();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent) {
            ending = true;
            // An empty write is done when all before it are.
            ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        } else {
            ctx.fireUserEventTriggered(event);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        // A peer that goes away is no news.
        if (!(cause instanceof IOException)) {
            LOG.log(Logger.Level.WARNING, "closing a connection after a failure", cause);
        }
        ctx.close();
    }
}
