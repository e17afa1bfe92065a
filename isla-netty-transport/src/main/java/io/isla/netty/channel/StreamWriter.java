/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.TcpConnection;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.FileRegion;
import io.netty.util.internal.StringUtil;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.WritableByteChannel;

/**
 * The writing side of a stream channel: moves what is flushed from the channel's outbound buffer to the connection's send queue, as far as that has room.
 * Event loop only.
 */
final class StreamWriter implements ChannelOutboundBuffer.MessageProcessor {
    /** How much one of the attempts that WRITE_SPIN_COUNT allows may move, in bytes. */
    private static final int BYTES_PER_SPIN = 128 * 1024;
    /**
     * Input older than this is brought up to date before a write, so that a reset which is there fails it, in nanoseconds. It is for handlers that block: a turn of
     * a busy loop is shorter, and need not ask the device before each write.
     */
    private static final long STALE_INPUT_NANOS = 1_000_000;

    private final AbstractIslaStreamChannel channel;
    private final Runnable flushTask = this::runFlushTask;
    private final RegionSink sink = new RegionSink();

    /** The send queue was full: flushing waits for it to have room. */
    private boolean waiting;
    /** The buffer of which a part is in the send queue, and how its first bytes went there. */
    private ByteBuf partial;

    private boolean partialKept;

    // --- during moveBuffers()
    private TcpConnection connection;
    private int room;
    private int moved;

    StreamWriter(AbstractIslaStreamChannel channel) {
        this.channel = channel;
    }

    /** Checks what a channel takes. */
    static Object filter(Object message) {
        if (message instanceof ByteBuf || message instanceof FileRegion || message instanceof IslaUrgentData) {
            return message;
        }
        throw new UnsupportedOperationException("unsupported message type: " + StringUtil.simpleClassName(message)
                + " (expected: ByteBuf, FileRegion, IslaUrgentData)");
    }

    /** Whether a flush would be in vain now. */
    boolean isWaiting() {
        return waiting;
    }

    /** The send queue has room again. */
    void writable() {
        if (waiting) {
            waiting = false;
            channel.flushNow();
        }
    }

    private void runFlushTask() {
        if (channel.isOnItsLoop() && !waiting) {
            channel.flushNow();
        }
    }

    /** Moves what there is to move, and sends. */
    void write(ChannelOutboundBuffer in) throws Exception {
        TcpConnection c = channel.connection();
        Shard shard = channel.shard();
        long now = shard.now();
        if (now - shard.lastInput() > STALE_INPUT_NANOS) {
            shard.pollInput();
            now = shard.now();
        }
        if (c.error() != null) {
            throw c.error();
        }
        if (c.isOutputShut()) {
            throw new ClosedChannelException();
        }
        long left = channel.config().getWriteSpinCount() * (long) BYTES_PER_SPIN;
        for (Object message = in.current(); message != null; now = shard.now()) {
            if (c.writableBytes() <= 0 && takesRoom(message)) {
                waiting = true;
                return;
            }
            if (message instanceof ByteBuf) {
                left -= moveBuffers(c, in, (int) Math.min(left, Integer.MAX_VALUE), now);
            } else if (message instanceof IslaUrgentData urgent) {
                left -= moveUrgent(c, in, urgent.content(), now);
            } else {
                left -= moveRegion(c, in, (FileRegion) message, now);
            }
            // Listeners have run: they may have written more, or closed the channel, which empties the buffer.
            message = in.current();
            if (message == null) {
                return;
            }
            if (left <= 0) {
                channel.eventLoop().execute(flushTask);
                return;
            }
        }
    }

    /** Whether a message takes room. */
    private static boolean takesRoom(Object message) {
        if (message instanceof FileRegion region) {
            return region.transferred() < region.count();
        }
        return (message instanceof IslaUrgentData urgent ? urgent.content() : (ByteBuf) message).isReadable();
    }

