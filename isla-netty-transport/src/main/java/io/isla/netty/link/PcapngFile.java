/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.util.internal.ObjectUtil;
import java.io.Closeable;
import java.io.Flushable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.function.LongSupplier;

/**
 * A file of captured frames for Wireshark, tshark and tcpdump (pcapng, draft-ietf-opsawg-pcapng), with the name of the link, the direction and a
 * timestamp in nanoseconds for each frame. {@link CapturingLink} fills it; several links may share one.
 *
 * <p>Frames are collected in memory and reach the disk when that is full, when a frame comes a second or more after the last time, on
 * {@link #flush()} and on {@link #close()}. If writing fails, or the file has reached its largest size, what comes after is counted as
 * {@linkplain #lostFrames() lost}, and nothing else happens.
 *
 * <p>Thread-safe: one lock, for a moment, for each frame.
 */
public final class PcapngFile implements Closeable, Flushable {
    private static final int SECTION_HEADER_BLOCK = 0x0a0d_0d0a;
    private static final int BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
    private static final int INTERFACE_DESCRIPTION_BLOCK = 1;
    private static final int ENHANCED_PACKET_BLOCK = 6;
    private static final int LINKTYPE_ETHERNET = 1;
    private static final int LINKTYPE_RAW = 101;
    private static final int OPT_ENDOFOPT = 0;
    private static final int OPT_COMMENT = 1;
    private static final int SHB_USERAPPL = 4;
    private static final int IF_NAME = 2;
    private static final int IF_TSRESOL = 9;
    private static final int NANOSECONDS = 9;
    private static final int EPB_FLAGS = 2;

    /** Bytes of a packet block beside the packet and its padding. */
    private static final int PACKET_BLOCK_OVERHEAD = 44;

    private static final int BUFFER_SIZE = 512 * 1024;
    /** No frame is longer; tools refuse files that allow for more. */
    private static final int MAX_SNAP_LENGTH = 256 * 1024;

    private static final long FLUSH_INTERVAL_NANOS = 1_000_000_000L;

    /** The way that a frame goes, as the file says it. */
    public enum Direction {
        /** Received. */
        INBOUND(1),
        /** Sent. */
        OUTBOUND(2);

        private final int flags;

        Direction(int flags) {
            this.flags = flags;
        }
    }

    private final OutputStream out;
    private final LongSupplier clock;
    private final long maxBytes;
    private final int snapLength;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    private int interfaces;
    private long bytes;
    private long lastFlush;
    private boolean flushDue;
    private long frames;
    /** Those of them that are in the buffer. */
    private int collected;

    private long lostFrames;
    private IOException failure;
    private boolean closed;

    private PcapngFile(OutputStream out, LongSupplier clock, long maxBytes, int snapLength) {
        this.out = out;
        this.clock = clock;
        this.maxBytes = maxBytes;
        this.snapLength = snapLength;
        lastFlush = clock.getAsLong();
    }

    /**
     * Creates a file of any size with whole frames, stamped with the time of day.
     *
     * @throws IOException if it cannot be created
     */
    public static PcapngFile create(Path path) throws IOException {
        return create(path, wallClock(), Long.MAX_VALUE, MAX_SNAP_LENGTH);
    }

    /**
     * Creates a file.
     *
     * @param clock nanoseconds since 1970; called by whichever thread has a frame
     * @param maxBytes the file's largest size, in bytes
     * @param snapLength how much of a frame is kept, 1 to 262,144 bytes
     * @throws IOException if it cannot be created
     */
    public static PcapngFile create(Path path, LongSupplier clock, long maxBytes, int snapLength) throws IOException {
        ObjectUtil.checkNotNull(clock, "clock");
        ObjectUtil.checkPositive(maxBytes, "maxBytes");
        ObjectUtil.checkInRange(snapLength, 1, MAX_SNAP_LENGTH, "snapLength");
        return open(Files.newOutputStream(path), clock, maxBytes, snapLength);
    }

    /**
     * Writes to a stream, such as one in memory.
     *
     * @param out owned by the file from now on
     * @param clock nanoseconds since 1970; called by whichever thread has a frame
     * @param maxBytes the most that is written, in bytes
     * @param snapLength how much of a frame is kept, 1 to 262,144 bytes
     */
    public static PcapngFile to(OutputStream out, LongSupplier clock, long maxBytes, int snapLength) {
        ObjectUtil.checkNotNull(out, "out");
        ObjectUtil.checkNotNull(clock, "clock");
        ObjectUtil.checkPositive(maxBytes, "maxBytes");
        ObjectUtil.checkInRange(snapLength, 1, MAX_SNAP_LENGTH, "snapLength");
        return open(out, clock, maxBytes, snapLength);
    }

    /** Writes to {@code out}, which the file then owns. */
    static PcapngFile open(OutputStream out, LongSupplier clock, long maxBytes, int snapLength) {
        PcapngFile file = new PcapngFile(out, clock, maxBytes, snapLength);
        file.writeSectionHeader();
        return file;
    }

    private static LongSupplier wallClock() {
        Instant start = Instant.now();
        long origin = System.nanoTime();
        long epoch = start.getEpochSecond() * 1_000_000_000L + start.getNano();
        return () -> epoch + (System.nanoTime() - origin);
    }

