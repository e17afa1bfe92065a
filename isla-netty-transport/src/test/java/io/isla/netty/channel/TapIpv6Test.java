/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.isla.netty.host.IslaHost;
import io.isla.netty.host.IslaHostAddress;
import io.isla.netty.host.IslaHostListener;
import io.isla.netty.link.TapLink;
import io.isla.netty.link.TapLinkBuilder;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import java.io.File;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** IPv6 between channels and the kernel's programs, over a TAP with a queue for each loop. */
@KernelTest
@Timeout(40)
class TapIpv6Test {
    private static final String KERNEL = "fd96::1";
    private static final String OWN = "fd96::2";
    private static final int PORT = 8080;

    /** Whether new devices wait until their addresses are found to be free: here, that costs a second or two each time. */
    private static final Path ACCEPT_DAD = Path.of("/proc/sys/net/ipv6/conf/default/accept_dad");

    private static String acceptDad;
    private final BlockingQueue<Object> log = new LinkedBlockingQueue<>();
    private IslaHost host;
    private EventLoopGroup group;

    @BeforeAll
    static void doNotWait() throws Exception {
        acceptDad = Files.readString(ACCEPT_DAD);
        Files.writeString(ACCEPT_DAD, "0");
    }

    @AfterAll
    static void waitAgain() throws Exception {
        Files.writeString(ACCEPT_DAD, acceptDad);
    }

    private static TapLinkBuilder tap() throws Exception {
        return TapLink.builder("v6tap0").queues(2).hostAddress(InetAddress.getByName(KERNEL), 64);
    }

    private void open() throws Exception {
        host = IslaHost.builder()
                .link(tap().open())
                .address(OWN + "/64")
                .gateway(KERNEL)
                .closeWhenUnused(true)
                .build();
        group = new IslaEventLoopGroup(2, host);
    }

    @AfterEach
    void close() throws Exception {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        assertThat(host.isClosed()).isTrue();
    }

