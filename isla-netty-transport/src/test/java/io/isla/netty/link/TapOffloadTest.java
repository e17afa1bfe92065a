/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static io.isla.netty.link.IpCommand.ip;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.TapBench.Received;
import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.TcpHeader;
import io.isla.netty.wire.UdpHeader;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.SegmentedDatagramPacket;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Frames larger than the MTU, to and from the kernel's own TCP and UDP. */
@KernelTest
class TapOffloadTest {
    private static final int PORT = 7000;

    private record Addresses(String host, int prefixLength, String isla, int ipHeader) {
        static Addresses of(int version) {
            return version == 4
                    ? new Addresses("10.98.0.1", 24, "10.98.0.2", 20)
                    : new Addresses("fd00:98::1", 64, "fd00:98::2", 40);
        }
    }

    private static TapBench open(Addresses addresses, boolean offload) throws Exception {
        TapLink link = TapLink.builder("tap1")
                .hostAddress(InetAddress.getByName(addresses.host), addresses.prefixLength)
                .offload(offload)
                .open();
        assertThat(link.isOffloading()).isEqualTo(offload);
        ip("neighbor add " + addresses.isla + " lladdr 02:00:00:00:00:02 dev tap1");
        awaitLocal(addresses.host);
        return new TapBench(link, addresses.isla);
    }

    /** The kernel takes an IPv6 address for its own a little after it was added: what came before would be dropped. */
    private static void awaitLocal(String address) throws Exception {
        String family = address.indexOf(':') < 0 ? "-4" : "-6";
        long start = System.nanoTime();
        while (!ip(family + " route show table local").contains("local " + address + " dev tap1")) {
            assertThat(System.nanoTime() - start)
                    .as("nanoseconds until " + address + " is local")
                    .isLessThan(TimeUnit.SECONDS.toNanos(10));
        }
    }

    private static byte[] random(int bytes) {
        byte[] payload = new byte[bytes];
        new Random(bytes).nextBytes(payload);
        return payload;
    }

    private static void addPayload(OutboundFrame frame, ByteBuf payload) {
        // Slices of odd lengths.
        int bytes = payload.writerIndex();
        frame.addPayload(payload, 0, 777);
        frame.addPayload(payload, 777, 20_001);
        frame.addPayload(payload, 20_778, bytes - 20_778);
    }

