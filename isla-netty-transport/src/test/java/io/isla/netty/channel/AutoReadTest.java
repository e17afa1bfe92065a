/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.wire.TcpHeader;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.DatagramPacket;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading on and off, and what a channel that does not read costs. */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class AutoReadTest {
    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    @RegisterExtension
    final WatchedHosts watched = new WatchedHosts();

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    @Test
    void switchedByThreeThreadsWhileDataComesNothingIsLostAndNothingStops() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, new ConnectedPair.Setup() {
            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.childOption(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(1_000));
            }
        });
        byte[] sent = random(2_000_000);
        AtomicBoolean stop = new AtomicBoolean();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Thread thread = new Thread(() -> {
                while (!stop.get()) {
                    pair.child().config().setAutoRead(false);
                    Thread.yield();
                    pair.child().config().setAutoRead(true);
                    Thread.yield();
                }
            });
            thread.start();
            threads.add(thread);
        }
        try {
            pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent));
            log.awaitBytes(sent.length / 4);
        } finally {
            stop.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
        }
        // The last switch of each was to on.
        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
    }

    /**
     * As with epoll, what auto-read has asked for before is a read like any other: switching auto-read off from another thread leaves it, so that one more
     * message may come, and no second one.
     */
    @Test
    void switchedOffByAnotherThreadItStaysOffUntilItIsSwitchedOn() throws Exception {
        AtomicBoolean off = new AtomicBoolean();
        AtomicInteger readsWhileOff = new AtomicInteger();
        EventLog log = new EventLog() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                if (off.get()) {
                    readsWhileOff.incrementAndGet();
                }
                super.channelRead(context, message);
            }
        };
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        for (int i = 1; i <= 20; i++) {
            pair.child().config().setAutoRead(false);
            ConnectedPair.settle(pair.child());
            readsWhileOff.set(0);
            off.set(true);
            for (int write = 0; write < 5; write++) {
                pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(200))).sync();
                hosts.settle();
            }
            assertThat(readsWhileOff).hasValueLessThanOrEqualTo(1);
            off.set(false);
            pair.child().config().setAutoRead(true);
            log.awaitBytes(i * 1_000);
        }
    }

    @Test
    void switchedOffOnTheLoopItIsOffAtOnce() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        ConnectedPair.onLoop(pair.child(), () -> pair.child().config().setAutoRead(false));

        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(200))).sync();
        hosts.settle();

        assertThat(log.bytes()).isEmpty();
        // An explicit read is not undone by switching off what is off.
        pair.child().read();
        pair.child().config().setAutoRead(false);
        log.awaitBytes(200);
    }

    @Test
    void aServersAutoReadIsSwitchedByAnotherThread() throws Exception {
        List<Channel> children = new CopyOnWriteArrayList<>();
        Channel server = TwoHosts.bind(hosts.server(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                children.add(channel);
            }
        }));
        server.config().setAutoRead(false);
        ConnectedPair.settle(server);
        for (int i = 0; i < 5; i++) {
            TwoHosts.connect(hosts.client(new EventLog()), server);
        }
        hosts.settle();
        assertThat(children).hasSizeLessThanOrEqualTo(1);

        server.config().setAutoRead(true);

        while (children.size() < 5) {
            hosts.settle();
        }
    }

    @Test
    void aDatagramChannelsAutoReadIsSwitchedByAnotherThread() throws Exception {
        DatagramLog log = new DatagramLog();
        Channel receiver = datagrams(log, hosts.serverGroup);
        Channel sender = datagrams(new DatagramLog(), hosts.clientGroup);
        InetSocketAddress to =
                new InetSocketAddress(TwoHosts.SERVER, ((InetSocketAddress) receiver.localAddress()).getPort());
        for (int round = 0; round < 5; round++) {
            receiver.config().setAutoRead(false);
            ConnectedPair.settle(receiver);
            for (int i = 0; i < 5; i++) {
                sender.writeAndFlush(new DatagramPacket(Unpooled.wrappedBuffer(new byte[] {(byte) i}), to))
                        .sync();
            }
            hosts.settle();
            assertThat(log.waiting()).isLessThanOrEqualTo(1);
            receiver.config().setAutoRead(true);
            for (int i = 0; i < 5; i++) {
                assertThat(log.next().text()).hasSize(1);
            }
        }
    }

    private static Channel datagrams(ChannelInboundHandlerAdapter handler, EventLoopGroup group) throws Exception {
        return new Bootstrap()
                .group(group)
                .channel(IslaDatagramChannel.class)
                .handler(handler)
                .bind(0)
                .sync()
                .channel();
    }

    // ------------------------------------------------------------------------------------------------ what it costs

    /**
     * However it is cut, what a peer can have us keep is bounded: by twice the buffer, which does not grow while nobody reads. The second half is for what a scaled
     * window is rounded up by, so that it is never taken back; Linux doubles SO_RCVBUF for the like.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 100, 60_000})
    void aChannelThatDoesNotReadClosesItsWindowAndKeepsNoMoreThanTwiceItsBuffer(int writeSize) throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = watched.connect(
                watched.serverBootstrap(log).childOption(ChannelOption.AUTO_READ, false),
                log,
                watched.clientBootstrap(new EventLog()).option(ChannelOption.SO_SNDBUF, 16 << 20));
        IslaSocketChannel client = (IslaSocketChannel) pair.client();
        IslaSocketChannel child = (IslaSocketChannel) pair.child();
        int total = 0;
        for (int i = 0; total < 1_000_000 && i < 4_000; i++, total += writeSize) {
            client.writeAndFlush(Unpooled.wrappedBuffer(new byte[writeSize]));
            if (i % 10 == 0) {
                watched.turn();
                watched.ticker.advanceMillis(1);
            }
        }
        watched.pass(2_000);

        int buffer = child.tcpInfo().getNow().receiveBuffer();
        assertThat(log.bytes()).isEmpty();
        assertThat(buffer).isLessThan(1 << 20);
        int most = 2 * buffer;
        assertThat(client.tcpInfo().getNow().bytesAcked()).isLessThanOrEqualTo(most);
        if (total > most) {
            List<PacketLog.Packet> answers = watched.packets.from(WatchedHosts.SERVER);
            assertThat(answers.get(answers.size() - 1).window()).isZero();
            // Probes go on, ever more slowly, and bring nothing in.
            watched.packets.clear();
            watched.pass(5_000);
            assertThat(watched.packets.from(WatchedHosts.CLIENT)).hasSizeBetween(1, 20);
            assertThat(client.tcpInfo().getNow().bytesAcked()).isLessThanOrEqualTo(most);
        }

        child.config().setAutoRead(true);
        int expected = total;
        watched.until(() -> log.bytes().length == expected);
    }

    @Test
    void aResetIsHeardThoughTheWindowIsClosedAndNobodyReads() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = watched.connect(
                watched.serverBootstrap(log)
                        .option(ChannelOption.SO_RCVBUF, 10_000)
                        .childOption(ChannelOption.AUTO_READ, false),
                log,
                watched.clientBootstrap(new EventLog()).option(ChannelOption.SO_LINGER, 0));
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(new byte[100_000]));
        watched.pass(2_000);
        assertThat(log.bytes()).isEmpty();

        pair.client().close();
        watched.until(() -> log.events().contains("unregistered"));

        assertThat(watched.packets.from(WatchedHosts.CLIENT)).anyMatch(packet -> packet.has(TcpHeader.RST));
        assertThat(log.exception()).hasMessageContaining("reset");
        assertThat(log.bytes()).hasSizeBetween(5_000, 10_000);
        assertThat(TimeUnit.NANOSECONDS.toSeconds(watched.ticker.nanoTime())).isLessThan(60);
    }
}
