/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.testing.ForkedJvm;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.IoHandle;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoOps;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many frames in one turn, with io_uring and without: all of them, whole, and in their order. */
@KernelTest
class TapBatchTest {
    private static final String HOST = "10.99.0.1";
    private static final String ISLA = "10.99.0.2";
    private static final int LARGE = 8000;

    private static TapLink link(boolean ioUring) throws Exception {
        return TapLink.builder("tap0")
                .hostAddress(InetAddress.getByName(HOST), 24)
                .mtu(9000)
                .ioUring(ioUring)
                .open();
    }

    private static DatagramSocket hostSocket() throws Exception {
        DatagramSocket socket = new DatagramSocket(new InetSocketAddress(HOST, 0));
        socket.setSoTimeout(10_000);
        socket.setReceiveBufferSize(1 << 22);
        return socket;
    }

    /** Some frames are large: what waits goes before them. */
    private static int length(int number) {
        return number % 37 == 36 ? LARGE : 4 + number * 53 % 1400;
    }

    private static void transmit(
            TapBench bench, OutboundFrame frame, TestFrames.Flow flow, ByteBuf payload, int number) {
        payload.setInt(0, number);
        frame.reset().addPayload(payload, 0, length(number));
        TestFrames.udp(frame, flow);
        bench.queue.transmit(frame);
    }

