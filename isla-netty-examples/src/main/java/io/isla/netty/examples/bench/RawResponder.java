/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.net.Inet4Address;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.LongAdder;

/**
 * Answers each frame by what is in it, and remembers no connection: ARP requests, SYNs, requests with a canned response, FINs. This is no TCP:
 * nothing is checked, ordered or sent again. It is what remains of a server when all but the system calls is taken away.
 *
 * <p>A request whose path begins with {@code c} is answered with the last data of its connection, one whose path begins with {@code p} with
 * as many responses as the segment has requests; others are taken to be alone in their segments. Data of more than a few bytes that is no GET is an upload's: it is
 * counted, as often as it comes, and acknowledged once for all segments of a connection that come together.
 */
final class RawResponder implements LinkReceiver {
    /** Locally administered. */
    private static final long MAC = 0x0200_0000_0bedL;

    private static final int ETHERNET = 14;
    private static final int TYPE = 12;
    private static final int TYPE_IPV4 = 0x0800;
    private static final int TYPE_ARP = 0x0806;
    private static final int ARP_LENGTH = 28;
    private static final int IPV4 = 20;
    private static final int TCP_PROTOCOL = 6;
    private static final int TCP = 20;
    /** Maximum segment size; no-operation and window scale of 7. */
    private static final int SYN_OPTIONS = 8;

    private static final int FIN = 0x01;
    private static final int SYN = 0x02;
    private static final int RST = 0x04;
    private static final int PSH = 0x08;
    private static final int ACK = 0x10;
    private static final int CHECKSUM = 16;
    /** Where in a request its path begins, after the slash. */
    private static final int PATH = "GET /".length();

    /** {@code GET }. */
    private static final int GET = 0x4745_5420;

    private static final int HEADERS = ETHERNET + IPV4 + TCP;
    /** Where the addresses are, and after them the ports: 12 bytes in all. */
    private static final int FLOW = ETHERNET + 12;

    private static final int PIPELINED = 16;
    private static final int INITIAL_SEQUENCE = 1;

    private final int address;
    private final int mss;
    private final OutboundFrame out = new OutboundFrame();
    private final ByteBuf keepAlive = response("");
    private final ByteBuf close = response("connection: close\r\n");

    /** What a client of {@link #close} acknowledges in the end: a SYN, a response and a FIN. */
    private final int closedAcknowledgment = INITIAL_SEQUENCE + 1 + close.writerIndex() / PIPELINED + 1;

    private final LongAdder received = new LongAdder();
    /** The headers of the upload's segment that is yet to be acknowledged, if {@link #holding}. */
    private final ByteBuf held = Unpooled.directBuffer(HEADERS, HEADERS).writeZero(HEADERS);

    private boolean holding;
    private int heldEnd;
    private LinkQueue queue;

    RawResponder(int mtu, Inet4Address address) {
        this.address = Unpooled.wrappedBuffer(address.getAddress()).getInt(0);
        mss = mtu - IPV4 - TCP;
    }

    /** As {@link BenchHttpHandler} answers; several times over, for pipelined requests. */
    private static ByteBuf response(String header) {
        String content = "isla\n".repeat(BenchHttpHandler.CONTENT_LENGTH / 5);
        String response = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: " + content.length() + "\r\n"
                + header + "\r\n" + content;
        byte[] all = response.repeat(PIPELINED).getBytes(StandardCharsets.US_ASCII);
        return Unpooled.directBuffer(all.length, all.length).writeBytes(all);
    }

    /** Says where to answer. */
    void queue(LinkQueue queue) {
        this.queue = queue;
    }

    @Override
    public void onFrame(InboundFrame frame) {
        ByteBuf in = frame.buffer();
        int at = frame.offset();
        int length = frame.length();
        if (length < ETHERNET) {
            return;
        }
        int type = in.getUnsignedShort(at + TYPE);
        if (type == TYPE_ARP && length >= ETHERNET + ARP_LENGTH) {
            onArp(in, at + ETHERNET);
        } else if (type == TYPE_IPV4
                && length >= ETHERNET + IPV4 + TCP
                && in.getByte(at + ETHERNET) == 0x45
                && in.getByte(at + ETHERNET + 9) == TCP_PROTOCOL
                && in.getInt(at + ETHERNET + 16) == address) {
            onSegment(in, at, Math.min(length - ETHERNET, in.getUnsignedShort(at + ETHERNET + 2)) - IPV4);
        }
    }

    private void onArp(ByteBuf in, int at) {
        if (in.getUnsignedShort(at + 6) != 1 || in.getInt(at + 24) != address) {
            return;
        }
        out.reset();
        ByteBuf header = out.header();
        int arp = out.append(ARP_LENGTH);
        header.setBytes(arp, in, at, 6).setShort(arp + 6, 2);
        setMac(header, arp + 8, MAC);
        header.setInt(arp + 14, address).setBytes(arp + 18, in, at + 8, 10);
        int ethernet = out.prepend(ETHERNET);
        header.setBytes(ethernet, in, at + 8, 6);
        setMac(header, ethernet + 6, MAC);
        header.setShort(ethernet + TYPE, TYPE_ARP);
        queue.transmit(out);
    }

    private static void setMac(ByteBuf header, int at, long mac) {
        header.setShort(at, (int) (mac >>> 32)).setInt(at + 2, (int) mac);
    }

