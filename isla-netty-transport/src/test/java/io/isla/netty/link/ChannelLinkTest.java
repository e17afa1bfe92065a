/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.UdpHeader;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.local.LocalAddress;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.local.LocalServerChannel;
import io.netty.channel.socket.DatagramPacket;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A link over a channel, both on the test's thread: the channel's tasks run when they are told to. */
class ChannelLinkTest {
    private final List<ByteBuf> received = new ArrayList<>();
    private final List<String> events = new ArrayList<>();
    private final AtomicInteger wakeups = new AtomicInteger();
    private final OutboundFrame outbound = new OutboundFrame();
    private final ChannelLink link =
            ChannelLink.builder("vpn0", Link.Medium.IP).capacity(4).build();
    private final LinkQueue queue = open(link);
    private final EmbeddedChannel channel = new EmbeddedChannel();

    private LinkQueue open(ChannelLink link) {
        try {
            return link.openQueue(new Recorder(), wakeups::incrementAndGet, PooledByteBufAllocator.DEFAULT);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @AfterEach
    void close() {
        queue.close();
        outbound.release();
        received.forEach(ByteBuf::release);
        channel.finishAndReleaseAll();
    }

    private final class Recorder implements LinkReceiver {
        @Override
        public void onFrame(InboundFrame frame) {
            assertThat(frame.checksum()).isEqualTo(InboundFrame.Checksum.UNKNOWN);
            received.add(frame.buffer().retainedSlice(frame.offset(), frame.length()));
        }

        @Override
        public void onLinkFailure(IOException cause) {
            events.add("failure: " + cause.getMessage());
        }

        @Override
        public void onLinkDown(IOException cause) {
            events.add("down: " + cause.getMessage());
        }

        @Override
        public void onLinkUp() {
            events.add("up");
        }
    }

    private void transmit(int number) {
        outbound.reset();
        outbound.header().setInt(outbound.append(4), number);
        queue.transmit(outbound);
    }

    private void carry() {
        channel.pipeline().addLast(new ChannelLinkHandler(link));
        queue.poll(1);
        events.clear();
    }

    private List<Integer> written() {
        channel.runPendingTasks();
        List<Integer> numbers = new ArrayList<>();
        for (ByteBuf frame = channel.readOutbound(); frame != null; frame = channel.readOutbound()) {
            assertThat(frame.readableBytes()).isEqualTo(4);
            numbers.add(frame.readInt());
            frame.release();
        }
        return numbers;
    }

    @Test
    void isDownUntilAChannelCarriesItAndWhenThatIsClosed() {
        queue.poll(1);
        transmit(1);
        channel.pipeline().addLast(new ChannelLinkHandler(link));
        assertThat(link.isUp()).isTrue();
        assertThat(wakeups).hasValue(1);
        queue.poll(1);
        channel.close();
        assertThat(link.isUp()).isFalse();
        queue.poll(1);
        transmit(2);

        assertThat(events)
                .containsExactly(
                        "down: link vpn0 is down: no active channel has a ChannelLinkHandler for it",
                        "up",
                        "down: link vpn0 is down: no active channel has a ChannelLinkHandler for it");
        assertThat(queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(2);
        assertThat(written()).isEmpty();
    }

    @Test
    void isUpAgainWhenAnotherChannelCarriesItAndUsesTheLatest() {
        carry();
        EmbeddedChannel second = new EmbeddedChannel(new ChannelLinkHandler(link));
        transmit(7);
        queue.flush();
        assertThat(written()).isEmpty();
        second.runPendingTasks();
        ByteBuf frame = second.readOutbound();
        assertThat(frame.readInt()).isEqualTo(7);
        frame.release();

        // The one before it has no say any more, but what it has read still counts.
        channel.writeInbound(Unpooled.copyInt(8));
        channel.close();
        queue.poll(10);
        assertThat(events).isEmpty();
        assertThat(received).hasSize(1);
        second.pipeline().removeLast();
        queue.poll(10);
        assertThat(events).hasSize(1);
        second.finishAndReleaseAll();
    }

    @Test
    void aHandlerThatIsAddedBeforeTheChannelIsActiveWaitsForThat() throws Exception {
        EmbeddedChannel late = new EmbeddedChannel(false, false);
        ChannelLinkHandler handler = new ChannelLinkHandler(link);
        late.pipeline().addLast(handler);
        assertThat(link.isUp()).isFalse();
        late.register();
        assertThat(link.isUp()).isTrue();
        assertThatThrownBy(() -> channel.pipeline().addLast(handler)).hasMessageContaining("not a @Sharable handler");
        late.close();
        assertThat(link.isUp()).isFalse();
    }

    @Test
    void whoWaitsIsToldWhenItIsUpAndAtOnceWhenItIsAlready() throws Exception {
        EmbeddedChannel late = new EmbeddedChannel(false, false);
        Future<Void> first = link.whenUp();
        late.pipeline().addLast(new ChannelLinkHandler(link));
        assertThat(first.isDone()).isFalse();
        late.register();
        assertThat(first.isSuccess()).isTrue();
        assertThat(link.whenUp().isSuccess()).isTrue();

        late.close();
        Future<Void> second = link.whenUp();
        assertThat(second.isDone()).isFalse();
        carry();
        assertThat(second.isSuccess()).isTrue();
    }

    @Test
    void whoWaitsIsToldThatALinkIsClosed() {
        Future<Void> before = link.whenUp();
        Future<Void> givenUp = link.whenUp();
        assertThat(givenUp.cancel(false)).isTrue();
        link.close();
        assertThat(before.cause()).isInstanceOf(IOException.class).hasMessage("link vpn0 was closed");
        carry();
        assertThat(link.whenUp().cause()).hasMessage("link vpn0 was closed");
    }

    @Test
    void framesAreWrittenInOrderAndNotInTheMiddleOfTheHostsWork() {
        carry();
        transmit(1);
        transmit(2);
        queue.flush();
        assertThat(channel.outboundMessages()).isEmpty();
        assertThat(written()).containsExactly(1, 2);
        assertThat(queue.count(LinkCounter.TX_FRAMES)).isEqualTo(2);
        assertThat(queue.count(LinkCounter.TX_BYTES)).isEqualTo(8);
    }

    @Test
    void framesWaitWhileTheChannelIsNotWritableAndThenAreDroppedAndCounted() {
        carry();
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        for (int i = 0; i < 10; i++) {
            transmit(i);
            queue.flush();
            assertThat(written()).isEmpty();
        }
        assertThat(queue.count(LinkCounter.TX_QUEUE_FULL)).isEqualTo(6);
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        assertThat(written()).containsExactly(0, 1, 2, 3);
        transmit(10);
        queue.flush();
        assertThat(written()).containsExactly(10);
    }

    @Test
    void framesThatWaitForAChannelThatIsClosedAreReleasedAndCounted() {
        carry();
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        transmit(1);
        transmit(2);
        queue.flush();
        channel.close();
        assertThat(queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(2);
    }

    @Test
    void aWriteThatFailsIsCounted() {
        channel.pipeline().addLast(new ChannelOutboundHandlerAdapter() {
            @Override
            public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
                ((ByteBuf) message).release();
                promise.setFailure(new IOException("no key"));
            }
        });
        carry();
        transmit(1);
        queue.flush();
        assertThat(written()).isEmpty();
        assertThat(queue.count(LinkCounter.TX_ERRORS)).isEqualTo(1);
    }

    @Test
    void aFrameThatIsReadIsDeliveredWithoutACopyAndReleased() {
        carry();
        int before = wakeups.get();
        ByteBuf buffer = Unpooled.directBuffer(16).writeLong(0).writeInt(42);
        buffer.skipBytes(8);
        channel.writeInbound(buffer);
        channel.writeInbound(new DatagramPacket(Unpooled.copyInt(43), new InetSocketAddress(1)));
        assertThat(wakeups).hasValue(before + 1);
        assertThat(queue.poll(10)).isEqualTo(2);

        assertThat(received).extracting(frame -> frame.getInt(0)).containsExactly(42, 43);
        assertThat(received.get(0).memoryAddress()).isEqualTo(buffer.memoryAddress() + 8);
        assertThat(buffer.refCnt()).as("the receiver's only").isEqualTo(1);
        assertThat(queue.count(LinkCounter.RX_FRAMES)).isEqualTo(2);
        assertThat(queue.count(LinkCounter.RX_BYTES)).isEqualTo(8);
    }

    @Test
    void framesForWhichThereIsNoRoomAreDroppedAndCounted() {
        carry();
        ByteBuf[] frames = new ByteBuf[10];
        for (int i = 0; i < frames.length; i++) {
            frames[i] = Unpooled.copyInt(i);
            channel.writeInbound(frames[i]);
        }
        assertThat(queue.count(LinkCounter.RX_QUEUE_FULL)).isEqualTo(6);
        assertThat(frames[9].refCnt()).isZero();
        assertThat(queue.poll(100)).isEqualTo(4);
        assertThat(received).extracting(frame -> frame.getInt(0)).containsExactly(0, 1, 2, 3);
    }

    @Test
    void whatIsNoFrameIsPassedOn() {
        carry();
        channel.writeInbound("text");
        assertThat(channel.inboundMessages()).containsExactly("text");
    }

    @Test
    void closingTheLinkFailsItsQueuesAndLeavesTheChannelOpen() {
        carry();
        transmit(1);
        queue.flush();
        link.close();
        assertThat(link.isUp()).isFalse();
        queue.poll(10);
        queue.poll(10);
        assertThat(events).containsExactly("failure: link vpn0 was closed");
        transmit(2);
        assertThat(written()).containsExactly(1);
        channel.writeInbound(Unpooled.copyInt(3));
        assertThat(queue.count(LinkCounter.RX_QUEUE_FULL)).isEqualTo(1);
        assertThat(channel.isActive()).isTrue();
        assertThatThrownBy(() -> link.openQueue(new Recorder(), () -> {}, ByteBufAllocator.DEFAULT))
                .isInstanceOf(IOException.class)
                .hasMessage("link vpn0 was closed");
    }

    @Test
    void whatIsCountedOffTheLoopsIsToldOnceHoweverManyQueuesThereAre() throws Exception {
        carry();
        LinkQueue second = open(link);
        for (int i = 0; i < 7; i++) {
            channel.writeInbound(Unpooled.copyInt(i));
        }
        assertThat(queue.count(LinkCounter.RX_QUEUE_FULL) + second.count(LinkCounter.RX_QUEUE_FULL))
                .isEqualTo(3);
        queue.close();
        assertThat(queue.count(LinkCounter.RX_QUEUE_FULL)).isEqualTo(3);
        assertThat(second.count(LinkCounter.RX_QUEUE_FULL)).isZero();
        channel.writeInbound(Unpooled.copyInt(8));
        assertThat(queue.count(LinkCounter.RX_QUEUE_FULL)).isEqualTo(3);
        assertThat(second.count(LinkCounter.RX_QUEUE_FULL)).isEqualTo(1);
        second.close();
    }

    @Test
    void splitsAndSumsWhatTheHostLeavesToItsLink() {
        ChannelLink wide = ChannelLink.builder("vpn1", Link.Medium.IP).mtu(100).build();
        LinkQueue wideQueue = open(wide);
        channel.pipeline().addLast(new ChannelLinkHandler(wide));
        ByteBuf payload = Unpooled.directBuffer().writeZero(150);
        outbound.reset();
        outbound.addPayload(payload, 0, 150);
        udp(outbound);
        wideQueue.transmit(outbound);
        assertThat(wideQueue.count(LinkCounter.TX_TOO_LONG))
                .as("not to be split")
                .isEqualTo(1);

        outbound.requestSegmentation(SegmentationType.UDP, 70);
        wideQueue.transmit(outbound);
        wideQueue.flush();
        channel.runPendingTasks();

        List<Integer> lengths = new ArrayList<>();
        for (ByteBuf frame = channel.readOutbound(); frame != null; frame = channel.readOutbound()) {
            int length = frame.readableBytes();
            lengths.add(length);
            assertThat(Ipv4Header.isValid(frame, 0, length)).isTrue();
            assertThat(Ipv4Header.isChecksumValid(frame, 0)).isTrue();
            int pseudoHeader = InternetChecksum.pseudoHeaderV4(
                    Ipv4Header.source(frame, 0), Ipv4Header.destination(frame, 0), IpProtocol.UDP, length - 20);
            assertThat(InternetChecksum.isValid(frame, 20, length - 20, pseudoHeader))
                    .isTrue();
            frame.release();
        }
        assertThat(lengths).containsExactly(98, 98, 38);
        payload.release();
        wideQueue.close();
    }

    private static void udp(OutboundFrame frame) {
        ByteBuf header = frame.header();
        IpAddress from = IpAddress.v4(0x0a00_0001);
        IpAddress to = IpAddress.v4(0x0a00_0002);
        int transport = frame.prepend(UdpHeader.LENGTH);
        int length = frame.length();
        UdpHeader.write(header, transport, 1, 2, length, 0);
        header.setShort(
                transport + UdpHeader.CHECKSUM_OFFSET,
                InternetChecksum.pseudoHeaderV4(from.v4Bits(), to.v4Bits(), IpProtocol.UDP, length));
        frame.requestChecksum(transport, UdpHeader.CHECKSUM_OFFSET);
        int at = frame.prepend(Ipv4Header.MIN_LENGTH);
        Ipv4Header.write(
                header, at, 0, Ipv4Header.MIN_LENGTH + length, 0, 0, 64, IpProtocol.UDP, from.v4Bits(), to.v4Bits());
    }

    /** Besides, the leak check of the test run looks whether each buffer is released. */
    @Test
    void everyFrameIsAccountedForWhereChannelsComeAndGoWhileTheHostSends() throws Exception {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(2, LocalIoHandler.newFactory());
        AtomicInteger writes = new AtomicInteger();
        long sent = 0;
        try {
            Channel server = new ServerBootstrap()
                    .group(group)
                    .channel(LocalServerChannel.class)
                    .childHandler(new Discard())
                    .bind(LocalAddress.ANY)
                    .sync()
                    .channel();
            for (int round = 0; round < 50; round++) {
                Channel carrier = new Bootstrap()
                        .group(group)
                        .channel(LocalChannel.class)
                        .handler(new ChannelInitializer<>() {
                            @Override
                            protected void initChannel(Channel channel) {
                                channel.pipeline().addLast(new CountWrites(writes), new ChannelLinkHandler(link));
                            }
                        })
                        .connect(server.localAddress())
                        .sync()
                        .channel();
                long start = System.nanoTime();
                for (int i = 0; carrier.isOpen() || i < 40; i++) {
                    transmit(i);
                    queue.flush();
                    sent++;
                    if (i == 20) {
                        carrier.close();
                    }
                    assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(10));
                }
            }
            server.close().sync();
        } finally {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
        assertThat(link.isUp()).isFalse();
        assertThat(writes.get() + queue.count(LinkCounter.TX_QUEUE_FULL) + queue.count(LinkCounter.TX_LINK_DOWN))
                .isEqualTo(sent);
        assertThat(writes.get()).isPositive();
    }

    private static final class Discard extends ChannelInboundHandlerAdapter {
        @Override
        public boolean isSharable() {
            return true;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
        }
    }

    private static final class CountWrites extends ChannelOutboundHandlerAdapter {
        private final AtomicInteger writes;

        CountWrites(AtomicInteger writes) {
            this.writes = writes;
        }

        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
            writes.incrementAndGet();
            context.write(message, promise);
        }
    }
}
