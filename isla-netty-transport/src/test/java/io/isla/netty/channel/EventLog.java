/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Writes down what happens in a pipeline, in its order, and keeps the bytes that arrive. Subclasses do something as well, and call
 * {@code super} first. Waiting has a deadline.
 */
class EventLog extends ChannelInboundHandlerAdapter {
    private final CompletableFuture<Channel> channel = new CompletableFuture<>();
    private final List<String> events = new ArrayList<>();
    private final List<Integer> reads = new ArrayList<>();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private Throwable exception;

    private synchronized void add(String event) {
        events.add(event);
        notifyAll();
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        channel.complete(context.channel());
    }

    @Override
    public void channelRegistered(ChannelHandlerContext context) throws Exception {
        add("registered");
        super.channelRegistered(context);
    }

    @Override
    public void channelUnregistered(ChannelHandlerContext context) throws Exception {
        add("unregistered");
        super.channelUnregistered(context);
    }

    @Override
    public void channelActive(ChannelHandlerContext context) throws Exception {
        add("active");
        super.channelActive(context);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) throws Exception {
        add("inactive");
        super.channelInactive(context);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        ByteBuf buffer = (ByteBuf) message;
        byte[] read = new byte[buffer.readableBytes()];
        buffer.readBytes(read).release();
        synchronized (this) {
            bytes.writeBytes(read);
            reads.add(read.length);
            // Consecutive reads are one entry: how the bytes are cut is not for every test to know.
            if (events.isEmpty() || !events.get(events.size() - 1).equals("read")) {
                events.add("read");
            }
            notifyAll();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) throws Exception {
        add("readComplete");
        super.channelReadComplete(context);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
        add(event.getClass().getSimpleName());
        super.userEventTriggered(context, event);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) throws Exception {
        add(context.channel().isWritable() ? "writable" : "unwritable");
        super.channelWritabilityChanged(context);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) throws Exception {
        synchronized (this) {
            exception = cause;
        }
        add("exception");
    }

    /** The channel, once there is one. */
    Channel channel() throws Exception {
        return channel.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** What has happened so far. */
    synchronized List<String> events() {
        return List.copyOf(events);
    }

    /** The sizes of what was read so far. */
    synchronized List<Integer> reads() {
        return List.copyOf(reads);
    }

    /** What was read so far. */
    synchronized byte[] bytes() {
        return bytes.toByteArray();
    }

    /** The last exception that was caught, or {@code null}. */
    synchronized Throwable exception() {
        return exception;
    }

    /** How often something has happened so far. */
    synchronized long count(String event) {
        return events.stream().filter(event::equals).count();
    }

    /** Returns when something has happened. */
    void await(String event) throws InterruptedException {
        await("'" + event + "'", () -> events.contains(event));
    }

    /** Returns when that many bytes have arrived. */
    byte[] awaitBytes(int count) throws InterruptedException {
        await(count + " bytes", () -> bytes.size() >= count);
        return bytes();
    }

    private synchronized void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(TwoHosts.DEADLINE_SECONDS);
        while (!condition.getAsBoolean()) {
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (left <= 0) {
                throw new AssertionError(
                        "waited in vain for " + what + "; there were " + bytes.size() + " bytes and " + events);
            }
            wait(left);
        }
    }
}