    /** @param length of TCP's header and data */
    private void onSegment(ByteBuf in, int frame, int length) {
        int tcp = frame + ETHERNET + IPV4;
        int headerLength = (in.getByte(tcp + 12) & 0xf0) >>> 2;
        int flags = in.getUnsignedByte(tcp + 13);
        int data = length - headerLength;
        if ((flags & RST) != 0 || headerLength < TCP || data < 0) {
            return;
        }
        int sequence = in.getInt(tcp + 4);
        int acknowledgment = in.getInt(tcp + 8);
        if ((flags & SYN) != 0) {
            send(in, frame, INITIAL_SEQUENCE, sequence + 1, SYN | ACK, null, 0);
        } else if (data > PATH && in.getInt(tcp + headerLength) != GET) {
            received.add(data);
            hold(in, frame, sequence + data + (flags & FIN));
            if ((flags & FIN) != 0) {
                release(FIN | ACK);
            }
        } else if (data > PATH) {
            int path = in.getByte(tcp + headerLength + PATH);
            ByteBuf response = path == 'c' ? close : keepAlive;
            int requests = path == 'p' ? requests(in, tcp + headerLength, data) : 1;
            int end = sequence + data + (flags & FIN);
            int answer = PSH | ACK | (path == 'c' ? FIN : 0);
            send(in, frame, acknowledgment, end, answer, response, requests);
        } else if ((flags & FIN) != 0 && acknowledgment != closedAcknowledgment) {
            acknowledgeUpload();
            // It ends the connection, and is to see an end as well.
            send(in, frame, acknowledgment, sequence + data + 1, FIN | ACK, null, 0);
        } else if (data > 0 || (flags & FIN) != 0) {
            send(in, frame, acknowledgment, sequence + data + (flags & FIN), ACK, null, 0);
        }
    }

    private void hold(ByteBuf in, int frame, int end) {
        if (holding
                && (held.getLong(FLOW) != in.getLong(frame + FLOW)
                        || held.getInt(FLOW + Long.BYTES) != in.getInt(frame + FLOW + Long.BYTES))) {
            acknowledgeUpload();
        }
        // A segment that is sent again may come after the next.
        heldEnd = holding && heldEnd - end > 0 ? heldEnd : end;
        in.getBytes(frame, held, 0, HEADERS);
        holding = true;
    }

    /** Acknowledges what has come of an upload: there is no more for now. */
    void acknowledgeUpload() {
        if (holding) {
            release(ACK);
        }
    }

    private void release(int flags) {
        holding = false;
        send(held, 0, held.getInt(ETHERNET + IPV4 + 8), heldEnd, flags, null, 0);
    }

    /** Bytes of uploads that have come, with the heads of their requests. Any thread. */
    long received() {
        return received.sum();
    }

    /** How many empty lines there are: each ends a request. */
    private static int requests(ByteBuf in, int from, int length) {
        int count = 0;
        for (int i = from + 3; i < from + length; i++) {
            if (in.getByte(i) == '\n' && in.getByte(i - 2) == '\n') {
                count++;
            }
        }
        return Math.min(count, PIPELINED);
    }

    private void send(ByteBuf in, int frame, int sequence, int acknowledgment, int flags, ByteBuf data, int responses) {
        int ip = frame + ETHERNET;
        int options = (flags & SYN) != 0 ? SYN_OPTIONS : 0;
        int bytes = data == null ? 0 : data.writerIndex() / PIPELINED * responses;
        out.reset();
        ByteBuf header = out.header();
        int tcp = out.append(TCP + options);
        header.setShort(tcp, in.getUnsignedShort(ip + IPV4 + 2))
                .setShort(tcp + 2, in.getUnsignedShort(ip + IPV4))
                .setInt(tcp + 4, sequence)
                .setInt(tcp + 8, acknowledgment)
                .setShort(tcp + 12, (TCP + options) << 10 | flags)
                .setShort(tcp + 14, 0xffff)
                .setInt(tcp + CHECKSUM, 0);
        if (options != 0) {
            header.setInt(tcp + TCP, 0x0204_0000 | mss).setInt(tcp + TCP + 4, 0x0103_0307);
        }
        int client = in.getInt(ip + 12);
        int packet = out.prepend(IPV4);
        header.setInt(packet, 0x4500_0000 | IPV4 + TCP + options + bytes)
                .setInt(packet + 4, 0x4000)
                .setInt(packet + 8, 64 << 24 | TCP_PROTOCOL << 16)
                .setInt(packet + 12, address)
                .setInt(packet + 16, client);
        header.setShort(packet + 10, ~sum(header, packet, IPV4) & 0xffff);
        int pseudoHeader = words(client) + words(address) + TCP_PROTOCOL + TCP + options + bytes;
        header.setShort(tcp + CHECKSUM, fold(pseudoHeader));
        out.requestChecksum(tcp, CHECKSUM);
        int ethernet = out.prepend(ETHERNET);
        header.setBytes(ethernet, in, frame + 6, 6);
        setMac(header, ethernet + 6, MAC);
        header.setShort(ethernet + TYPE, TYPE_IPV4);
        if (bytes > 0) {
            out.addPayload(data, 0, bytes);
            if (bytes > mss) {
                out.requestSegmentation(SegmentationType.TCP_V4, mss);
            }
        }
        queue.transmit(out);
    }

    private static int words(int bits) {
        return (bits >>> 16) + (bits & 0xffff);
    }

    private static int sum(ByteBuf header, int at, int length) {
        int sum = 0;
        for (int i = at; i < at + length; i += 2) {
            sum += header.getUnsignedShort(i);
        }
        return fold(sum);
    }

    private static int fold(int sum) {
        int folded = (sum & 0xffff) + (sum >>> 16);
        return (folded & 0xffff) + (folded >>> 16);
    }

    @Override
    public void onLinkFailure(IOException cause) {
        System.err.println("raw: " + cause.getMessage());
    }

    /** Frees its memory, when nothing arrives any more. */
    void close() {
        queue.close();
        out.release();
        held.release();
        keepAlive.release();
        close.release();
    }
}
