/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.TcpHeader;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** A packet that was sent on a link, as much of it as can be read; used again and again. */
final class TracedPacket {
    /** All headers of a TCP segment over IPv6, options included. */
    private static final int HEAD = 14 + 40 + 60 + 14;

    private final byte[] head = new byte[HEAD];
    private final ByteBuf buffer = Unpooled.wrappedBuffer(head);
    private long time;
    private VirtualLink link;
    private Port from;
    private int length;
    private int kept;
    private LinkDirection.Fate fate;
    private boolean originates;
    private String note;

    TracedPacket() {}

    static TracedPacket note(String line) {
        TracedPacket packet = new TracedPacket();
        packet.note = line;
        return packet;
    }

    boolean isNote() {
        return note != null;
    }

    void set(long now, VirtualLink on, Port by, ByteBuf frame, LinkDirection.Fate what) {
        time = now;
        link = on;
        from = by;
        fate = what;
        originates = !by.node().isSwitch()
                && (!(by.node() instanceof VirtualRouter router)
                        || router.network().nodeOf(Packet.source(frame)) == router);
        length = frame.readableBytes();
        kept = Math.min(HEAD, length);
        frame.getBytes(frame.readerIndex(), head, 0, kept);
    }

    VirtualLink link() {
        return link;
    }

    /** Whether it is seen here for the first time, or something happens to it here. */
    boolean isNews() {
        return originates || fate != LinkDirection.Fate.SENT;
    }

    static String time(long nanos) {
        return String.format(Locale.ROOT, "%d.%06d", nanos / 1_000_000_000, nanos / 1000 % 1_000_000);
    }

    // ------------------------------------------------------------------------------------------------ reading

    /** Where the TCP header of a frame starts; -1 if there is none. */
    private static int tcp(ByteBuf frame) {
        int at = Packet.network(frame);
        if (Packet.type(frame) == EtherType.IPV4 && frame.readableBytes() >= Packet.IP + 20) {
            int header = at + Ipv4Header.headerLength(frame, at);
            boolean first = Ipv4Header.fragmentOffset(frame, at) == 0;
            return Ipv4Header.protocol(frame, at) == IpProtocol.TCP && first && frame.writerIndex() >= header + 20
                    ? header
                    : -1;
        }
        if (Packet.type(frame) == EtherType.IPV6
                && frame.readableBytes() >= Packet.IP + Ipv6Header.LENGTH + TcpHeader.MIN_LENGTH) {
            return Ipv6Header.nextHeader(frame, at) == IpProtocol.TCP ? at + Ipv6Header.LENGTH : -1;
        }
        return -1;
    }

    private static IpAddress address(ByteBuf frame, boolean source) {
        int at = Packet.network(frame);
        if (Packet.type(frame) == EtherType.IPV4) {
            return IpAddress.v4(source ? Ipv4Header.source(frame, at) : Ipv4Header.destination(frame, at));
        }
        return source
                ? IpAddress.of(Ipv6Header.sourceHigh(frame, at), Ipv6Header.sourceLow(frame, at))
                : IpAddress.of(Ipv6Header.destinationHigh(frame, at), Ipv6Header.destinationLow(frame, at));
    }

    static boolean isSyn(ByteBuf frame) {
        int tcp = tcp(frame);
        return tcp >= 0 && (TcpHeader.flags(frame, tcp) & TcpHeader.SYN) != 0;
    }

    static int sequenceNumber(ByteBuf frame) {
        return TcpHeader.sequenceNumber(frame, tcp(frame));
    }

    /** The direction of a connection that a frame belongs to; {@code null} if it holds no TCP. */
    static Recorder.FlowKey flow(ByteBuf frame) {
        int tcp = tcp(frame);
        return tcp < 0
                ? null
                : new Recorder.FlowKey(
                        address(frame, true),
                        TcpHeader.sourcePort(frame, tcp),
                        address(frame, false),
                        TcpHeader.destinationPort(frame, tcp));
    }

    /** What a channel sends; {@code null} if it is not connected. */
    static Recorder.FlowKey flow(Channel channel) {
        return channel.localAddress() instanceof InetSocketAddress local
                        && channel.remoteAddress() instanceof InetSocketAddress remote
                        && local.getAddress() != null
                        && remote.getAddress() != null
                ? new Recorder.FlowKey(
                        IpAddress.of(local.getAddress()),
                        local.getPort(),
                        IpAddress.of(remote.getAddress()),
                        remote.getPort())
                : null;
    }

    /** Whether a channel that is not connected yet tries to be, over this connection. */
    static boolean isConnecting(Channel channel, Recorder.FlowKey flow) {
        return channel instanceof IslaSocketChannel
                && channel.remoteAddress() == null
                && channel.localAddress() instanceof InetSocketAddress local
                && local.getPort() == flow.sourcePort()
                && local.getAddress() != null
                && IpAddress.of(local.getAddress()).equals(flow.source());
    }

    // ------------------------------------------------------------------------------------------------ text

