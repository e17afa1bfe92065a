/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6ExtensionHeader;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBuf;

/**
 * Gives the kernel packets of TCP that are longer than the length in their header can tell (BIG TCP), in the form that it has for them: an IPv4 total length
 * of 0, or an IPv6 hop-by-hop header with a Jumbo Payload option (RFC 2675). If it has no memory for one, that goes in parts, and so do the next ones.
 */
final class BigTcpWriter {
    /** The largest packet that tells its length itself. */
    static final int MAX_ORDINARY = Ipv4Header.MAX_TOTAL_LENGTH;

    /** How many go in parts before the kernel is asked again. */
    static final int PAUSE = 1000;

    private static final int JUMBO_PAYLOAD = 0xc2;
    private static final int JUMBO_PAYLOAD_LENGTH = 4;

    private final SoftwareSegmentation software;
    private final SoftwareSegmentation.Sink device;
    private final int linkHeaderLength;

    private boolean useless;
    private boolean trying;
    private boolean refused;
    private int pause;

    /**
     * Creates a writer.
     *
     * @param device writes a frame, and calls {@link #isRefusal} meanwhile if the kernel does not take it
     */
    BigTcpWriter(Link.Medium medium, SoftwareSegmentation software, SoftwareSegmentation.Sink device) {
        this.software = software;
        this.device = device;
        linkHeaderLength = LinkHeaders.length(medium);
    }

    /** Whether a packet that asks for segmentation is longer than the length in its header can tell. */
    static boolean isBig(OutboundFrame frame, int packet) {
        // The payload length of IPv6 does not count the header.
        return packet
                > (frame.segmentation() == SegmentationType.TCP_V6 ? MAX_ORDINARY + Ipv6Header.LENGTH : MAX_ORDINARY);
    }

    /** Writes a {@linkplain #isBig big} packet. */
    void write(OutboundFrame frame) {
        if (useless || pause > 0) {
            pause = Math.max(0, pause - 1);
            software.divide(frame, MAX_ORDINARY, device);
            return;
        }
        refused = false;
        trying = true;
        if (frame.segmentation() == SegmentationType.TCP_V6) {
            int start = frame.headerStart();
            addJumboPayload(frame, start);
            device.send(frame);
            removeJumboPayload(frame, start);
        } else {
            device.send(frame);
        }
        trying = false;
        if (refused) {
            pause = PAUSE;
            software.divide(frame, MAX_ORDINARY, device);
        }
    }

    /** Sets whether all go in parts: where they would be split to the last segment, by a kernel that only passes them on. */
    void useless(boolean useless) {
        this.useless = useless;
    }

    /**
     * Whether what was written comes again in parts.
     *
     * @param error the positive number of the error
     * @param length bytes in the frame
     */
    boolean isRefusal(int error, int length) {
        if (!trying || length - linkHeaderLength <= MAX_ORDINARY) {
            return false;
        }
        switch (error) {
            case Linux.ENOBUFS, Linux.ENOMEM, Linux.EMSGSIZE, Linux.EINVAL:
                refused = true;
                return true;
            default:
                return false;
        }
    }

    /** Puts the option behind the IPv6 header, which moves, with what is before it, towards the front. */
    private void addJumboPayload(OutboundFrame frame, int start) {
        ByteBuf header = frame.header();
        int moved = linkHeaderLength + Ipv6Header.LENGTH;
        int to = frame.prepend(Ipv6ExtensionHeader.MIN_LENGTH);
        for (int i = 0; i < moved; i++) {
            header.setByte(to + i, header.getByte(start + i));
        }
        int network = to + linkHeaderLength;
        int at = network + Ipv6Header.LENGTH;
        Ipv6Header.nextHeader(header, network, IpProtocol.HOP_BY_HOP);
        header.setByte(at, IpProtocol.TCP);
        header.setByte(at + 1, 0);
        header.setByte(at + 2, JUMBO_PAYLOAD);
        header.setByte(at + 3, JUMBO_PAYLOAD_LENGTH);
        header.setInt(at + 4, frame.length() - linkHeaderLength - Ipv6Header.LENGTH);
    }

    private void removeJumboPayload(OutboundFrame frame, int start) {
        ByteBuf header = frame.header();
        int from = frame.headerStart();
        Ipv6Header.nextHeader(header, from + linkHeaderLength, IpProtocol.TCP);
        for (int i = linkHeaderLength + Ipv6Header.LENGTH - 1; i >= 0; i--) {
            header.setByte(start + i, header.getByte(from + i));
        }
        frame.headerStart(start);
    }
}
