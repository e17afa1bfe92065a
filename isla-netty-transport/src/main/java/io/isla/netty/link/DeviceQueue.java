/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.counter.Counters;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;

/**
 * One event loop's file descriptor on a {@link DeviceLink}, with a {@link DeviceReader} and a {@link DeviceWriter}, which share an {@link IoUring} where there may be one.
 *
 * <p>What the kernel does (Linux 6.18), and what follows from it: a device that is down refuses writes with EIO, is silent for readers, and
 * wakes nobody; one that is deleted signals EPOLLERR until the file descriptor is taken out of epoll, and fails with EBADFD. A frame longer
 * than the buffer is cut without a word. What is written has been received when the write returns; with NAPI, it waits in a list of its queue, which has no limit,
 * until the processor receives it in a softirq, mostly before the write returns as well.
 */
final class DeviceQueue implements LinkQueue, LinkStateHandle.Listener {
    /** The most frames delivered for one event: others on the loop want their turn. */
    private static final int MAX_FRAMES_PER_EVENT = 64;

    /**
     * Nor more bytes than about this: each frame keeps a buffer until its user has had it, and what is read in the meantime goes into memory that is in no
     * cache.
     */
    private static final int MAX_BYTES_PER_POLL = 512 * 1024;

    /** Where small frames come one at a time, so many of them are read with a plain system call before there is a look for more again. */
    private static final int LOOKS_FOR_ONE = 7;

    /** What counts as small, in bytes: to find out that a large one was the only one costs little beside it, and one acknowledgement for several is worth more. */
    private static final int SMALL = 2048;

    /** The largest frame with segments joined, with room for a VLAN tag; one byte more than the kernel makes shows what was cut. */
    private static final int MAX_FRAME = 65_536 + EthernetHeader.LENGTH + 4 + 1;

    /** So often something was sent before it is tried whether a ring is worth it: the compiler is to have dealt with a system call by then. */
    static final int FLUSHES_BEFORE_TRIAL = 10_000;

    /** The kernel refuses to split a UDP frame into more. */
    private static final int MAX_UDP_SEGMENTS = 64;

    private final DeviceLink link;
    private final FileDescriptor fd;
    private final LinkReceiver receiver;
    private final Runnable wakeup;
    private final Handle handle;
    private final LinkStateHandle stateHandle;
    private final Counters<LinkCounter> counters = new Counters<>(LinkCounter.class);
    private final InboundFrame inbound = new InboundFrame();

    /** Bytes of a frame before its IP header. */
    private final int linkHeaderLength;
    /** Bytes of the virtio-net header before each frame; 0 if the device has none. */
    private final int virtioLength;
    /** Where in a buffer to read to, so that the IP header is aligned. */
    private final int readIndex;
    /** The frames that the kernel can segment. */
    private final boolean segmentsTcp;

    private final boolean segmentsUdp;
    private final SoftwareSegmentation software;
    private final SoftwareSegmentation.Sink sink = this::write;
    private final BigTcpWriter big;
    /** {@code null} as long as each frame has a system call of its own. */
    private IoUring ring;

    /** Whether a ring is worth it is yet to be found out. */
    private boolean undecided;

    private int flushes;

    private final DeviceReader reader;
    private final DeviceWriter writer;

    /** How many looks are yet to take a single small frame, as the last one has found no more than that. */
    private int alone;

    private boolean polling;
    private boolean closed;
    private IOException failure;
    private boolean failureReported;
    private boolean down;
    private boolean downReported;

    /**
     * Creates a queue that owns its file descriptor in the way that {@link DeviceLink#released} knows.
     *
     * @param receives whether frames arrive here; if not, this queue only sends
     */
    DeviceQueue(
            DeviceLink link,
            FileDescriptor fd,
            boolean receives,
            LinkReceiver receiver,
            Runnable wakeup,
            ByteBufAllocator allocator)
            throws IOException {
        this.link = link;
        this.fd = fd;
        this.receiver = receiver;
        this.wakeup = wakeup;
        // Before any memory is taken: it may throw.
        stateHandle = new LinkStateHandle(link.hostInterface(), link.index(), this);
        software = new SoftwareSegmentation(link.medium());
        big = new BigTcpWriter(link.medium(), software, sink);
        TunDevice device = link.device();
        virtioLength = device.hasVirtioHeader() ? VirtioNetHeader.LENGTH : 0;
        linkHeaderLength = LinkHeaders.length(link.medium());
        readIndex = -(virtioLength + linkHeaderLength) & 7;
        segmentsTcp = device.hasVirtioHeader();
        segmentsUdp = device.segmentsUdp();
        int bufferLength = readIndex + virtioLength + frameRoom(device.hasVirtioHeader() ? MAX_FRAME : link.mtu());
        DeviceReader made = null;
        try {
            made = new DeviceReader(fd, allocator, readIndex, bufferLength);
            writer = new DeviceWriter(fd, virtioLength, link.maxTcpSegmentationBytes(), this::written);
            reader = made;
        } catch (OutOfMemoryError e) {
            if (made != null) {
                made.release();
            }
            stateHandle.close();
            throw new IOException("there is no direct memory left for a queue of " + link.name(), e);
        }
        handle = receives ? new Handle() : null;
        switch (link.ioUring()) {
            case ALWAYS -> openRing();
            case WHERE_IT_PAYS -> undecided = true;
            case NEVER -> {}
        }
    }

