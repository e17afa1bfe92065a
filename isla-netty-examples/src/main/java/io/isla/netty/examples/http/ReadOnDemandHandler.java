/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Hands on one message for each {@code read()} of the handlers behind it, and reads from the connection only when it
 * has none left. For channels with {@code AUTO_READ} off.
 *
 * <p>A decoder makes many messages of what one read brought in. With this behind it, requests that a client sent
 * without waiting are answered one after the other, and what it sends further stays in the connection, where it
 * fills the window and makes the client wait.
 */
final class ReadOnDemandHandler extends ChannelDuplexHandler {

    private final Deque<Object> messages = new ArrayDeque<>();
    private Object inputShutdown;
    private boolean demand;
    private boolean delivering;

    @Override
    public void read(ChannelHandlerContext ctx) {
        demand = true;
        if (delivering) {
            // The loop below goes on with the next message.
            return;
        }
        deliver(ctx);
        if (demand) {
            ctx.read();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        messages.add(message);
        deliver(ctx);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent && !messages.isEmpty()) {
            // The end comes after what came before it.
            inputShutdown = event;
        } else {
            ctx.fireUserEventTriggered(event);
        }
    }

    /** Not a recursion, however many messages there are and however fast they are answered. */
    private void deliver(ChannelHandlerContext ctx) {
        if (delivering) {
            return;
        }
        delivering = true;
        try {
            while (demand && !messages.isEmpty()) {
                demand = false;
                ctx.fireChannelRead(messages.poll());
                ctx.fireChannelReadComplete();
            }
        } finally {
            delivering = false;
        }
        if (inputShutdown != null && messages.isEmpty()) {
            Object event = inputShutdown;
            inputShutdown = null;
            ctx.fireUserEventTriggered(event);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (demand) {
            // What was read made no message, or it was asked for more while the messages were handed on.
            ctx.read();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        release();
        ctx.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        release();
    }

    private void release() {
        while (!messages.isEmpty()) {
            ReferenceCountUtil.release(messages.poll());
        }
    }
}
