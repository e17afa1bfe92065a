/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.unix.SegmentedDatagramPacket;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MulticastSocket;
import java.net.NetworkInterface;
import java.net.PortUnreachableException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The kernel's datagram sockets on the other end of a TAP. */
@KernelTest
@Timeout(TwoHosts.DEADLINE_SECONDS)
class TapDatagramTest {
    private static final String KERNEL = "10.9.1.1";
    private static final String HOST = "10.9.1.2";

    private final DatagramLog log = new DatagramLog();
    private EventLoopGroup group;

    @BeforeEach
    void open() throws Exception {
        IslaHost host = IslaHost.builder()
                .link(TapLink.builder("udp0")
                        .hostAddress(InetAddress.getByName(KERNEL), 24)
                        .open())
                .address(HOST + "/24")
                .closeWhenUnused(true)
                .build();
        group = new IslaEventLoopGroup(2, host);
    }

    @AfterEach
    void close() throws Exception {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    }

    private Bootstrap bootstrap() {
        return new Bootstrap()
                .group(group)
                .channel(IslaDatagramChannel.class)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(65_536))
                .handler(log);
    }

    private static DatagramSocket kernelSocket() throws Exception {
        DatagramSocket socket = new DatagramSocket(0, InetAddress.getByName(KERNEL));
        socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
        return socket;
    }

    private static String receive(DatagramSocket socket) throws Exception {
        DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
        socket.receive(packet);
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.ISO_8859_1);
    }

    private static io.netty.channel.socket.DatagramPacket packet(String text, InetSocketAddress to) {
        return new io.netty.channel.socket.DatagramPacket(Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1), to);
    }

    @Test
    void datagramsOfAllSizesGoBothWays() throws Exception {
        Channel channel = bootstrap().bind(0).sync().channel();
        int port = ((InetSocketAddress) channel.localAddress()).getPort();
        try (DatagramSocket socket = kernelSocket()) {
            InetSocketAddress kernel = (InetSocketAddress) socket.getLocalSocketAddress();
            for (int size : new int[] {0, 1, 1472, 1473, 9000, 65_507}) {
                String text = "x".repeat(size);
                channel.writeAndFlush(packet(text, kernel)).sync();
                assertThat(receive(socket)).as("%s bytes out", size).hasSize(size);
                byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
                socket.send(new DatagramPacket(bytes, size, new InetSocketAddress(HOST, port)));
                DatagramLog.Received received = log.next();
                assertThat(received.text()).as("%s bytes in", size).hasSize(size);
                assertThat(received.sender()).isEqualTo(kernel);
            }
        }
    }

    @Test
    void segmentedPacketsReachTheKernelAsDatagrams() throws Exception {
        Channel channel = bootstrap().bind(0).sync().channel();
        try (DatagramSocket socket = kernelSocket()) {
            channel.writeAndFlush(new SegmentedDatagramPacket(
                            Unpooled.copiedBuffer(
                                    "a".repeat(1000) + "b".repeat(1000) + "c", StandardCharsets.ISO_8859_1),
                            1000,
                            (InetSocketAddress) socket.getLocalSocketAddress()))
                    .sync();
            assertThat(receive(socket)).isEqualTo("a".repeat(1000));
            assertThat(receive(socket)).isEqualTo("b".repeat(1000));
            assertThat(receive(socket)).isEqualTo("c");
        }
    }

    @Test
    void theKernelSaysThatNobodyListens() throws Exception {
        Channel channel = bootstrap().connect(KERNEL, 9).sync().channel();
        channel.writeAndFlush(Unpooled.copiedBuffer("anybody?", StandardCharsets.ISO_8859_1))
                .sync();
        assertThat(log.nextException()).isInstanceOf(PortUnreachableException.class);
        assertThat(channel.isActive()).isTrue();
    }

    @Test
    void theKernelIsToldThatNobodyListens() throws Exception {
        try (DatagramSocket socket = kernelSocket()) {
            socket.connect(new InetSocketAddress(HOST, 9));
            socket.send(new DatagramPacket(new byte[1], 1));
            assertThatThrownBy(() -> receive(socket)).isInstanceOf(PortUnreachableException.class);
        }
    }

    @Test
    void aBroadcastReachesTheKernel() throws Exception {
        Channel channel = bootstrap()
                .option(ChannelOption.SO_BROADCAST, true)
                .bind(0)
                .sync()
                .channel();
        try (DatagramSocket socket = new DatagramSocket(0)) {
            socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
            channel.writeAndFlush(packet("all", new InetSocketAddress("10.9.1.255", socket.getLocalPort())))
                    .sync();
            assertThat(receive(socket)).isEqualTo("all");
        }
    }

    @Test
    void groupsAreSharedWithTheKernel() throws Exception {
        InetAddress group = InetAddress.getByName("239.1.2.3");
        IslaDatagramChannel channel =
                (IslaDatagramChannel) bootstrap().bind(0).sync().channel();
        channel.joinGroup(group).sync();
        NetworkInterface tap = NetworkInterface.getByName("udp0");
        try (MulticastSocket socket = new MulticastSocket(0)) {
            socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
            socket.setNetworkInterface(tap);
            socket.send(new DatagramPacket(
                    new byte[] {'i', 'n'},
                    2,
                    new InetSocketAddress(group, channel.localAddress().getPort())));
            assertThat(log.next().text()).isEqualTo("in");

            socket.joinGroup(new InetSocketAddress(group, 0), tap);
            channel.writeAndFlush(packet("out", new InetSocketAddress(group, socket.getLocalPort())))
                    .sync();
            assertThat(receive(socket)).isEqualTo("out");
        }
    }
}
