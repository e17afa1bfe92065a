/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.Link;
import io.isla.netty.link.MemoryLink;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.LogWatch;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A group that is shut down while its channels exchange data that would never end: everybody hears of it, everything is given back, and the next group starts. */
@Timeout(60)
class ShutdownUnderTrafficTest {
    private static final String SERVER = "10.12.0.2";
    private static final String CLIENT = "10.12.0.1";
    private static final int CONNECTIONS = 6;

    /** What a connection has exchanged before its group is shut down, in bytes. */
    private static final long TRAFFIC = 1_000_000;

    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private final LogWatch log = new LogWatch();
    private final AtomicLong exchanged = new AtomicLong();
    private volatile CountDownLatch enough = new CountDownLatch(1);
    private final Queue<ChannelFuture> writes = new ConcurrentLinkedQueue<>();

    @AfterEach
    void nothingIsLeft() throws Exception {
        log.close();
        for (Thread thread : threads) {
            thread.join(TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
            assertThat(thread.isAlive()).isFalse();
        }
        assertThat(log.warnings()).isEmpty();
    }

    private EventLoopGroup group(IslaHost host) {
        return new IslaEventLoopGroup(
                2,
                new DefaultThreadFactory("traffic") {
                    @Override
                    protected Thread newThread(Runnable runnable, String name) {
                        Thread thread = super.newThread(runnable, name);
                        threads.add(thread);
                        return thread;
                    }
                },
                host);
    }

    private static IslaHost host(Link link, String address) {
        return IslaHost.builder()
                .link(link)
                .address(address + "/24")
                .closeWhenUnused(true)
                .build();
    }

    /** Sends back what it reads. */
    @Sharable
    private final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (exchanged.addAndGet(((ByteBuf) message).readableBytes()) >= CONNECTIONS * TRAFFIC) {
                enough.countDown();
            }
            writes.add(context.writeAndFlush(message));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            assertThat(cause).isInstanceOf(IOException.class);
        }
    }

    private ServerBootstrap server(EventLoopGroup group) {
        return new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                .localAddress(new InetSocketAddress(SERVER, 80))
                .childHandler(new Echo());
    }

    /** Connects clients, and has data go round. */
    private List<EventLog> connect(Bootstrap bootstrap) throws Exception {
        List<EventLog> logs = new CopyOnWriteArrayList<>();
        for (int i = 0; i < CONNECTIONS; i++) {
            EventLog events = new EventLog();
            Channel client =
                    bootstrap.clone().handler(events).connect(SERVER, 80).sync().channel();
            client.pipeline().addFirst(new Echo());
            client.writeAndFlush(Unpooled.wrappedBuffer(new byte[200_000]));
            logs.add(events);
        }
        assertThat(enough.await(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
        return logs;
    }

    private static void assertAllHaveHeard(List<EventLog> logs) throws Exception {
        for (EventLog events : logs) {
            events.await("unregistered");
            assertThat(events.events()).containsSubsequence("active", "inactive", "unregistered");
            assertThat(events.count("inactive")).isEqualTo(1);
        }
    }

    private void assertAllWritesAreDone() {
        assertThat(writes).isNotEmpty().allMatch(ChannelFuture::isDone);
        writes.clear();
        exchanged.set(0);
        enough = new CountDownLatch(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 100})
    void theServersGroupEndsAndTheNextOneServesOnTheSameHost(int quietMillis) throws Exception {
        MemoryLink.Pair link = MemoryLink.pair("server", "client");
        IslaHost serverHost =
                IslaHost.builder().link(link.first()).address(SERVER + "/24").build();
        EventLoopGroup clients = group(host(link.second(), CLIENT));
        Bootstrap bootstrap = new Bootstrap().group(clients).channel(IslaSocketChannel.class);
        for (int life = 0; life < 2; life++) {
            EventLoopGroup servers = group(serverHost);
            server(servers).bind().sync();
            List<EventLog> logs = connect(bootstrap);

            long start = System.nanoTime();
            servers.shutdownGracefully(quietMillis, 2_000, TimeUnit.MILLISECONDS)
                    .sync();

            assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(10));
            assertAllHaveHeard(logs);
            assertAllWritesAreDone();
        }
        clients.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        serverHost.close();
    }

    @Test
    void bothGroupsEndAtOnce() throws Exception {
        MemoryLink.Pair link = MemoryLink.pair("server", "client");
        EventLoopGroup servers = group(host(link.first(), SERVER));
        EventLoopGroup clients = group(host(link.second(), CLIENT));
        server(servers).bind().sync();
        List<EventLog> logs = connect(new Bootstrap().group(clients).channel(IslaSocketChannel.class));

        clients.shutdownGracefully(100, 2_000, TimeUnit.MILLISECONDS);
        servers.shutdownGracefully(100, 2_000, TimeUnit.MILLISECONDS);

        assertThat(clients.awaitTermination(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS))
                .isTrue();
        assertThat(servers.awaitTermination(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS))
                .isTrue();
        assertAllHaveHeard(logs);
        assertAllWritesAreDone();
    }

    @Test
    @KernelTest
    void theDeviceIsReleasedAndTheNextHostHasIt() throws Exception {
        EventLoopGroup clients = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        Bootstrap bootstrap = new Bootstrap().group(clients).channel(NioSocketChannel.class);
        for (int life = 0; life < 2; life++) {
            TapLink tap = TapLink.builder("traffic0")
                    .hostAddress(InetAddress.getByName(CLIENT), 24)
                    .open();
            EventLoopGroup servers = group(host(tap, SERVER));
            server(servers).bind().sync();
            List<EventLog> logs = connect(bootstrap);

            servers.shutdownGracefully(100, 2_000, TimeUnit.MILLISECONDS).sync();

            assertThat(NetworkInterface.getByName("traffic0")).isNull();
            assertAllHaveHeard(logs);
            assertAllWritesAreDone();
        }
        clients.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    }
}
