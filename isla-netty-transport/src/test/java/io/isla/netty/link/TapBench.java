/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** A queue of a TAP on an epoll event loop, with a receiver that answers ARP and keeps copies of all that arrives. */
final class TapBench implements AutoCloseable {
    private static final long DEADLINE_SECONDS = 10;

    /** A frame as it arrived, and what was known of it. */
    record Received(ByteBuf bytes, InboundFrame.Checksum checksum, SegmentationType segmentation, int segmentSize) {}

    /** What has arrived; a test may have two benches share one. */
    volatile BlockingQueue<Received> frames = new LinkedBlockingQueue<>();

    final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    final AtomicInteger wakeups = new AtomicInteger();
    final TapLink link;
    final LinkQueue queue;
    /** Called on the event loop with each frame, before it is copied. */
    volatile Consumer<InboundFrame> tap = frame -> {};

    private final IpAddress address;
    private final MultiThreadIoEventLoopGroup group;
    private final IoEventLoop loop;
    private final OutboundFrame outbound = new OutboundFrame();
    private final List<IoRegistration> registrations = new ArrayList<>();
    private final List<CountingHandle> handles = new ArrayList<>();

    TapBench(TapLink link, String address) throws Exception {
        this(link, address, PooledByteBufAllocator.DEFAULT);
    }

    /** Opens a queue; {@code address} is what ARP is answered for. */
    TapBench(TapLink link, String address, ByteBufAllocator allocator) throws Exception {
        this.link = link;
        this.address = IpAddress.of(java.net.InetAddress.getByName(address));
        group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        loop = group.next();
        queue = link.openQueue(new Receiver(), this::wakeup, allocator);
        register((EpollIoHandle) queue.ioHandle());
        register((EpollIoHandle) queue.stateHandle());
    }

    private void register(EpollIoHandle handle) throws Exception {
        if (handle != null) {
            CountingHandle counting = new CountingHandle(handle);
            handles.add(counting);
            IoRegistration registration = loop.register(counting).sync().getNow();
            registration.submit(EpollIoOps.EPOLLIN);
            registrations.add(registration);
        }
    }

    private void wakeup() {
        wakeups.incrementAndGet();
        loop.execute(() -> queue.poll(64));
    }

    /** How often the event loop has called a handle. */
    int handled() {
        return handles.stream().mapToInt(handle -> handle.count.get()).sum();
    }

    /** Runs something on the event loop and waits for it. */
    <T> T onLoop(Callable<T> work) throws Exception {
        return loop.submit(work).get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Builds a frame and sends it, on the event loop. */
    void send(Consumer<OutboundFrame> builder) throws Exception {
        onLoop(() -> {
            outbound.reset();
            builder.accept(outbound);
            queue.transmit(outbound);
            queue.flush();
            return null;
        });
    }

    /** The flow from a port of ours to one of the host's. */
    Flow flow(int ourPort, String hostAddress, int hostPort) throws IOException {
        return new Flow(
                address,
                ourPort,
                IpAddress.of(java.net.InetAddress.getByName(hostAddress)),
                hostPort,
                link.hostMacAddress().bits());
    }

    /** Takes frames until one fits. */
    Received await(Predicate<ByteBuf> wanted) throws InterruptedException {
        long start = System.nanoTime();
        while (true) {
            long left = TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS) - (System.nanoTime() - start);
            Received received = frames.poll(left, TimeUnit.NANOSECONDS);
            assertThat(received).as("a frame as expected, in time").isNotNull();
            if (wanted.test(received.bytes())) {
                return received;
            }
        }
    }

    /** Takes the next thing that was said of the device. */
    String awaitEvent() throws InterruptedException {
        String event = events.poll(DEADLINE_SECONDS, TimeUnit.SECONDS);
        assertThat(event).as("an event in time").isNotNull();
        return event;
    }

    /** Fits a UDP datagram or TCP segment to this port. */
    static Predicate<ByteBuf> to(int protocol, int port) {
        return frame -> TestFrames.protocol(frame) == protocol
                && frame.getUnsignedShort(TestFrames.transportOffset(frame) + 2) == port;
    }

    @Override
    public void close() {
        registrations.forEach(IoRegistration::cancel);
        // After the cancellations, which are tasks of the event loop too.
        loop.submit(() -> {
                    queue.close();
                    outbound.release();
                })
                .syncUninterruptibly();
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
        link.close();
    }

    private final class Receiver implements LinkReceiver {
        @Override
        public void onFrame(InboundFrame frame) {
            tap.accept(frame);
            ByteBuf copy = Unpooled.buffer(frame.length()).writeBytes(frame.buffer(), frame.offset(), frame.length());
            if (isArpRequest(copy)) {
                answerArp(copy);
                return;
            }
            frames.add(new Received(copy, frame.checksum(), frame.segmentation(), frame.segmentSize()));
        }

        private boolean isArpRequest(ByteBuf frame) {
            int arp = EthernetHeader.LENGTH;
            return EthernetHeader.isValid(frame.writerIndex())
                    && EthernetHeader.type(frame, 0) == EtherType.ARP
                    && ArpHeader.isValid(frame, arp, frame.writerIndex() - arp)
                    && ArpHeader.operation(frame, arp) == ArpHeader.REQUEST
                    && ArpHeader.targetProtocolAddress(frame, arp) == address.v4Bits();
        }

        private void answerArp(ByteBuf request) {
            int arp = EthernetHeader.LENGTH;
            long host = ArpHeader.senderHardwareAddress(request, arp);
            int hostAddress = ArpHeader.senderProtocolAddress(request, arp);
            outbound.reset();
            ArpHeader.write(
                    outbound.header(),
                    outbound.append(ArpHeader.LENGTH),
                    ArpHeader.REPLY,
                    TestFrames.ISLA_MAC,
                    address.v4Bits(),
                    host,
                    hostAddress);
            EthernetHeader.write(
                    outbound.header(),
                    outbound.prepend(EthernetHeader.LENGTH),
                    host,
                    TestFrames.ISLA_MAC,
                    EtherType.ARP);
            queue.transmit(outbound);
            queue.flush();
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

    private static final class CountingHandle implements EpollIoHandle {
        private final EpollIoHandle handle;
        private final AtomicInteger count = new AtomicInteger();

        CountingHandle(EpollIoHandle handle) {
            this.handle = handle;
        }

        @Override
        public FileDescriptor fd() {
            return handle.fd();
        }

        @Override
        public void registered() {
            handle.registered();
        }

        @Override
        public void unregistered() {
            handle.unregistered();
        }

        @Override
        public void handle(IoRegistration registration, IoEvent event) {
            count.incrementAndGet();
            handle.handle(registration, event);
        }

        @Override
        public void close() {
            try {
                handle.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
