/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpStack;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import java.io.IOException;

/** The reading side of a stream channel: the read loop, and the end of the peer's data. Event loop only, unless said otherwise. */
@SuppressWarnings("deprecation") // A plain Handle will do, as it does for NIO.
final class StreamReader {
    private final AbstractIslaStreamChannel channel;
    private final Runnable readTask = this::runTask;
    private final Runnable clearTask = this::clearIfUnwanted;

    /** A read was asked for and nothing has been delivered since. */
    private boolean readPending;
    /** Whether data is to be delivered when it comes. */
    private boolean interested;
    /** The peer has closed or reset: what is there is delivered, wanted or not, so that the end is noticed. */
    private boolean drain;
    /** The end of the peer's data has been told. */
    private boolean ended;

    private boolean taskScheduled;
    private boolean reading;
    private RecvByteBufAllocator.Handle knownHandle;
    private boolean knownHandleAllocates;
    private volatile boolean inputShutdown;

    StreamReader(AbstractIslaStreamChannel channel) {
        this.channel = channel;
    }

    /** Whether no more will be read. Any thread. */
    boolean isInputShutdown() {
        return inputShutdown;
    }

    /** The channel has been closed. */
    void close() {
        inputShutdown = true;
        ended = true;
    }

    /** Somebody asks for data. It is never delivered from within this call. */
    void beginRead() {
        readPending = true;
        interested = true;
        // A read loop that runs sees to it itself when it ends.
        if (!reading && hasInput()) {
            schedule();
        }
    }

    /** Auto-read was switched off. Any thread. */
    void autoReadCleared() {
        if (!channel.isRegistered()) {
            return;
        }
        if (channel.eventLoop().inEventLoop()) {
            clear();
        } else {
            channel.eventLoop().execute(clearTask);
        }
    }

    private void clearIfUnwanted() {
        if (channel.isOnItsLoop() && shouldStop(channel.config())) {
            clear();
        }
    }

    private void clear() {
        readPending = false;
        interested = false;
    }

    private static boolean mayHaveMore() {
        return true;
    }

    /** The channel has got a connection, or has come to another loop with it. */
    void connected() {
        taskScheduled = false;
        TcpConnection c = channel.connection();
        // The end of the peer's data, which may have been told to somebody else before, is noticed with no read
        // pending.
        drain |= c.isInputFinished() || c.error() != null;
        if ((interested || drain) && hasInput()) {
            schedule();
        }
    }

    /** There is data. */
    void readable() {
        if (interested) {
            read();
        }
    }

    /** The peer has closed its direction. */
    void peerClosed() {
        drain = true;
        read();
    }

    /** The connection has failed: what was received before is delivered, then the error. */
    void failed(IOException cause) {
        drain = true;
        read();
        if (channel.isOpen()) {
            // Reading did not come upon the error: the end of the data, or of reading, was there before it.
            channel.pipeline().fireExceptionCaught(cause);
            channel.closeBecause(cause);
        }
    }

    private void schedule() {
        if (!taskScheduled) {
            taskScheduled = true;
            channel.eventLoop().execute(readTask);
        }
    }

    private void runTask() {
        if (!channel.isOnItsLoop()) {
            return;
        }
        taskScheduled = false;
        if (interested || drain) {
            // An answer and the close that follows it share a segment, as they do when the turn itself tells of data.
            TcpStack stack = channel.shard().tcp();
            boolean before = stack.holdOutput(true);
            try {
                read();
            } finally {
                stack.holdOutput(before);
            }
        }
    }

    /** Whether the read loop would come upon something. */
    private boolean hasInput() {
        TcpConnection c = channel.connection();
        return c != null && !ended && (c.readableBytes() > 0 || c.isInputFinished() || c.error() != null);
    }

    private boolean shouldStop(ChannelConfig config) {
        return !readPending && !config.isAutoRead();
    }

    private boolean isOver() {
        return !channel.isOpen() || inputShutdown && (ended || !channel.config().isAllowHalfClosure());
    }