    private void openRing() {
        try {
            ring = IoUring.open(fd);
        } catch (OutOfMemoryError e) {
            // Of memory outside the heap. It goes without.
            return;
        }
        reader.ring(ring);
        writer.ring(ring);
    }

    private static int frameRoom(int frame) {
        return Math.max(2048, frame + EthernetHeader.LENGTH + 4 + 1);
    }

    @Override
    public IoHandle ioHandle() {
        return handle;
    }

    @Override
    public IoHandle stateHandle() {
        return stateHandle;
    }

    @Override
    public long count(LinkCounter counter) {
        return counters.get(counter);
    }

    @Override
    public int poll(int maxFrames) {
        return poll(maxFrames, false);
    }

    private int poll(int maxFrames, boolean briefly) {
        if (closed || polling) {
            return 0;
        }
        int delivered = 0;
        if (handle != null && failure == null) {
            polling = true;
            try {
                delivered = receive(maxFrames, briefly);
            } finally {
                polling = false;
                if (closed) {
                    releaseMemory();
                }
            }
        }
        report();
        return delivered;
    }

    /** @param briefly whether there will be another look soon, so that what answers a frame that comes alone may leave before that */
    private int receive(int maxFrames, boolean briefly) {
        int delivered = 0;
        long before = counters.get(LinkCounter.RX_BYTES);
        long most = before + MAX_BYTES_PER_POLL;
        boolean single = briefly && alone > 0;
        RuntimeException thrown = null;
        // Frames that turn out bad count as well: a flood of them must not keep the loop here.
        for (int tried = 0; tried < maxFrames && !closed && failure == null; ) {
            int count = reader.read(single ? 1 : maxFrames - tried);
            tried += count;
            for (int i = 0; i < count && !closed; i++) {
                try {
                    if (take(i)) {
                        delivered++;
                    }
                } catch (RuntimeException e) {
                    // The others are not to be lost for it.
                    thrown = e;
                }
            }
            if (reader.isEmpty()
                    || thrown != null
                    || counters.get(LinkCounter.RX_BYTES) >= most
                    || briefly && count == 1 && (single || reader.isBatching())) {
                break;
            }
        }
        if (briefly) {
            boolean oneSmall = delivered == 1 && counters.get(LinkCounter.RX_BYTES) - before <= SMALL;
            // That there was no more is known only if it was asked for.
            alone = !oneSmall ? 0 : single ? alone - 1 : reader.isEmpty() ? LOOKS_FOR_ONE : 0;
        }
        if (thrown != null) {
            throw thrown;
        }
        return delivered;
    }

    /** Deals with what a read has brought; returns whether a frame was delivered. */
    private boolean take(int i) {
        int result = reader.result(i);
        if (result == -Linux.EBADFD) {
            failure = link.gone(null);
        } else if (reader.isOutOfMemory()) {
            counters.increment(LinkCounter.RX_NO_MEMORY);
        } else if (result > 0) {
            return deliver(i, result);
        } else {
            // The kernel has taken the frame from its queue all the same.
            counters.increment(LinkCounter.RX_ERRORS);
        }
        return false;
    }

    private boolean deliver(int i, int length) {
        ByteBuf frame = reader.buffer(i);
        if (readIndex + length == frame.capacity()) {
            counters.increment(LinkCounter.RX_TRUNCATED);
            // The device has got a larger MTU meanwhile.
            reader.bufferLength(readIndex + virtioLength + MAX_FRAME);
            return false;
        }
        int bytes = length - virtioLength;
        int start = readIndex + virtioLength;
        if (virtioLength == 0) {
            inbound.set(frame, start, bytes);
        } else if (bytes < 0 || !VirtioFrames.read(frame, readIndex, start, bytes, inbound)) {
            counters.increment(LinkCounter.RX_BAD_HEADER);
            return false;
        }
        counters.increment(LinkCounter.RX_FRAMES);
        counters.add(LinkCounter.RX_BYTES, bytes);
        try {
            receiver.onFrame(inbound);
        } finally {
            reader.done(i);
        }
        return true;
    }

