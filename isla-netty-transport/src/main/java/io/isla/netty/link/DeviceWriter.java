/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.wire.EthernetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.IovArray;
import java.io.IOException;

/**
 * Writes frames to a device. Small ones wait, in their order, until {@link #flush()}, or until there is no more room, or a large one comes: whom the first of them
 * wakes up then finds the others as well. Each has a system call of its own, or, with an {@link IoUring}, all that have waited have one.
 */
final class DeviceWriter {
    /** What became of a frame. */
    interface Outcome {
        /**
         * A frame was given to the kernel.
         *
         * @param result bytes, 0 if there was no room, or a negative error number
         * @param length bytes in the frame
         */
        void written(int result, int length);
    }

    /** The most frames that wait; a large one may follow in the same system call. */
    private static final int WAITING = 32;
    /** Room for one that waits, in bytes; no power of two, so that the beginnings do not compete for the same lines of the cache. */
    private static final int ROOM = OutboundFrame.SCRATCH + 5 * 64;
    /** Where in its room a frame begins, at least; its header keeps the alignment that it has. */
    private static final int ALIGNMENT = 8;

    /** Without leak detection, which would look at each access; lives as long as its queue. */
    private static final ByteBufAllocator ALLOCATOR = new UnpooledByteBufAllocator(true, true);

    private final FileDescriptor fd;
    private final int virtioLength;
    private final int scratchBytes;
    private final Outcome outcome;
    private final IovArray iov = new IovArray(OutboundFrame.MAX_PAYLOADS + 1);
    private final int[] starts = new int[WAITING];
    private final int[] ends = new int[WAITING];

    private IoUring ring;
    private boolean holds = true;
    private ByteBuf memory;
    private ByteBuf scratch;
    private int waiting;

    /**
     * Creates a writer.
     *
     * @param virtioLength bytes of the virtio-net header before each frame; 0 if the device has none
     * @param maxFrame bytes of the largest frame
     */
    DeviceWriter(FileDescriptor fd, int virtioLength, int maxFrame, Outcome outcome) {
        this.fd = fd;
        this.virtioLength = virtioLength;
        this.outcome = outcome;
        scratchBytes = maxFrame + EthernetHeader.LENGTH;
    }

    /** Has several be written in one system call from now on. The ring stays the caller's. */
    void ring(IoUring several) {
        ring = several;
    }

    /** Writes a frame, or has it wait. */
    void write(OutboundFrame frame) {
        ByteBuf header = frame.header();
        int start = frame.headerStart() - virtioLength;
        if (virtioLength != 0) {
            VirtioFrames.write(header, start, frame);
        }
        if (virtioLength + frame.length() <= ROOM - ALIGNMENT && mayHold()) {
            hold(frame, header, start);
        } else if (frame.isPayloadSmall() && header.hasMemoryAddress()) {
            flush();
            // One piece of memory costs the kernel less to read than several, and more than this copy.
            written(writeAddress(header.memoryAddress(), start, frame.joinPayload()), frame.length());
        } else {
            if (virtioLength != 0) {
                VirtioFrames.place(header, start, frame);
            }
            iov.clear();
            iov.add(header, start, frame.headerEnd() - start);
            gather(frame);
            writeGathered(frame.length());
        }
    }

    private boolean mayHold() {
        if (holds && memory == null) {
            memory = newMemory();
            holds = memory != null;
        }
        return holds;
    }

    /** Memory for what waits; {@code null} if there is no direct memory left, or none with an address, as without {@code Unsafe}. */
    private static ByteBuf newMemory() {
        try {
            ByteBuf memory = ALLOCATOR.directBuffer(WAITING * ROOM, WAITING * ROOM);
            if (memory.hasMemoryAddress()) {
                return memory;
            }
            memory.release();
        } catch (OutOfMemoryError e) {
            // Of direct memory. It goes without.
        }
        return null;
    }

    private void hold(OutboundFrame frame, ByteBuf header, int start) {
        int at = waiting * ROOM + (start & ALIGNMENT - 1);
        starts[waiting] = at;
        int length = frame.headerEnd() - start;
        header.getBytes(start, memory, at, length);
        at += length;
        for (int i = 0; i < frame.payloadCount(); i++) {
            frame.payload(i).getBytes(frame.payloadOffset(i), memory, at, frame.payloadLength(i));
            at += frame.payloadLength(i);
        }
        ends[waiting++] = at;
        if (waiting == WAITING) {
            flush();
        }
    }

    /** Gives the kernel what waits. */
    void flush() {
        if (waiting > 0) {
            submit(0);
        }
    }

    private void writeGathered(int length) {
        if (waiting > 0) {
            submit(length);
        } else {
            written(writevAddresses(), length);
        }
    }

    /**
     * Writes what waits.
     *
     * @param gathered bytes of the frame in {@link #iov} that is to follow; 0 if none is
     */
    private void submit(int gathered) {
        int held = waiting;
        waiting = 0;
        int done = 0;
        if (ring != null && (held > 1 || gathered > 0)) {
            for (int i = 0; i < held; i++) {
                ring.write(memory.memoryAddress() + starts[i], ends[i] - starts[i]);
            }
            if (gathered > 0) {
                ring.writev(iov.memoryAddress(0), iov.count());
            }
            done = ring.submit();
            for (int i = 0; i < done; i++) {
                written(ring.result(i), i < held ? ends[i] - starts[i] - virtioLength : gathered);
            }
        }
        // One alone costs less without a ring. More are left where there is none, or by one that is useless now.
        for (int i = done; i < held; i++) {
            written(writeAddress(memory.memoryAddress(), starts[i], ends[i]), ends[i] - starts[i] - virtioLength);
        }
        if (gathered > 0 && done <= held) {
            written(writevAddresses(), gathered);
        }
        if (ring != null && !ring.isUsable()) {
            ring = null;
        }
    }

    private void written(int result, int length) {
        outcome.written(result == -Linux.EAGAIN ? 0 : result, length);
    }

    private int writeAddress(long address, int start, int end) {
        try {
            return fd.writeAddress(address, start, end);
        } catch (IOException e) {
            return -Linux.errno(e);
        }
    }

    private int writevAddresses() {
        try {
            return (int) fd.writevAddresses(iov.memoryAddress(0), iov.count());
        } catch (IOException e) {
            return -Linux.errno(e);
        }
    }

    private void gather(OutboundFrame frame) {
        if (scratch != null) {
            scratch.clear();
        }
        int payloads = frame.payloadCount();
        for (int i = 0; i < payloads; i++) {
            ByteBuf payload = frame.payload(i);
            if (payload.isDirect() && payload.nioBufferCount() == 1) {
                iov.add(payload, frame.payloadOffset(i), frame.payloadLength(i));
            } else {
                addCopy(frame, i);
            }
        }
    }

    /** Adds a payload that the kernel cannot read where it lies: on the heap, or in several pieces. */
    private void addCopy(OutboundFrame frame, int i) {
        if (scratch == null) {
            // The payloads of a frame that is not too long fit, however many of them come here.
            scratch = Unpooled.directBuffer(scratchBytes, scratchBytes);
        }
        int at = scratch.writerIndex();
        scratch.writeBytes(frame.payload(i), frame.payloadOffset(i), frame.payloadLength(i));
        iov.add(scratch, at, frame.payloadLength(i));
    }

    /** Frees its memory, with what waits. */
    void release() {
        if (scratch != null) {
            scratch.release();
        }
        if (memory != null) {
            memory.release();
        }
        iov.release();
    }
}
