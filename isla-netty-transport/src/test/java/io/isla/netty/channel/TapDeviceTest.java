/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The TAP device goes down, comes up again, and goes away, under channels in use. */
@KernelTest
@Timeout(TwoHosts.DEADLINE_SECONDS)
class TapDeviceTest {
    private static final String DEVICE = "dev0";
    private static final int PORT = 9;

    /** Accepted channels, then what becomes of them. */
    private final BlockingQueue<Object> log = new LinkedBlockingQueue<>();

    private final EventLog serverLog = new EventLog() {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.fireChannelRead(message);
        }
    };
    private EventLoopGroup group;

    @BeforeEach
    void serve() throws Exception {
        IslaHost host = IslaHost.builder()
                .link(TapLink.builder(DEVICE)
                        .hostAddress(InetAddress.getByName("10.8.0.1"), 24)
                        .open())
                .address("10.8.0.2/24")
                .closeWhenUnused(true)
                .build();
        group = new IslaEventLoopGroup(1, host);
        new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                .handler(serverLog)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelActive(ChannelHandlerContext context) {
                                log.add("active");
                            }

                            @Override
                            public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                                log.add(cause);
                            }

                            @Override
                            public void channelInactive(ChannelHandlerContext context) {
                                log.add("inactive");
                            }
                        });
                    }
                })
                .bind(PORT)
                .sync();
    }

    @AfterEach
    void stop() throws Exception {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    }

    private Object next() throws InterruptedException {
        return log.poll(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    private static void ip(String... arguments) throws IOException, InterruptedException {
        String[] command = new String[arguments.length + 1];
        command[0] = "ip";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        Process process = new ProcessBuilder(command).inheritIO().start();
        assertThat(process.waitFor()).as(String.join(" ", command)).isZero();
    }

    @Test
    void connectionsFailWhenTheDeviceGoesDownAndNewOnesWorkWhenItIsUp() throws Exception {
        try (Socket socket = new Socket("10.8.0.2", PORT)) {
            assertThat(socket.isConnected()).isTrue();
            assertThat(next()).isEqualTo("active");
            ip("link", "set", DEVICE, "down");
            assertThat(next()).isInstanceOf(IOException.class).asString().contains(DEVICE);
            assertThat(next()).isEqualTo("inactive");
        }
        ip("link", "set", DEVICE, "up");
        try (Socket socket = new Socket("10.8.0.2", PORT)) {
            assertThat(socket.isConnected()).isTrue();
            assertThat(next()).isEqualTo("active");
        }
    }

    @Test
    void serversAndDatagramChannelsCloseWhenTheDeviceGoesAway() throws Exception {
        EventLog datagramLog = new EventLog();
        Bootstrap bootstrap =
                new Bootstrap().group(group).channel(IslaDatagramChannel.class).handler(datagramLog);
        bootstrap.bind(PORT).sync();

        ip("link", "delete", DEVICE);

        for (EventLog closed : List.of(serverLog, datagramLog)) {
            closed.await("unregistered");
            assertThat(closed.events()).endsWith("exception", "inactive", "unregistered");
            assertThat(closed.exception()).isInstanceOf(IOException.class).hasMessageContaining(DEVICE);
        }
        assertThat(bootstrap.clone().handler(new EventLog()).bind(PORT).await().cause())
                .isInstanceOf(IOException.class)
                .hasMessageContaining(DEVICE);
    }

    @Test
    void serversOutliveADeviceThatIsDownForAWhile() throws Exception {
        ip("link", "set", DEVICE, "down");
        ip("link", "set", DEVICE, "up");

        try (Socket socket = new Socket("10.8.0.2", PORT)) {
            assertThat(socket.isConnected()).isTrue();
            assertThat(next()).isEqualTo("active");
        }
        assertThat(serverLog.events()).doesNotContain("exception", "inactive");
    }

    @Test
    void connectionsFailWhenTheDeviceGoesAwayAndTheLoopLivesOnWithoutSpinning() throws Exception {
        try (Socket socket = new Socket("10.8.0.2", PORT)) {
            assertThat(socket.isConnected()).isTrue();
            assertThat(next()).isEqualTo("active");
            ip("link", "delete", DEVICE);
            assertThat(next()).isInstanceOf(IOException.class).asString().contains(DEVICE);
            assertThat(next()).isEqualTo("inactive");
        }
        assertThat(group.next().submit(() -> "alive").get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS))
                .isEqualTo("alive");
        long thread = group.next().submit(() -> Thread.currentThread().getId()).get();
        java.lang.management.ThreadMXBean threads = java.lang.management.ManagementFactory.getThreadMXBean();
        long before = threads.getThreadCpuTime(thread);
        // A loop that spins would use all of this second.
        group.next().schedule(() -> {}, 1, TimeUnit.SECONDS).sync();
        assertThat(threads.getThreadCpuTime(thread) - before).isLessThan(300_000_000L);
    }
}
