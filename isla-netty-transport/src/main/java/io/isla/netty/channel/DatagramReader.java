/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.udp.UdpDatagram;
import io.isla.netty.udp.UdpEndpoint;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.socket.DatagramPacket;
import io.netty.util.UncheckedBooleanSupplier;
import java.io.IOException;

/** The reading half of a datagram channel. The channel's loop only. */
@SuppressWarnings("deprecation") // A plain Handle will do, as it does for NIO.
final class DatagramReader {
    private final IslaDatagramChannel channel;
    private final Runnable readTask = this::runReadTask;
    private boolean readPending;
    private boolean interested;
    private boolean scheduled;
    private boolean reading;

    DatagramReader(IslaDatagramChannel channel) {
        this.channel = channel;
    }

    /** A read is wanted; it never happens from within the call. */
    void begin() {
        readPending = true;
        interested = true;
        if (!reading && hasSomething()) {
            schedule();
        }
    }

    /** There may be something to read. Not called from within the processing of a packet. */
    void readable() {
        if (interested && !reading && channel.isOnItsLoop() && hasSomething()) {
            read();
        }
    }

    void clear() {
        readPending = false;
        interested = false;
    }

    void clearUnlessWanted() {
        if (!readPending && !channel.config().isAutoRead()) {
            interested = false;
        }
    }

    void deregistered() {
        scheduled = false;
    }

    private boolean hasSomething() {
        UdpEndpoint endpoint = channel.endpoint();
        return endpoint != null && (endpoint.isReadable() || endpoint.hasError());
    }

    private void schedule() {
        if (!scheduled) {
            scheduled = true;
            channel.eventLoop().execute(readTask);
        }
    }

    private void runReadTask() {
        scheduled = false;
        if (channel.isOnItsLoop()) {
            readable();
        }
    }

    private void read() {
        ChannelConfig config = channel.config();
        ChannelPipeline pipeline = channel.pipeline();
        RecvByteBufAllocator.Handle handle = channel.unsafe().recvBufAllocHandle();
        handle.reset(config);
        Throwable failure = null;
        reading = true;
        try {
            do {
                IOException error = channel.endpoint().takeError();
                if (error != null) {
                    readPending = false;
                    throw error;
                }
                DatagramPacket packet = next(handle, config);
                if (packet == null) {
                    handle.lastBytesRead(-1);
                    break;
                }
                handle.incMessagesRead(1);
                readPending = false;
                pipeline.fireChannelRead(packet);
            } while (goesOn(handle, config));
        } catch (Throwable t) {
            failure = t;
        }
        handle.readComplete();
        pipeline.fireChannelReadComplete();
        if (failure != null) {
            pipeline.fireExceptionCaught(failure);
        }
        reading = false;
        clearUnlessWanted();
        if (interested && channel.isOnItsLoop() && hasSomething()) {
            // Not by a task of this turn: what was written goes out, and others are read, before.
            channel.endpoint().callNextTurn();
        }
    }

    /** The next datagram in a buffer of the channel's allocator; what it has no room for is lost, as in a read from a socket. */
    private DatagramPacket next(RecvByteBufAllocator.Handle handle, ChannelConfig config) {
        if (!channel.isOpen()) {
            return null;
        }
        UdpDatagram datagram = channel.endpoint().receive();
        if (datagram == null) {
            return null;
        }
        ByteBuf payload = datagram.payload();
        try {
            ByteBuf buffer = handle.allocate(config.getAllocator());
            int bytes = Math.min(buffer.writableBytes(), payload.readableBytes());
            if (bytes < payload.readableBytes()) {
                channel.endpoint().countTruncated();
            }
            handle.attemptedBytesRead(buffer.writableBytes());
            payload.readBytes(buffer, bytes);
            // 0 would mean that there was nothing.
            handle.lastBytesRead(Math.max(1, bytes));
            return new DatagramPacket(
                    buffer,
                    channel.config().isReceiveOriginalDestination()
                            ? AbstractIslaChannel.socketAddress(datagram.destination(), datagram.destinationPort())
                            : channel.localAddress(),
                    AbstractIslaChannel.socketAddress(datagram.source(), datagram.sourcePort()));
        } finally {
            payload.release();
        }
    }

    private boolean goesOn(RecvByteBufAllocator.Handle handle, ChannelConfig config) {
        if (!channel.isOnItsLoop() || !channel.isOpen() || !readPending && !config.isAutoRead()) {
            return false;
        }
        return handle instanceof RecvByteBufAllocator.ExtendedHandle extended
                ? extended.continueReading(UncheckedBooleanSupplier.TRUE_SUPPLIER)
                : handle.continueReading();
    }
}
