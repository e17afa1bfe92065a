/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.udp;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.ip.IpOutput;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.MemoryLink;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.sim.VirtualTime;
import io.isla.netty.tcp.TcpParameters;
import io.isla.netty.testing.SimHost;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** UDP as RFC 768, RFC 1122 §4.1 and RFC 8200 §8.1 say, packet by packet. */
class UdpStackTest {
    private static final int PORT = 53;
    private static final int PEER_PORT = 4000;
    private static final IpAddress PEER = SimHost.parse("10.0.0.7");
    private static final IpAddress PEER6 = SimHost.parse("fd00::7");

    private final VirtualTime time = new VirtualTime();
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
    private final MemoryLink.Pair link =
            MemoryLink.builder().medium(Link.Medium.IP).offload(true).pair("host", "peer");
    private final OutboundFrame frame = new OutboundFrame();
    private final List<byte[]> fromHost = new ArrayList<>();
    private SimHost host;
    private SimHost other;
    private LinkQueue peer;

    private void open(String address) throws IOException {
        host = new SimHost(time, link.first(), address, new TcpParameters(), 1, allocator);
        peer = link.second().openQueue(new Recorder(), () -> {}, allocator);
        settle();
        fromHost.clear();
    }

    private void openBoth() {
        host = new SimHost(time, link.first(), "10.0.0.1", new TcpParameters(), 1, allocator);
        other = new SimHost(time, link.second(), "10.0.0.2", new TcpParameters(), 2, allocator);
        settle();
    }

    @AfterEach
    void close() {
        if (peer != null) {
            peer.close();
        }
        host.close();
        if (other != null) {
            other.close();
        }
        frame.release();
        link.close();
        assertThat(allocator.metric().usedDirectMemory()).isZero();
    }

    private void settle() {
        host.scheduleTurn();
        if (other != null) {
            other.scheduleTurn();
        }
        time.runFor(0);
        if (peer != null) {
            peer.poll(1000);
        }
    }

