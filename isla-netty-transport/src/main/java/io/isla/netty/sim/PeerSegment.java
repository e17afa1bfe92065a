/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A TCP segment as a {@link TcpPeer} sends it and gets it. Sequence numbers count from the beginning of the connection: a SYN has 0, the first byte of data 1.
 */
public final class PeerSegment {
    /** The sender has no more data. */
    public static final int FIN = TcpHeader.FIN;
    /** The beginning of a connection. */
    public static final int SYN = TcpHeader.SYN;
    /** The connection is broken off. */
    public static final int RST = TcpHeader.RST;
    /** Data to be handed up at once. */
    public static final int PSH = TcpHeader.PSH;
    /** The acknowledgement number counts. */
    public static final int ACK = TcpHeader.ACK;

    private static final int TTL = 64;
    private static final int TCP = Packet.IP + Ipv4Header.MIN_LENGTH;

    private int flags;
    private Integer sequence;
    private Integer acknowledgment;
    private Integer window;
    private byte[] options = {};
    private byte[] data = {};

    private PeerSegment(int flags) {
        this.flags = flags;
    }

    /** A segment with these flags, which carries on where its sender is unless told otherwise. */
    public static PeerSegment of(int... flags) {
        return new PeerSegment(Arrays.stream(flags).reduce(0, (a, b) -> a | b));
    }

    /** Sets the sequence number; by default, what the sender is to send next. */
    public PeerSegment seq(int relative) {
        sequence = relative;
        return this;
    }

    /** Sets the acknowledgement number; by default, all that the sender has got. */
    public PeerSegment ack(int relative) {
        acknowledgment = relative;
        flags |= ACK;
        return this;
    }

    /** Sets the window field; by default, the peer's window. */
    public PeerSegment win(int units) {
        window = units;
        return this;
    }

    /** Sets the maximum segment size option. */
    public PeerSegment mss(int bytes) {
        options = new byte[] {2, 4, (byte) (bytes >> 8), (byte) bytes};
        return this;
    }

    /** Sets the data. */
    public PeerSegment data(byte[] bytes) {
        data = bytes.clone();
        return this;
    }

    /** Sets the data, in UTF-8. */
    public PeerSegment data(String text) {
        return data(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The flags. */
    public int flags() {
        return flags;
    }

    /** Whether all of these flags are set. */
    public boolean has(int wanted) {
        return (flags & wanted) == wanted;
    }

    /** The sequence number, counted from the beginning of the connection. */
    public int seq() {
        return sequence;
    }

    /** The acknowledgement number, counted from the beginning of the connection. */
    public int ack() {
        return acknowledgment;
    }

    /** The window field. */
    public int win() {
        return window;
    }

    /** The data. */
    public byte[] data() {
        return data.clone();
    }

    /** The data, read as UTF-8. */
    public String text() {
        return new String(data, StandardCharsets.UTF_8);
    }

    /** The sequence number after this segment. */
    public int end() {
        return sequence + length();
    }

    /** How much of the sequence the segment takes: its data, SYN and FIN. */
    int length() {
        return data.length + (has(SYN) ? 1 : 0) + (has(FIN) ? 1 : 0);
    }

    PeerSegment fill(int next, int received, int ownWindow) {
        sequence = sequence == null ? (Integer) next : sequence;
        acknowledgment = acknowledgment == null ? (Integer) received : acknowledgment;
        window = window == null ? (Integer) ownWindow : window;
        return this;
    }

    /**
     * Two ends of a connection, the sender first, and what their sequence numbers begin with.
     *
     * @param sourceMac the sender's Ethernet address
     * @param destinationMac the receiver's Ethernet address
     * @param source the sender's address
     * @param destination the receiver's address
     * @param sourcePort the sender's port
     * @param destinationPort the receiver's port
     * @param sequenceBase the sender's initial sequence number
     * @param acknowledgmentBase the receiver's initial sequence number
     */
    record Ends(
            long sourceMac,
            long destinationMac,
            int source,
            int destination,
            int sourcePort,
            int destinationPort,
            int sequenceBase,
            int acknowledgmentBase) {}

    ByteBuf encode(ByteBufAllocator allocator, Ends ends) {
        int headerLength = TcpHeader.MIN_LENGTH + options.length;
        int tcpLength = headerLength + data.length;
        int total = Ipv4Header.MIN_LENGTH + tcpLength;
        ByteBuf frame = allocator.heapBuffer(Packet.IP + total).writeZero(Packet.IP + total);
        EthernetHeader.write(frame, 0, ends.destinationMac, ends.sourceMac, EtherType.IPV4);
        Ipv4Header.write(
                frame,
                Packet.IP,
                0,
                total,
                0,
                Ipv4Header.DONT_FRAGMENT,
                TTL,
                IpProtocol.TCP,
                ends.source,
                ends.destination);
        TcpHeader.write(
                frame,
                TCP,
                ends.sourcePort,
                ends.destinationPort,
                ends.sequenceBase + sequence,
                has(ACK) ? ends.acknowledgmentBase + acknowledgment : 0,
                headerLength,
                flags,
                window,
                0);
        frame.setBytes(TCP + TcpHeader.MIN_LENGTH, options);
        frame.setBytes(TCP + headerLength, data);
        int pseudo = InternetChecksum.pseudoHeaderV4(ends.source, ends.destination, IpProtocol.TCP, tcpLength);
        TcpHeader.checksum(
                frame,
                TCP,
                InternetChecksum.complement(InternetChecksum.add(pseudo, InternetChecksum.sum(frame, TCP, tcpLength))));
        return frame;
    }

    /** Reads a segment whose header is at {@code tcp}. */
    static PeerSegment decode(ByteBuf frame, int tcp, int end, int sequenceBase, int acknowledgmentBase) {
        PeerSegment segment = new PeerSegment(TcpHeader.flags(frame, tcp));
        segment.sequence = TcpHeader.sequenceNumber(frame, tcp) - sequenceBase;
        segment.acknowledgment = segment.has(ACK) ? TcpHeader.acknowledgmentNumber(frame, tcp) - acknowledgmentBase : 0;
        segment.window = TcpHeader.window(frame, tcp);
        int headerLength = TcpHeader.headerLength(frame, tcp);
        segment.data = ByteBufUtil.getBytes(frame, tcp + headerLength, end - tcp - headerLength, true);
        return segment;
    }

    @Override
    public String toString() {
        StringBuilder text =
                new StringBuilder("[").append(TracedPacket.flags(flags)).append(']');
        if (sequence != null) {
            text.append(" seq ").append(sequence);
        }
        if (has(ACK) && acknowledgment != null) {
            text.append(" ack ").append(acknowledgment);
        }
        if (window != null) {
            text.append(" win ").append(window);
        }
        return text.append(" length ").append(data.length).toString();
    }
}