    @ParameterizedTest(name = "IPv{0}, offload: {1}")
    @CsvSource({"4, true", "4, false", "6, true", "6, false"})
    void carriesSuperSegmentsOfTcpBothWays(int version, boolean offload) throws Exception {
        Addresses addresses = Addresses.of(version);
        ByteBuf outbound = Unpooled.directBuffer().writeBytes(random(60_000));
        try (TapBench bench = open(addresses, offload);
                Socket socket = new Socket()) {
            socket.setSoLinger(true, 0);
            socket.setSoTimeout(10_000);
            CompletableFuture<Void> connected = CompletableFuture.runAsync(() -> {
                try {
                    socket.connect(new InetSocketAddress(addresses.isla, PORT), 10_000);
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            Received syn = bench.await(tcp(TcpHeader.SYN));
            int tcp = TestFrames.transportOffset(syn.bytes());
            int theirs = TcpHeader.sequenceNumber(syn.bytes(), tcp) + 1;
            Flow flow = bench.flow(PORT, addresses.host, TcpHeader.sourcePort(syn.bytes(), tcp));
            bench.send(frame -> TestFrames.tcp(frame, flow, 999, theirs, TcpHeader.SYN | TcpHeader.ACK));
            connected.get(10, TimeUnit.SECONDS);

            // Out: the kernel's TCP accepts every byte, so each checksum was right.
            bench.send(frame -> {
                addPayload(frame, outbound);
                TestFrames.tcp(frame, flow, 1000, theirs, TcpHeader.ACK | TcpHeader.PSH);
                frame.requestSegmentation(version == 4 ? SegmentationType.TCP_V4 : SegmentationType.TCP_V6, 1000);
            });
            assertThat(socket.getInputStream().readNBytes(60_000)).isEqualTo(random(60_000));
            // What the peer has of MSS, and no option in the SYN-ACK to say otherwise: RFC 9293 MUST-15.
            int mss = version == 4 ? 536 : 1220;
            assertThat(bench.queue.count(LinkCounter.TX_FRAMES)).isEqualTo(offload ? 2 : 61);

            // In: the initial window has room for ten segments.
            boolean joined = false;
            byte[] inbound = random(10 * mss);
            socket.getOutputStream().write(inbound);
            byte[] received = new byte[inbound.length];
            for (int done = 0; done < received.length; ) {
                Received segment = bench.await(frame -> tcpPayload(frame) > 0);
                ByteBuf bytes = segment.bytes();
                int length = tcpPayload(bytes);
                int at = TcpHeader.sequenceNumber(bytes, tcp) - theirs;
                bytes.getBytes(bytes.writerIndex() - length, received, at, length);
                done += length;
                if (length > mss) {
                    joined = true;
                    assertThat(segment.segmentation())
                            .isEqualTo(version == 4 ? SegmentationType.TCP_V4 : SegmentationType.TCP_V6);
                    assertThat(segment.segmentSize()).isEqualTo(mss);
                } else {
                    assertThat(segment.segmentation()).isEqualTo(SegmentationType.NONE);
                }
                assertThat(segment.checksum())
                        .isEqualTo(offload ? InboundFrame.Checksum.PARTIAL : InboundFrame.Checksum.UNKNOWN);
                assertThat(offload || TestFrames.isIntact(bytes)).isTrue();
            }
            assertThat(received).isEqualTo(inbound);
            assertThat(joined).as("segments came joined").isEqualTo(offload);
        } finally {
            outbound.release();
        }
    }

    private static Predicate<ByteBuf> tcp(int flags) {
        return frame -> TestFrames.protocol(frame) == IpProtocol.TCP
                && TcpHeader.flags(frame, TestFrames.transportOffset(frame)) == flags;
    }

    private static int tcpPayload(ByteBuf frame) {
        if (TestFrames.protocol(frame) != IpProtocol.TCP) {
            return 0;
        }
        int tcp = TestFrames.transportOffset(frame);
        return frame.writerIndex() - tcp - TcpHeader.headerLength(frame, tcp);
    }

    @ParameterizedTest(name = "IPv{0}, offload: {1}, datagrams of {2} bytes")
    @CsvSource({"4, true, 1200", "4, false, 1200", "6, true, 1200", "6, false, 1200", "4, true, 400"})
    void sendsManyDatagramsAsOneFrame(int version, boolean offload, int size) throws Exception {
        // 50 and a bit fit into what the kernel can split; 150 do not, and are split before.
        Addresses addresses = Addresses.of(version);
        ByteBuf outbound = Unpooled.directBuffer().writeBytes(random(60_500));
        try (TapBench bench = open(addresses, offload);
                DatagramSocket socket = new DatagramSocket(new InetSocketAddress(addresses.host, 0))) {
            socket.setReceiveBufferSize(1 << 20);
            socket.setSoTimeout(10_000);
            Flow flow = bench.flow(PORT, addresses.host, socket.getLocalPort());
            bench.send(frame -> {
                addPayload(frame, outbound);
                TestFrames.udp(frame, flow);
                frame.requestSegmentation(SegmentationType.UDP, size);
            });

            ByteBuf received = Unpooled.buffer();
            int count = 0;
            for (; received.readableBytes() < 60_500; count++) {
                DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
                socket.receive(packet);
                assertThat(packet.getLength()).isEqualTo(Math.min(size, 60_500 - received.readableBytes()));
                received.writeBytes(packet.getData(), 0, packet.getLength());
            }
            assertThat(ByteBufUtil.getBytes(received)).isEqualTo(random(60_500));
            boolean byKernel = offload && size == 1200 && bench.link.isOffloadingUdp();
            assertThat(bench.queue.count(LinkCounter.TX_FRAMES)).isEqualTo(byKernel ? 1 : count);
        } finally {
            outbound.release();
        }
    }

    @ParameterizedTest(name = "IPv{0}, offload: {1}")
    @CsvSource({"4, true", "4, false", "6, true", "6, false"})
    void receivesManyDatagramsAsOneFrame(int version, boolean offload) throws Exception {
        Addresses addresses = Addresses.of(version);
        MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        try (TapBench bench = open(addresses, offload)) {
            Channel host = new Bootstrap()
                    .group(group)
                    .channel(EpollDatagramChannel.class)
                    .handler(new ChannelInboundHandlerAdapter())
                    .bind(addresses.host, 0)
                    .sync()
                    .channel();
            byte[] payload = random(10_500);
            host.writeAndFlush(new SegmentedDatagramPacket(
                            Unpooled.directBuffer().writeBytes(payload),
                            1000,
                            new InetSocketAddress(addresses.isla, PORT)))
                    .sync();

            ByteBuf received = Unpooled.buffer();
            while (received.readableBytes() < payload.length) {
                Received datagram = bench.await(TapBench.to(IpProtocol.UDP, PORT));
                ByteBuf bytes = datagram.bytes();
                int data = TestFrames.transportOffset(bytes) + UdpHeader.LENGTH;
                received.writeBytes(bytes, data, bytes.writerIndex() - data);
                boolean joined = offload && bench.link.isOffloadingUdp();
                assertThat(datagram.segmentation()).isEqualTo(joined ? SegmentationType.UDP : SegmentationType.NONE);
                assertThat(datagram.segmentSize()).isEqualTo(joined ? 1000 : 0);
                assertThat(bytes.writerIndex() - data)
                        .isEqualTo(joined ? 10_500 : received.readableBytes() == 10_500 ? 500 : 1000);
            }
            assertThat(ByteBufUtil.getBytes(received)).isEqualTo(payload);
            host.close().sync();
        } finally {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
        }
    }
}
