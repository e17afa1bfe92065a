/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.MemoryLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Event loops, the hosts they run, and how they end. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class EventLoopGroupTest {
    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private final ThreadFactory factory = new DefaultThreadFactory("watched") {
        @Override
        protected Thread newThread(Runnable runnable, String name) {
            Thread thread = super.newThread(runnable, name);
            threads.add(thread);
            return thread;
        }
    };

    @AfterEach
    void noThreadIsLeft() throws Exception {
        for (Thread thread : threads) {
            thread.join(TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
            assertThat(thread.isAlive()).isFalse();
        }
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static IslaHost lonely(boolean closeWhenUnused) {
        MemoryLink.Pair link = MemoryLink.pair("lonely", "nobody");
        return IslaHost.builder()
                .link(link.first())
                .address("10.1.0.1/24")
                .closeWhenUnused(closeWhenUnused)
                .build();
    }

    @Test
    void theLastGroupClosesAHostThatIsToBeClosedWhenUnused() throws Exception {
        IslaHost host = lonely(true);
        EventLoopGroup first = new IslaEventLoopGroup(1, factory, host);
        EventLoopGroup second = new IslaEventLoopGroup(2, factory, host);

        first.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
        assertThat(host.isClosed()).isFalse();
        second.next().submit(() -> {}).sync();
        second.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();

        assertThat(host.isClosed()).isTrue();
        assertThatThrownBy(() -> new IslaEventLoopGroup(1, factory, host)).hasStackTraceContaining("host is closed");
    }

    @Test
    void aHostOutlivesItsGroupsUnlessToldOtherwise() throws Exception {
        IslaHost host = lonely(false);
        new IslaEventLoopGroup(1, factory, host)
                .shutdownGracefully(0, 0, TimeUnit.SECONDS)
                .sync();
        assertThat(host.isClosed()).isFalse();

        EventLoopGroup again = new IslaEventLoopGroup(1, factory, host);
        Channel server = new ServerBootstrap()
                .group(again)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new EventLog())
                .bind(80)
                .sync()
                .channel();

        assertThat(server.isActive()).isTrue();
        again.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
        server.closeFuture().sync();
        host.close();
        host.close();
    }

    @Test
    void closingAHostFailsItsConnectionsAndTheLoopsLiveOn() throws Exception {
        EventLog clientLog = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, new EventLog());

        hosts.clientHost.close();

        clientLog.await("unregistered");
        assertThat(clientLog.events()).containsSubsequence("exception", "inactive");
        assertThat(clientLog.exception()).isInstanceOf(IOException.class);
        ConnectedPair.settle(pair.client());
        ChannelFuture connect = hosts.client(new EventLog())
                .connect(pair.server().localAddress())
                .await();
        assertThat(connect.cause()).isInstanceOf(IOException.class);
    }

    @Test
    void aHostHearsOnWhenTheGroupThatHasReceivedShutsDown() throws Exception {
        // One queue of the link receives: that of the first loop there is.
        MemoryLink.Pair link = MemoryLink.pair("several", "peer");
        IslaHost host = IslaHost.builder()
                .link(link.first())
                .address("10.2.0.1/24")
                .closeWhenUnused(true)
                .build();
        IslaHost peer = IslaHost.builder()
                .link(link.second())
                .address("10.2.0.2/24")
                .closeWhenUnused(true)
                .build();
        EventLoopGroup peers = new IslaEventLoopGroup(1, factory, peer);
        EventLoopGroup present = new IslaEventLoopGroup(2, factory, host);
        Bootstrap client = new Bootstrap().group(peers).channel(IslaSocketChannel.class);
        for (int generation = 0; generation < 4; generation++) {
            EventLoopGroup next = new IslaEventLoopGroup(2, factory, host);
            EventLog childLog = new EventLog();
            Channel server = new ServerBootstrap()
                    .group(next)
                    .channel(IslaServerSocketChannel.class)
                    .childHandler(childLog)
                    .bind("10.2.0.1", 0)
                    .sync()
                    .channel();
            Channel early = client.clone()
                    .handler(new EventLog())
                    .connect(server.localAddress())
                    .sync()
                    .channel();

            present.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();

            // What there is goes on, and what is new comes.
            early.writeAndFlush(Unpooled.wrappedBuffer(random(100_000))).sync();
            childLog.awaitBytes(100_000);
            early.close().sync();
            childLog.await("unregistered");
            present = next;
        }
        long received = host.counters().get("LinkRX_FRAMES");
        assertThat(received).isGreaterThan(4 * 5);
        present.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        peers.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    }

    @Test
    void closingAHostClosesItsServersAndDatagramChannelsToo() throws Exception {
        IslaHost host = lonely(false);
        EventLoopGroup group = new IslaEventLoopGroup(2, factory, host);
        EventLog serverLog = new EventLog();
        EventLog reading = new EventLog();
        EventLog notReading = new EventLog();
        new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                .handler(serverLog)
                .childHandler(new EventLog())
                .bind(80)
                .sync();
        Bootstrap datagrams = new Bootstrap().group(group).channel(IslaDatagramChannel.class);
        datagrams.handler(reading).bind(9).sync();
        datagrams
                .clone()
                .handler(notReading)
                .option(ChannelOption.AUTO_READ, false)
                .bind(10)
                .sync();

        host.close();

        for (EventLog log : List.of(serverLog, reading, notReading)) {
            log.await("unregistered");
            assertThat(log.events()).endsWith("exception", "inactive", "unregistered");
            assertThat(log.exception()).hasMessageContaining("closed");
        }
        for (Bootstrap again : List.of(datagrams, datagrams.clone().handler(new EventLog()))) {
            assertThat(again.handler(new EventLog()).bind(11).await().cause())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("closed");
        }
        group.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
    }

    @Test
    void everyConstructorMakesLoopsOfTheGivenHost() throws Exception {
        IslaHost host = lonely(true);
        Executor executor = command -> factory.newThread(command).start();
        List<EventLoopGroup> groups = List.of(
                new IslaEventLoopGroup(1, host),
                new IslaEventLoopGroup(1, factory, host),
                new IslaEventLoopGroup(1, executor, host),
                new IslaEventLoopGroup(1, factory, host, PollStrategy.blocking()),
                new IslaEventLoopGroup(1, executor, host, PollStrategy.adaptive(1_000, 1_000)),
                new MultiThreadIoEventLoopGroup(1, IslaIoHandler.newFactory(host)));
        for (EventLoopGroup group : groups) {
            Channel channel = new Bootstrap()
                    .group(group)
                    .channel(IslaSocketChannel.class)
                    .handler(new EventLog())
                    .register()
                    .sync()
                    .channel();
            channel.close().sync();
        }

        for (EventLoopGroup group : groups) {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }

        assertThat(host.isClosed()).isTrue();
    }

    @Test
    void aLoopCountsItsChannels() throws Exception {
        Channel channel = hosts.client(new EventLog()).register().sync().channel();
        SingleThreadEventLoop loop = (SingleThreadEventLoop) channel.eventLoop();

        assertThat(loop.registeredChannels()).isEqualTo(1);
        channel.close().sync();
        ConnectedPair.onLoop(hosts.client(new EventLog()).register().sync().channel(), () -> null);

        while (loop.registeredChannels() > 1) {
            loop.submit(() -> {}).sync();
        }
    }

    @Test
    void whatWasWrittenArrivesAlthoughTheGroupShutsDown() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_SNDBUF, 1 << 20);
            }

            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_RCVBUF, 8 * 1024).childOption(ChannelOption.AUTO_READ, false);
            }
        });
        byte[] sent = random(1_000_000);
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();

        hosts.clientGroup.shutdownGracefully(100, 10_000, TimeUnit.MILLISECONDS);
        pair.client().closeFuture().sync();
        pair.child().config().setAutoRead(true);

        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
        log.await("inactive");
        assertThat(log.exception()).isNull();
        assertThat(hosts.clientGroup.awaitTermination(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS))
                .isTrue();
    }

    @Test
    void whatCannotBeSentUntilTheShutdownsTimeoutIsReset() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_SNDBUF, 1 << 20);
            }

            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_RCVBUF, 8 * 1024).childOption(ChannelOption.AUTO_READ, false);
            }
        });
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(1_000_000))).sync();

        hosts.clientGroup.shutdownGracefully(100, 500, TimeUnit.MILLISECONDS).sync();

        log.await("unregistered");
        assertThat(log.exception()).isInstanceOf(IOException.class).hasMessageContaining("reset");
    }

    @Test
    void everyChannelHearsOfTheEndOfItsLoop() throws Exception {
        // Without a quiet period the loop may be over before it has looked at the shutdown once.
        for (int i = 0; i < 20; i++) {
            IslaHost host = lonely(true);
            EventLoopGroup group = new IslaEventLoopGroup(1, factory, host);
            EventLog log = new EventLog();
            EventLog serverLog = new EventLog();
            new Bootstrap()
                    .group(group)
                    .channel(IslaSocketChannel.class)
                    .handler(log)
                    .register()
                    .sync();
            new ServerBootstrap()
                    .group(group)
                    .channel(IslaServerSocketChannel.class)
                    .handler(serverLog)
                    .childHandler(new EventLog())
                    .bind(80)
                    .sync();

            group.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();

            assertThat(log.events()).endsWith("unregistered");
            assertThat(serverLog.events()).endsWith("inactive", "unregistered");
        }
    }

    @Test
    void epollChannelsLiveOnTheSameLoop() throws Exception {
        assumeTrue(Epoll.isAvailable());
        EventLoop loop = hosts.serverGroup.next();
        EventLog child = new EventLog();
        EventLog epollClient = new EventLog();
        Channel epollServer = new ServerBootstrap()
                .group(loop)
                .channel(EpollServerSocketChannel.class)
                .childHandler(child)
                .bind("127.0.0.1", 0)
                .sync()
                .channel();
        Channel islaServer = new ServerBootstrap()
                .group(loop)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new EventLog())
                .bind(new InetSocketAddress(TwoHosts.SERVER, 0))
                .sync()
                .channel();

        Channel epoll = new Bootstrap()
                .group(loop)
                .channel(EpollSocketChannel.class)
                .handler(epollClient)
                .connect(epollServer.localAddress())
                .sync()
                .channel();
        Channel isla = TwoHosts.connect(hosts.client(new EventLog()), islaServer);
        epoll.writeAndFlush(Unpooled.wrappedBuffer(random(100_000))).sync();

        child.awaitBytes(100_000);
        assertThat(isla.isActive()).isTrue();
        hosts.serverGroup.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
        epollClient.await("unregistered");
        child.await("unregistered");
    }

    @Test
    void tasksFromOtherThreadsWakeTheLoop() throws Exception {
        EventLoopGroup group = new IslaEventLoopGroup(1, factory, lonely(true), PollStrategy.blocking());

        for (int i = 0; i < 2_000; i++) {
            group.next().submit(() -> {}).get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
        }

        group.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
    }

    @Test
    void anIdleLoopUsesNoProcessor() throws Exception {
        EventLoopGroup group = new IslaEventLoopGroup(1, factory, lonely(true));
        ThreadMXBean beans = ManagementFactory.getThreadMXBean();
        assumeTrue(beans.isThreadCpuTimeSupported());
        group.next().submit(() -> {}).sync();
        long id = threads.get(0).getId();
        long before = beans.getThreadCpuTime(id);

        group.next().schedule(() -> {}, 2, TimeUnit.SECONDS).sync();

        assertThat(beans.getThreadCpuTime(id) - before).isLessThan(TimeUnit.MILLISECONDS.toNanos(100));
        group.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
    }

    @Test
    void aPollStrategyThatThrowsDoesNotEndTheLoop() throws Exception {
        AtomicBoolean thrown = new AtomicBoolean();
        EventLoopGroup group = new IslaEventLoopGroup(1, factory, lonely(true), idleNanos -> {
            if (thrown.compareAndSet(false, true)) {
                throw new IllegalStateException("once");
            }
            return PollStrategy.Action.BLOCK;
        });

        group.next().schedule(() -> {}, 10, TimeUnit.MILLISECONDS).sync();

        assertThat(thrown).isTrue();
        group.next().submit(() -> {}).sync();
        group.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
    }

    @Test
    void whatALoopThatHasJustStartedConnectsHasPortsThatNobodyElseHas() throws Exception {
        MemoryLink.Pair link = MemoryLink.pair("several", "peer");
        IslaHost host = IslaHost.builder()
                .link(link.first())
                .address("10.2.0.1/24")
                // So few that two loops that do not know of each other do not get by.
                .tcp(tcp -> tcp.ephemeralPorts(40_000, 44_799))
                .closeWhenUnused(true)
                .build();
        IslaHost peer = IslaHost.builder()
                .link(link.second())
                .address("10.2.0.2/24")
                .closeWhenUnused(true)
                .build();
        EventLoopGroup peers = new IslaEventLoopGroup(1, factory, peer);
        Channel listening = new ServerBootstrap()
                .group(peers)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new ChannelInboundHandlerAdapter() {
                    @Override
                    public boolean isSharable() {
                        return true;
                    }
                })
                .bind("10.2.0.2", 80)
                .sync()
                .channel();
        EventLoopGroup first = new IslaEventLoopGroup(1, factory, host);
        EventLoopGroup second = null;
        CountDownLatch go = new CountDownLatch(1);
        List<ChannelFuture> connects = new ArrayList<>();
        try {
            connect(first, listening, 1_000, connects);
            for (ChannelFuture connect : connects) {
                connect.sync();
            }
            first.execute(() -> awaitUninterruptibly(go));

            second = new IslaEventLoopGroup(1, factory, host);
            connect(second, listening, 200, connects);
            for (ChannelFuture connect : connects) {
                while (connect.channel().localAddress() == null) {
                    second.next().submit(() -> {}).sync();
                }
            }
            assertThat(ports(connects)).hasSize(connects.size());
            go.countDown();
            // The first says what it has, and flows are shared: a port of the others shows it.
            int port;
            do {
                connect(second, listening, 1, connects);
                Channel last = connects.get(connects.size() - 1).sync().channel();
                port = ((InetSocketAddress) last.localAddress()).getPort();
            } while (port >= 44_500);
            for (int round = 0; round < 3; round++) {
                connect(first, listening, 100, connects);
                connect(second, listening, 100, connects);
            }

            for (ChannelFuture connect : connects) {
                connect.sync();
            }
            assertThat(ports(connects)).hasSize(connects.size());
            assertThat(host.counters().get("OutRsts")).isZero();
        } finally {
            go.countDown();
            first.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
            if (second != null) {
                second.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
            }
            peers.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void connect(EventLoopGroup group, Channel to, int count, List<ChannelFuture> connects) {
        Bootstrap bootstrap = new Bootstrap().group(group).channel(IslaSocketChannel.class);
        for (int i = 0; i < count; i++) {
            connects.add(bootstrap
                    .clone()
                    .handler(new ChannelInboundHandlerAdapter())
                    .connect(to.localAddress()));
        }
    }

    private static Set<Integer> ports(List<ChannelFuture> connects) {
        return connects.stream()
                .map(connect -> ((InetSocketAddress) connect.channel().localAddress()).getPort())
                .collect(Collectors.toSet());
    }
}