    private void read() {
        if (reading) {
            // A handler runs a nested loop; the outer one goes on.
            return;
        }
        if (channel.connection() != null) {
            channel.tellUrgentNews(channel.connection());
        }
        if (isOver() || channel.connection() == null) {
            clear();
            return;
        }
        reading = true;
        ChannelConfig config = channel.config();
        ChannelPipeline pipeline = channel.pipeline();
        RecvByteBufAllocator.Handle handle = null;
        try {
            handle = channel.unsafe().recvBufAllocHandle();
            handle.reset(config);
            boolean end = readLoop(channel.connection(), handle, pipeline);
            handle.readComplete();
            pipeline.fireChannelReadComplete();
            if (end) {
                shutdownInput(null);
            }
        } catch (Throwable t) {
            readFailed(t, handle, pipeline);
        } finally {
            reading = false;
            if (shouldStop(config)) {
                clear();
            } else if (interested && hasInput() && !isOver()) {
                // In the next turn and not by a task of this one: what was written goes out, and others are read,
                // before.
                channel.connection().tellAgainOfInput();
            }
        }
    }

    /** Returns whether it has come to the end of the peer's data. */
    private boolean readLoop(TcpConnection c, RecvByteBufAllocator.Handle handle, ChannelPipeline pipeline)
            throws IOException {
        do {
            ByteBuf data = next(c, handle);
            if (data == null) {
                if (c.isInputFinished()) {
                    handle.lastBytesRead(-1);
                    readPending = false;
                    return true;
                }
                handle.lastBytesRead(0);
                if (c.error() != null) {
                    throw c.error();
                }
                return false;
            }
            handle.lastBytesRead(data.readableBytes());
            handle.incMessagesRead(1);
            readPending = false;
            pipeline.fireChannelRead(data);
        } while (!isOver() && (drain || goesOn(handle)));
        return false;
    }

    /** The next piece, of the size that the allocator says; {@code null} if nothing is there. */
    private ByteBuf next(TcpConnection c, RecvByteBufAllocator.Handle handle) {
        if (c.readableBytes() == 0) {
            return null;
        }
        if (allocatesItself(handle)) {
            return fill(c, handle);
        }
        int most = Math.max(1, handle.guess());
        handle.attemptedBytesRead(most);
        return c.read(most);
    }

    /**
     * Whether the buffers are to be the allocator's own: Netty's handles ask the channel's allocator for what they guess, so that the bytes may as well be
     * handed up as they lie; a user's may do what they like.
     */
    private boolean allocatesItself(RecvByteBufAllocator.Handle handle) {
        if (handle != knownHandle) {
            knownHandle = handle;
            knownHandleAllocates = handle.getClass().getPackage() != RecvByteBufAllocator.class.getPackage();
        }
        return knownHandleAllocates;
    }

    private ByteBuf fill(TcpConnection c, RecvByteBufAllocator.Handle handle) {
        ByteBuf buffer = handle.allocate(channel.config().getAllocator());
        handle.attemptedBytesRead(buffer.writableBytes());
        while (buffer.isWritable()) {
            ByteBuf piece = c.read(buffer.writableBytes());
            if (piece == null) {
                break;
            }
            piece.readBytes(buffer, piece.readableBytes());
            piece.release();
        }
        return buffer;
    }

    private boolean goesOn(RecvByteBufAllocator.Handle handle) {
        // What was read says nothing of what is left: pieces are as long as segments were.
        return hasInput()
                && (handle instanceof RecvByteBufAllocator.ExtendedHandle extended
                        ? extended.continueReading(StreamReader::mayHaveMore)
                        : handle.continueReading());
    }

    /** The connection has failed, or there was no buffer to be had: without one, there is no going on. */
    private void readFailed(Throwable cause, RecvByteBufAllocator.Handle handle, ChannelPipeline pipeline) {
        readPending = false;
        if (handle != null) {
            handle.readComplete();
        }
        pipeline.fireChannelReadComplete();
        pipeline.fireExceptionCaught(cause);
        shutdownInput(cause);
    }

    /** Nothing more will come: because of the peer's FIN, or for the given cause. */
    private void shutdownInput(Throwable cause) {
        if (!channel.isOpen()) {
            return;
        }
        ChannelPipeline pipeline = channel.pipeline();
        if (!inputShutdown) {
            if (!channel.config().isAllowHalfClosure()) {
                channel.closeBecause(cause);
                return;
            }
            inputShutdown = true;
            if (shouldStop(channel.config())) {
                clear();
            }
            pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        }
        if (!ended) {
            ended = true;
            pipeline.fireUserEventTriggered(ChannelInputShutdownReadComplete.INSTANCE);
        }
        if (cause != null && channel.isOpen()) {
            // A connection that has failed has no other half.
            channel.closeBecause(cause);
        }
    }

    /** The user shuts the input down. */
    void shutdownByUser() {
        inputShutdown = true;
        if (channel.config().isAllowHalfClosure() && !ended) {
            interested = true;
            schedule();
        }
    }
}
