/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.LinkCounter;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.IoHandle;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;

/** A link that goes nowhere: keeps what was sent. */
final class RecordingQueue implements LinkQueue, Loopback {
    /** What was sent, with what was asked of the link. */
    record Sent(byte[] bytes, int checksumStart, int checksumOffset, SegmentationType segmentation, int segmentSize) {
        static Sent of(OutboundFrame frame) {
            byte[] bytes = new byte[frame.length()];
            ByteBuf copy = Unpooled.wrappedBuffer(bytes).writerIndex(0);
            frame.writeTo(copy);
            return new Sent(
                    bytes,
                    frame.checksumStart() < 0 ? -1 : frame.checksumStart() - frame.headerStart(),
                    frame.checksumOffset(),
                    frame.segmentation(),
                    frame.segmentSize());
        }

        @Override
        public String toString() {
            return HexFormat.of().formatHex(bytes);
        }
    }

    /** Whether reports of multicast membership are not kept. */
    boolean ignoreMembershipReports;

    final Deque<Sent> sent = new ArrayDeque<>();
    final Deque<Sent> loopedBack = new ArrayDeque<>();

    @Override
    public void transmit(OutboundFrame frame) {
        Sent bytes = Sent.of(frame);
        boolean report = bytes.bytes.length > 5 && bytes.bytes[0] == 0x33 && bytes.bytes[5] == 0x16;
        if (!report || !ignoreMembershipReports) {
            sent.add(bytes);
        }
    }

    @Override
    public void deliver(OutboundFrame frame) {
        loopedBack.add(Sent.of(frame));
    }

    @Override
    public void flush() {}

    @Override
    public int poll(int maxFrames) {
        return 0;
    }

    @Override
    public IoHandle ioHandle() {
        return null;
    }

    @Override
    public long count(LinkCounter counter) {
        return counter == LinkCounter.TX_FRAMES ? sent.size() : 0;
    }

    @Override
    public void close() {}
}
