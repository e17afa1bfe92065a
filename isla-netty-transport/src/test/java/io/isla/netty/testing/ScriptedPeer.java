/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.MacAddress;
import io.isla.netty.sim.VirtualTime;
import io.isla.netty.sim.VirtualWire;
import io.isla.netty.tcp.TcpParameters;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/**
 * A peer that does what a test says, segment by segment, against a real host in virtual time: when this arrives, that is sent. It answers ARP by
 * itself and nothing else.
 */
public final class ScriptedPeer implements AutoCloseable {
    public static final String HOST = "10.0.0.1";
    public static final String PEER = "10.0.0.2";
    private static final long PEER_MAC = 0x02_00_00_00_00_02L;
    private static final int TRACE_LENGTH = 500;
    private static final long DEFAULT_WAIT = Duration.ofMillis(1).toNanos();

    public final VirtualTime time = new VirtualTime();
    public final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
    public final VirtualWire wire;
    public final SimHost host;
    private final IpAddress hostAddress = SimHost.parse(HOST);
    private final IpAddress peerAddress = SimHost.parse(PEER);
    private final long hostMac;
    private final Deque<Segment> arrived = new ArrayDeque<>();
    private final Deque<Traced> trace = new ArrayDeque<>();

    /** The peer's port, and the host's. */
    public int port = 4000;

    public int hostPort = 80;
    /** The peer's initial sequence number; what it sends next; and what it has had from the host. */
    public int iss = 1_000_000;

    public int sndNxt = iss;
    public int rcvNxt;
    /** The host's initial sequence number. */
    public int hostIss;

    /** How long the peer takes to complete a handshake: the host's first measure of the round trip. */
    public Duration handshakeDelay = Duration.ZERO;

    public boolean timestamps;
    public int lastHostTimestamp;
    private final int timestampBase = 50_000;

    public ScriptedPeer() {
        this(new TcpParameters());
    }

    public ScriptedPeer(TcpParameters parameters) {
        this(parameters, 1500);
    }

    public ScriptedPeer(TcpParameters parameters, int mtu) {
        wire = new VirtualWire(time, 7, mtu, false);
        host = new SimHost(time, wire.a(), HOST, parameters, 11, allocator);
        hostMac = MacAddress.locallyAdministered(hostAddress.low() & 0xffff).bits();
        wire.observer((fromHost, t, frame, fate) -> {
            if (fromHost) {
                onFrame(frame, t);
            }
        });
        settle();
    }

    private void onFrame(ByteBuf frame, long t) {
        if (frame.getUnsignedShort(12) == EtherType.ARP
                && ArpHeader.operation(frame, 14) == ArpHeader.REQUEST
                && ArpHeader.targetProtocolAddress(frame, 14) == peerAddress.v4Bits()) {
            ByteBuf reply = Unpooled.directBuffer(42).writeZero(42);
            EthernetHeader.write(reply, 0, hostMac, PEER_MAC, EtherType.ARP);
            ArpHeader.write(reply, 14, ArpHeader.REPLY, PEER_MAC, peerAddress.v4Bits(), hostMac, hostAddress.v4Bits());
            time.schedule(0, () -> wire.injectFromB(reply));
            return;
        }
        Segment segment = Segment.decode(frame, t);
        if (segment != null) {
            trace("host", segment);
            assertThat(segment.checksumGood).as("checksum of %s", segment).isTrue();
            arrived.add(segment);
            if (segment.option(8) != null) {
                lastHostTimestamp = segment.timestampValue();
            }
        }
    }

    /** Sends a segment, the ports filled in, and lets the host process it. */
    public ScriptedPeer send(Segment segment) {
        sendWithoutWaiting(segment);
        settle();
        return this;
    }

    /** Sends a segment; the host has not processed it yet on return. */
    public ScriptedPeer sendWithoutWaiting(Segment segment) {
        segment.sourcePort = port;
        segment.destinationPort = hostPort;
        if (timestamps && segment.option(8) == null) {
            segment.timestamps(timestamp(), lastHostTimestamp);
        }
        segment.time = time.nanoTime();
        trace("peer", segment);
        wire.injectFromB(segment.encode(hostMac, PEER_MAC, hostAddress.v4Bits(), peerAddress.v4Bits()));
        return this;
    }

