/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.socket.DatagramPacket;
import io.netty.util.UncheckedBooleanSupplier;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** How a read loop uses its {@link RecvByteBufAllocator.Handle}, call by call, on each kind of channel. */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class ReadHandleTest {
    /** What it takes to accept one connection. */
    private static final List<String> ACCEPT = List.of("last 1", "inc 1");

    @RegisterExtension
    final WatchedHosts hosts = new WatchedHosts();

    private final EventLog clientLog = new EventLog();

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    /** Writes down each call; buffers are of a fixed size, and a loop ends after a number of messages. */
    private static final class Recording implements RecvByteBufAllocator {
        final List<String> calls = new ArrayList<>();
        private final int size;
        private final int messages;

        Recording(int size, int messages) {
            this.size = size;
            this.messages = messages;
        }

        @Override
        @SuppressWarnings("deprecation") // It is what RecvByteBufAllocator asks for.
        public Handle newHandle() {
            return new RecordingHandle();
        }

        private final class RecordingHandle implements ExtendedHandle {
            private int read;
            private int attempted;
            private int last;

            @Override
            public ByteBuf allocate(ByteBufAllocator allocator) {
                calls.add("allocate");
                return allocator.ioBuffer(size, size);
            }

            @Override
            public int guess() {
                return size;
            }

            @Override
            public void reset(ChannelConfig config) {
                calls.add("reset");
                read = 0;
            }

            @Override
            public void incMessagesRead(int messagesRead) {
                calls.add("inc " + messagesRead);
                read += messagesRead;
            }

            @Override
            public void lastBytesRead(int bytes) {
                calls.add("last " + bytes);
                last = bytes;
            }

            @Override
            public int lastBytesRead() {
                return last;
            }

            @Override
            public void attemptedBytesRead(int bytes) {
                calls.add("attempted " + bytes);
                attempted = bytes;
            }

            @Override
            public int attemptedBytesRead() {
                return attempted;
            }

            @Override
            public boolean continueReading() {
                calls.add("continue?");
                return read < messages;
            }

            @Override
            public boolean continueReading(UncheckedBooleanSupplier maybeMoreData) {
                return continueReading();
            }

            @Override
            public void readComplete() {
                calls.add("complete");
            }
        }

        /** Notes what the handler hears between the calls. */
        EventLog log() {
            return new EventLog() {
                @Override
                public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                    calls.add("channelRead");
                    super.channelRead(context, message);
                }

                @Override
                public void channelReadComplete(ChannelHandlerContext context) throws Exception {
                    calls.add("channelReadComplete");
                    super.channelReadComplete(context);
                }
            };
        }
    }

    private ConnectedPair connect(Recording recording, EventLog log) throws Exception {
        ConnectedPair pair = hosts.connect(
                hosts.serverBootstrap(log).childOption(ChannelOption.RECVBUF_ALLOCATOR, recording),
                log,
                hosts.clientBootstrap(clientLog));
        hosts.turn();
        recording.calls.clear();
        return pair;
    }

    /** What it takes to read one message into a buffer. */
    private static List<String> read(int room, int bytes) {
        return List.of("allocate", "attempted " + room, "last " + bytes, "inc 1", "channelRead");
    }

    /** Calls one by one, and several at once. */
    private static List<String> calls(Object... parts) {
        List<String> calls = new ArrayList<>();
        for (Object part : parts) {
            if (part instanceof List<?> several) {
                several.forEach(call -> calls.add((String) call));
            } else {
                calls.add((String) part);
            }
        }
        return calls;
    }

    private static ByteBuf bytes(int length) {
        return Unpooled.wrappedBuffer(random(length));
    }

    @Test
    void aStreamsLoopEndsWhenNothingIsLeft() throws Exception {
        Recording recording = new Recording(10, 16);
        ConnectedPair pair = connect(recording, recording.log());

        pair.client().writeAndFlush(bytes(25));
        hosts.turn();

        assertThat(recording.calls)
                .isEqualTo(calls(
                        "reset",
                        read(10, 10),
                        "continue?",
                        read(10, 10),
                        "continue?",
                        read(10, 5),
                        "complete",
                        "channelReadComplete"));
    }

    @Test
    void aStreamsLoopEndsWhenTheHandleSaysSoAndAnotherFollows() throws Exception {
        Recording recording = new Recording(10, 2);
        ConnectedPair pair = connect(recording, recording.log());

        pair.client().writeAndFlush(bytes(30));
        hosts.turn();

        assertThat(recording.calls)
                .isEqualTo(calls(
                        "reset",
                        read(10, 10),
                        "continue?",
                        read(10, 10),
                        "continue?",
                        "complete",
                        "channelReadComplete",
                        "reset",
                        read(10, 10),
                        "complete",
                        "channelReadComplete"));
    }

    @Test
    void theEndOfAStreamIsMinusOne() throws Exception {
        Recording recording = new Recording(10, 16);
        EventLog log = recording.log();
        ConnectedPair pair = connect(recording, log);

        pair.client().close();
        hosts.until(() -> log.events().contains("unregistered"));

        assertThat(recording.calls).containsExactly("reset", "last -1", "complete", "channelReadComplete");
    }

    @Test
    void allThatIsThereIsReadInOneLoopWhenThePeerHasClosedWhateverTheHandleSays() throws Exception {
        Recording recording = new Recording(10, 1);
        EventLog log = recording.log();
        ConnectedPair pair = connect(recording, log);

        pair.client().write(bytes(30));
        pair.client().flush();
        pair.client().close();
        hosts.until(() -> log.events().contains("unregistered"));

        assertThat(log.bytes()).isEqualTo(random(30));
        assertThat(recording.calls).endsWith("last -1", "complete", "channelReadComplete");
        assertThat(recording.calls.stream().filter("reset"::equals).count())
                .isEqualTo(recording.calls.stream()
                        .filter("channelReadComplete"::equals)
                        .count());
    }

    @Test
    void aHandlerThatThrowsEndsNeitherTheLoopNorTheChannel() throws Exception {
        Recording recording = new Recording(10, 16);
        List<Throwable> caught = new ArrayList<>();
        EventLog log = new EventLog() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                super.channelRead(context, message);
                throw new IllegalStateException("not my day");
            }

            @Override
            public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                caught.add(cause);
            }
        };
        ConnectedPair pair = connect(recording, log);

        pair.client().writeAndFlush(bytes(30));
        hosts.turn();

        assertThat(log.bytes()).hasSize(30);
        assertThat(caught).hasSize(3);
        assertThat(pair.child().isActive()).isTrue();
    }

    @Test
    void oneReadIsOneLoopAndReadPendingEndsWithItsFirstMessage() throws Exception {
        Recording recording = new Recording(10, 3);
        EventLog log = recording.log();
        ConnectedPair pair = connect(recording, log);
        pair.child().config().setAutoRead(false);
        hosts.turn();
        pair.client().writeAndFlush(bytes(100));
        hosts.turn();
        assertThat(log.bytes()).isEmpty();

        // Twice is once.
        pair.child().read();
        pair.child().read();
        hosts.turn();

        // The handle alone decides how long the loop is; after it, nothing is pending.
        assertThat(log.reads()).containsExactly(10, 10, 10);
        assertThat(log.count("readComplete")).isEqualTo(1);
        hosts.turn();
        assertThat(log.reads()).hasSize(3);
    }

    @Test
    void aReadThatIsAskedForInReadCompleteIsAnsweredByTheNextLoop() throws Exception {
        Recording recording = new Recording(10, 1);
        EventLog log = new EventLog() {
            @Override
            public void channelReadComplete(ChannelHandlerContext context) throws Exception {
                super.channelReadComplete(context);
                context.read();
            }
        };
        ConnectedPair pair = connect(recording, log);
        pair.child().config().setAutoRead(false);
        hosts.turn();
        pair.client().writeAndFlush(bytes(95));
        hosts.turn();

        pair.child().read();
        hosts.turn();

        assertThat(log.bytes()).isEqualTo(random(95));
        assertThat(log.reads()).hasSize(10);
        assertThat(log.count("readComplete")).isEqualTo(10);
    }

    @Test
    void theAdaptiveAllocatorLearnsHowMuchComes() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = hosts.connect(
                hosts.serverBootstrap(log)
                        .childOption(
                                ChannelOption.RECVBUF_ALLOCATOR, new AdaptiveRecvByteBufAllocator(64, 1024, 65_536)),
                log,
                hosts.clientBootstrap(clientLog));

        pair.client().writeAndFlush(bytes(2 << 20));
        hosts.until(() -> log.bytes().length == 2 << 20);

        assertThat(log.reads()).allMatch(size -> size <= 65_536);
        assertThat(log.reads().get(0)).isLessThanOrEqualTo(1024);
        // Pieces are no longer than segments were.
        assertThat(log.reads().subList(log.reads().size() / 2, log.reads().size()))
                .anyMatch(size -> size > 1024);
    }

    @Test
    void aServersLoopCountsConnections() throws Exception {
        Recording recording = new Recording(1, 2);
        Channel server = hosts.await(hosts.serverBootstrap(new EventLog() {
                            @Override
                            public boolean isSharable() {
                                return true;
                            }
                        })
                        .option(ChannelOption.RECVBUF_ALLOCATOR, recording)
                        .option(ChannelOption.AUTO_READ, false)
                        .bind())
                .channel();
        for (int i = 0; i < 3; i++) {
            hosts.await(hosts.clientBootstrap(new EventLog()).connect(server.localAddress()));
        }
        hosts.turn();
        recording.calls.clear();

        server.config().setAutoRead(true);
        hosts.turn();

        assertThat(recording.calls)
                .isEqualTo(calls(
                        "reset",
                        "attempted 1",
                        ACCEPT,
                        "continue?",
                        ACCEPT,
                        "continue?",
                        "complete",
                        "reset",
                        "attempted 1",
                        ACCEPT,
                        "continue?",
                        "last -1",
                        "complete"));
    }

    @Test
    void aDatagramChannelsLoopCountsDatagrams() {
        Recording recording = new Recording(100, 2);
        Channel receiver = hosts.await(hosts.datagramBootstrap(hosts.server, new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelRead(ChannelHandlerContext context, Object message) {
                                recording.calls.add("channelRead");
                                ((DatagramPacket) message).release();
                            }
                        })
                        .option(ChannelOption.RECVBUF_ALLOCATOR, recording)
                        .option(ChannelOption.AUTO_READ, false)
                        .bind(9))
                .channel();
        Bootstrap bootstrap = hosts.datagramBootstrap(hosts.client, new ChannelInboundHandlerAdapter());
        Channel sender = hosts.await(bootstrap.bind(0)).channel();
        for (int length : new int[] {60, 0, 120}) {
            sender.writeAndFlush(new DatagramPacket(bytes(length), new InetSocketAddress(WatchedHosts.SERVER, 9)));
        }
        hosts.turn();
        recording.calls.clear();

        receiver.config().setAutoRead(true);
        hosts.turn();

        // An empty one is one too; of a long one, what fits.
        assertThat(recording.calls)
                .isEqualTo(calls(
                        "reset",
                        read(100, 60),
                        "continue?",
                        read(100, 1),
                        "continue?",
                        "complete",
                        "reset",
                        read(100, 100),
                        "continue?",
                        "last -1",
                        "complete"));
    }
}