    /**
     * The packet in a line, as tcpdump prints it.
     *
     * @param firstSequenceNumber that of a flow, or {@code null}
     * @param seen told of a flow's sequence number
     */
    String print(Function<Recorder.FlowKey, Integer> firstSequenceNumber, BiConsumer<Recorder.FlowKey, Integer> seen) {
        if (note != null) {
            return note;
        }
        ByteBuf frame = buffer.setIndex(0, kept);
        StringBuilder line = new StringBuilder(time(time)).append(' ');
        line.append(from.node().name()).append(": ");
        int at = Packet.IP;
        int tcp = tcp(frame);
        if (tcp >= 0) {
            printTcp(line, frame, tcp, firstSequenceNumber, seen);
        } else if (Packet.isArp(frame)) {
            IpAddress target = IpAddress.v4(ArpHeader.targetProtocolAddress(frame, at));
            IpAddress sender = IpAddress.v4(ArpHeader.senderProtocolAddress(frame, at));
            line.append(
                    ArpHeader.operation(frame, at) == ArpHeader.REQUEST
                            ? "ARP, Request who-has " + target + " tell " + sender
                            : "ARP, Reply " + sender + " is-at "
                                    + new MacAddress(ArpHeader.senderHardwareAddress(frame, at)));
        } else if (kept >= Packet.IP + Ipv4Header.MIN_LENGTH && Packet.type(frame) == EtherType.IPV4) {
            printOther(line, frame, Ipv4Header.protocol(frame, at), at + Ipv4Header.headerLength(frame, at));
        } else if (kept >= Packet.IP + Ipv6Header.LENGTH && Packet.type(frame) == EtherType.IPV6) {
            printOther(line, frame, Ipv6Header.nextHeader(frame, at), at + Ipv6Header.LENGTH);
        } else {
            line.append(String.format("ethertype 0x%04x", Packet.type(frame)));
        }
        if (fate != LinkDirection.Fate.SENT) {
            line.append(" (").append(fate).append(" on ").append(link).append(')');
        }
        return line.toString();
    }

    private void printTcp(
            StringBuilder line,
            ByteBuf frame,
            int tcp,
            Function<Recorder.FlowKey, Integer> firstSequenceNumber,
            BiConsumer<Recorder.FlowKey, Integer> seen) {
        Recorder.FlowKey flow = flow(frame);
        Recorder.FlowKey back =
                new Recorder.FlowKey(flow.destination(), flow.destinationPort(), flow.source(), flow.sourcePort());
        int flags = TcpHeader.flags(frame, tcp);
        int sequence = TcpHeader.sequenceNumber(frame, tcp);
        int acknowledgment = TcpHeader.acknowledgmentNumber(frame, tcp);
        seen.accept(flow, (flags & TcpHeader.SYN) != 0 ? sequence : sequence - 1);
        boolean acks = (flags & TcpHeader.ACK) != 0;
        if (acks) {
            seen.accept(back, acknowledgment - 1);
        }
        int data = payload(frame, tcp);
        line.append(endpoint(flow.source(), flow.sourcePort()))
                .append(" > ")
                .append(endpoint(flow.destination(), flow.destinationPort()))
                .append(": Flags [")
                .append(flags(flags))
                .append(']');
        int relative = sequence - firstSequenceNumber.apply(flow);
        if (data > 0) {
            line.append(", seq ").append(unsigned(relative)).append(':').append(unsigned(relative + data));
        } else if ((flags & (TcpHeader.SYN | TcpHeader.FIN | TcpHeader.RST)) != 0) {
            line.append(", seq ").append(unsigned(relative));
        }
        if (acks) {
            line.append(", ack ").append(unsigned(acknowledgment - firstSequenceNumber.apply(back)));
        }
        line.append(", win ").append(TcpHeader.window(frame, tcp));
        String options = options(frame, tcp, firstSequenceNumber.apply(back));
        if (!options.isEmpty()) {
            line.append(", options [").append(options).append(']');
        }
        line.append(", length ").append(data);
    }

    private int payload(ByteBuf frame, int tcp) {
        int at = Packet.IP;
        int end = Packet.type(frame) == EtherType.IPV4
                ? at + Ipv4Header.totalLength(frame, at)
                : at + Ipv6Header.LENGTH + Ipv6Header.payloadLength(frame, at);
        return Math.max(0, Math.min(end, length) - tcp - TcpHeader.headerLength(frame, tcp));
    }

    static String flags(int flags) {
        StringBuilder text = new StringBuilder();
        String letters = "FSRP.UEW";
        for (int i = 0; i < letters.length(); i++) {
            if ((flags & 1 << i) != 0) {
                text.append(letters.charAt(i));
            }
        }
        return text.isEmpty() ? "none" : text.toString();
    }

