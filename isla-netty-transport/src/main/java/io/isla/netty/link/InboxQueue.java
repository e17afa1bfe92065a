/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.counter.Counters;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.IoHandle;

/** One event loop's end of an {@link InboxLink}. */
abstract sealed class InboxQueue implements LinkQueue permits ChannelQueue, MemoryQueue {
    private final InboxLink link;
    private final LinkReceiver receiver;
    private final int linkHeaderLength;
    private final InboundFrame inbound = new InboundFrame();
    private final FrameInbox inbox;

    final ByteBufAllocator allocator;
    final SoftwareSegmentation software;
    final Counters<LinkCounter> counters = new Counters<>(LinkCounter.class);

    private boolean closed;
    private boolean failureReported;
    private boolean downReported;

    InboxQueue(InboxLink link, LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator) {
        this.link = link;
        this.receiver = receiver;
        this.allocator = allocator;
        linkHeaderLength = LinkHeaders.length(link.medium());
        software = new SoftwareSegmentation(link.medium());
        inbox = new FrameInbox(link.capacity(), wakeup);
    }

    /** Where what has arrived waits. */
    final FrameInbox inbox() {
        return inbox;
    }

    final boolean isClosed() {
        return closed;
    }

    @Override
    public final void transmit(OutboundFrame frame) {
        boolean split = frame.segmentation() != SegmentationType.NONE && frame.payloadBytes() > frame.segmentSize();
        int packet = frame.length() - linkHeaderLength;
        if (closed || !link.isUp()) {
            counters.increment(LinkCounter.TX_LINK_DOWN);
        } else if (packet > (split ? link.maxSegmentationBytes() : link.mtu())) {
            counters.increment(LinkCounter.TX_TOO_LONG);
        } else {
            forward(frame);
        }
    }

    /** Sends a frame that is not too long, or counts why not. */
    abstract void forward(OutboundFrame frame);

    @Override
    public void flush() {
        report();
    }

    @Override
    public final int poll(int maxFrames) {
        inbox.looking();
        int delivered = 0;
        while (delivered < maxFrames && !closed && !failureReported) {
            ByteBuf frame = inbox.poll();
            if (frame == null) {
                break;
            }
            try {
                describe(frame, inbound);
                counters.increment(LinkCounter.RX_FRAMES);
                counters.add(LinkCounter.RX_BYTES, inbound.length());
                receiver.onFrame(inbound);
                delivered++;
            } finally {
                frame.release();
            }
        }
        report();
        return delivered;
    }

    /** Says where a frame of the inbox lies, and what is known of it. */
    abstract void describe(ByteBuf frame, InboundFrame description);

    /** Tells the receiver what has become of the link. */
    private void report() {
        if (closed) {
            return;
        }
        if (link.isClosed()) {
            if (!failureReported) {
                failureReported = true;
                receiver.onLinkFailure(link.closedException());
            }
        } else if (downReported == link.isUp()) {
            downReported = !downReported;
            if (downReported) {
                receiver.onLinkDown(link.downException());
            } else {
                receiver.onLinkUp();
            }
        }
    }

    @Override
    public final IoHandle ioHandle() {
        return null;
    }

    @Override
    public long count(LinkCounter counter) {
        return counters.get(counter);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        link.released(this);
        closed = true;
        inbox.close();
        software.release();
    }
}