    @Override
    public void transmit(OutboundFrame frame) {
        if (closed || failure != null) {
            counters.increment(LinkCounter.TX_LINK_DOWN);
            return;
        }
        boolean split = frame.segmentation() != SegmentationType.NONE && frame.payloadBytes() > frame.segmentSize();
        int packet = frame.length() - linkHeaderLength;
        if (packet > (split ? maxSegmentationBytes(frame) : link.mtu())) {
            counters.increment(LinkCounter.TX_TOO_LONG);
        } else if (virtioLength == 0 || split && !kernelSplits(frame)) {
            software.send(frame, sink);
        } else if (split && BigTcpWriter.isBig(frame, packet)) {
            big.write(frame);
        } else {
            write(frame);
        }
    }

    private int maxSegmentationBytes(OutboundFrame frame) {
        return frame.segmentation() == SegmentationType.UDP
                ? link.maxSegmentationBytes()
                : link.maxTcpSegmentationBytes();
    }

    private boolean kernelSplits(OutboundFrame frame) {
        return frame.segmentation() == SegmentationType.UDP
                ? segmentsUdp && frame.payloadBytes() <= MAX_UDP_SEGMENTS * frame.segmentSize()
                : segmentsTcp;
    }

    private void write(OutboundFrame frame) {
        writer.write(frame);
    }

    private void written(int result, int length) {
        if (result > 0) {
            counters.increment(LinkCounter.TX_FRAMES);
            counters.add(LinkCounter.TX_BYTES, length);
            down = false;
            return;
        }
        if (big.isRefusal(-result, length)) {
            return;
        }
        switch (-result) {
            case Linux.EIO:
                counters.increment(LinkCounter.TX_LINK_DOWN);
                down = true;
                break;
            case Linux.EBADFD:
                counters.increment(LinkCounter.TX_LINK_DOWN);
                failure = link.gone(null);
                break;
            case 0, Linux.ENOBUFS, Linux.ENOMEM:
                counters.increment(LinkCounter.TX_QUEUE_FULL);
                break;
            default:
                counters.increment(LinkCounter.TX_ERRORS);
        }
    }

    @Override
    public void push() {
        if (!closed) {
            writer.flush();
        }
    }

    @Override
    public void flush() {
        if (!closed) {
            writer.flush();
            if (undecided && ++flushes == FLUSHES_BEFORE_TRIAL) {
                undecided = false;
                if (link.ioUringPays()) {
                    openRing();
                }
            }
        }
        report();
    }

    @Override
    public void linkState(boolean up) {
        down = !up;
        report();
    }

    @Override
    public void partOfAnother(boolean part) {
        big.useless(part);
    }

    /** Tells the receiver what has happened to the device: never from {@link #transmit}, in the middle of its work. */
    private void report() {
        if (closed) {
            return;
        }
        if (failure == null && link.isClosed()) {
            failure = link.closedException();
        }
        if (failure != null) {
            if (!failureReported) {
                failureReported = true;
                receiver.onLinkFailure(failure);
            }
        } else if (down != downReported) {
            downReported = down;
            if (down) {
                receiver.onLinkDown(link.downException());
            } else {
                receiver.onLinkUp();
            }
        }
    }

    /** Has the event loop notice that the link was closed. Any thread. */
    void linkClosed() {
        wakeup.run();
    }

    boolean receives() {
        return handle != null;
    }

    FileDescriptor fd() {
        return fd;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        writer.flush();
        closed = true;
        if (!polling) {
            releaseMemory();
        }
        stateHandle.close();
        link.released(this);
    }

    private void releaseMemory() {
        reader.release();
        writer.release();
        software.release();
        if (ring != null) {
            ring.close();
        }
    }

    /** What is registered with epoll. */
    private final class Handle implements EpollIoHandle {
        @Override
        public FileDescriptor fd() {
            return fd;
        }

        @Override
        public void handle(IoRegistration registration, IoEvent event) {
            poll(MAX_FRAMES_PER_EVENT, true);
            if (failure == null && ((EpollIoEvent) event).ops().contains(EpollIoOps.EPOLLERR)) {
                failure = link.gone(null);
                report();
            }
            if (failure != null || closed) {
                // EPOLLERR would be there for ever.
                registration.cancel();
            }
        }

        @Override
        public void close() {
            DeviceQueue.this.close();
        }
    }
}
