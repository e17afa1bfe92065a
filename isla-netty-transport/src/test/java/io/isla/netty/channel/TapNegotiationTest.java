/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.host.TcpConfiguration;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is agreed on with a real kernel in the SYNs, in each direction: explicit congestion notification and Fast Open. */
@KernelTest
@Timeout(TwoHosts.DEADLINE_SECONDS)
class TapNegotiationTest {
    private static final Path SYSCTL = Path.of("/proc/sys/net/ipv4");
    private static final InetSocketAddress KERNEL = new InetSocketAddress("10.9.0.1", 0);
    private static final InetSocketAddress ISLA = new InetSocketAddress("10.9.0.2", 7000);
    private static final int BYTES = 100_000;

    /** Where the kernel's server listens: at a port of its choice, as one of ours may be that of a socket which is still on its way out. */
    private InetSocketAddress kernelServer;

    private final EventLoopGroup kernel = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private EventLoopGroup isla;
    private IslaHost host;

    private void open(TcpConfiguration.Ecn ecn) throws Exception {
        host = IslaHost.builder()
                .link(TapLink.builder("agree0")
                        .hostAddress(InetAddress.getByName("10.9.0.1"), 24)
                        .open())
                .address("10.9.0.2/24")
                .closeWhenUnused(true)
                .tcp(tcp -> tcp.ecn(ecn))
                .build();
        isla = new IslaEventLoopGroup(1, host);
    }

    @AfterEach
    void close() throws Exception {
        kernel.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        isla.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        assertThat(host.isClosed()).isTrue();
    }

    private static void sysctl(String name, int value) throws IOException {
        Files.writeString(SYSCTL.resolve(name), Integer.toString(value));
    }

    /** A counter of the kernel's in this network namespace. */
    private static long kernelCounter(String name) throws IOException {
        List<String> lines = Files.readAllLines(Path.of("/proc/net/netstat"));
        for (int i = 0; i + 1 < lines.size(); i += 2) {
            List<String> names = List.of(lines.get(i).split(" "));
            int at = names.indexOf(name);
            if (at >= 0) {
                return Long.parseLong(lines.get(i + 1).split(" ")[at]);
            }
        }
        throw new AssertionError("the kernel has no counter " + name);
    }

    /** Sends back what it reads. */
    @Sharable
    private static final class Echo extends ChannelInboundHandlerAdapter {
        private volatile Channel latest;

