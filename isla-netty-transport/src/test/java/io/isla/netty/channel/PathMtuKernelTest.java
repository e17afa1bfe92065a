/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.Commands;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.RequiresProgram;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A link of 1,300 bytes in the middle of a path whose ends have 1,500. */
@KernelTest
@Timeout(120)
class PathMtuKernelTest {
    private static final int PORT = 9000;
    private static final int BYTES = 2_000_000;

    /** Has a link of 1,300 bytes between the router and an address in the world that believes in 1,500, and says so in its MSS. */
    private static void narrow(RoutedHost isla) throws Exception {
        Commands.run(20, "ip link set dev world0 mtu 1300");
        isla.world.run("ip link set dev eth0 mtu 1300");
        isla.world.run("ip address add 10.85.0.1/32 dev lo");
        isla.world.run("ip address add fd85::1/128 dev lo nodad");
        isla.world.run("ip route change default via 10.91.0.1 advmss 1460");
        isla.world.run("ip -6 route change default via fd91::1 advmss 1440");
        Commands.run(20, "ip route add 10.85.0.0/24 via 10.91.0.2");
        Commands.run(20, "ip -6 route add fd85::/64 via fd91::2");
    }

    /** Has the router know nothing of it: what is too large is lost on the cable without a word. */
    private static void silence() throws Exception {
        Commands.run(20, "ip link set dev world0 mtu 1500");
        // Or else larger packets would pass unsplit, as between two machines they never do.
        Commands.run(20, "ethtool -K world0 tso off gso off");
    }

    /** Receives a connection in the world and stores what comes; the end of the file shows that all has come. */
    private static Process receiver(RoutedHost isla, String address, Path file) throws Exception {
        String listen = address.indexOf(':') < 0 ? "TCP4-LISTEN" : "TCP6-LISTEN";
        Process socat =
                isla.world.start("socat -u " + listen + ":" + PORT + ",reuseaddr OPEN:" + file + ",creat,trunc");
        long start = System.nanoTime();
        while (!isla.world.run("ss -H -l -t -n").contains(":" + PORT)) {
            assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
            TimeUnit.MILLISECONDS.sleep(20);
        }
        return socat;
    }

    private static long send(RoutedHost isla, String address) throws Exception {
        CompletableFuture<Void> closed = new CompletableFuture<>();
        Channel channel = new Bootstrap()
                .group(isla.group)
                .channel(IslaSocketChannel.class)
                .handler(new SimpleChannelInboundHandler<ByteBuf>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext context, ByteBuf message) {}

                    @Override
                    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                        closed.completeExceptionally(cause);
                    }
                })
                .connect(address, PORT)
                .sync()
                .channel();
        long start = System.nanoTime();
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[BYTES])).sync();
        channel.close().sync();
        return System.nanoTime() - start;
    }

    @ParameterizedTest(name = "{0}, offload: {1}")
    @CsvSource({"10.85.0.1, true", "10.85.0.1, false", "fd85::1, true"})
    @RequiresProgram("socat")
    void learnsFromTheRouterWhatThePathCarries(String address, boolean offload, @TempDir Path directory)
            throws Exception {
        RoutedHost isla = new RoutedHost(offload);
        try {
            narrow(isla);
            Path file = directory.resolve("received");
            Process receiver = receiver(isla, address, file);
            send(isla, address);
            assertThat(receiver.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(Files.size(file)).isEqualTo(BYTES);
            boolean v4 = address.indexOf(':') < 0;
            assertThat(isla.host.counters().get(v4 ? "IcmpInDestUnreachs" : "Icmp6InPktTooBigs"))
                    .as("what the router has said")
                    .isPositive();
            isla.expectNoWarnings();
        } finally {
            isla.close();
        }
    }

    @ParameterizedTest(name = "{0}, offload: {1}")
    @CsvSource({"10.85.0.1, true", "10.85.0.1, false", "fd85::1, true"})
    @RequiresProgram({"socat", "ethtool"})
    void findsOutByProbingWhereNobodyTellsIt(String address, boolean offload, @TempDir Path directory)
            throws Exception {
        RoutedHost isla = new RoutedHost(offload);
        try {
            narrow(isla);
            silence();
            Path file = directory.resolve("received");
            Process receiver = receiver(isla, address, file);
            send(isla, address);
            assertThat(receiver.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(Files.size(file)).isEqualTo(BYTES);
            boolean v4 = address.indexOf(':') < 0;
            assertThat(isla.host.counters().get(v4 ? "IcmpInDestUnreachs" : "Icmp6InPktTooBigs"))
                    .as("what routers have said")
                    .isZero();
            assertThat(isla.host.counters().get("TCPMTUPSuccess"))
                    .as("probes that got through")
                    .isPositive();
            isla.expectNoWarnings();
        } finally {
            isla.close();
        }
    }

    /** Datagrams of 1,400 bytes, which no router may split, come back to a channel that is connected to nobody. */
    @Test
    @RequiresProgram("socat")
    void datagramsGetThroughOnceTheRouterHasSaidHowLongTheyMayBe() throws Exception {
        RoutedHost isla = new RoutedHost(true);
        try {
            narrow(isla);
            InetSocketAddress to = new InetSocketAddress("fd85::1", PORT);
            Process echo = isla.world.start("socat UDP6-RECVFROM:" + PORT + ",fork PIPE");
            CompletableFuture<Integer> answer = new CompletableFuture<>();
            Channel channel = new Bootstrap()
                    .group(isla.group)
                    .channel(IslaDatagramChannel.class)
                    .handler(new SimpleChannelInboundHandler<DatagramPacket>() {
                        @Override
                        protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
                            answer.complete(packet.content().readableBytes());
                        }
                    })
                    .bind(0)
                    .sync()
                    .channel();
            // Again and again, as the first is lost, and so are all until somebody listens.
            Future<?> asking = channel.eventLoop()
                    .scheduleAtFixedRate(
                            () -> channel.writeAndFlush(new DatagramPacket(Unpooled.wrappedBuffer(new byte[1400]), to)),
                            0,
                            100,
                            TimeUnit.MILLISECONDS);
            assertThat(answer.get(30, TimeUnit.SECONDS)).isEqualTo(1400);
            asking.cancel(false);
            echo.destroy();
            assertThat(isla.host.counters())
                    .hasEntrySatisfying(
                            "Icmp6InPktTooBigs", told -> assertThat(told).isPositive())
                    .hasEntrySatisfying("Ip6FragOKs", split -> assertThat(split).isPositive());
            isla.expectNoWarnings();
        } finally {
            isla.close();
        }
    }
}
