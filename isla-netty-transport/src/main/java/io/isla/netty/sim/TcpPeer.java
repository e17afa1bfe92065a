/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static io.isla.netty.sim.PeerSegment.ACK;
import static io.isla.netty.sim.PeerSegment.FIN;
import static io.isla.netty.sim.PeerSegment.PSH;
import static io.isla.netty.sim.PeerSegment.RST;
import static io.isla.netty.sim.PeerSegment.SYN;

import io.isla.netty.channel.IslaServerSocketChannel;
import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.TcpHeader;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * A peer for handlers under test that does what the test says, segment by segment: for tests as small as those with {@code EmbeddedChannel}, of what only a
 * connection can do. The handlers are on a channel of a host of their own; between the two is a wire without delay, in virtual time.
 *
 * <pre>{@code
 * try (TcpPeer peer = TcpPeer.connectedTo(new LineBasedFrameDecoder(80), new EchoHandler())) {
 *     peer.send("hel");
 *     peer.expect(ACK);
 *     peer.expectNothing(Duration.ofSeconds(1));
 *     peer.send("lo\n");
 *     peer.expectData("hello\n");
 *     peer.sendReset();
 *     assertFalse(peer.channel().isOpen());
 * }
 * }</pre>
 *
 * <p>What is expected and does not come is an {@link AssertionError} with all segments so far. The peer acknowledges what has come with each segment that it sends, and not
 * otherwise. It speaks TCP over IPv4 without options but the maximum segment size. For the thread that has made it.
 */
public final class TcpPeer implements AutoCloseable {
    private static final int HANDLER_PORT = 80;
    private static final int PEER_PORT = 4000;
    private static final int INITIAL_SEQUENCE_NUMBER = 1_000_000;
    private static final int DEFAULT_WINDOW = 65_535;
    private static final int MSS = 1460;
    /** How long a segment may take that is expected: longer than an acknowledgement is delayed. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final VirtualNetwork network = VirtualNetwork.create(1);
    private final VirtualHost host = network.namedHost("handlers", "10.0.0.1");
    private final PeerNode node;
    private final Deque<PeerSegment> arrived = new ArrayDeque<>();
    private Channel channel;
    private int hostPort = HANDLER_PORT;
    private int hostInitial;
    private boolean hostInitialKnown;
    private int window = DEFAULT_WINDOW;
    private int next;
    private int received;

    private TcpPeer() {
        node = new PeerNode(network, "peer", Subnet.parse("peer", "10.0.0.2").address(), this::arrive);
        network.link(node, host);
    }

    /** Connects to a server whose accepted channels have these handlers; returns when the connection is established and its channel is active. */
    public static TcpPeer connectedTo(ChannelHandler... handlers) {
        TcpPeer peer = new TcpPeer();
        try {
            peer.connect(handlers);
            return peer;
        } catch (Throwable t) {
            peer.close();
            throw t;
        }
    }

    /** Accepts the connection of a client whose channel has these handlers; returns when it is established and the channel is active. */
    public static TcpPeer acceptedFrom(ChannelHandler... handlers) {
        TcpPeer peer = connecting(handlers);
        try {
            peer.send(PeerSegment.of(SYN, ACK).mss(MSS));
            peer.expect(ACK);
            return peer;
        } catch (Throwable t) {
            peer.close();
            throw t;
        }
    }

    /** Has a client begin to connect whose channel has these handlers; the peer has got its SYN, and the test answers it or does not. */
    public static TcpPeer connecting(ChannelHandler... handlers) {
        TcpPeer peer = new TcpPeer();
        try {
            peer.channel = new Bootstrap()
                    .group(peer.host.group())
                    .channel(IslaSocketChannel.class)
                    .handler(initializer(handlers))
                    .connect(peer.node.address().toInetAddress(), PEER_PORT)
                    .channel();
            peer.expect(SYN);
            return peer;
        } catch (Throwable t) {
            peer.close();
            throw t;
        }
    }