        @Override
        public void channelActive(ChannelHandlerContext context) {
            latest = context.channel();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message, context.voidPromise());
        }
    }

    /** Completes when all has come back. */
    private static final class Counting extends SimpleChannelInboundHandler<ByteBuf> {
        private final CompletableFuture<Integer> done = new CompletableFuture<>();
        private final int expected;
        private int count;

        Counting(int expected) {
            this.expected = expected;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf message) {
            count += message.readableBytes();
            if (count >= expected) {
                done.complete(count);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            done.completeExceptionally(cause);
        }
    }

    private Echo serveFromKernel() throws Exception {
        Echo echo = new Echo();
        kernelServer = (InetSocketAddress) new ServerBootstrap()
                .group(kernel)
                .channel(EpollServerSocketChannel.class)
                .childHandler(echo)
                .bind(KERNEL)
                .sync()
                .channel()
                .localAddress();
        return echo;
    }

    private Echo serveFromIsla() throws Exception {
        Echo echo = new Echo();
        new ServerBootstrap()
                .group(isla)
                .channel(IslaServerSocketChannel.class)
                .option(ChannelOption.TCP_FASTOPEN, 5)
                .childHandler(echo)
                .bind(ISLA)
                .sync();
        return echo;
    }

    private Channel exchange(Bootstrap bootstrap, InetSocketAddress server, int bytes) throws Exception {
        Counting counting = new Counting(bytes);
        Channel client = bootstrap.handler(counting).register().sync().channel();
        // Before it is connected: with Fast Open, it goes along with the SYN.
        client.write(Unpooled.directBuffer(bytes).writeZero(bytes));
        client.connect(server).sync();
        client.flush();
        assertThat(counting.done.get()).isEqualTo(bytes);
        return client;
    }

    private Bootstrap islaClient() {
        return new Bootstrap().group(isla).channel(IslaSocketChannel.class);
    }

    private Bootstrap kernelClient() {
        return new Bootstrap().group(kernel).channel(EpollSocketChannel.class);
    }

    private static boolean usesEcn(Channel channel) throws Exception {
        return ((IslaSocketChannel) channel).tcpInfo().get().ecn();
    }

    // ------------------------------------------------------------------------------------------------ explicit
    // congestion notification (RFC 3168 §6.1.1)

    @Test
    void ecnIsAgreedOnWhenTheKernelAsks() throws Exception {
        open(TcpConfiguration.Ecn.ACCEPT);
        sysctl("tcp_ecn", 1);
        Echo echo = serveFromIsla();
        exchange(kernelClient(), ISLA, BYTES);
        assertThat(usesEcn(echo.latest)).isTrue();
    }

    @Test
    void ecnIsAgreedOnWhenIslaAsks() throws Exception {
        open(TcpConfiguration.Ecn.REQUEST);
        sysctl("tcp_ecn", 2);
        serveFromKernel();
        assertThat(usesEcn(exchange(islaClient(), kernelServer, BYTES))).isTrue();
    }

    @Test
    void ecnIsNotUsedUnlessBothWantIt() throws Exception {
        open(TcpConfiguration.Ecn.REQUEST);
        sysctl("tcp_ecn", 0);
        serveFromKernel();
        Echo echo = serveFromIsla();
        assertThat(usesEcn(exchange(islaClient(), kernelServer, BYTES))).isFalse();
        exchange(kernelClient(), ISLA, BYTES);
        assertThat(usesEcn(echo.latest)).isFalse();
    }

    @Test
    void ecnIsRefusedWhenItIsOff() throws Exception {
        open(TcpConfiguration.Ecn.OFF);
        sysctl("tcp_ecn", 1);
        Echo echo = serveFromIsla();
        exchange(kernelClient(), ISLA, BYTES);
        assertThat(usesEcn(echo.latest)).isFalse();
    }

    // ------------------------------------------------------------------------------------------------ Fast Open (RFC
    // 7413)

    @Test
    void islaSendsDataInItsSynToAKernel() throws Exception {
        open(TcpConfiguration.Ecn.ACCEPT);
        // Every listener of the kernel's takes part: 0x400.
        sysctl("tcp_fastopen", 0x403);
        serveFromKernel();
        long before = kernelCounter("TCPFastOpenPassive");
        for (int connection = 0; connection < 3; connection++) {
            Bootstrap client = islaClient().option(ChannelOption.TCP_FASTOPEN_CONNECT, true);
            exchange(client, kernelServer, 600).close().sync();
        }
        assertThat(kernelCounter("TCPFastOpenPassive") - before)
                .as("all but the first, which asks for the cookie")
                .isEqualTo(2);
        assertThat(host.counters()).containsEntry("TCPFastOpenActive", 2L);
        assertThat(host.counters().getOrDefault("TCPFastOpenActiveFail", 0L)).isZero();
    }

    @Test
    void islaTakesDataInTheSynOfAKernel() throws Exception {
        open(TcpConfiguration.Ecn.ACCEPT);
        sysctl("tcp_fastopen", 3);
        serveFromIsla();
        long before = kernelCounter("TCPFastOpenActive");
        for (int connection = 0; connection < 3; connection++) {
            Bootstrap client = kernelClient().option(ChannelOption.TCP_FASTOPEN_CONNECT, true);
            exchange(client, ISLA, 600).close().sync();
        }
        assertThat(kernelCounter("TCPFastOpenActive") - before)
                .as("what the kernel calls a success: its data was acknowledged by the SYN-ACK")
                .isEqualTo(2);
        assertThat(host.counters()).containsEntry("TCPFastOpenPassive", 2L);
    }
}