    /** Sends a segment between other addresses than the host's and the peer's, such as a broadcast address. */
    public void sendBetween(Segment segment, String source, String destination) {
        segment.sourcePort = port;
        segment.destinationPort = hostPort;
        IpAddress to = SimHost.parse(destination);
        long mac = to.isMulticast()
                ? 0x01_00_5e_00_00_00L | to.v4Bits() & 0x7f_ffff
                : destination.endsWith(".255") ? MacAddress.BROADCAST.bits() : hostMac;
        wire.injectFromB(
                segment.encode(mac, PEER_MAC, to.v4Bits(), SimHost.parse(source).v4Bits()));
        settle();
    }

    /** What the peer's timestamp clock shows. */
    public int timestamp() {
        return timestampBase + (int) (time.nanoTime() / 1_000_000);
    }

    /** Sends any IP payload to the host, such as an ICMP message. */
    public void sendIp(int protocol, ByteBuf payload) {
        int length = 20 + payload.readableBytes();
        ByteBuf frame = Unpooled.directBuffer(14 + length).writeZero(34);
        EthernetHeader.write(frame, 0, hostMac, PEER_MAC, EtherType.IPV4);
        frame.setByte(14, 0x45);
        frame.setShort(16, length);
        frame.setByte(22, 64);
        frame.setByte(23, protocol);
        frame.setInt(26, peerAddress.v4Bits());
        frame.setInt(30, hostAddress.v4Bits());
        frame.setShort(24, InternetChecksum.complement(InternetChecksum.sum(frame, 14, 20)));
        frame.writeBytes(payload);
        payload.release();
        wire.injectFromB(frame);
        settle();
    }

    /** Sends an ICMP error about a segment of the host with the given sequence number. */
    public void sendIcmpError(int type, int code, int word, int quotedSequence) {
        ByteBuf icmp = Unpooled.directBuffer(36).writeZero(36);
        icmp.setByte(0, type);
        icmp.setByte(1, code);
        icmp.setInt(4, word);
        icmp.setByte(8, 0x45);
        icmp.setShort(10, 1500);
        icmp.setByte(16, 64);
        icmp.setByte(17, IpProtocol.TCP);
        icmp.setInt(20, hostAddress.v4Bits());
        icmp.setInt(24, peerAddress.v4Bits());
        icmp.setShort(28, hostPort);
        icmp.setShort(30, port);
        icmp.setInt(32, quotedSequence);
        icmp.setShort(2, InternetChecksum.complement(InternetChecksum.sum(icmp, 0, 36)));
        sendIp(IpProtocol.ICMP, icmp);
    }

    /** Lets everything happen that needs no time. */
    public void settle() {
        host.scheduleTurn();
        time.runFor(0);
    }

    /** Lets time pass. */
    public ScriptedPeer after(Duration duration) {
        host.scheduleTurn();
        time.runFor(duration.toNanos());
        return this;
    }

    /** The next segment from the host, which must come within a millisecond. */
    public Segment expect(int... flags) {
        return expectWithin(Duration.ofNanos(DEFAULT_WAIT), flags);
    }

    /** The next segment from the host, which must come within a time, and have just the given flags; PSH is not looked at. */
    public Segment expectWithin(Duration limit, int... flags) {
        host.scheduleTurn();
        if (!time.runUntil(() -> !arrived.isEmpty(), limit.toNanos())) {
            throw new AssertionError("no segment from the host within " + limit + "; so far:\n" + trace());
        }
        Segment segment = arrived.poll();
        int wanted = 0;
        for (int flag : flags) {
            wanted |= flag;
        }
        if (flags.length > 0 && (segment.flags & ~Segment.PSH) != (wanted & ~Segment.PSH)) {
            throw new AssertionError("other flags than expected in " + segment + "; so far:\n" + trace());
        }
        if (SequenceCompare.after(segment.end(), rcvNxt) || segment.has(Segment.SYN)) {
            rcvNxt = segment.end();
        }
        return segment;
    }