    /** Runs a program of the system and returns what it prints. */
    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor())
                .as(String.join(" ", command) + "\n" + output)
                .isZero();
        return output;
    }

    /** A server that speaks just enough HTTP for curl. */
    private void serve(String address) throws Exception {
        new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelRead(ChannelHandlerContext context, Object message) {
                                ((ByteBuf) message).release();
                                String body = "x".repeat(100_000);
                                context.writeAndFlush(Unpooled.copiedBuffer(
                                                "HTTP/1.1 200 OK\r\nContent-Length: " + body.length()
                                                        + "\r\nConnection: close\r\n\r\n" + body,
                                                StandardCharsets.US_ASCII))
                                        .addListener(ChannelFutureListener.CLOSE);
                            }
                        });
                    }
                })
                .bind(new InetSocketAddress(address, PORT))
                .sync();
    }

    private void curl(String address) throws Exception {
        assertThat(run("curl", "-6", "-g", "-s", "-S", "-m", "10", "http://[" + address + "]:" + PORT + "/"))
                .hasSize(100_000);
    }

    @Test
    void curlGetsPagesOverIpv6FromBothLoops() throws Exception {
        open();
        serve("::");
        for (int i = 0; i < 8; i++) {
            curl(OWN);
        }
    }

    @Test
    void aChannelConnectsToTheKernel() throws Exception {
        open();
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getByName(KERNEL))) {
            for (int i = 0; i < 4; i++) {
                Channel channel = new Bootstrap()
                        .group(group)
                        .channel(IslaSocketChannel.class)
                        .handler(new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelRead(ChannelHandlerContext context, Object message) {
                                log.add(((ByteBuf) message).toString(StandardCharsets.US_ASCII));
                                ((ByteBuf) message).release();
                            }
                        })
                        .connect(new InetSocketAddress(KERNEL, server.getLocalPort()))
                        .sync()
                        .channel();
                try (Socket accepted = server.accept()) {
                    assertThat(accepted.getRemoteSocketAddress()).isEqualTo(channel.localAddress());
                    accepted.getOutputStream().write("hello".getBytes(StandardCharsets.US_ASCII));
                    assertThat(log.poll(10, TimeUnit.SECONDS)).isEqualTo("hello");
                    channel.close().sync();
                    assertThat(accepted.getInputStream().read()).isEqualTo(-1);
                }
            }
        }
    }

    @Test
    void datagramsOfAllSizesGoBothWays() throws Exception {
        open();
        DatagramLog received = new DatagramLog();
        Channel channel = new Bootstrap()
                .group(group)
                .channel(IslaDatagramChannel.class)
                .option(
                        io.netty.channel.ChannelOption.RECVBUF_ALLOCATOR,
                        new io.netty.channel.FixedRecvByteBufAllocator(65_536))
                .handler(received)
                .bind(0)
                .sync()
                .channel();
        int port = ((InetSocketAddress) channel.localAddress()).getPort();
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getByName(KERNEL))) {
            socket.setSoTimeout(30_000);
            InetSocketAddress kernel = (InetSocketAddress) socket.getLocalSocketAddress();
            for (int size : new int[] {0, 1, 1452, 1453, 9000, 65_000}) {
                channel.writeAndFlush(new io.netty.channel.socket.DatagramPacket(
                                Unpooled.copiedBuffer("x".repeat(size), StandardCharsets.US_ASCII), kernel))
                        .sync();
                DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
                socket.receive(packet);
                assertThat(packet.getLength()).isEqualTo(size);
                socket.send(new DatagramPacket(new byte[size], size, new InetSocketAddress(OWN, port)));
                DatagramLog.Received back = received.next();
                assertThat(back.text()).hasSize(size);
                assertThat(back.sender()).isEqualTo(kernel);
            }
        }
    }

    @Test
    void theKernelPingsWithPacketsOfAllSizes() throws Exception {
        open();
        serve("::");
        for (String size : new String[] {"56", "1452", "20000"}) {
            assertThat(run("ping", "-6", "-n", "-c", "5", "-i", "0.05", "-w", "10", "-s", size, OWN))
                    .contains("5 received");
        }
    }

    @Test
    void theHostConfiguresItselfFromRouterAdvertisements(@TempDir File directory) throws Exception {
        assumeTrue(new File("/usr/sbin/radvd").canExecute(), "radvd is not installed (apt-get install radvd)");
        host = IslaHost.builder()
                .link(tap().open())
                .slaac(true)
                .closeWhenUnused(true)
                .build();
        host.addListener(new IslaHostListener() {
            @Override
            public void addressAdded(IslaHost told, IslaHostAddress address) {
                log.add(address);
            }
        });
        group = new IslaEventLoopGroup(2, host);
        run("ip", "-6", "address", "add", "fd95::1/64", "dev", "v6tap0", "nodad");
        run("ip", "-6", "address", "add", "2001:db8:99::1/64", "dev", "lo", "nodad");
        File configuration = new File(directory, "radvd.conf");
        Files.writeString(configuration.toPath(), """
                interface v6tap0 {
                    AdvSendAdvert on;
                    MinRtrAdvInterval 3;
                    MaxRtrAdvInterval 4;
                    prefix fd95::/64 { };
                    RDNSS fd95::53 { };
                };
                """);
        Process radvd = new ProcessBuilder(
                        "radvd", "-n", "-C", configuration.toString(), "-p", new File(directory, "pid").toString())
                .redirectErrorStream(true)
                .redirectOutput(new File(directory, "log"))
                .start();
        try {
            serve("::");
            InetAddress own = null;
            while (own == null || own.isLinkLocalAddress()) {
                IslaHostAddress added = (IslaHostAddress) log.poll(20, TimeUnit.SECONDS);
                assertThat(added).as("an address").isNotNull();
                own = added.address();
            }
            assertThat(own.getHostAddress()).startsWith("fd95:");
            assertThat(host.nameServers()).containsExactly(InetAddress.getByName("fd95::53"));
            for (int i = 0; i < 4; i++) {
                curl(own.getHostAddress());
            }
            // By way of the router, from either loop.
            try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getByName("2001:db8:99::1"))) {
                for (int i = 0; i < 4; i++) {
                    Channel channel = new Bootstrap()
                            .group(group)
                            .channel(IslaSocketChannel.class)
                            .handler(new ChannelInboundHandlerAdapter())
                            .connect(new InetSocketAddress("2001:db8:99::1", server.getLocalPort()))
                            .sync()
                            .channel();
                    assertThat(((InetSocketAddress) channel.localAddress()).getAddress())
                            .isEqualTo(own);
                    server.accept().close();
                    channel.close().sync();
                }
            }
        } finally {
            radvd.destroy();
            radvd.waitFor();
        }
    }
}
