/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.channel.IoHandle;

/**
 * One event loop's end of a {@link Link}. All methods are called on that event loop.
 */
public interface LinkQueue {
    /**
     * Sends a frame. On return the link no longer needs the frame or its payload buffers. A frame that cannot be sent is
     * dropped and counted; this never throws and never blocks.
     *
     * @param frame starts with its Ethernet header (or its IP header where the link has none). The link honours a requested checksum
     *     and segmentation, by offload or itself. It may write into the header room before {@link OutboundFrame#headerStart()},
     *     and leaves the rest as it is.
     */
    void transmit(OutboundFrame frame);

    /** Called once at the end of each turn of the loop in which something was sent; sends what the link held back. */
    void flush();

    /**
     * Sends what the link held back, if it holds frames back to send several at once. Called in the middle of other work: what there is to tell the {@link LinkReceiver} waits
     * for {@link #flush()} or {@link #poll}.
     */
    default void push() {}

    /**
     * Receives what is there, without blocking, and delivers it to the {@link LinkReceiver}.
     *
     * @param maxFrames the most frames to deliver
     * @return how many frames were delivered; {@code maxFrames} means that there may be more. There may be more after fewer, too, if there is a {@linkplain #ioHandle()
     *     handle}, which will say so.
     */
    int poll(int maxFrames);

    /**
     * The handle to register with the event loop's native transport, or {@code null} if there is no file descriptor to receive from.
     * While it is registered with interest in reading (level-triggered, {@code EpollIoOps.EPOLLIN}, submitted by who registers it),
     * it delivers frames as they arrive; when the device is gone for good, it cancels its registration.
     */
    IoHandle ioHandle();

    /**
     * A second handle, to be registered likewise, that notices when the device goes down or comes up
     * ({@link LinkReceiver#onLinkDown}); {@code null} if there is none.
     */
    default IoHandle stateHandle() {
        return null;
    }

    /** The present value of a counter. Any thread. */
    long count(LinkCounter counter);

    /** Closes this queue; idempotent. The registrations of its handles have been cancelled before. */
    void close();
}