    /** Nothing may come from the host for a time. */
    public ScriptedPeer expectNothing(Duration duration) {
        host.scheduleTurn();
        time.runFor(duration.toNanos());
        if (!arrived.isEmpty()) {
            throw new AssertionError("unexpected " + arrived.peek() + "; so far:\n" + trace());
        }
        return this;
    }

    public ScriptedPeer expectNothing() {
        return expectNothing(Duration.ZERO);
    }

    /** Takes all that has come. */
    public List<Segment> drain() {
        settle();
        List<Segment> all = new ArrayList<>(arrived);
        arrived.clear();
        for (Segment segment : all) {
            if (SequenceCompare.after(segment.end(), rcvNxt)) {
                rcvNxt = segment.end();
            }
        }
        return all;
    }

    // ---------------------------------------------------------------- the usual beginnings

    /** Connects to a listener of the host; the SYN can be adorned. Returns the host's end. */
    public SimSocket connect(TcpSettings settings, Consumer<Segment> adornSyn) {
        host.listen(hostPort, 10, settings);
        return connectAgain(adornSyn);
    }

    /** Connects to a listener that is there. */
    public SimSocket connectAgain(Consumer<Segment> adornSyn) {
        int before = host.accepted.size();
        Segment syn = Segment.of(Segment.SYN).seq(iss);
        adornSyn.accept(syn);
        send(syn);
        Segment synAck = expect();
        assertThat(synAck.has(Segment.SYN | Segment.ACK)).as("%s", synAck).isTrue();
        hostIss = synAck.sequence;
        rcvNxt = hostIss + 1;
        sndNxt = iss + 1;
        time.runFor(handshakeDelay.toNanos());
        assertThat(synAck.acknowledgment).isEqualTo(sndNxt);
        send(Segment.of(Segment.ACK).seq(sndNxt).ack(rcvNxt));
        assertThat(host.accepted).as("accepted; %s", trace()).hasSize(before + 1);
        return host.accepted.get(before);
    }

    /** Connects with an MSS of 1000 and no other option. */
    public SimSocket connect() {
        return connect(new TcpSettings(), syn -> syn.mss(1000));
    }

    /** Has the host connect to the peer; returns its end, established. */
    public SimSocket accept(TcpSettings settings, Consumer<Segment> adornSynAck) {
        SimSocket socket = host.connect(peerAddress, port, settings);
        Segment syn = expect();
        assertThat(syn.has(Segment.SYN)).isTrue();
        hostPort = syn.sourcePort;
        hostIss = syn.sequence;
        rcvNxt = hostIss + 1;
        Segment synAck = Segment.of(Segment.SYN, Segment.ACK).seq(iss).ack(rcvNxt);
        adornSynAck.accept(synAck);
        send(synAck);
        sndNxt = iss + 1;
        expect(Segment.ACK);
        return socket;
    }

    /** An acknowledgement of all that has come. */
    public Segment ackAll() {
        return Segment.of(Segment.ACK).seq(sndNxt).ack(rcvNxt);
    }

    /** Data of the peer, which it will count as sent. */
    public Segment nextData(int length) {
        Segment segment =
                Segment.of(Segment.ACK, Segment.PSH).seq(sndNxt).ack(rcvNxt).length(length);
        sndNxt += length;
        return segment;
    }

    public long counter(String name) {
        return host.counter(name);
    }

    /** The last segments, for messages. */
    public String trace() {
        StringBuilder text =
                new StringBuilder("(peer iss " + (iss & 0xffff_ffffL) + ", host iss " + (hostIss & 0xffff_ffffL) + ")");
        trace.forEach(
                traced -> text.append('\n').append(traced.from).append(": ").append(traced.segment));
        return text.toString();
    }

    private void trace(String from, Segment segment) {
        if (trace.size() == TRACE_LENGTH) {
            trace.poll();
        }
        trace.add(new Traced(from, segment));
    }

    private record Traced(String from, Segment segment) {}

    @Override
    public void close() {
        host.close();
        time.runFor(1);
        assertThat(allocator.metric().usedDirectMemory()).as("memory left").isZero();
    }

    /** Comparison of sequence numbers. */
    private static final class SequenceCompare {
        static boolean after(int a, int b) {
            return a - b > 0;
        }
    }
}
