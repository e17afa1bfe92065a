/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * A link over a device of {@code /dev/net/tun}, of which the kernel holds the other end: a {@link TapLink} or a {@link TunLink}.
 *
 * <p>Where the kernel can, checksums and the segmentation of TCP and UDP are left to it in both directions
 * ({@link #isOffloading()}); where not, this link does them itself.
 *
 * <p>A device with one queue is received from on one event loop; queues opened after that only send, and the kernel receives what they send on one processor at a
 * time. A device with many queues delivers a flow's frames to the queue that last sent for that flow, or to that which a hash says: it should have one for each event loop.
 */
public abstract sealed class DeviceLink implements Link permits TapLink, TunLink {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(DeviceLink.class);

    /** The largest IPv4 packet. An IPv6 packet may have 40 bytes more, which are not worth a second constant. */
    private static final int MAX_SEGMENTATION_BYTES = 0xffff;

    /** The largest packet of TCP where the kernel takes longer ones: a frame is still no longer than programs take that read captures, 262,144 bytes. */
    private static final int MAX_BIG_TCP_BYTES = 262_000;

    /** Linux 6.3 takes IPv4 packets whose total length is 0; the long ones of IPv6, Linux 5.19. */
    private static final int BIG_TCP_MAJOR = 6;

    private static final int BIG_TCP_MINOR = 3;

    private final String name;
    private final TunDevice device;
    private final HostInterface host;
    private final int index;
    private final int mtu;
    private final int maxReceiveQueues;
    private final IoUringUse ioUring;
    private final BooleanSupplier ioUringTrial;
    private final Object trialLock = new Object();
    private Boolean ioUringPays;
    private final boolean bigTcp;

    private final Object lock = new Object();
    private final List<DeviceQueue> queues = new ArrayList<>();
    private volatile boolean closed;

    DeviceLink(String name, TunDevice device, HostInterface host, DeviceLinkBuilder<?, ?> builder) throws IOException {
        this.name = name;
        this.device = device;
        this.host = host;
        index = host.index();
        mtu = host.mtu();
        maxReceiveQueues = device.hasManyQueues() ? builder.queues() : 1;
        ioUring = builder.ioUring();
        ioUringTrial = builder.ioUringTrial();
        if (ioUring != IoUringUse.NEVER) {
            // Not in the middle of a turn.
            IoUring.load();
        }
        bigTcp = builder.bigTcp() && device.hasVirtioHeader() && Linux.isAtLeast(BIG_TCP_MAJOR, BIG_TCP_MINOR);
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final Medium medium() {
        return device.kind().medium;
    }

    /** The device's MTU when it was opened. */
    @Override
    public final int mtu() {
        return mtu;
    }

    @Override
    public final int maxReceiveQueues() {
        return maxReceiveQueues;
    }

    @Override
    public final int maxSegmentationBytes() {
        return MAX_SEGMENTATION_BYTES;
    }

    @Override
    public final int maxTcpSegmentationBytes() {
        return bigTcp ? MAX_BIG_TCP_BYTES : MAX_SEGMENTATION_BYTES;
    }

    /** Whether the kernel takes and hands over frames with checksums and segmentation left to be done. */
    public final boolean isOffloading() {
        return device.hasVirtioHeader();
    }

    /** Whether the kernel segments UDP as well (Linux 6.2). */
    public final boolean isOffloadingUdp() {
        return device.segmentsUdp();
    }

    @Override
    public final LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator)
            throws IOException {
        synchronized (lock) {
            if (closed) {
                throw closedException();
            }
            boolean receives = queues.stream().filter(DeviceQueue::receives).count() < maxReceiveQueues;
            FileDescriptor fd = receives && device.hasManyQueues() ? device.openQueue() : device.holder();
            DeviceQueue queue;
            try {
                queue = new DeviceQueue(this, fd, receives, receiver, wakeup, allocator);
            } catch (IOException | RuntimeException | Error e) {
                closeUnlessHolder(fd);
                throw e;
            }
            queues.add(queue);
            return queue;
        }
    }

    /**
     * Closes the link. Queues that are open report it as a failure; the device is let go when the last of them is closed, and vanishes then
     * if this link has created it and it is not persistent.
     */
    @Override
    public final void close() {
        List<DeviceQueue> open;
        synchronized (lock) {
            if (closed) {
                return;
            }
            closed = true;
            open = List.copyOf(queues);
            releaseHolder();
        }
        open.forEach(DeviceQueue::linkClosed);
    }

    /** A queue was closed. A file descriptor is closed only after its last user, who may be reading from it on another thread. */
    void released(DeviceQueue queue) {
        synchronized (lock) {
            queues.remove(queue);
            closeUnlessHolder(queue.fd());
            releaseHolder();
        }
    }

    private void releaseHolder() {
        if (closed && queues.stream().noneMatch(queue -> queue.fd() == device.holder())) {
            TunDevice.close(device.holder());
        }
    }

    private void closeUnlessHolder(FileDescriptor fd) {
        if (fd != device.holder()) {
            TunDevice.close(fd);
        }
    }

    /** Whether its queues are to read and write several frames in one system call, where the kernel lets them. */
    IoUringUse ioUring() {
        return ioUring;
    }

    /** Whether that costs less than a system call for each. It is found out once, which takes a moment. Any thread. */
    boolean ioUringPays() {
        synchronized (trialLock) {
            if (ioUringPays == null) {
                ioUringPays = triedIoUring();
            }
            return ioUringPays;
        }
    }

    private boolean triedIoUring() {
        try {
            return ioUringTrial.getAsBoolean();
        } catch (RuntimeException | OutOfMemoryError e) {
            // Of memory outside the heap. A ring is to save time, and can be done without.
            logger.debug("cannot find out whether io_uring pays", e);
            return false;
        }
    }

    TunDevice device() {
        return device;
    }

    HostInterface hostInterface() {
        return host;
    }

    /** The kernel's number of the device. */
    int index() {
        return index;
    }

    boolean isClosed() {
        return closed;
    }

    IOException closedException() {
        return new IOException("the link over " + device.kind() + " " + name + " was closed");
    }

    IOException downException() {
        return new IOException(device.kind() + " " + name + " is down; bring it up: ip link set dev " + name + " up");
    }

    /** Why a device that was there does not work any more. */
    IOException gone(IOException cause) {
        return new IOException(
                device.kind() + " " + name
                        + " is gone: it was deleted while in use; open a new link, which creates it again",
                cause);
    }
}
