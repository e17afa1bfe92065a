/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.LinkCounter;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoRegistration;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.uring.IoUringIoEvent;
import io.netty.channel.uring.IoUringIoHandle;
import io.netty.channel.uring.IoUringIoOps;
import java.io.IOException;

/**
 * A queue of a TAP device through io_uring: several reads at a time, and with the next of them, in the same system call, the writes that
 * answer the last.
 *
 * <p>The file descriptor does not block, so each read and write is complete when the system call that submits it returns: what finds
 * nothing says EAGAIN, memory is in use no longer than that call, and frames keep their order. As many reads are submitted as have last found a
 * frame, and one more; if none has, one, again and again for a while as {@link RawServer} does; and then the device is polled.
 */
final class RawUringQueue implements LinkQueue {
    // Of struct io_uring_sqe and <linux/io_uring.h>; Netty has them too, but not for others.
    private static final byte POLL_ADD = 6;
    private static final byte ASYNC_CANCEL = 14;
    private static final byte READ = 22;
    private static final byte WRITE = 23;

    private static final int POLLIN = 1;
    private static final int EAGAIN = -11;
    private static final int EBADFD = -77;

    /** More at a time did not make it faster. */
    private static final int READS = 8;
    /** Each read is answered by one frame at most. */
    private static final int WRITES = READS;
    /** A super-segment with its headers; no power of two, so that the beginnings do not compete for the same lines of the cache. */
    private static final int READ_BYTES = 65_536 + 9 * 64;
    /** A response to as many pipelined requests as are answered at once has less. */
    private static final int WRITE_BYTES = 16_384 + 9 * 64;
    /** Puts the IP header at a multiple of eight. */
    private static final int START = 8;

    /** Without leak detection, which would look at each access. */
    private static final ByteBufAllocator ALLOCATOR = new UnpooledByteBufAllocator(true, true);

    private final LinkQueue device;
    private final FileDescriptor fd;
    private final LinkReceiver receiver;
    private final Handle handle = new Handle();
    private final InboundFrame inbound = new InboundFrame();
    private final ByteBuf readMemory = ALLOCATOR.directBuffer(READS * READ_BYTES, READS * READ_BYTES);
    private final ByteBuf writeMemory = ALLOCATOR.directBuffer(WRITES * WRITE_BYTES, WRITES * WRITE_BYTES);
    private final IoUringIoOps[] reads = new IoUringIoOps[READS];
    /** What was written last from each place: often the next is as long. */
    private final IoUringIoOps[] writes = new IoUringIoOps[WRITES];

    private final int[] lengths = new int[WRITES];
    private final int[] freeWrites = new int[WRITES];
    private int free;

    private IoRegistration registration;
    private long poll;
    private int reading;
    private int arrived;
    private long idleSince;
    private IOException failure;
    private long dropped;

    /**
     * Takes over a queue of a TAP device.
     *
     * @param device offloads checksums; is not registered with an event loop
     * @param fd its own
     */
    RawUringQueue(LinkQueue device, FileDescriptor fd, LinkReceiver receiver) {
        this.device = device;
        this.fd = fd;
        this.receiver = receiver;
        for (int i = 0; i < READS; i++) {
            reads[i] = operation(READ, readMemory.memoryAddress() + i * READ_BYTES + START, READ_BYTES - START, 0, i);
        }
        for (int i = 0; i < WRITES; i++) {
            freeWrites[free++] = i;
        }
    }

    private IoUringIoOps operation(byte code, long address, int length, int flags, int data) {
        return new IoUringIoOps(
                code, (byte) 0, (short) 0, fd.intValue(), 0, address, length, flags, data, (short) 0, (short) 0, 0, 0);
    }

    /** Begins to receive. On the event loop. */
    void start(IoRegistration with) {
        registration = with;
        awaitFrame();
    }

    private void awaitFrame() {
        poll = registration.submit(operation(POLL_ADD, 0, 0, POLLIN, 0));
    }

    private void read(int count) {
        reading = count;
        arrived = 0;
        for (int i = 0; i < count; i++) {
            registration.submit(reads[i]);
        }
    }