    private static void receive(DatagramSocket socket, int from, int to) throws Exception {
        DatagramPacket packet = new DatagramPacket(new byte[LARGE + 1], LARGE + 1);
        for (int i = from; i < to; i++) {
            socket.receive(packet);
            assertThat(Unpooled.wrappedBuffer(packet.getData()).getInt(0)).isEqualTo(i);
            assertThat(packet.getLength()).isEqualTo(length(i));
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void sendsManyInOneTurn(boolean ioUring) throws Exception {
        ByteBuf payload = Unpooled.directBuffer(LARGE, LARGE).writeZero(LARGE);
        OutboundFrame frame = new OutboundFrame();
        try (TapBench bench = new TapBench(link(ioUring), ISLA);
                DatagramSocket socket = hostSocket()) {
            TestFrames.Flow flow = bench.flow(4000, HOST, socket.getLocalPort());
            int number = 0;
            for (int count : new int[] {1, 2, 36, 37, 38, 75, 200}) {
                int from = number;
                bench.onLoop(() -> {
                    for (int i = from; i < from + count; i++) {
                        transmit(bench, frame, flow, payload, i);
                    }
                    bench.queue.flush();
                    return null;
                });
                number += count;
                receive(socket, from, number);
            }
            assertThat(bench.queue.count(LinkCounter.TX_ERRORS)).isZero();
            assertThat(bench.queue.count(LinkCounter.TX_FRAMES)).isGreaterThanOrEqualTo(number);
        } finally {
            frame.release();
            payload.release();
        }
    }

    /** Without {@code Unsafe}, buffers have no address that a ring could be told. */
    @Test
    void sendsManyFromBuffersWithoutAnAddress() throws Exception {
        assertThat(ForkedJvm.run(Sender.class, List.of("-Xmx300m", "-Dio.netty.noUnsafe=true")))
                .containsExactly("sent");
    }

    static final class Sender {
        public static void main(String[] arguments) throws Exception {
            new TapBatchTest().sendsManyInOneTurn(true);
            System.out.println("sent");
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void sendsWhatWaitsWhenItIsClosed(boolean ioUring) throws Exception {
        ByteBuf payload = Unpooled.directBuffer(LARGE, LARGE).writeZero(LARGE);
        OutboundFrame frame = new OutboundFrame();
        try (DatagramSocket socket = new DatagramSocket(0)) {
            socket.setSoTimeout(10_000);
            try (TapBench bench = new TapBench(link(ioUring), ISLA)) {
                TestFrames.Flow flow = bench.flow(4000, HOST, socket.getLocalPort());
                bench.onLoop(() -> {
                    for (int i = 0; i < 5; i++) {
                        transmit(bench, frame, flow, payload, i);
                    }
                    bench.queue.close();
                    return null;
                });
                receive(socket, 0, 5);
            }
        } finally {
            frame.release();
            payload.release();
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void countsEachOfManyThatADeviceThatIsDownDoesNotTake(boolean ioUring) throws Exception {
        OutboundFrame frame = new OutboundFrame();
        try (TapLink link = link(ioUring)) {
            CollectingReceiver receiver = new CollectingReceiver();
            LinkQueue queue = link.openQueue(receiver, () -> {}, ByteBufAllocator.DEFAULT);
            frame.append(60);
            queue.transmit(frame);
            queue.transmit(frame);
            queue.flush();
            assertThat(queue.count(LinkCounter.TX_FRAMES)).isEqualTo(2);
            IpCommand.ip("link set dev tap0 down");
            for (int i = 0; i < 40; i++) {
                queue.transmit(frame);
            }
            queue.flush();
            assertThat(queue.count(LinkCounter.TX_FRAMES)).isEqualTo(2);
            assertThat(queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(40);
            assertThat(receiver.events).containsExactly("down");
            queue.close();
        } finally {
            frame.release();
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void receivesManyThatHaveComeMeanwhile(boolean ioUring) throws Exception {
        try (TapBench bench = new TapBench(link(ioUring), ISLA);
                DatagramSocket socket = hostSocket()) {
            InetSocketAddress isla = new InetSocketAddress(ISLA, 4000);
            // The kernel learns of the neighbour first: while it asks, it keeps few.
            socket.send(new DatagramPacket(new byte[4], 4, isla));
            bench.await(TapBench.to(IpProtocol.UDP, 4000));
            BlockingQueue<ByteBuf> kept = new LinkedBlockingQueue<>();
            bench.tap = frame -> {
                if (TestFrames.protocol(frame.buffer().slice(frame.offset(), frame.length())) == IpProtocol.UDP) {
                    kept.add(frame.buffer().retainedSlice(frame.offset(), frame.length()));
                }
            };
            int number = 0;
            for (int count : new int[] {1, 2, 3, 9, 20, 100}) {
                CountDownLatch sent = new CountDownLatch(1);
                CountDownLatch busy = new CountDownLatch(1);
                Thread sender = new Thread(() -> {
                    try {
                        bench.onLoop(() -> {
                            busy.countDown();
                            return sent.await(10, TimeUnit.SECONDS);
                        });
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                });
                sender.start();
                assertThat(busy.await(10, TimeUnit.SECONDS)).isTrue();
                for (int i = 0; i < count; i++) {
                    byte[] payload = new byte[length(number + i)];
                    Unpooled.wrappedBuffer(payload).setInt(0, number + i);
                    socket.send(new DatagramPacket(payload, payload.length, isla));
                }
                sent.countDown();
                sender.join();
                List<ByteBuf> frames = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    ByteBuf frame = kept.poll(10, TimeUnit.SECONDS);
                    assertThat(frame).as("frame %s", number + i).isNotNull();
                    frames.add(frame);
                }
                // Only now that all have been read: none was read over another.
                for (ByteBuf frame : frames) {
                    byte[] payload = TestFrames.udpPayload(frame);
                    assertThat(Unpooled.wrappedBuffer(payload).getInt(0)).isEqualTo(number);
                    assertThat(payload).hasSize(length(number++));
                    frame.release();
                }
            }
            assertThat(bench.queue.count(LinkCounter.RX_ERRORS)).isZero();
        }
    }

    /** Counts frames, and throws with one of them. */
    private static final class Throwing implements LinkReceiver {
        private final int when;
        int frames;

        Throwing(int when) {
            this.when = when;
        }

        @Override
        public void onFrame(InboundFrame frame) {
            if (frames++ == when) {
                throw new IllegalStateException("frame " + when);
            }
        }

        @Override
        public void onLinkFailure(IOException cause) {
            throw new AssertionError(cause);
        }

        @Override
        public void onLinkDown(IOException cause) {
            throw new AssertionError(cause);
        }

        @Override
        public void onLinkUp() {
            throw new AssertionError();
        }
    }

    /** Has the host send datagrams to a queue that nobody reads yet. */
    private static void sendToQueue(int count) throws Exception {
        sendToQueue(count, 100);
    }

    private static void sendToQueue(int count, int bytes) throws Exception {
        IpCommand.ip("neighbor add 10.99.0.2 lladdr 02:00:00:00:00:02 dev tap0");
        try (DatagramSocket socket = hostSocket()) {
            for (int i = 0; i < count; i++) {
                socket.send(new DatagramPacket(new byte[bytes], bytes, new InetSocketAddress(ISLA, 4000)));
            }
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void aLookTakesAllThatIsThere(boolean ioUring) throws Exception {
        try (TapLink link = link(ioUring)) {
            Throwing receiver = new Throwing(-1);
            LinkQueue queue = link.openQueue(receiver, () -> {}, ByteBufAllocator.DEFAULT);
            sendToQueue(300);
            assertThat(queue.poll(256)).isEqualTo(256);
            assertThat(queue.poll(256)).isGreaterThanOrEqualTo(44);
            // The kernel may have had something to say meanwhile.
            assertThat(queue.poll(256)).isLessThan(5);
            queue.close();
        }
    }

    /** How often this thread has called {@code read(2)}: what goes through io_uring is not in it. */
    private static long reads() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/thread-self/io"))) {
            return lines.filter(line -> line.startsWith("syscr: "))
                    .mapToLong(line -> Long.parseLong(line.substring(7)))
                    .sum();
        }
    }

    private static final EpollIoEvent READABLE = () -> EpollIoOps.EPOLLIN;

    /** Has some frames come at once, and returns how many events it takes until all have been received. */
    private static int looks(int frames, DatagramSocket socket, Throwing receiver, IoHandle handle) throws IOException {
        for (int i = 0; i < frames; i++) {
            socket.send(new DatagramPacket(new byte[100], 100, new InetSocketAddress(ISLA, 4000)));
        }
        receiver.frames = 0;
        int looks = 0;
        for (; receiver.frames < frames; looks++) {
            handle.handle(null, READABLE);
        }
        return looks;
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void framesThatComeAloneAreReadWithOneSystemCallEach(boolean ioUring) throws Exception {
        try (TapLink link = link(ioUring)) {
            Throwing receiver = new Throwing(-1);
            LinkQueue queue = link.openQueue(receiver, () -> {}, ByteBufAllocator.DEFAULT);
            IoHandle handle = queue.ioHandle();
            sendToQueue(1);
            queue.poll(256);
            receiver.frames = 0;
            long before = reads();
            try (DatagramSocket socket = hostSocket()) {
                for (int i = 1; i <= 64; i++) {
                    socket.send(new DatagramPacket(new byte[100], 100, new InetSocketAddress(ISLA, 4000)));
                    handle.handle(null, READABLE);
                    assertThat(receiver.frames).isGreaterThanOrEqualTo(i);
                }
                // One look in eight is for more, with the ring or with a read that finds nothing; so is one at which
                // the kernel has something to say, too.
                assertThat(reads() - before).isBetween(64L - 24, 64L + 24);

                // Where frames are large, one look is to take several.
                socket.send(new DatagramPacket(new byte[LARGE], LARGE, new InetSocketAddress(ISLA, 4000)));
                handle.handle(null, READABLE);
                for (int i = 0; i < 2; i++) {
                    socket.send(new DatagramPacket(new byte[LARGE], LARGE, new InetSocketAddress(ISLA, 4000)));
                }
                receiver.frames = 0;
                handle.handle(null, READABLE);
                assertThat(receiver.frames).isGreaterThanOrEqualTo(2);

                // So it is where several have come.
                assertThat(looks(3, socket, receiver, handle)).isLessThanOrEqualTo(2);
                assertThat(looks(3, socket, receiver, handle)).isLessThanOrEqualTo(2);

                // A look that has found nothing says nothing of how many come at a time.
                queue.poll(256);
                assertThat(looks(200, socket, receiver, handle)).isLessThanOrEqualTo(1 + 200 / 64 + 2);
                queue.poll(256);
                for (int i = 0; i < 2; i++) {
                    socket.send(new DatagramPacket(new byte[100], 100, new InetSocketAddress(ISLA, 4000)));
                    handle.handle(null, READABLE);
                }
                assertThat(looks(200, socket, receiver, handle)).isLessThanOrEqualTo(7 + 200 / 64 + 2);
            }
            queue.close();
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void aLookTakesNoMoreLargeFramesThanAreDealtWithWellAtOnce(boolean ioUring) throws Exception {
        try (TapLink link = TapLink.builder("tap0")
                .hostAddress(InetAddress.getByName(HOST), 24)
                .mtu(60_000)
                .ioUring(ioUring)
                .open()) {
            Throwing receiver = new Throwing(-1);
            LinkQueue queue = link.openQueue(receiver, () -> {}, ByteBufAllocator.DEFAULT);
            sendToQueue(40, 50_000);
            // 512 KiB are ten and a half; two are read at a time.
            assertThat(queue.poll(256)).isBetween(10, 13);
            int looks = 1;
            while (receiver.frames < 40) {
                assertThat(queue.poll(256)).isBetween(1, 13);
                looks++;
            }
            assertThat(looks).isBetween(4, 5);
            queue.close();
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void anExceptionCostsNoOtherFrame(boolean ioUring) throws Exception {
        try (TapLink link = link(ioUring)) {
            Throwing receiver = new Throwing(33);
            LinkQueue queue = link.openQueue(receiver, () -> {}, ByteBufAllocator.DEFAULT);
            sendToQueue(100);
            assertThatThrownBy(() -> queue.poll(256)).hasMessage("frame 33");
            queue.poll(256);
            assertThat(receiver.frames).isGreaterThanOrEqualTo(100);
            assertThat(queue.count(LinkCounter.RX_FRAMES)).isEqualTo(receiver.frames);
            queue.close();
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void sendsWhatWaitsAfterTheLinkWasClosed(boolean ioUring) throws Exception {
        OutboundFrame frame = new OutboundFrame();
        try {
            TapLink link = link(ioUring);
            LinkQueue queue = link.openQueue(new CollectingReceiver(), () -> {}, ByteBufAllocator.DEFAULT);
            frame.append(60);
            queue.transmit(frame);
            queue.transmit(frame);
            link.close();
            queue.poll(0);
            queue.close();
            assertThat(queue.count(LinkCounter.TX_FRAMES)).isEqualTo(2);
        } finally {
            frame.release();
        }
    }
}
