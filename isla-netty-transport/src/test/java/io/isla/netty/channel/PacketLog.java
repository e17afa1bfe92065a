/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.link.ForwardingLink;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.TcpHeader;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Writes down the IPv4 packets that arrive over links without Ethernet, as they come from the wire, and loses some. Not thread-safe. */
final class PacketLog {
    private static final int MSS_OPTION = 2;
    private static final int ALIGNED_TIMESTAMPS = 0x0101_080a;

    /**
     * A packet.
     *
     * @param from the address of the host that has sent it
     * @param millis when, in milliseconds of the test's clock
     * @param flags those of TCP, 0 for UDP
     * @param mss the value of TCP's MSS option, 0 without one
     * @param timestamp the value of TCP's timestamp option, 0 without one
     * @param length bytes of payload
     */
    record Packet(
            String from,
            long millis,
            int trafficClass,
            int hopLimit,
            int protocol,
            int destinationPort,
            int flags,
            int window,
            int mss,
            int timestamp,
            int length) {
        boolean isTcp() {
            return protocol == IpProtocol.TCP;
        }

        boolean isUdp() {
            return protocol == IpProtocol.UDP;
        }

        boolean has(int flag) {
            return (flags & flag) == flag;
        }

        boolean isData() {
            return length > 0;
        }
    }

    private final Ticker ticker;
    private final List<Packet> packets = new ArrayList<>();
    private Predicate<Packet> lost = packet -> false;

    PacketLog(Ticker ticker) {
        this.ticker = ticker;
    }

    void lose(Predicate<Packet> choice) {
        lost = choice;
    }

    /** All so far, the lost ones too. */
    List<Packet> all() {
        return List.copyOf(packets);
    }

    /** Those of a host. */
    List<Packet> from(String address) {
        return stream(address).toList();
    }

    /** Those of a host that carry something. */
    List<Packet> dataFrom(String address) {
        return stream(address).filter(Packet::isData).toList();
    }

    private Stream<Packet> stream(String address) {
        return packets.stream().filter(packet -> packet.from.equals(address));
    }

    void clear() {
        packets.clear();
    }

    /** A link that does what another one does, but for what is lost on the way to it. */
    Link watch(Link link, String from) {
        return new Watched(link, from);
    }

    /** Notes a packet; returns whether it arrives. */
    private boolean note(String from, ByteBuf buffer, int ip) {
        if (Ipv4Header.version(buffer, ip) != 4) {
            return true;
        }
        int protocol = Ipv4Header.protocol(buffer, ip);
        int transport = ip + Ipv4Header.headerLength(buffer, ip);
        int length = ip + Ipv4Header.totalLength(buffer, ip) - transport;
        boolean tcp = protocol == IpProtocol.TCP;
        boolean udp = protocol == IpProtocol.UDP;
        Packet packet = new Packet(
                from,
                TimeUnit.NANOSECONDS.toMillis(ticker.nanoTime()),
                Ipv4Header.typeOfService(buffer, ip),
                Ipv4Header.timeToLive(buffer, ip),
                protocol,
                tcp || udp ? UdpHeader.destinationPort(buffer, transport) : 0,
                tcp ? TcpHeader.flags(buffer, transport) : 0,
                tcp ? TcpHeader.window(buffer, transport) : 0,
                tcp ? mss(buffer, transport) : 0,
                tcp ? timestamp(buffer, transport) : 0,
                length - (tcp ? TcpHeader.headerLength(buffer, transport) : udp ? UdpHeader.LENGTH : 0));
        packets.add(packet);
        return !lost.test(packet);
    }

    private static int mss(ByteBuf buffer, int tcp) {
        // A SYN of ours begins its options with it.
        int option = tcp + TcpHeader.MIN_LENGTH;
        return TcpHeader.headerLength(buffer, tcp) > TcpHeader.MIN_LENGTH && buffer.getByte(option) == MSS_OPTION
                ? buffer.getUnsignedShort(option + 2)
                : 0;
    }

    private static int timestamp(ByteBuf buffer, int tcp) {
        // After the handshake the options of ours begin with it, aligned by two NOPs.
        int option = tcp + TcpHeader.MIN_LENGTH;
        return TcpHeader.headerLength(buffer, tcp) > TcpHeader.MIN_LENGTH && buffer.getInt(option) == ALIGNED_TIMESTAMPS
                ? buffer.getInt(option + 4)
                : 0;
    }

    private final class Watched extends ForwardingLink {
        private final String from;

        Watched(Link link, String from) {
            super(link);
            this.from = from;
        }

        @Override
        public LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator)
                throws IOException {
            return link().openQueue(
                            new LinkReceiver() {
                                @Override
                                public void onFrame(InboundFrame frame) {
                                    if (note(from, frame.buffer(), frame.offset())) {
                                        receiver.onFrame(frame);
                                    }
                                }

                                @Override
                                public void onLinkFailure(IOException cause) {
                                    receiver.onLinkFailure(cause);
                                }
                            },
                            wakeup,
                            allocator);
        }
    }
}