    private static String options(ByteBuf frame, int tcp, Integer peerFirst) {
        StringJoiner text = new StringJoiner(",");
        int end = Math.min(tcp + TcpHeader.headerLength(frame, tcp), frame.writerIndex());
        int at = tcp + TcpHeader.MIN_LENGTH;
        while (at < end) {
            int kind = frame.getUnsignedByte(at);
            if (kind == 0) {
                break;
            }
            if (kind == 1) {
                at++;
                continue;
            }
            int size = at + 1 < end ? frame.getUnsignedByte(at + 1) : 0;
            if (size < 2 || at + size > end) {
                text.add("bad");
                break;
            }
            text.add(option(frame, at, kind, size, peerFirst));
            at += size;
        }
        return text.toString();
    }

    private static String option(ByteBuf frame, int at, int kind, int size, Integer peerFirst) {
        if (kind == 2 && size == 4) {
            return "mss " + frame.getUnsignedShort(at + 2);
        }
        if (kind == 3 && size == 3) {
            return "wscale " + frame.getUnsignedByte(at + 2);
        }
        if (kind == 4) {
            return "sackOK";
        }
        if (kind == 5) {
            StringBuilder blocks = new StringBuilder("sack");
            for (int block = at + 2; block + 8 <= at + size; block += 8) {
                blocks.append(" {")
                        .append(unsigned(frame.getInt(block) - peerFirst))
                        .append(':')
                        .append(unsigned(frame.getInt(block + 4) - peerFirst))
                        .append('}');
            }
            return blocks.toString();
        }
        if (kind == 8 && size == 10) {
            return "TS val " + frame.getUnsignedInt(at + 2) + " ecr " + frame.getUnsignedInt(at + 6);
        }
        return "kind " + kind;
    }

    private void printOther(StringBuilder line, ByteBuf frame, int protocol, int at) {
        IpAddress source = address(frame, true);
        IpAddress destination = address(frame, false);
        boolean readable = kept >= at + 8;
        if (protocol == IpProtocol.UDP && readable) {
            line.append(endpoint(source, UdpHeader.sourcePort(frame, at)))
                    .append(" > ")
                    .append(endpoint(destination, UdpHeader.destinationPort(frame, at)))
                    .append(": UDP, length ")
                    .append(UdpHeader.length(frame, at) - UdpHeader.LENGTH);
            return;
        }
        line.append(source).append(" > ").append(destination).append(": ");
        if (protocol == IpProtocol.ICMP && readable) {
            line.append("ICMP ").append(icmp(IcmpHeader.type(frame, at), IcmpHeader.code(frame, at)));
            if (IcmpHeader.type(frame, at) == IcmpHeader.DESTINATION_UNREACHABLE
                    && IcmpHeader.code(frame, at) == IcmpHeader.FRAGMENTATION_NEEDED) {
                line.append(" (mtu ").append(IcmpHeader.nextHopMtu(frame, at)).append(')');
            }
        } else if (protocol == IpProtocol.ICMPV6 && readable) {
            line.append("ICMP6 ").append(icmp6(Icmpv6Header.type(frame, at)));
            if (Icmpv6Header.type(frame, at) == Icmpv6Header.PACKET_TOO_BIG) {
                line.append(", mtu ").append(Icmpv6Header.word(frame, at));
            }
        } else {
            line.append("IP protocol ").append(protocol);
        }
        line.append(", length ").append(length - at);
    }

    private static String icmp(int type, int code) {
        return switch (type) {
            case IcmpHeader.ECHO_REPLY -> "echo reply";
            case IcmpHeader.ECHO_REQUEST -> "echo request";
            case IcmpHeader.TIME_EXCEEDED -> "time exceeded";
            case IcmpHeader.DESTINATION_UNREACHABLE ->
                switch (code) {
                    case IcmpHeader.NET_UNREACHABLE -> "net unreachable";
                    case IcmpHeader.HOST_UNREACHABLE -> "host unreachable";
                    case IcmpHeader.PROTOCOL_UNREACHABLE -> "protocol unreachable";
                    case IcmpHeader.PORT_UNREACHABLE -> "port unreachable";
                    case IcmpHeader.FRAGMENTATION_NEEDED -> "unreachable - need to frag";
                    default -> "unreachable, code " + code;
                };
            default -> "type " + type + ", code " + code;
        };
    }

    private static String icmp6(int type) {
        return switch (type) {
            case Icmpv6Header.ECHO_REQUEST -> "echo request";
            case Icmpv6Header.ECHO_REPLY -> "echo reply";
            case Icmpv6Header.PACKET_TOO_BIG -> "packet too big";
            case Icmpv6Header.TIME_EXCEEDED -> "time exceeded";
            case Icmpv6Header.DESTINATION_UNREACHABLE -> "destination unreachable";
            case Icmpv6Header.NEIGHBOR_SOLICITATION -> "neighbor solicitation";
            case Icmpv6Header.NEIGHBOR_ADVERTISEMENT -> "neighbor advertisement";
            case Icmpv6Header.ROUTER_SOLICITATION -> "router solicitation";
            default -> "type " + type;
        };
    }

    private static String endpoint(IpAddress address, int port) {
        return address + "." + port;
    }

    private static String unsigned(int number) {
        return Integer.toUnsignedString(number);
    }
}
