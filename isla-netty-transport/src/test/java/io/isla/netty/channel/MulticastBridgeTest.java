/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.Commands;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.RequiresProgram;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MulticastSocket;
import java.net.NetworkInterface;
import java.net.StandardSocketOptions;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A bridge of the kernel that listens to IGMPv3 and MLDv2 between the kernel's sockets and a host: who has joined what is in its table. */
@KernelTest
@RequiresProgram("bridge")
@Timeout(60)
class MulticastBridgeTest {
    private static final String BRIDGE = "br7";
    private static final int PORT = 4711;

    private final BlockingQueue<String> received = new LinkedBlockingQueue<>();
    private EventLoopGroup group;
    private IslaDatagramChannel channel;

    @BeforeEach
    void open() throws Exception {
        Commands.run(
                20,
                "ip link add " + BRIDGE + " type bridge mcast_snooping 1 mcast_querier 1 mcast_igmp_version 3"
                        + " mcast_mld_version 2");
        Commands.run(20, "ip address add 10.89.0.1/24 dev " + BRIDGE);
        Commands.run(20, "ip address add 10.89.0.3/24 dev " + BRIDGE);
        Commands.run(20, "ip address add fd89::1/64 dev " + BRIDGE + " nodad");
        Commands.run(20, "ip address add fd89::3/64 dev " + BRIDGE + " nodad");
        TapLink tap = TapLink.builder("port7").open();
        Commands.run(20, "ip link set dev port7 master " + BRIDGE);
        Commands.run(20, "ip link set dev " + BRIDGE + " up");
        IslaHost host = IslaHost.builder()
                .link(tap)
                .address("10.89.0.2/24")
                .address("fd89::2/64")
                .closeWhenUnused(true)
                .build();
        awaitMulticastRoute();
        group = new IslaEventLoopGroup(1, host);
        channel = (IslaDatagramChannel) new Bootstrap()
                .group(group)
                .channel(IslaDatagramChannel.class)
                .handler(new SimpleChannelInboundHandler<DatagramPacket>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
                        received.add(packet.content().toString(StandardCharsets.US_ASCII));
                    }
                })
                .bind(PORT)
                .sync()
                .channel();
    }

    /** The kernel has it a little after the bridge is up. */
    private static void awaitMulticastRoute() throws Exception {
        long start = System.nanoTime();
        while (!Commands.run(20, "ip -6 route show table local").contains("ff00::/8 dev " + BRIDGE)) {
            assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    @AfterEach
    void close() throws Exception {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        Commands.run(20, "ip link delete " + BRIDGE);
    }

    /** Waits until the bridge's table says so. */
    private static void await(String what, Predicate<String> condition) throws Exception {
        long start = System.nanoTime();
        String table = table();
        while (!condition.test(table)) {
            assertThat(System.nanoTime() - start)
                    .as("nanoseconds until %s: %s", what, table)
                    .isLessThan(TimeUnit.SECONDS.toNanos(20));
            TimeUnit.MILLISECONDS.sleep(50);
            table = table();
        }
    }

    private static String table() throws Exception {
        return Commands.run(20, "bridge -d mdb show dev " + BRIDGE);
    }

    /** What the bridge knows of a group at the host's port; empty if nothing. */
    private static String entry(String table, String group) {
        return table.lines()
                .filter(line -> line.contains("port port7") && line.contains("grp " + group + " "))
                .reduce("", (all, line) -> all + line + "\n");
    }

    private void send(String from, String to, String text) throws Exception {
        try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress(from, 0))) {
            socket.setOption(StandardSocketOptions.IP_MULTICAST_IF, NetworkInterface.getByName(BRIDGE));
            byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
            socket.send(new java.net.DatagramPacket(bytes, bytes.length, InetAddress.getByName(to), PORT));
        }
    }

    private String next() throws InterruptedException {
        return received.poll(20, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @CsvSource({"239.7.7.7, 10.89.0.1, 10.89.0.3", "ff15::7, fd89::1, fd89::3"})
    void theBridgeKnowsWhatWasJoinedAndLeft(String group, String source, String other) throws Exception {
        InetAddress address = InetAddress.getByName(group);
        channel.joinGroup(address).sync();
        await("the bridge knows the group", table -> entry(table, group).contains("filter_mode exclude"));
        send(source, group, "first");
        assertThat(next()).isEqualTo("first");
        channel.leaveGroup(address).sync();
        await("the bridge knows that it was left", table -> entry(table, group).isEmpty());

        channel.joinGroup(address, null, InetAddress.getByName(source)).sync();
        await(
                "the bridge knows the source",
                table -> entry(table, group).contains("filter_mode include")
                        && entry(table, group).contains(source));
        send(other, group, "of another");
        send(source, group, "of the source");
        assertThat(next()).isEqualTo("of the source");
        channel.leaveGroup(address, null, InetAddress.getByName(source)).sync();
        await("the bridge knows that it was left", table -> entry(table, group).isEmpty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"239.7.7.8", "ff15::8"})
    void theKernelHearsWhatIsSentToItsGroup(String group) throws Exception {
        NetworkInterface bridge = NetworkInterface.getByName(BRIDGE);
        InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(group), PORT);
        try (MulticastSocket socket = new MulticastSocket(PORT)) {
            socket.setSoTimeout(20_000);
            socket.joinGroup(address, bridge);
            channel.writeAndFlush(new DatagramPacket(
                            Unpooled.copiedBuffer("to the kernel", StandardCharsets.US_ASCII), address))
                    .sync();
            java.net.DatagramPacket packet = new java.net.DatagramPacket(new byte[100], 100);
            socket.receive(packet);
            assertThat(new String(packet.getData(), 0, packet.getLength(), StandardCharsets.US_ASCII))
                    .isEqualTo("to the kernel");
            socket.leaveGroup(address, bridge);
        }
    }
}
