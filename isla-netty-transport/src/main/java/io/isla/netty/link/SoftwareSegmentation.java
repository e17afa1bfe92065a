/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.TcpHeader;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;

/**
 * Does for a link what its device cannot: splits a frame into segments as requested, and completes transport checksums.
 * Payload is not copied. An object serves one event loop.
 */
public final class SoftwareSegmentation {
    /** Takes the frames that result. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Called once for each frame, in order.
         *
         * @param frame asks for neither segmentation nor a checksum; valid during the call only
         */
        void send(OutboundFrame frame);
    }

    private final int linkHeaderLength;
    private final OutboundFrame segment = new OutboundFrame();

    /**
     * Creates an object to use again for each frame; {@link #release()} frees its memory.
     *
     * @param medium what frames start with
     */
    public SoftwareSegmentation(Link.Medium medium) {
        linkHeaderLength = LinkHeaders.length(medium);
    }

    /**
     * Splits a frame as it requests, computes the checksums, and hands the results to {@code sink}.
     *
     * <p>Each segment gets the frame's headers with lengths, sequence numbers and IPv4 identification counted on; FIN and PSH are on the
     * last one only, and so is CWR on the first if the frame is {@linkplain OutboundFrame#congestionWindowReduced() marked} so.
     *
     * @param frame whose checksum is requested if segmentation is; unchanged on return
     */
    public void send(OutboundFrame frame, Sink sink) {
        if (frame.segmentation() == SegmentationType.NONE || frame.payloadBytes() <= frame.segmentSize()) {
            sendWhole(frame, sink);
        } else {
            cut(frame, frame.segmentSize(), sink);
        }
    }

    /**
     * Splits a frame into some that ask for the same, and hands those to {@code sink}: what is left to do for each is done by whoever takes them.
     *
     * @param frame whose segmentation is requested; unchanged on return
     * @param maxPacket the most bytes in each, from the IP header on; room for a segment at least
     */
    void divide(OutboundFrame frame, int maxPacket, Sink sink) {
        int room = maxPacket - (frame.headerLength() - linkHeaderLength);
        cut(frame, room - room % frame.segmentSize(), sink);
    }

    private void cut(OutboundFrame frame, int size, Sink sink) {
        boolean complete = size == frame.segmentSize();
        int total = frame.payloadBytes();
        int slice = 0;
        int sliceOffset = 0;
        for (int done = 0; done < total; ) {
            int length = Math.min(size, total - done);
            copyHeaders(frame);
            for (int left = length; left > 0; ) {
                int available = frame.payloadLength(slice) - sliceOffset;
                int taken = Math.min(left, available);
                segment.addPayload(frame.payload(slice), frame.payloadOffset(slice) + sliceOffset, taken);
                left -= taken;
                sliceOffset += taken;
                if (taken == available) {
                    slice++;
                    sliceOffset = 0;
                }
            }
            fixHeaders(frame, done, done + length == total);
            if (complete) {
                setChecksum(segment, frame.checksumStart(), frame.checksumOffset());
            } else {
                segment.requestChecksum(frame.checksumStart(), frame.checksumOffset());
                segment.requestSegmentation(frame.segmentation(), frame.segmentSize());
                segment.congestionWindowReduced(done == 0 && frame.congestionWindowReduced());
            }
            sink.send(segment);
            done += length;
        }
        segment.reset();
    }

    /** Frees the memory. */
    public void release() {
        segment.release();
    }

    private void sendWhole(OutboundFrame frame, Sink sink) {
        int start = frame.checksumStart();
        if (start < 0 && frame.segmentation() == SegmentationType.NONE) {
            sink.send(frame);
            return;
        }
        copyHeaders(frame);
        for (int i = 0; i < frame.payloadCount(); i++) {
            segment.addPayload(frame.payload(i), frame.payloadOffset(i), frame.payloadLength(i));
        }
        if (start >= 0) {
            setChecksum(segment, start, frame.checksumOffset());
        }
        sink.send(segment);
        segment.reset();
    }

    /** Starts a segment: the sender's headers are to stay as they are. */
    private void copyHeaders(OutboundFrame frame) {
        int start = frame.headerStart();
        segment.reset();
        segment.headerStart(start);
        segment.append(frame.headerEnd() - OutboundFrame.HEADROOM);
        // Not with setBytes, which makes garbage where Netty has no access to sun.misc.Unsafe.
        ByteBuf from = frame.header();
        ByteBuf to = segment.header();
        int at = start;
        for (; at <= frame.headerEnd() - Long.BYTES; at += Long.BYTES) {
            to.setLong(at, from.getLong(at));
        }
        for (; at < frame.headerEnd(); at++) {
            to.setByte(at, from.getByte(at));
        }
    }

    private void fixHeaders(OutboundFrame frame, int done, boolean last) {
        ByteBuf header = segment.header();
        int transport = frame.checksumStart();
        int oldLength = frame.headerEnd() - transport + frame.payloadBytes();
        int newLength = frame.headerEnd() - transport + segment.payloadBytes();

        int network = frame.headerStart() + linkHeaderLength;
        if (Ipv4Header.version(header, network) == 4) {
            Ipv4Header.totalLength(header, network, transport - network + newLength);
            Ipv4Header.identification(
                    header, network, Ipv4Header.identification(header, network) + done / frame.segmentSize());
            Ipv4Header.fillChecksum(header, network);
        } else {
            Ipv6Header.payloadLength(header, network, transport - network - Ipv6Header.LENGTH + newLength);
        }

        if (frame.segmentation() == SegmentationType.UDP) {
            UdpHeader.length(header, transport, newLength);
        } else {
            TcpHeader.sequenceNumber(header, transport, TcpHeader.sequenceNumber(header, transport) + done);
            int flags = TcpHeader.flags(header, transport);
            if (!last) {
                flags &= ~(TcpHeader.FIN | TcpHeader.PSH);
            }
            if (done > 0 && frame.congestionWindowReduced()) {
                flags &= ~TcpHeader.CWR;
            }
            TcpHeader.flags(header, transport, flags);
        }

        // The field holds the pseudo-header's sum, in which the length is that of the whole frame.
        int field = transport + frame.checksumOffset();
        int old = InternetChecksum.add(oldLength >>> 16, oldLength & 0xffff);
        int pseudoHeader = InternetChecksum.add(header.getUnsignedShort(field), InternetChecksum.complement(old));
        header.setShort(field, InternetChecksum.add(pseudoHeader, newLength));
    }

    /** Completes the checksum of a frame whose field holds the sum of the pseudo-header. */
    private static void setChecksum(OutboundFrame frame, int start, int offset) {
        int bytes = frame.headerEnd() - start;
        int sum = InternetChecksum.sum(frame.header(), start, bytes);
        for (int i = 0; i < frame.payloadCount(); i++) {
            int length = frame.payloadLength(i);
            int piece = InternetChecksum.sum(frame.payload(i), frame.payloadOffset(i), length);
            sum = InternetChecksum.append(sum, bytes, piece);
            bytes += length;
        }
        // Zero means "none" in UDP; elsewhere 0xffff is as good.
        frame.header().setShort(start + offset, InternetChecksum.complementUdp(sum));
    }
}