    private void onReady() {
        poll = 0;
        if (registration.isValid()) {
            idleSince = System.nanoTime();
            read(1);
        }
    }

    private void onRead(int place, int result) {
        if (result > VirtioNetHeader.LENGTH) {
            arrived++;
            int frame = place * READ_BYTES + START + VirtioNetHeader.LENGTH;
            receiver.onFrame(inbound.set(readMemory, frame, result - VirtioNetHeader.LENGTH));
        } else if (result < 0 && result != EAGAIN) {
            failed(result);
        }
        if (--reading == 0 && registration.isValid()) {
            next();
        }
    }

    private void failed(int result) {
        if (result == EBADFD) {
            failure = new IOException("the TAP device is gone: it was deleted while in use");
        } else {
            dropped++;
        }
    }

    /** All reads have been completed, and frames been answered: the answers wait to be submitted with what comes next. */
    private void next() {
        if (failure != null) {
            receiver.onLinkFailure(failure);
            registration.cancel();
            return;
        }
        long now = System.nanoTime();
        if (arrived > 0) {
            idleSince = now;
            read(Math.min(arrived + 1, READS));
        } else if (now - idleSince < RawServer.YIELD_NANOS) {
            if (now - idleSince >= RawServer.SPIN_NANOS) {
                Thread.yield();
            }
            read(1);
        } else {
            awaitFrame();
        }
    }

    @Override
    public void transmit(OutboundFrame frame) {
        int length = VirtioNetHeader.LENGTH + frame.length();
        if (free == 0 || length > WRITE_BYTES) {
            dropped++;
            return;
        }
        int place = freeWrites[--free];
        int start = place * WRITE_BYTES;
        VirtioNetHeader.clear(writeMemory, start, VirtioNetHeader.LENGTH);
        if (frame.checksumStart() >= 0) {
            int checksum = frame.checksumStart() - frame.headerStart();
            VirtioNetHeader.requestChecksum(writeMemory, start, checksum, frame.checksumOffset());
        }
        if (frame.segmentation() == SegmentationType.TCP_V4) {
            VirtioNetHeader.requestSegmentation(
                    writeMemory, start, VirtioNetHeader.GSO_TCPV4, frame.segmentSize(), frame.headerLength());
        }
        frame.writeTo(writeMemory.writerIndex(start + VirtioNetHeader.LENGTH));
        if (lengths[place] != length) {
            lengths[place] = length;
            writes[place] = operation(WRITE, writeMemory.memoryAddress() + start, length, 0, place);
        }
        registration.submit(writes[place]);
    }

    private void onWritten(int place, int result) {
        freeWrites[free++] = place;
        if (result < 0) {
            failed(result);
        }
    }

    /** Frames are submitted with the next reads. */
    @Override
    public void flush() {}

    /** Frames arrive by events only. */
    @Override
    public int poll(int maxFrames) {
        return 0;
    }

    @Override
    public IoHandle ioHandle() {
        return handle;
    }

    @Override
    public long count(LinkCounter counter) {
        return counter == LinkCounter.TX_ERRORS ? dropped : 0;
    }

    /** The event loop has ended. */
    @Override
    public void close() {
        readMemory.release();
        writeMemory.release();
        device.close();
    }

    /** What is registered with io_uring. */
    private final class Handle implements IoUringIoHandle {
        @Override
        public void handle(IoRegistration from, IoEvent event) {
            IoUringIoEvent completion = (IoUringIoEvent) event;
            int place = (int) completion.userData();
            switch (completion.opcode()) {
                case READ -> onRead(place, completion.res());
                case WRITE -> onWritten(place, completion.res());
                case POLL_ADD -> onReady();
                default -> {
                    // A poll was cancelled.
                }
            }
        }

        /** The event loop ends. */
        @Override
        public void close() {
            if (poll != 0) {
                registration.submit(operation(ASYNC_CANCEL, poll, 0, 0, 0));
            }
            registration.cancel();
        }
    }
}
