/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.link.PcapngFile.Direction;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;

/**
 * A link that writes what passes over another one to a {@link PcapngFile}. Frames are recorded as they are handed over: larger than the MTU
 * and with a checksum that is not right yet, if the other link takes them so; and frames that it then drops, too.
 */
public final class CapturingLink extends ForwardingLink {
    private final PcapngFile file;
    private final int number;

    /**
     * Wraps a link.
     *
     * @param link closed with this one
     * @param file flushed when this link is closed; closed by whoever has created it
     */
    public CapturingLink(Link link, PcapngFile file) {
        super(link);
        this.file = file;
        number = file.addInterface(link.name(), link.medium());
    }

    @Override
    public LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator) throws IOException {
        return new Queue(link().openQueue(new Receiver(receiver), wakeup, allocator));
    }

    @Override
    public void close() throws IOException {
        try {
            super.close();
        } finally {
            file.flush();
        }
    }

    private final class Receiver implements LinkReceiver {
        private final LinkReceiver receiver;

        Receiver(LinkReceiver receiver) {
            this.receiver = receiver;
        }

        @Override
        public void onFrame(InboundFrame frame) {
            file.write(number, Direction.INBOUND, frame.buffer(), frame.offset(), frame.length());
            receiver.onFrame(frame);
        }

        @Override
        public void onLinkFailure(IOException cause) {
            file.flush();
            receiver.onLinkFailure(cause);
        }

        @Override
        public void onLinkDown(IOException cause) {
            receiver.onLinkDown(cause);
        }

        @Override
        public void onLinkUp() {
            receiver.onLinkUp();
        }
    }

    private final class Queue extends ForwardingQueue {
        Queue(LinkQueue queue) {
            super(queue);
        }

        @Override
        public void transmit(OutboundFrame frame) {
            file.write(number, Direction.OUTBOUND, frame);
            super.transmit(frame);
        }
    }
}