    /**
     * Writes what the first message holds before the connection is established, as far as it goes (RFC 7413).
     *
     * @param c in SYN-SENT
     */
    void writeEarly(TcpConnection c, ChannelOutboundBuffer in, long now) {
        in.addFlush();
        if (in.current() instanceof ByteBuf) {
            moveBuffers(c, in, BYTES_PER_SPIN, now);
        }
    }

    /**
     * Moves buffers up to the first message that is none, and sends. Only then are they removed: whoever hears that a write is done may reset the connection,
     * and what was written before has been sent, as by a system call.
     */
    private int moveBuffers(TcpConnection c, ChannelOutboundBuffer in, int most, long now) {
        connection = c;
        room = Math.min(most, c.writableBytes());
        moved = 0;
        try {
            in.forEachFlushedMessage(this);
        } catch (Exception e) {
            throw new IllegalStateException("not thrown by processMessage", e);
        } finally {
            connection = null;
        }
        int total = moved;
        if (total > 0) {
            c.flush(now);
        }
        in.removeBytes(total);
        return total;
    }

    /** Called with each flushed message in turn; returns whether to go on. */
    @Override
    public boolean processMessage(Object message) {
        if (!(message instanceof ByteBuf buffer)) {
            return false;
        }
        int readable = buffer.readableBytes();
        if (readable == 0) {
            return true;
        }
        int n = Math.min(room, readable);
        if (n <= 0) {
            return false;
        }
        boolean keep = partial == buffer ? partialKept : TcpConnection.mayKeep(buffer);
        connection.write(buffer, buffer.readerIndex(), n, keep);
        partial = n < readable ? buffer : null;
        partialKept = keep;
        room -= n;
        moved += n;
        return n == readable;
    }

    /** Moves what there is room for. As long as there is more, the end of what is urgent moves along (RFC 9293 MUST-31). */
    private int moveUrgent(TcpConnection c, ChannelOutboundBuffer in, ByteBuf content, long now) {
        int n = Math.min(content.readableBytes(), c.writableBytes());
        if (n > 0) {
            c.write(content, content.readerIndex(), n, false);
            content.skipBytes(n);
            in.progress(n);
            c.urgent(now);
        }
        if (!content.isReadable()) {
            in.remove();
        }
        return n;
    }

    private long moveRegion(TcpConnection c, ChannelOutboundBuffer in, FileRegion region, long now) throws IOException {
        long position = region.transferred();
        if (position >= region.count()) {
            in.remove();
            return 0;
        }
        long n = sink.transfer(c, region, position);
        c.flush(now);
        if (n > 0) {
            in.progress(n);
            if (region.transferred() >= region.count()) {
                in.remove();
            }
            return n;
        }
        if (region instanceof DefaultFileRegion file) {
            // There was room, and the file had nothing to put there.
            channel.validate(file, position);
        }
        // Another kind of region may have nothing yet; it is asked again by a task, not at once.
        return BYTES_PER_SPIN;
    }

    /** What a {@link FileRegion} writes to: copies into pieces of the send queue. */
    private final class RegionSink implements WritableByteChannel {
        private TcpConnection target;
        private int space;

        long transfer(TcpConnection c, FileRegion region, long position) throws IOException {
            target = c;
            space = c.writableBytes();
            try {
                return region.transferTo(this, position);
            } finally {
                target = null;
            }
        }

        @Override
        public int write(ByteBuffer source) {
            int n = Math.min(space, source.remaining());
            if (n == 0) {
                return 0;
            }
            ByteBuf piece = channel.alloc().directBuffer(n, n);
            try {
                int limit = source.limit();
                source.limit(source.position() + n);
                piece.writeBytes(source);
                source.limit(limit);
                target.write(piece, 0, n, true);
            } finally {
                piece.release();
            }
            space -= n;
            return n;
        }

        @Override
        public boolean isOpen() {
            return target != null;
        }

        @Override
        public void close() {
            // The region has no say in this.
        }
    }
}
