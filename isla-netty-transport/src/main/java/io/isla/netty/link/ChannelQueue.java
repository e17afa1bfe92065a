/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** One event loop's end of a {@link ChannelLink}. A frame to be sent is copied once, for the channel's event loop; one that was read is not. */
final class ChannelQueue extends InboxQueue {
    private final ChannelLink link;
    private final SoftwareSegmentation.Sink sink = this::send;

    /** What it has told of the link's own counts, once it is closed; {@code null} before. */
    private volatile long[] countsOfLink;

    /** What frames were sent by since the last flush. */
    private ChannelLinkHandler carrier;

    ChannelQueue(ChannelLink link, LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator) {
        super(link, receiver, wakeup, allocator);
        this.link = link;
    }

    @Override
    void forward(OutboundFrame frame) {
        ChannelLinkHandler current = link.carrier();
        if (current == null) {
            counters.increment(LinkCounter.TX_LINK_DOWN);
            return;
        }
        if (carrier != null && carrier != current) {
            carrier.flush();
        }
        carrier = current;
        software.send(frame, sink);
    }

    private void send(OutboundFrame frame) {
        ByteBuf copy;
        try {
            copy = frame.copy(allocator);
        } catch (OutOfMemoryError e) {
            // Of direct memory, which has a limit of its own. An Error would end the event loop.
            counters.increment(LinkCounter.TX_QUEUE_FULL);
            return;
        }
        if (carrier.offer(copy)) {
            counters.increment(LinkCounter.TX_FRAMES);
            counters.add(LinkCounter.TX_BYTES, frame.length());
        } else {
            counters.increment(LinkCounter.TX_QUEUE_FULL);
        }
    }

    @Override
    public void flush() {
        flushCarrier();
        super.flush();
    }

    private void flushCarrier() {
        if (carrier != null) {
            carrier.flush();
            carrier = null;
        }
    }

    @Override
    void describe(ByteBuf frame, InboundFrame description) {
        description.set(frame, frame.readerIndex(), frame.readableBytes());
    }

    @Override
    public long count(LinkCounter counter) {
        long[] told = countsOfLink;
        return super.count(counter) + (told != null ? told[counter.ordinal()] : link.count(this, counter));
    }

    @Override
    public void close() {
        if (!isClosed()) {
            countsOfLink = link.handOverCounts(this);
            flushCarrier();
        }
        super.close();
    }
}
