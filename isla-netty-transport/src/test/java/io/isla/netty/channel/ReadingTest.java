/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What arrives is delivered as Netty's other transports deliver it. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class ReadingTest {
    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    /** Sets an option of the accepted channel. */
    private static <T> ConnectedPair.Setup child(ChannelOption<T> option, T value) {
        return new ConnectedPair.Setup() {
            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.childOption(option, value);
            }
        };
    }

    private static ConnectedPair.Setup childAutoReadOff(RecvByteBufAllocator allocator) {
        return new ConnectedPair.Setup() {
            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap
                        .childOption(ChannelOption.AUTO_READ, false)
                        .childOption(ChannelOption.RECVBUF_ALLOCATOR, allocator);
            }
        };
    }

    @Test
    void noReadIsLongerThanTheAllocatorGuesses() throws Exception {
        byte[] sent = random(10_000);
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(
                hosts, new EventLog(), log, child(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(7)));

        pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();

        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
        assertThat(log.reads()).allMatch(size -> size <= 7);
    }

    @Test
    void aReadLoopEndsAfterMaxMessagesPerReadAndAnotherFollows() throws Exception {
        AtomicInteger inLoop = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        EventLog log = new EventLog() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                super.channelRead(context, message);
                most.accumulateAndGet(inLoop.incrementAndGet(), Math::max);
            }

            @Override
            public void channelReadComplete(ChannelHandlerContext context) throws Exception {
                inLoop.set(0);
                super.channelReadComplete(context);
            }
        };
        RecvByteBufAllocator allocator = new FixedRecvByteBufAllocator(10).maxMessagesPerRead(3);
        ConnectedPair pair =
                ConnectedPair.open(hosts, new EventLog(), log, child(ChannelOption.RECVBUF_ALLOCATOR, allocator));

        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(1000))).sync();

        log.awaitBytes(1000);
        assertThat(most).hasValue(3);
    }

    /** An allocator of the user's own, that may have special memory. */
    private static final class HeapAllocator extends DefaultMaxMessagesRecvByteBufAllocator {
        final AtomicInteger allocated = new AtomicInteger();

        @Override
        @SuppressWarnings("deprecation") // It is what RecvByteBufAllocator asks for.
        public Handle newHandle() {
            return new MaxMessageHandle() {
                @Override
                public int guess() {
                    return 100;
                }

                @Override
                public ByteBuf allocate(ByteBufAllocator alloc) {
                    allocated.incrementAndGet();
                    return alloc.heapBuffer(100, 100);
                }
            };
        }
    }

    @Test
    void anAllocatorThatAllocatesItselfHasItsBuffersFilled() throws Exception {
        HeapAllocator allocator = new HeapAllocator();
        CompletableFuture<Boolean> heap = new CompletableFuture<>();
        EventLog log = new EventLog() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                heap.complete(((ByteBuf) message).hasArray());
                super.channelRead(context, message);
            }
        };
        ConnectedPair pair =
                ConnectedPair.open(hosts, new EventLog(), log, child(ChannelOption.RECVBUF_ALLOCATOR, allocator));
        byte[] sent = random(950);

        pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();

        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
        assertThat(heap.get()).isTrue();
        assertThat(allocator.allocated.get()).isGreaterThanOrEqualTo(10);
        assertThat(log.reads()).allMatch(size -> size <= 100);
    }

    @Test
    void anAllocatorThatThrowsIsTheChannelsProblemAndNotTheLoops() throws Exception {
        RecvByteBufAllocator allocator = () -> {
            throw new IllegalStateException("no handle");
        };
        EventLog log = new EventLog();
        ConnectedPair pair =
                ConnectedPair.open(hosts, new EventLog(), log, child(ChannelOption.RECVBUF_ALLOCATOR, allocator));

        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(10))).sync();

        log.await("exception");
        assertThat(log.exception()).hasMessage("no handle");
        ConnectedPair.settle(pair.child());
    }

    @Test
    void readIsAnsweredWithOneReadLoop() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(
                hosts, new EventLog(), log, childAutoReadOff(new FixedRecvByteBufAllocator(1).maxMessagesPerRead(2)));
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(4))).sync();

        pair.child().read();

        // Without auto-read a loop of Netty's own allocators is one message.
        log.awaitBytes(1);
        ConnectedPair.settle(pair.child());
        assertThat(log.reads()).containsExactly(1);
        assertThat(log.count("readComplete")).isEqualTo(1);
        pair.child().read();
        log.awaitBytes(2);
        ConnectedPair.settle(pair.child());
        assertThat(log.reads()).containsExactly(1, 1);
    }

    @Test
    void aReadThatWasAskedForBeforeThereWasDataIsAnsweredWhenItComes() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, child(ChannelOption.AUTO_READ, false));
        pair.child().read();
        ConnectedPair.settle(pair.child());

        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(4))).sync();

        log.awaitBytes(4);
    }

    @Test
    void aReadBeforeTheChannelIsActiveIsRemembered() throws Exception {
        EventLog client = new EventLog() {
            @Override
            public void channelRegistered(ChannelHandlerContext context) throws Exception {
                context.read();
                super.channelRegistered(context);
            }
        };
        EventLog child = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, client, child, new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap.option(ChannelOption.AUTO_READ, false);
            }
        });

        pair.child().writeAndFlush(Unpooled.wrappedBuffer(random(3))).sync();

        client.awaitBytes(3);
    }

    @Test
    void switchingAutoReadOffInChannelReadStopsTheLoopAtOnce() throws Exception {
        EventLog log = new EventLog() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                super.channelRead(context, message);
                context.channel().config().setAutoRead(false);
            }
        };
        ConnectedPair pair = ConnectedPair.open(
                hosts, new EventLog(), log, child(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(1)));
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(3))).sync();

        log.await("readComplete");
        ConnectedPair.settle(pair.child());
        assertThat(log.reads()).containsExactly(1);
        pair.child().read();
        log.awaitBytes(2);
        ConnectedPair.settle(pair.child());
        assertThat(log.reads()).containsExactly(1, 1);
    }

    @Test
    void autoReadIsSwitchedFromAnyThread() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(
                hosts, new EventLog(), log, child(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(1)));
        pair.child().config().setAutoRead(false);
        ConnectedPair.settle(pair.child());
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(5))).sync();
        // The reply shows that the data has come.
        pair.child().writeAndFlush(Unpooled.wrappedBuffer(random(1))).sync();
        ConnectedPair.settle(pair.child());
        // A read that auto-read had asked for before may still be answered, as with epoll.
        assertThat(log.bytes()).hasSizeLessThanOrEqualTo(1);

        pair.child().config().setAutoRead(true);

        log.awaitBytes(5);
    }

    @Test
    void readingFromWithinAReadIsNotNested() throws Exception {
        AtomicInteger depth = new AtomicInteger();
        AtomicInteger deepest = new AtomicInteger();
        EventLog log = new EventLog() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                deepest.accumulateAndGet(depth.incrementAndGet(), Math::max);
                context.read();
                super.channelRead(context, message);
                depth.decrementAndGet();
            }
        };
        ConnectedPair pair =
                ConnectedPair.open(hosts, new EventLog(), log, childAutoReadOff(new FixedRecvByteBufAllocator(1)));
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(500))).sync();

        pair.child().read();

        log.awaitBytes(500);
        assertThat(deepest).hasValue(1);
    }

    @Test
    void aChannelThatDoesNotReadStopsItsPeerWithinTheReceiveBuffer() throws Exception {
        int receiveBuffer = 32 * 1024;
        EventLog log = new EventLog();
        EventLog clientLog = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log, new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap
                        .option(ChannelOption.SO_SNDBUF, 64 * 1024)
                        .option(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(1024, 64 * 1024));
            }

            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_RCVBUF, receiveBuffer).childOption(ChannelOption.AUTO_READ, false);
            }
        });
        byte[] sent = random(1 << 20);

        pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent));

        clientLog.await("unwritable");
        // Nothing moves any more once the window is closed and the send buffer full.
        IslaTcpInfo info = ConnectedPair.onLoop(
                pair.client(),
                () -> ((IslaSocketChannel) pair.client()).tcpInfo().getNow());
        assertThat(info.bytesAcked()).isLessThanOrEqualTo(2L * receiveBuffer);
        assertThat(pair.client().isWritable()).isFalse();
        assertThat(log.bytes()).isEmpty();
        pair.child().config().setAutoRead(true);
        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
        clientLog.await("writable");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void allDataIsDeliveredAndThePeersCloseNoticedWithNoReadPending(boolean allowHalfClosure) throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, new ConnectedPair.Setup() {
            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap
                        .childOption(ChannelOption.AUTO_READ, false)
                        .childOption(ChannelOption.ALLOW_HALF_CLOSURE, allowHalfClosure)
                        .childOption(
                                ChannelOption.RECVBUF_ALLOCATOR,
                                new FixedRecvByteBufAllocator(10).maxMessagesPerRead(1));
            }
        });

        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(100)));
        pair.client().close().sync();

        log.await(allowHalfClosure ? "ChannelInputShutdownReadComplete" : "inactive");
        assertThat(log.bytes()).hasSize(100);
        if (allowHalfClosure) {
            assertThat(pair.child().isActive()).isTrue();
        }
    }

    @Test
    void halfClosureIsToldOnceAfterAllData() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair =
                ConnectedPair.open(hosts, new EventLog(), log, child(ChannelOption.ALLOW_HALF_CLOSURE, true));
        IslaSocketChannel client = (IslaSocketChannel) pair.client();
        IslaSocketChannel child = (IslaSocketChannel) pair.child();
        client.writeAndFlush(Unpooled.wrappedBuffer(random(50_000)));

        client.shutdownOutput().sync();

        log.await("ChannelInputShutdownReadComplete");
        ConnectedPair.settle(child);
        assertThat(log.bytes()).hasSize(50_000);
        assertThat(log.count("ChannelInputShutdownEvent")).isEqualTo(1);
        assertThat(log.count("ChannelInputShutdownReadComplete")).isEqualTo(1);
        List<String> events = log.events();
        assertThat(events.indexOf("ChannelInputShutdownEvent")).isGreaterThan(events.lastIndexOf("read"));
        assertThat(child.isActive()).isTrue();
        assertThat(child.isInputShutdown()).isTrue();
        assertThat(child.isOutputShutdown()).isFalse();
        assertThat(child.isShutdown()).isFalse();
    }

    @Test
    void dataGoesTheOtherWayAfterAHalfClosure() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log, child(ChannelOption.ALLOW_HALF_CLOSURE, true));
        ((IslaSocketChannel) pair.client()).shutdownOutput().sync();
        log.await("ChannelInputShutdownReadComplete");
        byte[] sent = random(200_000);

        pair.child().writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();
        pair.child().close();

        assertThat(clientLog.awaitBytes(sent.length)).isEqualTo(sent);
        clientLog.await("inactive");
    }

    @Test
    void withoutHalfClosureThePeersFinClosesTheChannel() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);

        ((IslaSocketChannel) pair.client()).shutdownOutput().sync();

        log.await("unregistered");
        assertThat(log.exception()).isNull();
        IslaSocketChannel child = (IslaSocketChannel) pair.child();
        assertThat(child.isOpen()).isFalse();
        assertThat(child.isInputShutdown()).isTrue();
        assertThat(child.isOutputShutdown()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aResetIsToldAfterTheDataBeforeIt(boolean autoRead) throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        EventLog log = new EventLog() {
            @Override
            public void channelActive(ChannelHandlerContext context) throws Exception {
                super.channelActive(context);
                // Data and reset have both arrived when the loop goes on.
                go.await();
            }
        };
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_LINGER, 0);
            }

            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.childOption(ChannelOption.AUTO_READ, autoRead);
            }
        });
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(100))).sync();
        pair.client().close().sync();
        go.countDown();

        log.await("unregistered");
        assertThat(log.bytes()).hasSize(100);
        assertThat(log.events())
                .containsSubsequence("active", "read", "readComplete", "exception", "inactive", "unregistered");
        assertThat(log.exception()).isInstanceOf(IOException.class).hasMessageContaining("reset");
    }

    @Test
    void closingInChannelReadEndsReading() throws Exception {
        EventLog log = new EventLog() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                super.channelRead(context, message);
                context.close();
            }
        };
        ConnectedPair pair = ConnectedPair.open(
                hosts, new EventLog(), log, child(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(1)));

        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(10)));

        log.await("unregistered");
        assertThat(log.reads()).containsExactly(1);
    }

    @Test
    void readingNeverKeepsTheLoopFromItsTasks() throws Exception {
        // 8 MB lie there at most; a task that is submitted meanwhile runs before they are all read.
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(
                hosts, new EventLog(), log, childAutoReadOff(new FixedRecvByteBufAllocator(64).maxMessagesPerRead(1)));
        Channel child = pair.child();
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(random(64 * 1000))).sync();
        CompletableFuture<Integer> readBefore = new CompletableFuture<>();
        child.eventLoop().execute(() -> {
            child.config().setAutoRead(true);
            child.eventLoop().execute(() -> readBefore.complete(log.bytes().length));
        });

        log.awaitBytes(64 * 1000);

        assertThat(readBefore.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS)).isLessThan(64 * 1000);
    }
}
