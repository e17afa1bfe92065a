/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.ip.IpOutput;
import io.isla.netty.udp.UdpEndpoint;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.channel.AddressedEnvelope;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.DefaultAddressedEnvelope;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.unix.SegmentedDatagramPacket;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.internal.StringUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.channels.NotYetConnectedException;
import java.nio.channels.UnresolvedAddressException;

/**
 * The writing half of a datagram channel: a message, a datagram. What is sent leaves at once; but in one turn of the loop no more than SO_SNDBUF says, and the
 * rest waits in the channel for the next. The channel's loop only.
 */
final class DatagramWriter {
    private static final String EXPECTED =
            " (expected: DatagramPacket, SegmentedDatagramPacket, AddressedEnvelope<ByteBuf, InetSocketAddress> or ByteBuf)";

    /** What a datagram counts for beyond its bytes, as it does when it is received. */
    private static final int OVERHEAD = 256;

    private final IslaDatagramChannel channel;
    private long turn = -1;
    /** What may still be sent in this turn, in bytes; one datagram may take more than there is. */
    private int room;

    private boolean waiting;

    DatagramWriter(IslaDatagramChannel channel) {
        this.channel = channel;
    }

    /** The message in the form in which it is written: its bytes in one piece of direct memory. */
    Object filter(Object message) {
        if (message instanceof ByteBuf buffer) {
            if (isReady(buffer)) {
                return buffer;
            }
            ByteBuf copy = direct(buffer);
            ReferenceCountUtil.safeRelease(buffer);
            return copy;
        }
        if (message instanceof AddressedEnvelope<?, ?> envelope
                && envelope.content() instanceof ByteBuf content
                && (envelope.recipient() == null || envelope.recipient() instanceof InetSocketAddress)) {
            InetSocketAddress recipient = (InetSocketAddress) envelope.recipient();
            if (recipient != null && recipient.isUnresolved()) {
                throw new UnresolvedAddressException();
            }
            if (isReady(content)) {
                return message;
            }
            ByteBuf copy = direct(content);
            Object replacement;
            if (message instanceof SegmentedDatagramPacket segmented) {
                replacement = new SegmentedDatagramPacket(copy, segmented.segmentSize(), recipient);
            } else if (message instanceof DatagramPacket) {
                replacement = new DatagramPacket(copy, recipient);
            } else {
                replacement = new DefaultAddressedEnvelope<ByteBuf, SocketAddress>(
                        copy, recipient, (SocketAddress) envelope.sender());
            }
            ReferenceCountUtil.safeRelease(message);
            return replacement;
        }
        throw new UnsupportedOperationException(
                "unsupported message type: " + StringUtil.simpleClassName(message) + EXPECTED);
    }

    private static boolean isReady(ByteBuf buffer) {
        return buffer.isDirect() && buffer.nioBufferCount() == 1;
    }

    private ByteBuf direct(ByteBuf bytes) {
        int length = bytes.readableBytes();
        return channel.alloc().directBuffer(Math.max(1, length)).writeBytes(bytes, bytes.readerIndex(), length);
    }

    /** The endpoint is on its way to another loop: what is flushed waits until it is there. */
    void await() {
        waiting = true;
    }

    /** Whether a flush would be in vain in this turn. */
    boolean isWaiting() {
        return waiting;
    }

    /** The channel has come to a loop with its endpoint, or this is another turn there: what waits can be written. */
    void resume() {
        if (waiting) {
            waiting = false;
            channel.flushNow();
        }
    }

    /**
     * Writes messages.
     *
     * @return whether there is nothing to do at once: all are written, or wait for the next turn
     */
    boolean write(ChannelOutboundBuffer in, int maxMessages) {
        for (int left = maxMessages; left > 0; left--) {
            Object message = in.current();
            if (message == null) {
                return true;
            }
            if (!hasRoom()) {
                waiting = true;
                channel.endpoint().callNextTurn();
                return true;
            }
            Throwable failure = null;
            try {
                failure = send(message);
            } catch (Exception e) {
                failure = e;
            }
            // One that fails says nothing about the next, which may go elsewhere.
            if (failure == null) {
                in.remove();
            } else {
                in.remove(failure);
            }
        }
        return in.current() == null;
    }

    private boolean hasRoom() {
        long present = channel.shard().turns();
        if (turn != present || channel.endpoint() == null) {
            turn = present;
            room = channel.config().getSendBufferSize();
        }
        return room > 0;
    }

    /** Sends a message; returns why it could not be, or {@code null}. */
    private Throwable send(Object message) throws Exception {
        ByteBuf content;
        InetSocketAddress recipient = null;
        int segmentSize = 0;
        if (message instanceof AddressedEnvelope<?, ?> envelope) {
            content = (ByteBuf) envelope.content();
            recipient = (InetSocketAddress) envelope.recipient();
            segmentSize = message instanceof SegmentedDatagramPacket segmented ? segmented.segmentSize() : 0;
        } else {
            content = (ByteBuf) message;
        }
        channel.bindIfNeeded();
        UdpEndpoint endpoint = channel.endpoint();
        IOException error = endpoint.takeError();
        if (error != null) {
            return error;
        }
        IpAddress to;
        int port;
        if (recipient != null) {
            to = channel.destination(recipient);
            port = recipient.getPort();
        } else {
            to = endpoint.remoteAddress();
            port = endpoint.remotePort();
            if (to == null) {
                return new NotYetConnectedException();
            }
        }
        if (port == 0) {
            return new SocketException("Invalid argument: the port of a recipient cannot be 0");
        }
        room -= content.readableBytes() + OVERHEAD;
        IpOutput.Result result = endpoint.send(
                to,
                port,
                content,
                content.readerIndex(),
                content.readableBytes(),
                segmentSize,
                channel.shard().now());
        return switch (result) {
            case SENT -> null;
            case NO_ROUTE -> new NoRouteToHostException("Network is unreachable: there is no route to " + to);
            case TOO_BIG -> new IOException("Message too long: " + content.readableBytes() + " bytes to " + to);
            case NO_SOURCE ->
                new SocketException(
                        "Cannot assign requested address: " + endpoint.localAddress() + " is no longer this host's");
            case NOT_PERMITTED ->
                new SocketException("Permission denied: " + to + " is a broadcast address; set SO_BROADCAST");
        };
    }
}
