/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class MemoryLinkTest {
    private static final int ETHER_TYPE = 0x88b5;

    private final OutboundFrame frame = new OutboundFrame();
    private final List<End> ends = new ArrayList<>();

    @AfterEach
    void close() {
        ends.forEach(end -> end.queue.close());
        frame.release();
    }

    private End open(MemoryLink link) {
        End end = new End(link);
        ends.add(end);
        return end;
    }

    /** A frame that is recognised by a number. */
    private OutboundFrame numbered(int number) {
        frame.reset();
        frame.header().setInt(frame.append(4), number);
        EthernetHeader.write(frame.header(), frame.prepend(EthernetHeader.LENGTH), 1, 2, ETHER_TYPE);
        return frame;
    }

    private static Flow flow(int port) {
        return new Flow(IpAddress.v4(0x0a00_0002), port, IpAddress.v4(0x0a00_0001), 80, 1);
    }

    private static int number(ByteBuf frame) {
        return frame.getInt(EthernetHeader.LENGTH);
    }

    @Test
    void carriesFramesBothWaysInOrder() {
        MemoryLink.Pair pair = MemoryLink.pair("a", "b");
        End a = open(pair.first());
        End b = open(pair.second());
        for (int i = 0; i < 10; i++) {
            a.queue.transmit(numbered(i));
            b.queue.transmit(numbered(100 + i));
        }

        assertThat(b.queue.poll(4)).isEqualTo(4);
        assertThat(b.queue.poll(100)).isEqualTo(6);
        assertThat(b.queue.poll(100)).isZero();
        assertThat(a.queue.poll(100)).isEqualTo(10);
        assertThat(b.frames).extracting(MemoryLinkTest::number).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        assertThat(a.frames)
                .extracting(MemoryLinkTest::number)
                .startsWith(100, 101)
                .hasSize(10);
        assertThat(a.queue.count(LinkCounter.TX_FRAMES)).isEqualTo(10);
        assertThat(a.queue.count(LinkCounter.TX_BYTES)).isEqualTo(180);
        assertThat(b.queue.count(LinkCounter.RX_FRAMES)).isEqualTo(10);
        assertThat(b.queue.count(LinkCounter.RX_BYTES)).isEqualTo(180);
        assertThat(a.queue.ioHandle()).isNull();
        assertThat(pair.first().name()).isEqualTo("a");
        assertThat(pair.first().mtu()).isEqualTo(1500);
    }

    @Test
    void wakesTheReceiverOnceUntilItHasLooked() {
        MemoryLink.Pair pair = MemoryLink.pair("a", "b");
        End a = open(pair.first());
        End b = open(pair.second());
        a.queue.transmit(numbered(1));
        a.queue.transmit(numbered(2));
        assertThat(b.wakeups).hasValue(1);
        b.queue.poll(1);
        a.queue.transmit(numbered(3));
        assertThat(b.wakeups).hasValue(2);
        assertThat(a.wakeups).hasValue(0);
        b.queue.poll(10);
    }

    @Test
    void dropsAndCountsWhatDoesNotFitIntoTheQueue() {
        MemoryLink.Pair pair = MemoryLink.builder().capacity(4).pair("a", "b");
        End a = open(pair.first());
        End b = open(pair.second());
        for (int i = 0; i < 10; i++) {
            a.queue.transmit(numbered(i));
        }
        assertThat(a.queue.count(LinkCounter.TX_FRAMES)).isEqualTo(4);
        assertThat(a.queue.count(LinkCounter.TX_QUEUE_FULL)).isEqualTo(6);
        assertThat(b.queue.poll(100)).isEqualTo(4);
        a.queue.transmit(numbered(11));
        assertThat(b.queue.poll(100)).isEqualTo(1);
    }

    @Test
    void handsOverSuperSegmentsAsTheyAreWithOffload() {
        MemoryLink.Pair pair = MemoryLink.pair("a", "b");
        End a = open(pair.first());
        End b = open(pair.second());
        ByteBuf payload = Unpooled.buffer().writeBytes(new byte[50_000]);
        frame.addPayload(payload, 0, 50_000);
        TestFrames.tcp(frame, flow(1), 1, 1, TcpHeader.ACK);
        frame.requestSegmentation(SegmentationType.TCP_V4, 1460);
        a.queue.transmit(frame);

        assertThat(b.queue.poll(100)).isEqualTo(1);
        assertThat(b.frames.get(0).writerIndex()).isEqualTo(50_054);
        assertThat(b.described).containsExactly("PARTIAL TCP_V4 1460");
    }

    @Test
    void splitsAndSumsWithoutOffload() {
        MemoryLink.Pair pair = MemoryLink.builder().offload(false).pair("a", "b");
        End a = open(pair.first());
        End b = open(pair.second());
        byte[] bytes = new byte[5_000];
        new Random(1).nextBytes(bytes);
        frame.addPayload(Unpooled.wrappedBuffer(bytes), 0, 5_000);
        TestFrames.tcp(frame, flow(1), 1, 1, TcpHeader.ACK);
        frame.requestSegmentation(SegmentationType.TCP_V4, 1460);
        a.queue.transmit(frame);

        assertThat(b.queue.poll(100)).isEqualTo(4);
        assertThat(b.frames).allMatch(TestFrames::isIntact);
        assertThat(b.described).containsOnly("UNKNOWN NONE 0");
        assertThat(a.queue.count(LinkCounter.TX_FRAMES)).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void dropsAndCountsWhatIsTooLong(boolean offload) {
        MemoryLink.Pair pair = MemoryLink.builder().offload(offload).mtu(1000).pair("a", "b");
        End a = open(pair.first());
        End b = open(pair.second());
        ByteBuf payload = Unpooled.buffer().writeBytes(new byte[70_000]);
        frame.addPayload(payload, 0, 961);
        TestFrames.tcp(frame, flow(1), 1, 1, TcpHeader.ACK);
        a.queue.transmit(frame);
        frame.reset();
        frame.addPayload(payload, 0, 65_496);
        TestFrames.tcp(frame, flow(1), 1, 1, TcpHeader.ACK);
        frame.requestSegmentation(SegmentationType.TCP_V4, 960);
        a.queue.transmit(frame);

        assertThat(a.queue.count(LinkCounter.TX_TOO_LONG)).isEqualTo(2);
        assertThat(b.queue.poll(100)).isZero();
    }

    @Test
    void leavesAFrameToTheReceiverThatKeepsIt() {
        MemoryLink.Pair pair = MemoryLink.pair("a", "b");
        End a = open(pair.first());
        End b = open(pair.second());
        b.keep = true;
        a.queue.transmit(numbered(7));
        a.queue.transmit(numbered(8));
        b.queue.poll(10);
        assertThat(b.kept).extracting(MemoryLinkTest::number).containsExactly(7, 8);
        b.kept.forEach(ByteBuf::release);
    }

    @Test
    void releasesWhatWasNotDelivered() {
        MemoryLink.Pair pair = MemoryLink.pair("a", "b");
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
        End a = new End(pair.first(), allocator);
        End b = open(pair.second());
        a.queue.transmit(numbered(1));
        a.queue.transmit(numbered(2));
        assertThat(allocator.metric().usedDirectMemory()).isPositive();
        b.queue.close();
        assertThat(allocator.metric().usedDirectMemory()).isZero();

        a.queue.transmit(numbered(3));
        assertThat(a.queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(1);
        assertThat(allocator.metric().usedDirectMemory()).isZero();
        a.queue.close();
        a.queue.transmit(numbered(4));
        assertThat(a.queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(2);
    }

    @Test
    void spreadsFlowsOverQueuesAndKeepsEachOnOne() {
        MemoryLink.Pair pair = MemoryLink.builder().receiveQueues(2).pair("a", "b");
        End a = open(pair.first());
        End b1 = open(pair.second());
        End b2 = open(pair.second());
        End b3 = open(pair.second());
        for (int port = 1; port <= 64; port++) {
            for (int i = 0; i < 2; i++) {
                frame.reset();
                TestFrames.tcp(frame, flow(port), i, 0, TcpHeader.ACK);
                a.queue.transmit(frame);
            }
        }
        b1.queue.poll(1000);
        b2.queue.poll(1000);
        assertThat(b3.queue.poll(1000)).as("only sends").isZero();
        assertThat(b1.frames.size() + b2.frames.size()).isEqualTo(128);
        assertThat(b1.frames).hasSizeBetween(32, 96);
        for (End end : List.of(b1, b2)) {
            for (int i = 0; i < end.frames.size(); i += 2) {
                assertThat(TcpHeader.sourcePort(end.frames.get(i), 34))
                        .isEqualTo(TcpHeader.sourcePort(end.frames.get(i + 1), 34));
            }
        }
        b3.queue.transmit(numbered(5));
        assertThat(a.queue.poll(10)).isEqualTo(1);

        b1.queue.close();
        frame.reset();
        for (int port = 1; port <= 64; port++) {
            frame.reset();
            TestFrames.tcp(frame, flow(port), 0, 0, TcpHeader.ACK);
            a.queue.transmit(frame);
        }
        assertThat(b2.queue.poll(1000)).isEqualTo(64);
    }

    @Test
    void tellsWhenItGoesDownComesUpAndIsClosed() throws IOException {
        MemoryLink.Pair pair = MemoryLink.pair("a", "b");
        End a = open(pair.first());
        End b = open(pair.second());
        pair.second().setUp(false);
        assertThat(b.wakeups).hasValue(1);
        a.queue.transmit(numbered(1));
        b.queue.transmit(numbered(2));
        assertThat(a.queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(1);
        assertThat(b.queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(1);
        assertThat(b.queue.poll(10)).isZero();
        assertThat(b.queue.poll(10)).isZero();
        assertThat(b.events).containsExactly("link b is down");

        pair.second().setUp(true);
        b.queue.poll(10);
        a.queue.transmit(numbered(1));
        assertThat(b.queue.poll(10)).isEqualTo(1);
        assertThat(b.events).containsExactly("link b is down", "up");

        pair.second().close();
        b.queue.poll(10);
        b.queue.poll(10);
        assertThat(b.events).containsExactly("link b is down", "up", "link b was closed");
        assertThatThrownBy(() -> open(pair.second())).hasRootCauseMessage("link b was closed");
        a.queue.transmit(numbered(1));
        assertThat(a.queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(2);
        assertThat(a.events).isEmpty();
        pair.close();
    }

    @Test
    void carriesPacketsWithoutEthernetHeader() {
        MemoryLink.Pair pair = MemoryLink.builder()
                .medium(Link.Medium.IP)
                .offload(false)
                .mtu(1000)
                .pair("a", "b");
        End a = open(pair.first());
        End b = open(pair.second());
        frame.addPayload(Unpooled.buffer().writeBytes(new byte[960]), 0, 960);
        TestFrames.tcp(frame, flow(1), 1, 1, TcpHeader.ACK);
        frame.headerStart(frame.headerStart() + EthernetHeader.LENGTH);
        a.queue.transmit(frame);
        assertThat(b.queue.poll(10)).isEqualTo(1);
        assertThat(b.frames.get(0).writerIndex()).isEqualTo(1000);
        assertThat(a.queue.count(LinkCounter.TX_TOO_LONG)).isZero();
    }

    @Test
    void losesNoFrameAndNoWakeupBetweenTwoThreads() throws Exception {
        int frames = 50_000;
        MemoryLink.Pair pair = MemoryLink.builder().capacity(64).pair("a", "b");
        Semaphore wakeups = new Semaphore(0);
        AtomicInteger next = new AtomicInteger();
        LinkQueue b = pair.second()
                .openQueue(
                        new Ignoring() {
                            @Override
                            public void onFrame(InboundFrame frame) {
                                assertThat(frame.buffer().getInt(frame.offset() + EthernetHeader.LENGTH))
                                        .isEqualTo(next.getAndIncrement());
                            }
                        },
                        wakeups::release,
                        ByteBufAllocator.DEFAULT);
        LinkQueue a = pair.first().openQueue(new Ignoring(), () -> {}, ByteBufAllocator.DEFAULT);
        Thread sender = new Thread(() -> {
            for (int sent = 0; sent < frames; ) {
                a.transmit(numbered(sent));
                sent = (int) a.count(LinkCounter.TX_FRAMES);
            }
        });
        sender.start();
        while (next.get() < frames) {
            assertThat(wakeups.tryAcquire(10, TimeUnit.SECONDS))
                    .as("a wakeup in time")
                    .isTrue();
            while (b.poll(16) == 16) {
                // There may be more.
            }
        }
        sender.join();
        assertThat(b.poll(16)).isZero();
        a.close();
        b.close();
    }

    @Test
    void releasesEveryFrameThatASenderHandsOverWhileTheReceiverCloses() throws Exception {
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
        for (int round = 0; round < 200; round++) {
            MemoryLink.Pair pair = MemoryLink.pair("a", "b");
            LinkQueue b = pair.second().openQueue(new Ignoring(), () -> {}, allocator);
            LinkQueue a = pair.first().openQueue(new Ignoring(), () -> {}, allocator);
            Thread sender = new Thread(() -> {
                for (int i = 0; i < 100; i++) {
                    a.transmit(numbered(i));
                }
            });
            sender.start();
            b.poll(10);
            b.close();
            sender.join();
            a.close();
            assertThat(allocator.metric().usedDirectMemory())
                    .as("round %d", round)
                    .isZero();
        }
    }

    private static final class End implements LinkReceiver {
        final List<ByteBuf> frames = new ArrayList<>();
        final List<ByteBuf> kept = new ArrayList<>();
        final List<String> described = new ArrayList<>();
        final List<String> events = new ArrayList<>();
        final AtomicInteger wakeups = new AtomicInteger();
        final LinkQueue queue;
        boolean keep;

        End(MemoryLink link) {
            this(link, ByteBufAllocator.DEFAULT);
        }

        End(MemoryLink link, ByteBufAllocator allocator) {
            try {
                queue = link.openQueue(this, wakeups::incrementAndGet, allocator);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        @Override
        public void onFrame(InboundFrame frame) {
            frames.add(Unpooled.wrappedBuffer(ByteBufUtil.getBytes(frame.buffer(), frame.offset(), frame.length())));
            described.add(frame.checksum() + " " + frame.segmentation() + " " + frame.segmentSize());
            if (keep) {
                kept.add(frame.buffer().retainedSlice(frame.offset(), frame.length()));
            }
        }

        @Override
        public void onLinkFailure(IOException cause) {
            events.add(cause.getMessage());
        }

        @Override
        public void onLinkDown(IOException cause) {
            events.add(cause.getMessage());
        }

        @Override
        public void onLinkUp() {
            events.add("up");
        }
    }
}
