/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.ChannelOutputShutdownException;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Channels end as those of Netty's other transports do. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class ClosingTest {
    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    /** The server does not read, and takes little; the client's send buffer is large. */
    private static ConnectedPair.Setup notReading(int linger) {
        return new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_SNDBUF, 1 << 20).option(ChannelOption.SO_LINGER, linger);
            }

            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_RCVBUF, 8 * 1024).childOption(ChannelOption.AUTO_READ, false);
            }
        };
    }

    @Test
    void promisesAreDoneBeforeTheHandlerHears() throws Exception {
        List<String> order = new CopyOnWriteArrayList<>();
        CompletableFuture<Void> over = new CompletableFuture<>();
        EventLog clientLog = new EventLog() {
            @Override
            public void channelInactive(ChannelHandlerContext context) throws Exception {
                order.add("inactive");
                super.channelInactive(context);
            }

            @Override
            public void channelUnregistered(ChannelHandlerContext context) throws Exception {
                order.add("unregistered");
                super.channelUnregistered(context);
                over.complete(null);
            }
        };
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, new EventLog());
        Channel client = pair.client();

        ConnectedPair.onLoop(client, () -> {
            client.closeFuture().addListener(future -> order.add("closeFuture"));
            client.write(Unpooled.wrappedBuffer(random(1)))
                    .addListener(future -> order.add("write failed: " + (future.cause() != null)));
            client.close(client.newPromise().addListener(future -> order.add("close")));
            order.add("returned");
            return null;
        });

        over.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
        assertThat(order)
                .containsExactly("closeFuture", "close", "write failed: true", "returned", "inactive", "unregistered");
        assertThat(client.isOpen()).isFalse();
        assertThat(client.isActive()).isFalse();
    }

    @Test
    void closingTwiceIsClosingOnce() throws Exception {
        EventLog clientLog = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, new EventLog());

        pair.client().close().sync();
        pair.client().close().sync();
        pair.server().close().sync();
        pair.server().close().sync();

        clientLog.await("unregistered");
        assertThat(clientLog.count("inactive")).isEqualTo(1);
    }

    @Test
    void disconnectingIsClosing() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log);

        pair.client().disconnect().sync();

        clientLog.await("unregistered");
        log.await("unregistered");
        assertThat(pair.client().isOpen()).isFalse();
    }

    @Test
    void whatWasWrittenArrivesAlthoughTheChannelIsClosed() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, notReading(-1));
        byte[] sent = random(300_000);
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();

        pair.client().close().sync();
        pair.child().config().setAutoRead(true);

        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
        log.await("inactive");
        assertThat(log.exception()).isNull();
    }

    @Test
    void unreadDataAtCloseResetsThePeer() throws Exception {
        EventLog clientLog = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, new EventLog(), notReading(-1));
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(1_000))).sync();
        // Its acknowledgement shows that the data has arrived.
        while (ConnectedPair.onLoop(
                        pair.client(),
                        () -> ((IslaSocketChannel) pair.client())
                                .tcpInfo()
                                .getNow()
                                .bytesAcked())
                < 1_000) {
            ConnectedPair.settle(pair.child());
        }

        pair.child().close().sync();

        clientLog.await("unregistered");
        assertThat(clientLog.events()).containsSubsequence("exception", "inactive");
        assertThat(clientLog.exception()).isInstanceOf(IOException.class).hasMessageContaining("reset");
    }

    @Test
    void lingeringForZeroSecondsIsAReset() throws Exception {
        EventLog clientLog = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, new EventLog());
        pair.child().config().setOption(ChannelOption.SO_LINGER, 0);

        pair.child().close().sync();

        clientLog.await("unregistered");
        assertThat(clientLog.events()).containsSubsequence("exception", "inactive");
        assertThat(hosts.serverHost.counters().get("OutRsts")).isEqualTo(1);
    }

    @Test
    void aPlainCloseIsNoException() throws Exception {
        EventLog clientLog = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, new EventLog());

        pair.child().close().sync();

        clientLog.await("unregistered");
        assertThat(clientLog.exception()).isNull();
        assertThat(hosts.serverHost.counters().get("OutRsts")).isZero();
    }

    @Test
    void lingeringWaitsForThePeerToTakeEverythingWithoutBlockingTheLoop() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log, notReading((int) TwoHosts.DEADLINE_SECONDS));
        byte[] sent = random(300_000);
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();

        ChannelFuture close = pair.client().close();
        ConnectedPair.settle(pair.client());
        assertThat(close.isDone()).isFalse();
        assertThat(clientLog.events()).doesNotContain("inactive");
        // A second close waits for the first.
        ChannelFuture second = pair.client().close();
        ConnectedPair.settle(pair.client());
        assertThat(second.isDone()).isFalse();
        pair.child().config().setAutoRead(true);

        close.sync();
        second.sync();
        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
        clientLog.await("unregistered");
    }

    @Test
    void lingeringEndsWithItsTimeAndTheDataArrivesAllTheSame() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log, notReading(1));
        byte[] sent = random(300_000);
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();
        long start = System.nanoTime();

        pair.client().close().sync();

        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(TimeUnit.SECONDS.toNanos(1));
        clientLog.await("unregistered");
        pair.child().config().setAutoRead(true);
        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
    }

    @Test
    void lingeringWithNothingToWaitForIsAtOnce() throws Exception {
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), new EventLog(), new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_LINGER, (int) TwoHosts.DEADLINE_SECONDS);
            }
        });

        pair.client().close().sync();
        hosts.client(new EventLog())
                .option(ChannelOption.SO_LINGER, (int) TwoHosts.DEADLINE_SECONDS)
                .register()
                .sync()
                .channel()
                .close()
                .sync();
    }

    @Test
    void aLoopThatEndsDoesNotWaitForLingeringChannels() throws Exception {
        EventLog clientLog = new EventLog();
        ConnectedPair pair =
                ConnectedPair.open(hosts, clientLog, new EventLog(), notReading((int) TwoHosts.DEADLINE_SECONDS));
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(300_000))).sync();
        ChannelFuture close = pair.client().close();
        ConnectedPair.settle(pair.client());

        hosts.clientGroup.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();

        close.sync();
    }

    @Test
    void shuttingTheOutputDownFailsWhatFollowsAndReadingGoesOn() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log, new ConnectedPair.Setup() {
            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.childOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
            }
        });
        IslaSocketChannel client = (IslaSocketChannel) pair.client();
        client.writeAndFlush(Unpooled.wrappedBuffer(random(100)));
        ChannelFuture unflushed = client.write(Unpooled.wrappedBuffer(random(10)));

        client.shutdownOutput().sync();

        assertThat(unflushed.await().cause()).isInstanceOf(ChannelOutputShutdownException.class);
        clientLog.await("ChannelOutputShutdownEvent");
        assertThat(client.isOutputShutdown()).isTrue();
        assertThat(client.isInputShutdown()).isFalse();
        assertThat(client.isActive()).isTrue();
        assertThatThrownBy(() ->
                        client.writeAndFlush(Unpooled.wrappedBuffer(random(1))).sync())
                .isInstanceOf(IOException.class);
        log.await("ChannelInputShutdownReadComplete");
        assertThat(log.bytes()).hasSize(100);
        pair.child().writeAndFlush(Unpooled.wrappedBuffer(random(50))).sync();
        clientLog.awaitBytes(50);
        client.close().sync();
        assertThatThrownBy(() -> client.shutdownOutput().sync()).isInstanceOf(ClosedChannelException.class);
        assertThatThrownBy(() -> client.shutdownInput().sync()).isInstanceOf(ClosedChannelException.class);
    }

    @Test
    void aWriteAfterTheOutputWasShutDownChangesNoWritability() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, log, new EventLog(), new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap.option(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(2, 4));
            }
        });
        IslaSocketChannel client = (IslaSocketChannel) pair.client();
        client.writeAndFlush(Unpooled.wrappedBuffer(random(6))).sync();
        log.await("writable");
        client.shutdownOutput().sync();
        long changes = log.count("writable") + log.count("unwritable");

        assertThatThrownBy(() ->
                        client.writeAndFlush(Unpooled.wrappedBuffer(random(6))).sync())
                .isInstanceOf(IOException.class);

        // A task of the loop that comes after whatever the write has caused.
        client.eventLoop().submit(() -> {}).sync();
        assertThat(log.count("writable") + log.count("unwritable")).isEqualTo(changes);
        assertThat(client.isWritable()).isFalse();
        client.close().sync();
    }

    @Test
    void whatComesAfterTheInputWasShutDownIsDiscardedAndAcknowledged() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        IslaSocketChannel child = (IslaSocketChannel) pair.child();

        child.shutdownInput().sync();
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(500_000))).sync();

        assertThat(child.isInputShutdown()).isTrue();
        assertThat(child.isActive()).isTrue();
        // More than any window holds has gone through.
        while (ConnectedPair.onLoop(
                        pair.client(),
                        () -> ((IslaSocketChannel) pair.client())
                                .tcpInfo()
                                .getNow()
                                .bytesAcked())
                < 500_000) {
            ConnectedPair.settle(child);
        }
        assertThat(log.bytes()).isEmpty();
    }

    @Test
    void shuttingBothDownShutsBothDown() throws Exception {
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), new EventLog());
        IslaSocketChannel client = (IslaSocketChannel) pair.client();

        client.shutdown().sync();

        assertThat(client.isShutdown()).isTrue();
        client.close().sync();
    }

    @Test
    void anAcceptedChannelMayBeClosedByForceBeforeItIsRegistered() throws Exception {
        EventLog clientLog = new EventLog();
        Channel server = hosts.server(new EventLog())
                .handler(new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext context, Object message) {
                        IslaSocketChannel child = (IslaSocketChannel) message;
                        child.config().setSoLinger(0);
                        child.unsafe().closeForcibly();
                    }
                })
                .bind()
                .sync()
                .channel();

        Channel client = hosts.client(clientLog).connect(server.localAddress()).channel();

        client.closeFuture().sync();
    }

    @Test
    void aChannelMovesToAnotherLoopWithItsConnection() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log);
        Channel client = pair.client();
        List<EventLoop> loops = new ArrayList<>();
        byte[] sent = random(100_000);
        for (int i = 0; i < 5; i++) {
            client.deregister().sync();
            // What arrives meanwhile waits.
            pair.child().writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();

            hosts.otherLoop(client).register(client).sync();

            loops.add(client.eventLoop());
            clientLog.awaitBytes((i + 1) * sent.length);
            client.writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();
            log.awaitBytes((i + 1) * sent.length);
        }

        assertThat(loops).containsSubsequence(loops.get(0), loops.get(1), loops.get(0));
        assertThat(clientLog.count("active")).isEqualTo(1);
        assertThat(clientLog.count("registered")).isEqualTo(6);
        assertThat(clientLog.count("inactive")).isZero();
        client.close().sync();
        log.await("inactive");
    }

    @Test
    void thePeersCloseWhileTheChannelHasNoLoopIsHeardOnTheNextOne() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log);
        Channel client = pair.client();
        client.deregister().sync();
        pair.child().writeAndFlush(Unpooled.wrappedBuffer(random(10)));
        pair.child().close().sync();

        hosts.otherLoop(client).register(client).sync();

        clientLog.await("inactive");
        assertThat(clientLog.bytes()).hasSize(10);
    }

    @Test
    void aChannelIsNotRegisteredWithAnotherHostsLoop() throws Exception {
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), new EventLog());
        pair.client().deregister().sync();

        assertThatThrownBy(
                        () -> hosts.serverGroup.next().register(pair.client()).sync())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("another host");

        assertThat(pair.client().isOpen()).isFalse();
    }

    @Test
    void closingByForceEndsTheConnectionAndTellsNobodyHere() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log);
        Channel client = pair.client();
        client.writeAndFlush(Unpooled.wrappedBuffer(random(1_000))).sync();

        ConnectedPair.onLoop(client, () -> {
            client.unsafe().closeForcibly();
            client.unsafe().closeForcibly();
            return null;
        });

        log.await("unregistered");
        assertThat(log.bytes()).hasSize(1_000);
        assertThat(client.isOpen()).isFalse();
        assertThat(client.isActive()).isFalse();
        hosts.settle();
        assertThat(clientLog.events()).doesNotContain("inactive", "exception");
    }

    @Test
    void lingeringLeavesTheLoopAndTheOtherThreadsFree() throws Exception {
        ConnectedPair lingering =
                ConnectedPair.open(hosts, new EventLog(), new EventLog(), notReading((int) TwoHosts.DEADLINE_SECONDS));
        lingering
                .client()
                .writeAndFlush(Unpooled.wrappedBuffer(random(300_000)))
                .sync();
        Set<Thread> before = Thread.getAllStackTraces().keySet();

        ChannelFuture close = lingering.client().close();
        EventLog log = new EventLog();
        Channel server = TwoHosts.bind(hosts.server(log));
        // On the very loop that has the channel that lingers.
        Channel other = new Bootstrap()
                .group(lingering.client().eventLoop())
                .channel(IslaSocketChannel.class)
                .handler(new EventLog())
                .connect(server.localAddress())
                .sync()
                .channel();
        other.writeAndFlush(Unpooled.wrappedBuffer(random(100_000)));
        log.awaitBytes(100_000);

        assertThat(close.isDone()).isFalse();
        assertThat(Thread.getAllStackTraces().keySet()).isSubsetOf(before);
        lingering.child().config().setAutoRead(true);
        close.sync();
    }
}