    private void connect(ChannelHandler... handlers) {
        network.await(new ServerBootstrap()
                .group(host.group())
                .channel(IslaServerSocketChannel.class)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel accepted) {
                        channel = accepted;
                        accepted.pipeline().addLast(handlers);
                    }
                })
                .bind(HANDLER_PORT));
        send(PeerSegment.of(SYN).mss(MSS));
        expect(SYN, ACK);
        send(PeerSegment.of(ACK));
        if (channel == null) {
            throw new AssertionError("the connection was not accepted; so far:\n" + trace());
        }
    }

    private static ChannelInitializer<Channel> initializer(ChannelHandler... handlers) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(handlers);
            }
        };
    }

    // ------------------------------------------------------------------------------------------------ sending

    /** Sends data, in UTF-8, in segments of 1,460 bytes, and lets the handlers have it. */
    public TcpPeer send(String text) {
        return send(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends data, in segments of 1,460 bytes, and lets the handlers have it. */
    public TcpPeer send(byte[] bytes) {
        for (int at = 0; at < bytes.length; at += MSS) {
            int end = Math.min(bytes.length, at + MSS);
            send(PeerSegment.of(ACK, end == bytes.length ? PSH : 0).data(Arrays.copyOfRange(bytes, at, end)));
        }
        return this;
    }

    /** Sends a segment, and lets the host process it. What it leaves open carries on where the peer is. */
    public TcpPeer send(PeerSegment segment) {
        segment.fill(next, received, window);
        Port port = node.ports().get(0);
        port.send(segment.encode(
                network.allocator(),
                new PeerSegment.Ends(
                        port.mac(),
                        port.other().mac(),
                        node.address().v4Bits(),
                        host.subnets().get(0).address().v4Bits(),
                        PEER_PORT,
                        hostPort,
                        INITIAL_SEQUENCE_NUMBER,
                        hostInitial)));
        if (segment.end() - next > 0) {
            next = segment.end();
        }
        network.runFor(Duration.ZERO);
        return this;
    }

    /** Acknowledges all that has come. */
    public TcpPeer sendAck() {
        return send(PeerSegment.of(ACK));
    }

    /** Says that there is no more data. */
    public TcpPeer sendFin() {
        return send(PeerSegment.of(FIN, ACK));
    }

    /** Breaks the connection off. */
    public TcpPeer sendReset() {
        return send(PeerSegment.of(RST, ACK));
    }

    /**
     * Sets the window that the peer says it has, in all segments from now on.
     *
     * @param bytes 0 to 65,535
     */
    public TcpPeer window(int bytes) {
        if (bytes < 0 || bytes > DEFAULT_WINDOW) {
            throw new IllegalArgumentException("window must be 0 to 65,535 bytes: " + bytes);
        }
        window = bytes;
        return this;
    }

    // ------------------------------------------------------------------------------------------------ expecting

    /** The next segment, which must come within a second and have just these flags; PSH is not looked at. */
    public PeerSegment expect(int... flags) {
        PeerSegment segment = next(PATIENCE);
        int wanted = Arrays.stream(flags).reduce(0, (a, b) -> a | b);
        if ((segment.flags() & ~PSH) != (wanted & ~PSH)) {
            throw new AssertionError(
                    "expected [" + TracedPacket.flags(wanted) + "], got " + segment + "; so far:\n" + trace());
        }
        return segment;
    }

    private PeerSegment next(Duration limit) {
        if (!network.runUntil(() -> !arrived.isEmpty(), limit)) {
            throw new AssertionError("no segment within " + limit + "; so far:\n" + trace());
        }
        return arrived.poll();
    }

    /** Exactly this text must come next, in whatever segments; they are not acknowledged. Pure acknowledgements in between are passed over. */
    public TcpPeer expectData(String text) {
        return expectData(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Exactly these bytes must come next, in whatever segments; they are not acknowledged. Pure acknowledgements in between are passed over. */
    public TcpPeer expectData(byte[] bytes) {
        ByteArrayOutputStream got = new ByteArrayOutputStream();
        while (got.size() < bytes.length) {
            PeerSegment segment = next(PATIENCE);
            if (segment.has(RST)) {
                throw new AssertionError("expected data, got " + segment + "; so far:\n" + trace());
            }
            got.writeBytes(segment.data());
        }
        if (!Arrays.equals(got.toByteArray(), bytes)) {
            throw new AssertionError(
                    "expected " + show(bytes) + ", got " + show(got.toByteArray()) + "; so far:\n" + trace());
        }
        return this;
    }

    private static String show(byte[] bytes) {
        return "'" + new String(bytes, StandardCharsets.UTF_8) + "' (" + bytes.length + " bytes)";
    }

    /** The host's FIN must come next, but for pure acknowledgements. */
    public PeerSegment expectFin() {
        return expectLast(FIN);
    }

    /** A reset must come next, but for pure acknowledgements. */
    public PeerSegment expectReset() {
        return expectLast(RST);
    }

    private PeerSegment expectLast(int flag) {
        PeerSegment segment = next(PATIENCE);
        while (segment.flags() == ACK && segment.data().length == 0) {
            segment = next(PATIENCE);
        }
        if (!segment.has(flag)) {
            throw new AssertionError(
                    "expected [" + TracedPacket.flags(flag) + "], got " + segment + "; so far:\n" + trace());
        }
        return segment;
    }

    /** Nothing may come for a time. */
    public TcpPeer expectNothing(Duration duration) {
        network.runFor(duration);
        if (!arrived.isEmpty()) {
            throw new AssertionError("unexpected " + arrived.peek() + "; so far:\n" + trace());
        }
        return this;
    }

    /** Lets time pass, and forgets what comes meanwhile. */
    public TcpPeer runFor(Duration duration) {
        network.runFor(duration);
        arrived.clear();
        return this;
    }

    private void arrive(ByteBuf frame) {
        int at = Packet.network(frame);
        int tcp = at + Ipv4Header.headerLength(frame, at);
        int end = at + Ipv4Header.totalLength(frame, at);
        if (!TcpHeader.isValid(frame, tcp, end - tcp)) {
            return;
        }
        if ((TcpHeader.flags(frame, tcp) & TcpHeader.SYN) != 0 && !hostInitialKnown) {
            hostInitialKnown = true;
            hostInitial = TcpHeader.sequenceNumber(frame, tcp);
            hostPort = TcpHeader.sourcePort(frame, tcp);
        }
        PeerSegment segment = PeerSegment.decode(frame, tcp, end, hostInitial, INITIAL_SEQUENCE_NUMBER);
        if (segment.seq() - received <= 0 && segment.end() - received > 0) {
            received = segment.end();
        }
        arrived.add(segment);
    }

    // ------------------------------------------------------------------------------------------------ the other end

    /** The channel with the handlers. */
    public Channel channel() {
        return channel;
    }

    /** The network, for its time and its report. */
    public VirtualNetwork network() {
        return network;
    }

    /** All segments so far, as tcpdump prints them. */
    public String trace() {
        return network.trace();
    }

    /** Ends the host and the network. */
    @Override
    public void close() {
        network.close();
    }
}
