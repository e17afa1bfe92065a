/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DatagramPacket;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Keeps the datagrams, exceptions and events of a channel, each in its order; waiting has a deadline. */
@Sharable
final class DatagramLog extends ChannelInboundHandlerAdapter {
    /** A datagram that was read. */
    record Received(String text, InetSocketAddress sender, InetSocketAddress recipient) {}

    private final BlockingQueue<Received> received = new LinkedBlockingQueue<>();
    private final BlockingQueue<Throwable> exceptions = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

    @Override
    public void channelActive(ChannelHandlerContext context) throws Exception {
        events.add("active");
        super.channelActive(context);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) throws Exception {
        events.add("inactive");
        super.channelInactive(context);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) throws Exception {
        events.add("readComplete");
        super.channelReadComplete(context);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        DatagramPacket packet = (DatagramPacket) message;
        received.add(new Received(
                packet.content().toString(StandardCharsets.ISO_8859_1), packet.sender(), packet.recipient()));
        events.add("read");
        ReferenceCountUtil.release(packet);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        exceptions.add(cause);
    }

    /** The next datagram. */
    Received next() throws InterruptedException {
        return take(received, "a datagram");
    }

    /** The next exception. */
    Throwable nextException() throws InterruptedException {
        return take(exceptions, "an exception");
    }

    /** The next event. */
    String nextEvent() throws InterruptedException {
        return take(events, "an event");
    }

    /** How many datagrams have been read and not been taken. */
    int waiting() {
        return received.size();
    }

    private static <T> T take(BlockingQueue<T> queue, String what) throws InterruptedException {
        T taken = queue.poll(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
        if (taken == null) {
            throw new AssertionError("waited in vain for " + what);
        }
        return taken;
    }
}