    private UdpEndpoint bind(SimHost at, IpAddress local, int port) throws IOException {
        return at.stack().endpoints().open(at.shard(), local, port, false, false, e -> {});
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** A datagram with a good checksum. */
    private ByteBuf datagram(IpAddress source, byte[] payload) {
        int length = UdpHeader.LENGTH + payload.length;
        ByteBuf datagram = Unpooled.directBuffer(length).writeZero(UdpHeader.LENGTH);
        UdpHeader.write(datagram, 0, PEER_PORT, PORT, length, 0);
        datagram.writeBytes(payload);
        int sum = InternetChecksum.add(
                InternetChecksum.pseudoHeader(
                        source.high(),
                        source.low(),
                        host.address().high(),
                        host.address().low(),
                        IpProtocol.UDP,
                        length),
                InternetChecksum.sum(datagram, 0, length));
        UdpHeader.checksum(datagram, 0, InternetChecksum.complementUdp(sum));
        return datagram;
    }

    private void send(IpAddress source, int protocol, ByteBuf payload) {
        IpAddress to = host.address();
        boolean v4 = source.isV4();
        int headerLength = v4 ? Ipv4Header.MIN_LENGTH : Ipv6Header.LENGTH;
        int length = payload.readableBytes();
        ByteBuf packet = Unpooled.directBuffer(headerLength + length).writeZero(headerLength);
        if (v4) {
            Ipv4Header.write(packet, 0, 0, headerLength + length, 1, 0, 64, protocol, source.v4Bits(), to.v4Bits());
            Ipv4Header.fillChecksum(packet, 0);
        } else {
            Ipv6Header.write(packet, 0, 0, 0, length, protocol, 64, source.high(), source.low(), to.high(), to.low());
        }
        packet.writeBytes(payload);
        payload.release();
        frame.reset();
        frame.addPayload(packet, 0, packet.readableBytes());
        peer.transmit(frame);
        peer.flush();
        packet.release();
        settle();
    }

    private long count(UdpCounter counter) {
        return host.counter(counter.toString());
    }

    private static String receive(UdpEndpoint endpoint) {
        UdpDatagram datagram = endpoint.receive();
        if (datagram == null) {
            return null;
        }
        String text = datagram.payload().toString(StandardCharsets.US_ASCII);
        datagram.payload().release();
        return text;
    }

    @Test
    void takesADatagramAndSaysWhereItCameFrom() throws IOException {
        open("10.0.0.1");
        UdpEndpoint endpoint = bind(host, IpAddress.ANY_V6, PORT);
        send(PEER, IpProtocol.UDP, datagram(PEER, text("hello")));
        UdpDatagram datagram = endpoint.receive();
        assertThat(datagram.payload().toString(StandardCharsets.US_ASCII)).isEqualTo("hello");
        assertThat(datagram.source()).isEqualTo(PEER);
        assertThat(datagram.sourcePort()).isEqualTo(PEER_PORT);
        assertThat(datagram.destination()).isEqualTo(host.address());
        assertThat(datagram.destinationPort()).isEqualTo(PORT);
        assertThat(datagram.hopLimit()).isEqualTo(64);
        datagram.payload().release();
        assertThat(count(UdpCounter.IN_DATAGRAMS)).isEqualTo(1);
    }

    @Test
    void dropsAndCountsWhatIsMalformed() throws IOException {
        open("10.0.0.1");
        UdpEndpoint endpoint = bind(host, IpAddress.ANY_V6, PORT);
        for (int length : new int[] {0, 7, 100}) {
            // The length field says less than a header, or more than there is.
            ByteBuf bad = datagram(PEER, text("x"));
            UdpHeader.length(bad, 0, length);
            send(PEER, IpProtocol.UDP, bad);
        }
        send(PEER, IpProtocol.UDP, Unpooled.directBuffer().writeZero(7));
        assertThat(count(UdpCounter.IN_ERRORS)).isEqualTo(4);
        assertThat(endpoint.isReadable()).isFalse();
        assertThat(fromHost).isEmpty();
    }

    @Test
    void ignoresWhatComesAfterTheLengthThatTheHeaderSays() throws IOException {
        open("10.0.0.1");
        UdpEndpoint endpoint = bind(host, IpAddress.ANY_V6, PORT);
        send(PEER, IpProtocol.UDP, datagram(PEER, text("just this")).writeBytes(text(", not this")));
        assertThat(receive(endpoint)).isEqualTo("just this");
    }

    @Test
    void verifiesTheChecksum() throws IOException {
        open("10.0.0.1");
        UdpEndpoint endpoint = bind(host, IpAddress.ANY_V6, PORT);
        ByteBuf bad = datagram(PEER, text("hello"));
        bad.setByte(UdpHeader.LENGTH, 'j');
        send(PEER, IpProtocol.UDP, bad);
        assertThat(endpoint.isReadable()).isFalse();
        assertThat(count(UdpCounter.IN_CSUM_ERRORS)).isEqualTo(1);
        assertThat(count(UdpCounter.IN_ERRORS)).isEqualTo(1);
    }

    @Test
    void mayLackAChecksumOnIpv4() throws IOException {
        open("10.0.0.1");
        UdpEndpoint endpoint = bind(host, IpAddress.ANY_V6, PORT);
        ByteBuf without = datagram(PEER, text("hello"));
        UdpHeader.checksum(without, 0, 0);
        send(PEER, IpProtocol.UDP, without);
        assertThat(receive(endpoint)).isEqualTo("hello");
    }

    @Test
    void mustNotLackAChecksumOnIpv6() throws IOException {
        open("fd00::1");
        UdpEndpoint endpoint = bind(host, IpAddress.ANY_V6, PORT);
        send(PEER6, IpProtocol.UDP, datagram(PEER6, text("good")));
        assertThat(receive(endpoint)).isEqualTo("good");
        ByteBuf without = datagram(PEER6, text("hello"));
        UdpHeader.checksum(without, 0, 0);
        send(PEER6, IpProtocol.UDP, without);
        assertThat(endpoint.isReadable()).isFalse();
        assertThat(count(UdpCounter.IN_CSUM_ERRORS)).isEqualTo(1);
    }

    @Test
    void boundsWhatWaitsAndCountsWhatIsDropped() throws IOException {
        open("10.0.0.1");
        UdpEndpoint endpoint = bind(host, IpAddress.ANY_V6, PORT);
        endpoint.receiveBuffer(3000);
        for (int i = 0; i < 5; i++) {
            send(PEER, IpProtocol.UDP, datagram(PEER, new byte[1000]));
        }
        assertThat(endpoint.dropped()).isEqualTo(3);
        assertThat(count(UdpCounter.RCVBUF_ERRORS)).isEqualTo(3);
        assertThat(count(UdpCounter.IN_DATAGRAMS)).isEqualTo(2);
        assertThat(receive(endpoint)).hasSize(1000);
        send(PEER, IpProtocol.UDP, datagram(PEER, new byte[1000]));
        assertThat(endpoint.dropped()).as("there is room again").isEqualTo(3);
        // Empty ones cost something too.
        for (int i = 0; i < 100; i++) {
            send(PEER, IpProtocol.UDP, datagram(PEER, new byte[0]));
        }
        assertThat(endpoint.dropped()).isGreaterThan(90);
        endpoint.close();
    }

    @Test
    void saysThatNobodyListens() throws IOException {
        open("10.0.0.1");
        send(PEER, IpProtocol.UDP, datagram(PEER, text("hello")));
        assertThat(count(UdpCounter.NO_PORTS)).isEqualTo(1);
        assertThat(fromHost).hasSize(1);
        byte[] error = fromHost.get(0);
        assertThat(error[9]).isEqualTo((byte) IpProtocol.ICMP);
        assertThat(error[20]).as("destination unreachable").isEqualTo((byte) 3);
        assertThat(error[21]).as("port unreachable").isEqualTo((byte) 3);
    }

    /** An ICMP error about what was sent from {@link #PORT} to a port of the peer. */
    private void sendIcmpError(int code, int quotedRemotePort) {
        sendIcmpError(code, 0, quotedRemotePort);
    }

    private void sendPacketTooBig(int mtu) {
        sendIcmpError(4, mtu, PEER_PORT);
    }

    private void sendIcmpError(int code, int word, int quotedRemotePort) {
        ByteBuf icmp = Unpooled.directBuffer(36).writeZero(36);
        icmp.setByte(0, 3);
        icmp.setByte(1, code);
        icmp.setInt(4, word);
        icmp.setByte(8, 0x45);
        icmp.setShort(10, 33);
        icmp.setByte(16, 64);
        icmp.setByte(17, IpProtocol.UDP);
        icmp.setInt(20, host.address().v4Bits());
        icmp.setInt(24, PEER.v4Bits());
        icmp.setShort(28, PORT);
        icmp.setShort(30, quotedRemotePort);
        icmp.setShort(2, InternetChecksum.complement(InternetChecksum.sum(icmp, 0, 36)));
        send(PEER, IpProtocol.ICMP, icmp);
    }

    @Test
    void tellsErrorsToConnectedEndpointsOnly() throws IOException {
        open("10.0.0.1");
        UdpEndpoint endpoint = bind(host, IpAddress.ANY_V6, PORT);
        sendIcmpError(3, PEER_PORT);
        assertThat(endpoint.takeError()).isNull();
        assertThat(count(UdpCounter.ICMP_IGNORED)).isEqualTo(1);

        assertThat(endpoint.connect(PEER, PEER_PORT)).isTrue();
        sendIcmpError(3, PEER_PORT + 1);
        assertThat(endpoint.takeError()).as("about another flow").isNull();
        sendIcmpError(3, PEER_PORT);
        assertThat(endpoint.takeError()).isInstanceOf(PortUnreachableException.class);
        assertThat(endpoint.takeError()).as("told once").isNull();
        sendIcmpError(1, PEER_PORT);
        assertThat(endpoint.takeError()).isInstanceOf(NoRouteToHostException.class);
        endpoint.disconnect();
        sendIcmpError(3, PEER_PORT);
        assertThat(endpoint.takeError()).isNull();
    }

    @Test
    void learnsThePathMtuFromErrorsWhetherOrNotItIsConnected() throws IOException {
        open("10.0.0.1");
        UdpEndpoint endpoint = bind(host, IpAddress.ANY_V6, PORT);
        endpoint.dontFragment(true);
        ByteBuf payload = Unpooled.directBuffer(1400).writeZero(1400);
        assertThat(endpoint.send(PEER, PEER_PORT, payload, 0, 1400, 0, time.nanoTime()))
                .isEqualTo(IpOutput.Result.SENT);
        sendPacketTooBig(1300);
        // Nobody is connected to anybody, so it is no error of the endpoint; but it is known.
        assertThat(endpoint.takeError()).isNull();
        assertThat(endpoint.send(PEER, PEER_PORT, payload, 0, 1400, 0, time.nanoTime()))
                .isEqualTo(IpOutput.Result.TOO_BIG);
        assertThat(endpoint.connect(PEER, PEER_PORT)).isTrue();
        sendPacketTooBig(1200);
        assertThat(endpoint.takeError()).hasMessage("Message too long");
        assertThat(endpoint.send(PEER, PEER_PORT, payload, 0, 1200, 0, time.nanoTime()))
                .isEqualTo(IpOutput.Result.TOO_BIG);
        payload.release();
        assertThat(count(UdpCounter.ICMP_IGNORED)).isZero();
    }

    @Test
    void givesADatagramToTheEndpointThatFitsBest() throws IOException {
        open("10.0.0.1");
        List<UdpEndpoint> all = new ArrayList<>();
        for (IpAddress local : List.of(IpAddress.ANY_V6, host.address(), IpAddress.ANY_V6)) {
            all.add(host.stack().endpoints().open(host.shard(), local, PORT, true, false, e -> {}));
        }
        send(PEER, IpProtocol.UDP, datagram(PEER, text("to the address")));
        assertThat(receive(all.get(1))).isEqualTo("to the address");
        all.get(2).connect(PEER, PEER_PORT);
        send(PEER, IpProtocol.UDP, datagram(PEER, text("to the connected one")));
        assertThat(receive(all.get(2))).isEqualTo("to the connected one");
        all.get(2).connect(PEER, PEER_PORT + 1);
        send(PEER, IpProtocol.UDP, datagram(PEER, text("from another port")));
        assertThat(receive(all.get(1))).isEqualTo("from another port");
    }

    @Test
    void segmentedSendsArriveAsDatagramsWhetherOrNotTheLinkJoinsThem() throws IOException {
        openBoth();
        UdpEndpoint receiver = bind(other, IpAddress.ANY_V6, PORT);
        receiver.receiveBuffer(1 << 20);
        UdpEndpoint sender = bind(host, IpAddress.ANY_V6, 0);
        ByteBuf payload = Unpooled.directBuffer(100_050);
        for (int i = 0; i < 100_050; i++) {
            payload.writeByte(i / 1000);
        }
        // More than fits into one IP packet.
        IpOutput.Result result =
                sender.send(other.address(), PORT, payload, 0, payload.readableBytes(), 1000, time.nanoTime());
        payload.release();
        assertThat(result).isEqualTo(IpOutput.Result.SENT);
        settle();
        for (int i = 0; i <= 100; i++) {
            UdpDatagram datagram = receiver.receive();
            assertThat(datagram).as("datagram %s", i).isNotNull();
            assertThat(datagram.payload().readableBytes()).isEqualTo(i < 100 ? 1000 : 50);
            assertThat(datagram.payload().getByte(0)).isEqualTo((byte) i);
            datagram.payload().release();
        }
        assertThat(receiver.isReadable()).isFalse();
    }

    @Test
    void segmentsThatTheLinkDoesNotCarryAreRefused() throws IOException {
        openBoth();
        UdpEndpoint sender = bind(host, IpAddress.ANY_V6, 0);
        ByteBuf payload = Unpooled.directBuffer(8000).writeZero(8000);
        assertThat(sender.send(other.address(), PORT, payload, 0, 8000, 2000, time.nanoTime()))
                .isEqualTo(IpOutput.Result.TOO_BIG);
        sender.dontFragment(true);
        assertThat(sender.send(other.address(), PORT, payload, 0, 8000, 0, time.nanoTime()))
                .isEqualTo(IpOutput.Result.TOO_BIG);
        payload.release();
        assertThat(count(UdpCounter.OUT_ERRORS)).isEqualTo(2);
    }

    private final class Recorder implements LinkReceiver {
        @Override
        public void onFrame(InboundFrame inbound) {
            byte[] bytes = new byte[inbound.length()];
            inbound.buffer().getBytes(inbound.offset(), bytes);
            fromHost.add(bytes);
        }

        @Override
        public void onLinkFailure(IOException cause) {
            throw new AssertionError(cause);
        }
    }
}
