/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.wire.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * One event loop's end of a {@link MemoryLink}. A frame is copied once, by its sender, into the inbox of the queue that it goes to; what
 * else is known of it goes before it as a virtio-net header.
 */
final class MemoryQueue extends InboxQueue {
    private final MemoryLink link;
    private final SoftwareSegmentation.Sink sink = this::send;

    MemoryQueue(MemoryLink link, LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator) {
        super(link, receiver, wakeup, allocator);
        this.link = link;
    }

    @Override
    void forward(OutboundFrame frame) {
        if (link.isOffloading()) {
            send(frame);
        } else {
            software.send(frame, sink);
        }
    }

    private void send(OutboundFrame frame) {
        int bytes = frame.length();
        ByteBuf copy = allocator.directBuffer(VirtioNetHeader.LENGTH + bytes, VirtioNetHeader.LENGTH + bytes);
        VirtioFrames.write(copy, 0, frame);
        copy.writerIndex(VirtioNetHeader.LENGTH);
        frame.writeTo(copy);
        InboxQueue destination = link.destination(copy, VirtioNetHeader.LENGTH, bytes);
        if (destination == null) {
            copy.release();
            counters.increment(LinkCounter.TX_LINK_DOWN);
        } else if (destination.inbox().offer(copy)) {
            counters.increment(LinkCounter.TX_FRAMES);
            counters.add(LinkCounter.TX_BYTES, bytes);
        } else {
            counters.increment(LinkCounter.TX_QUEUE_FULL);
        }
    }

    @Override
    void describe(ByteBuf frame, InboundFrame description) {
        // Written by us, so it makes sense.
        VirtioFrames.read(frame, 0, VirtioNetHeader.LENGTH, frame.writerIndex() - VirtioNetHeader.LENGTH, description);
    }
}
