/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelProgressiveFuture;
import io.netty.channel.ChannelProgressiveFutureListener;
import io.netty.channel.ChannelProgressivePromise;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NotYetConnectedException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is written arrives, and its promise and its buffer are treated as Netty's other transports treat them. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class WritingTest {
    private static final int SEND_BUFFER = 16 * 1024;

    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static ByteBuf direct(byte[] bytes) {
        return PooledByteBufAllocator.DEFAULT.directBuffer(bytes.length).writeBytes(bytes);
    }

    /** The client has a small send buffer and the server does not read: writes get stuck. */
    private static final ConnectedPair.Setup STUCK = new ConnectedPair.Setup() {
        @Override
        public void client(Bootstrap bootstrap) {
            bootstrap.option(ChannelOption.SO_SNDBUF, SEND_BUFFER);
        }

        @Override
        public void server(ServerBootstrap bootstrap) {
            bootstrap.option(ChannelOption.SO_RCVBUF, 8 * 1024).childOption(ChannelOption.AUTO_READ, false);
        }
    };

    @Test
    void everyKindOfBufferArrives() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        byte[] sent = random(60_000);
        ByteBufAllocator allocator = pair.client().alloc();
        CompositeByteBuf composite = allocator.compositeBuffer();
        composite.addComponent(true, direct(Arrays.copyOfRange(sent, 20_000, 25_000)));
        composite.addComponent(true, Unpooled.wrappedBuffer(sent, 25_000, 5_000));
        composite.addComponent(true, Unpooled.EMPTY_BUFFER);
        ByteBuf withReaderIndex =
                direct(Arrays.copyOfRange(sent, 29_000, 40_000)).skipBytes(1_000);

        pair.client().write(Unpooled.wrappedBuffer(sent, 0, 10_000));
        pair.client().write(Unpooled.EMPTY_BUFFER);
        pair.client().write(direct(Arrays.copyOfRange(sent, 10_000, 20_000)).asReadOnly());
        pair.client().write(composite);
        pair.client().write(withReaderIndex);
        pair.client().write(Unpooled.wrappedBuffer(sent, 40_000, 10_000).asReadOnly());
        pair.client().write(direct(sent).slice(50_000, 10_000));
        ChannelFuture last = pair.client().writeAndFlush(allocator.buffer(0));

        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
        last.sync();
    }

    @Test
    void thousandsOfSmallBuffersArriveInOrder() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        byte[] sent = random(300_000);

        for (int i = 0; i < sent.length; i += 30) {
            pair.client()
                    .write(Unpooled.wrappedBuffer(sent, i, 30), pair.client().voidPromise());
        }
        pair.client().flush();

        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
    }

    @Test
    void aBufferThatItsOwnerKeepsIsItsOwnAgainWhenThePromiseIsDone() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, STUCK);
        byte[] sent = random(8_000);
        ByteBuf buffer = direct(sent);

        pair.client().writeAndFlush(buffer.retain()).sync();

        assertThat(buffer.refCnt()).isEqualTo(1);
        // It may be changed: what was written is safe, although it has not been sent yet.
        ByteBuf second = direct(sent);
        pair.client().writeAndFlush(second.retain()).sync();
        second.setZero(0, sent.length);
        buffer.setZero(0, sent.length);
        pair.child().config().setAutoRead(true);
        byte[] received = log.awaitBytes(2 * sent.length);
        assertThat(Arrays.copyOf(received, sent.length)).isEqualTo(sent);
        assertThat(Arrays.copyOfRange(received, sent.length, 2 * sent.length)).isEqualTo(sent);
        buffer.release();
        second.release();
    }

    @Test
    void memoryThatIsSharedWithAnotherBufferMayBeChangedAfterTheWrite() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, STUCK);
        byte[] sent = random(12_000);
        ByteBuf whole = direct(sent);

        pair.client().writeAndFlush(whole.retainedSlice(0, 4_000)).sync();
        pair.client()
                .writeAndFlush(whole.retainedDuplicate().setIndex(4_000, 8_000))
                .sync();
        pair.client()
                .writeAndFlush(
                        pair.client().alloc().compositeBuffer().addComponent(true, whole.retainedSlice(8_000, 4_000)))
                .sync();
        whole.setZero(0, sent.length);

        pair.child().config().setAutoRead(true);
        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
        assertThat(whole.refCnt()).isEqualTo(1);
        whole.release();
    }

    /** Large direct buffers that nobody else has, which are kept without a copy until they are acknowledged. */
    private static List<ByteBuf> keepable(int count) {
        List<ByteBuf> buffers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            buffers.add(direct(random(4_000)));
        }
        return buffers;
    }

    private static void awaitReleased(List<ByteBuf> buffers, Channel channel) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(TwoHosts.DEADLINE_SECONDS / 2);
        while (buffers.stream().anyMatch(buffer -> buffer.refCnt() > 0)) {
            assertThat(System.nanoTime())
                    .as(
                            "time to release %s",
                            buffers.stream().map(ByteBuf::refCnt).toList())
                    .isLessThan(end);
            channel.eventLoop().submit(() -> {}).get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
        }
    }

    @Test
    void keptBuffersAreReleasedWhenTheyAreAcknowledged() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        List<ByteBuf> buffers = keepable(20);

        buffers.forEach(buffer -> pair.client().write(buffer));
        pair.client().flush();

        log.awaitBytes(80_000);
        awaitReleased(buffers, pair.client());
    }

    @Test
    void keptBuffersAreReleasedWhenThePeerResets() throws Exception {
        EventLog clientLog = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, new EventLog(), STUCK);
        List<ByteBuf> buffers = keepable(20);
        buffers.forEach(buffer -> pair.client().write(buffer));
        pair.client().flush();
        ConnectedPair.settle(pair.client());

        pair.child().config().setOption(ChannelOption.SO_LINGER, 0);
        pair.child().close();

        clientLog.await("unregistered");
        awaitReleased(buffers, pair.client());
    }

    @Test
    void keptBuffersAreReleasedWhenTheChannelIsReset() throws Exception {
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), new EventLog(), STUCK);
        List<ByteBuf> buffers = keepable(20);
        buffers.forEach(buffer -> pair.client().write(buffer));
        pair.client().flush();
        pair.client().config().setOption(ChannelOption.SO_LINGER, 0);

        pair.client().close().sync();

        awaitReleased(buffers, pair.child());
    }

    @Test
    void keptBuffersAreReleasedWhenTheLoopEnds() throws Exception {
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), new EventLog(), STUCK);
        List<ByteBuf> buffers = keepable(20);
        buffers.forEach(buffer -> pair.client().write(buffer));
        pair.client().flush();

        hosts.clientGroup.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();

        assertThat(buffers).allMatch(buffer -> buffer.refCnt() == 0);
    }

    @Test
    void writabilityFollowsTheWaterMarks() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log, new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                STUCK.client(bootstrap);
                bootstrap.option(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(8_000, 16_000));
            }

            @Override
            public void server(ServerBootstrap bootstrap) {
                STUCK.server(bootstrap);
            }
        });
        byte[] sent = random(100_000);

        ChannelFuture write = pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent));
        clientLog.await("unwritable");
        assertThat(write.isDone()).isFalse();

        pair.child().config().setAutoRead(true);
        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
        write.sync();
        clientLog.await("writable");
        assertThat(clientLog.events()).containsSubsequence("unwritable", "writable");
    }

    @Test
    void aPromiseIsDoneWhenTheSendBufferHasTakenItsBytesNotBefore() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, STUCK);
        Channel client = pair.client();
        // Fills the peer's window and the send buffer.
        ChannelFuture first = client.writeAndFlush(Unpooled.wrappedBuffer(random(200_000)));
        ChannelFuture second = client.writeAndFlush(Unpooled.wrappedBuffer(random(10)));
        ConnectedPair.settle(client);
        assertThat(first.isDone()).isFalse();
        assertThat(second.isDone()).isFalse();

        pair.child().config().setAutoRead(true);

        second.sync();
        assertThat(first.isSuccess()).isTrue();
        log.awaitBytes(200_010);
    }

    @Test
    void progressIsTold() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, STUCK);
        ChannelProgressivePromise promise = pair.client().newProgressivePromise();
        List<Long> progress = new ArrayList<>();
        promise.addListener(new ChannelProgressiveFutureListener() {
            @Override
            public void operationProgressed(ChannelProgressiveFuture future, long done, long total) {
                assertThat(total).isEqualTo(100_000);
                progress.add(done);
            }

            @Override
            public void operationComplete(ChannelProgressiveFuture future) {
                progress.add(-1L);
            }
        });
        pair.child().config().setAutoRead(true);

        pair.client()
                .writeAndFlush(Unpooled.wrappedBuffer(random(100_000)), promise)
                .sync();
        ConnectedPair.settle(pair.client());

        assertThat(progress).hasSizeGreaterThan(2).endsWith(100_000L, -1L);
    }

    @Test
    void aListenerMayWriteAndFlushMore() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);

        writeAndCountDown(pair.client(), 500);

        byte[] received = log.awaitBytes(500);
        for (int i = 0; i < 500; i++) {
            assertThat(received[i]).isEqualTo((byte) (500 - i));
        }
    }

    private static void writeAndCountDown(Channel channel, int number) {
        if (number > 0) {
            channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {(byte) number}))
                    .addListener(future -> writeAndCountDown(channel, number - 1));
        }
    }

    @Test
    void aListenerMayCloseTheChannelAndWhatFollowsFails() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log);
        Channel client = pair.client();
        List<ChannelFuture> futures = ConnectedPair.onLoop(client, () -> {
            ChannelFuture first = client.write(Unpooled.wrappedBuffer(random(10)));
            first.addListener(future -> client.close());
            ChannelFuture second = client.write(Unpooled.wrappedBuffer(random(10)));
            ChannelFuture third = client.write(Unpooled.wrappedBuffer(random(10)));
            client.flush();
            return List.of(first, second, third);
        });

        clientLog.await("unregistered");
        log.await("unregistered");
        assertThat(futures.get(0).isSuccess()).isTrue();
        assertThat(futures.get(1).cause()).isInstanceOf(ClosedChannelException.class);
        assertThat(futures.get(2).cause()).isInstanceOf(ClosedChannelException.class);
        assertThat(log.bytes()).hasSizeGreaterThanOrEqualTo(10);
    }

    @Test
    void aCancelledWriteIsSkipped() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        Channel client = pair.client();

        client.write(Unpooled.wrappedBuffer(new byte[] {1}));
        ChannelFuture cancelled = client.write(Unpooled.wrappedBuffer(new byte[] {2}));
        ConnectedPair.settle(client);
        assertThat(cancelled.cancel(false)).isTrue();
        client.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {3})).sync();

        assertThat(log.awaitBytes(2)).containsExactly(1, 3);
    }

    @Test
    void onlyBuffersAndFileRegionsAreTaken() throws Exception {
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), new EventLog());

        assertThatThrownBy(() -> pair.client().writeAndFlush("text").sync())
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("String")
                .hasMessageContaining("ByteBuf");
    }

    @Test
    void flushingBeforeConnectingFailsWhatWasWritten() throws Exception {
        Channel channel = hosts.client(new EventLog()).register().sync().channel();
        ByteBuf buffer = direct(random(10));

        assertThatThrownBy(() -> channel.writeAndFlush(buffer).sync()).isInstanceOf(NotYetConnectedException.class);

        assertThat(buffer.refCnt()).isZero();
        assertThat(channel.isOpen()).isTrue();
        channel.close().sync();
    }

    @Test
    void whatWasWrittenBeforeConnectingAndNotFlushedIsSentAfterIt() throws Exception {
        EventLog log = new EventLog();
        Channel server = TwoHosts.bind(hosts.server(log));
        Channel client = hosts.client(new EventLog()).register().sync().channel();

        client.write(Unpooled.wrappedBuffer(new byte[] {1, 2}));
        client.connect(server.localAddress()).sync();
        client.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {3})).sync();

        assertThat(log.awaitBytes(3)).containsExactly(1, 2, 3);
    }

    @Test
    void writingAfterCloseFailsAndReleases() throws Exception {
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), new EventLog());
        pair.client().close().sync();
        ByteBuf buffer = direct(random(10));

        assertThatThrownBy(() -> pair.client().writeAndFlush(buffer).sync()).isInstanceOf(ClosedChannelException.class);

        assertThat(buffer.refCnt()).isZero();
    }

    @Test
    void aWriteThatFailsOnAVoidPromiseIsAnExceptionInThePipeline() throws Exception {
        EventLog log = new EventLog();
        Channel channel = hosts.client(log).register().sync().channel();

        channel.writeAndFlush(direct(random(10)), channel.voidPromise());

        log.await("exception");
        assertThat(log.exception()).isInstanceOf(NotYetConnectedException.class);
        channel.close().sync();
    }

    @Test
    void aWriteAfterThePeersResetFailsEvenIfTheLoopHasNotHeardOfItYet() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log, new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap.option(ChannelOption.AUTO_CLOSE, false);
            }

            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.childOption(ChannelOption.SO_LINGER, 0);
            }
        });
        Channel client = pair.client();
        ChannelFuture write = ConnectedPair.onLoop(client, () -> {
            pair.child().writeAndFlush(Unpooled.wrappedBuffer(random(100)));
            pair.child().close().await();
            awaitReset(pair.child());
            return client.writeAndFlush(Unpooled.wrappedBuffer(random(100)));
        });

        assertThat(write.await().cause()).isInstanceOf(IOException.class);
        // With AUTO_CLOSE off, only the output is shut; what came before the reset can still be read.
        clientLog.await("unregistered");
        assertThat(clientLog.events()).containsSubsequence("ChannelOutputShutdownEvent", "read", "inactive");
        assertThat(clientLog.bytes()).hasSize(100);
    }

    /** Returns when the server's host has sent a reset and it lies before the client's loop, which is the caller's. */
    private void awaitReset(Channel sender) throws Exception {
        long begin = System.nanoTime();
        while (hosts.serverHost.counters().get("OutRsts") == 0) {
            ConnectedPair.settle(sender);
        }
        // A write looks for news if the last look is more than a millisecond old: this handler has blocked for longer.
        do {
            ConnectedPair.settle(sender);
        } while (System.nanoTime() - begin < TimeUnit.MILLISECONDS.toNanos(2));
        // It may have arrived at the client's other loop, which hands it over in its next turn.
        for (EventExecutor loop : hosts.clientGroup) {
            for (int turn = 0; turn < 2 && !loop.inEventLoop(); turn++) {
                loop.submit(() -> {}).get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void whatIsFlushedOnConnectingIsSentAlsoIfTheHandlerThenBlocks() throws Exception {
        EventLog log = new EventLog();
        EventLog clientLog = new EventLog() {
            @Override
            public void channelActive(ChannelHandlerContext context) throws Exception {
                super.channelActive(context);
                context.writeAndFlush(Unpooled.wrappedBuffer(random(100)));
                log.awaitBytes(100);
            }
        };

        ConnectedPair.open(hosts, clientLog, log);

        assertThat(log.awaitBytes(100)).isEqualTo(random(100));
    }

    @Test
    void whatIsStuckWhenThePeerResetsFailsWithTheReset() throws Exception {
        EventLog clientLog = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, new EventLog(), STUCK);
        ChannelFuture stuck = pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(200_000)));
        ChannelFuture unflushed = pair.client().write(Unpooled.wrappedBuffer(random(10)));
        ConnectedPair.settle(pair.client());

        pair.child().config().setOption(ChannelOption.SO_LINGER, 0);
        pair.child().close();

        assertThat(stuck.await().cause()).isInstanceOf(IOException.class).hasMessageContaining("reset");
        assertThat(unflushed.await().cause()).isInstanceOf(ClosedChannelException.class);
        assertThat(clientLog.exception()).hasMessageContaining("reset");
    }
}