    /** Describes a link, and returns its number in this file. */
    public synchronized int addInterface(String name, Link.Medium medium) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        int length = 20 + 4 + padded(text.length) + 4 + 4 + 4;
        if (!makeRoom(length)) {
            return interfaces++;
        }
        buffer.putInt(INTERFACE_DESCRIPTION_BLOCK).putInt(length);
        buffer.putShort((short) (medium == Link.Medium.ETHERNET ? LINKTYPE_ETHERNET : LINKTYPE_RAW));
        buffer.putShort((short) 0).putInt(snapLength);
        putOption(IF_NAME, text);
        buffer.putShort((short) IF_TSRESOL).putShort((short) 1).putInt(NANOSECONDS);
        buffer.putInt(OPT_ENDOFOPT).putInt(length);
        return interfaces++;
    }

    /** Adds a frame that is in one buffer. */
    void write(int link, Direction direction, ByteBuf frame, int offset, int length) {
        write(link, direction, frame, offset, length, null);
    }

    /**
     * Adds a frame that is in one buffer.
     *
     * @param link what {@link #addInterface} has returned
     * @param comment what Wireshark shows with the frame; {@code null} for nothing
     */
    public synchronized void write(
            int link, Direction direction, ByteBuf frame, int offset, int length, String comment) {
        int kept = Math.min(length, snapLength);
        byte[] text = comment == null ? null : comment.getBytes(StandardCharsets.UTF_8);
        if (begin(link, length, kept, text)) {
            put(frame, offset, kept);
            end(direction, kept, text);
        }
    }

    /** Adds a frame as it is, with segmentation and checksum still to be done. */
    synchronized void write(int link, Direction direction, OutboundFrame frame) {
        int length = frame.length();
        int kept = Math.min(length, snapLength);
        if (begin(link, length, kept, null)) {
            int left = kept;
            left -= put(frame.header(), frame.headerStart(), Math.min(left, frame.headerLength()));
            for (int i = 0; i < frame.payloadCount() && left > 0; i++) {
                left -= put(frame.payload(i), frame.payloadOffset(i), Math.min(left, frame.payloadLength(i)));
            }
            end(direction, kept, null);
        }
    }

    /** How many frames have been taken in. */
    public synchronized long frames() {
        return frames;
    }

    /** How many frames are not in the file, because it was full or could not be written. Those collected when writing failed included. */
    public synchronized long lostFrames() {
        return lostFrames;
    }

    /** Why writing has failed; {@code null} if it has not. */
    public synchronized IOException failure() {
        return failure;
    }

    /** Writes what is collected. */
    @Override
    public synchronized void flush() {
        if (failure == null && !closed) {
            try {
                out.write(buffer.array(), 0, buffer.position());
                out.flush();
            } catch (IOException e) {
                failure = e;
                lostFrames += collected;
                frames -= collected;
            }
        }
        collected = 0;
        buffer.clear();
    }

    /** Writes what is collected, and closes the file; what is captured after that is lost. Idempotent. */
    @Override
    public synchronized void close() throws IOException {
        if (!closed) {
            flush();
            closed = true;
            out.close();
        }
    }

    private void writeSectionHeader() {
        byte[] application = "Isla".getBytes(StandardCharsets.US_ASCII);
        int length = 28 + 4 + padded(application.length) + 4;
        makeRoom(length);
        buffer.putInt(SECTION_HEADER_BLOCK).putInt(length).putInt(BYTE_ORDER_MAGIC);
        // Version 1.0, of unknown length.
        buffer.putShort((short) 1).putShort((short) 0).putLong(-1);
        putOption(SHB_USERAPPL, application);
        buffer.putInt(OPT_ENDOFOPT).putInt(length);
    }

    private boolean begin(int link, int length, int kept, byte[] comment) {
        int blockLength = packetBlockLength(kept, comment);
        if (!makeRoom(blockLength)) {
            lostFrames++;
            return false;
        }
        frames++;
        collected++;
        long now = clock.getAsLong();
        if (now - lastFlush >= FLUSH_INTERVAL_NANOS) {
            lastFlush = now;
            flushDue = true;
        }
        buffer.putInt(ENHANCED_PACKET_BLOCK).putInt(blockLength).putInt(link);
        buffer.putInt((int) (now >>> 32)).putInt((int) now).putInt(kept).putInt(length);
        return true;
    }

    private static int packetBlockLength(int kept, byte[] comment) {
        return PACKET_BLOCK_OVERHEAD + padded(kept) + (comment == null ? 0 : 4 + padded(comment.length));
    }

    private void end(Direction direction, int kept, byte[] comment) {
        pad(kept);
        if (comment != null) {
            putOption(OPT_COMMENT, comment);
        }
        buffer.putShort((short) EPB_FLAGS).putShort((short) 4).putInt(direction.flags);
        buffer.putInt(OPT_ENDOFOPT).putInt(packetBlockLength(kept, comment));
        if (flushDue) {
            flushDue = false;
            flush();
        }
    }

    /** Returns whether there is room for a block: in the file, and now in the buffer. */
    private boolean makeRoom(int length) {
        if (closed || failure != null || length > maxBytes - bytes) {
            return false;
        }
        if (buffer.remaining() < length) {
            flush();
            if (failure != null) {
                return false;
            }
        }
        bytes += length;
        return true;
    }

    private int put(ByteBuf from, int index, int length) {
        from.getBytes(index, buffer.array(), buffer.position(), length);
        buffer.position(buffer.position() + length);
        return length;
    }

    private void putOption(int code, byte[] value) {
        buffer.putShort((short) code).putShort((short) value.length).put(value);
        pad(value.length);
    }

    private void pad(int length) {
        for (int i = length; i < padded(length); i++) {
            buffer.put((byte) 0);
        }
    }

    private static int padded(int length) {
        return length + 3 & ~3;
    }
}
