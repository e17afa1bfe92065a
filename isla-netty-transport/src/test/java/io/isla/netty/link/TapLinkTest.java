/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static io.isla.netty.link.IpCommand.ip;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.TapBench.Received;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledDirectByteBuf;
import io.netty.buffer.UnpooledHeapByteBuf;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A TAP with one queue, the kernel at its other end. */
@KernelTest
class TapLinkTest {
    private static final String HOST = "10.99.0.1";
    private static final String ISLA = "10.99.0.2";

    private static TapLinkBuilder builder() throws Exception {
        return TapLink.builder("tap0").hostAddress(InetAddress.getByName(HOST), 24);
    }

    private static DatagramSocket hostSocket() throws Exception {
        DatagramSocket socket = new DatagramSocket(new InetSocketAddress(HOST, 0));
        socket.setSoTimeout(10_000);
        return socket;
    }

    private static void sendFromHost(DatagramSocket socket, int port, byte[] payload) throws Exception {
        socket.send(new DatagramPacket(payload, payload.length, InetAddress.getByName(ISLA), port));
    }

    private static byte[] random(int bytes) {
        byte[] payload = new byte[bytes];
        new Random(bytes).nextBytes(payload);
        return payload;
    }

    @Test
    void createsADeviceAndSetsTheHostsEndUp() throws Exception {
        MacAddress mac = MacAddress.parse("02:12:34:56:78:9a");
        TapLink link = builder()
                .hostAddress(InetAddress.getByName("fd00:99::1"), 64)
                .hostMacAddress(mac)
                .mtu(1400)
                .transmitQueueLength(77)
                .open();

        NetworkInterface device = NetworkInterface.getByName("tap0");
        assertThat(device.isUp()).isTrue();
        assertThat(device.getMTU()).isEqualTo(1400);
        assertThat(device.getHardwareAddress()).containsExactly(0x02, 0x12, 0x34, 0x56, 0x78, 0x9a);
        assertThat(device.getInterfaceAddresses())
                .anyMatch(a -> a.getAddress().getHostAddress().equals(HOST) && a.getNetworkPrefixLength() == 24)
                .anyMatch(a -> a.getAddress().getHostAddress().startsWith("fd00:99:0:0:0:0:0:1")
                        && a.getNetworkPrefixLength() == 64);
        assertThat(ip("link show tap0")).contains("qlen 77");
        assertThat(ip("-6 address show dev tap0 scope global")).doesNotContain("tentative");

        assertThat(link.name()).isEqualTo("tap0");
        assertThat(link.mtu()).isEqualTo(1400);
        assertThat(link.medium()).isEqualTo(Link.Medium.ETHERNET);
        assertThat(link.maxReceiveQueues()).isEqualTo(1);
        assertThat(link.hostMacAddress()).isEqualTo(mac);
        assertThat(link.isOffloading()).isTrue();
        link.close();
    }

    @Test
    void letsGoOfTheDeviceWhenClosed() throws Exception {
        TapLink link = builder().open();
        assertThat(NetworkInterface.getByName("tap0")).isNotNull();
        link.close();
        link.close();
        assertThat(NetworkInterface.getByName("tap0")).isNull();
    }

    @Test
    void leavesAPersistentDeviceAndAttachesToItAgain() throws Exception {
        builder().persistent(true).open().close();
        try {
            assertThat(NetworkInterface.getByName("tap0").getInterfaceAddresses())
                    .anyMatch(a -> a.getAddress().getHostAddress().equals(HOST));
            TapLink again = builder().create(false).offload(false).open();
            assertThat(again.isOffloading()).isFalse();
            again.close();
            assertThat(NetworkInterface.getByName("tap0")).isNotNull();
        } finally {
            ip("tuntap del mode tap name tap0");
        }
    }

    @Test
    void attachesToADeviceOfTheIpCommandAndBringsItUp() throws Exception {
        ip("tuntap add mode tap name tap0");
        try (TapLink link = builder().queues(4).open()) {
            assertThat(NetworkInterface.getByName("tap0").isUp()).isTrue();
            assertThat(link.isOffloading()).isTrue();
            assertThat(link.maxReceiveQueues())
                    .as("queues of a device made with one")
                    .isEqualTo(1);
        } finally {
            ip("tuntap del mode tap name tap0");
        }
    }

    @ParameterizedTest(name = "offload: {0}")
    @ValueSource(booleans = {true, false})
    void receivesADatagramOfTheHost(boolean offload) throws Exception {
        byte[] payload = random(1000);
        try (TapBench bench = new TapBench(builder().offload(offload).open(), ISLA);
                DatagramSocket socket = hostSocket()) {
            sendFromHost(socket, 4000, payload);

            Received received = bench.await(TapBench.to(IpProtocol.UDP, 4000));
            assertThat(TestFrames.udpPayload(received.bytes())).isEqualTo(payload);
            assertThat(received.segmentation()).isEqualTo(SegmentationType.NONE);
            if (offload) {
                assertThat(received.checksum()).isEqualTo(InboundFrame.Checksum.PARTIAL);
            } else {
                assertThat(received.checksum()).isEqualTo(InboundFrame.Checksum.UNKNOWN);
                assertThat(TestFrames.isIntact(received.bytes())).isTrue();
            }
            assertThat(bench.queue.count(LinkCounter.RX_FRAMES)).isPositive();
            assertThat(bench.queue.count(LinkCounter.RX_BYTES)).isGreaterThan(1000);
            assertThat(bench.queue.count(LinkCounter.TX_FRAMES)).as("ARP reply").isEqualTo(1);
        }
    }

    @ParameterizedTest(name = "offload: {0}")
    @ValueSource(booleans = {true, false})
    void sendsADatagramGatheredFromBuffersOfAnyKind(boolean offload) throws Exception {
        byte[] payload = random(999);
        ByteBuf direct = Unpooled.directBuffer(400).writeBytes(payload, 0, 301);
        ByteBuf heap = Unpooled.copiedBuffer(payload, 301, 300);
        CompositeByteBuf composite = Unpooled.compositeBuffer();
        composite.addComponent(true, Unpooled.copiedBuffer(payload, 601, 101));
        composite.addComponent(true, Unpooled.directBuffer(200).writeBytes(payload, 702, 197));
        ByteBuf plain = new UnpooledDirectByteBuf(ByteBufAllocator.DEFAULT, 100, 100).writeBytes(payload, 899, 100);
        try (TapBench bench = new TapBench(builder().offload(offload).open(), ISLA);
                DatagramSocket socket = hostSocket()) {
            for (int round = 0; round < 2; round++) {
                bench.send(frame -> {
                    frame.addPayload(direct, 0, 301);
                    frame.addPayload(heap, 0, 300);
                    frame.addPayload(composite, 0, 298);
                    frame.addPayload(plain, 0, 100);
                    TestFrames.udp(frame, flow(bench, socket));
                });
                DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
                socket.receive(packet);
                assertThat(packet.getLength()).isEqualTo(999);
                assertThat(packet.getPort()).isEqualTo(4000);
                assertThat(packet.getData()).startsWith(payload);
            }
            assertThat(bench.queue.count(LinkCounter.TX_ERRORS)).isZero();
        } finally {
            direct.release();
            heap.release();
            composite.release();
            plain.release();
        }
    }

    private static TestFrames.Flow flow(TapBench bench, DatagramSocket socket) {
        try {
            return bench.flow(4000, HOST, socket.getLocalPort());
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void readsIntoAFreshBufferWhenTheReceiverKeepsOne() throws Exception {
        CompletableFuture<ByteBuf> kept = new CompletableFuture<>();
        try (TapBench bench = new TapBench(builder().open(), ISLA);
                DatagramSocket socket = hostSocket()) {
            bench.tap = frame -> {
                if (frame.length() > 900 && !kept.isDone()) {
                    kept.complete(frame.buffer().retainedSlice(frame.offset(), frame.length()));
                }
            };
            sendFromHost(socket, 4000, random(1000));
            sendFromHost(socket, 4000, random(1001));

            bench.await(frame ->
                    TestFrames.protocol(frame) == IpProtocol.UDP && TestFrames.udpPayload(frame).length == 1001);
            ByteBuf frame = kept.get(10, TimeUnit.SECONDS);
            assertThat(TestFrames.udpPayload(frame)).isEqualTo(random(1000));
            frame.release();
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void worksWithBuffersThatHideTheirMemoryAddress(boolean ioUring) throws Exception {
        ByteBufAllocator allocator = new AbstractByteBufAllocator(true) {
            @Override
            protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
                return new UnpooledHeapByteBuf(this, initialCapacity, maxCapacity);
            }

            @Override
            protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
                return new UnpooledDirectByteBuf(this, initialCapacity, maxCapacity);
            }

            @Override
            public boolean isDirectBufferPooled() {
                return false;
            }
        };
        try (TapBench bench = new TapBench(builder().ioUring(ioUring).open(), ISLA, allocator);
                DatagramSocket socket = hostSocket()) {
            sendFromHost(socket, 4000, random(700));
            assertThat(TestFrames.udpPayload(
                            bench.await(TapBench.to(IpProtocol.UDP, 4000)).bytes()))
                    .isEqualTo(random(700));
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void dropsAndCountsWhatThereIsNoMemoryFor(boolean ioUring) throws Exception {
        AtomicBoolean exhausted = new AtomicBoolean(true);
        ByteBufAllocator allocator = new AbstractByteBufAllocator(true) {
            @Override
            protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
                return new UnpooledHeapByteBuf(this, initialCapacity, maxCapacity);
            }

            @Override
            protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
                if (exhausted.get()) {
                    throw new OutOfMemoryError("as if direct memory were used up");
                }
                return new UnpooledDirectByteBuf(this, initialCapacity, maxCapacity);
            }

            @Override
            public boolean isDirectBufferPooled() {
                return false;
            }
        };
        TapLink link = builder().ioUring(ioUring).open();
        ip("neighbor add 10.99.0.2 lladdr 02:00:00:00:00:02 dev tap0");
        try (TapBench bench = new TapBench(link, ISLA, allocator);
                DatagramSocket socket = hostSocket()) {
            sendFromHost(socket, 4000, random(10));
            // A task that runs after the frame's event: the frame has been there since send returned.
            bench.onLoop(() -> bench.queue.poll(64));
            assertThat(bench.queue.count(LinkCounter.RX_NO_MEMORY)).isPositive();

            exhausted.set(false);
            sendFromHost(socket, 4000, random(20));
            assertThat(TestFrames.udpPayload(
                            bench.await(TapBench.to(IpProtocol.UDP, 4000)).bytes()))
                    .isEqualTo(random(20));
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void growsItsBufferWhenTheDeviceGetsALargerMtu(boolean ioUring) throws Exception {
        TapLink link = builder().offload(false).ioUring(ioUring).open();
        try (TapBench bench = new TapBench(link, ISLA);
                DatagramSocket socket = hostSocket()) {
            ip("link set dev tap0 mtu 9000");
            ip("neighbor add 10.99.0.2 lladdr 02:00:00:00:00:02 dev tap0");
            sendFromHost(socket, 4000, random(8000));
            long start = System.nanoTime();
            while (bench.queue.count(LinkCounter.RX_TRUNCATED) == 0) {
                assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(10));
                Thread.onSpinWait();
            }
            sendFromHost(socket, 4000, random(8001));

            Received received = bench.await(TapBench.to(IpProtocol.UDP, 4000));
            assertThat(TestFrames.udpPayload(received.bytes())).isEqualTo(random(8001));
            assertThat(bench.queue.count(LinkCounter.RX_TRUNCATED)).isEqualTo(1);
        }
    }

    @Test
    void dropsAndCountsWhatIsTooLong() throws Exception {
        ByteBuf payload = Unpooled.directBuffer().writeZero(1473);
        try (TapBench bench = new TapBench(builder().open(), ISLA);
                DatagramSocket socket = hostSocket()) {
            bench.send(frame -> {
                frame.addPayload(payload, 0, 1473);
                TestFrames.udp(frame, flow(bench, socket));
            });
            assertThat(bench.queue.count(LinkCounter.TX_TOO_LONG)).isEqualTo(1);
            assertThat(bench.queue.count(LinkCounter.TX_FRAMES)).isZero();

            bench.send(frame -> {
                frame.addPayload(payload, 0, 1472);
                TestFrames.udp(frame, flow(bench, socket));
            });
            DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
            socket.receive(packet);
            assertThat(packet.getLength()).isEqualTo(1472);
        } finally {
            payload.release();
        }
    }

    @Test
    void countsWhatTheKernelRefuses() throws Exception {
        try (TapBench bench = new TapBench(builder().open(), ISLA)) {
            // Less than an Ethernet header.
            bench.send(frame -> frame.append(5));
            assertThat(bench.queue.count(LinkCounter.TX_ERRORS)).isEqualTo(1);
        }
    }

    @Test
    void onlySendsOnFurtherQueues() throws Exception {
        TapLink link = builder().open();
        ByteBuf payload = Unpooled.directBuffer().writeBytes("hello".getBytes(StandardCharsets.US_ASCII));
        try (TapBench first = new TapBench(link, ISLA);
                TapBench second = new TapBench(link, ISLA);
                DatagramSocket socket = hostSocket()) {
            assertThat(first.queue.ioHandle()).isNotNull();
            assertThat(second.queue.ioHandle()).isNull();

            second.send(frame -> {
                frame.addPayload(payload, 0, 5);
                TestFrames.udp(frame, flow(second, socket));
            });
            DatagramPacket packet = new DatagramPacket(new byte[100], 100);
            socket.receive(packet);
            assertThat(packet.getLength()).isEqualTo(5);

            packet.setData(random(50));
            socket.send(packet);
            assertThat(TestFrames.udpPayload(
                            first.await(TapBench.to(IpProtocol.UDP, 4000)).bytes()))
                    .isEqualTo(random(50));
            assertThat(second.frames).isEmpty();
        } finally {
            payload.release();
        }
    }

    @Test
    void receivesAgainOnAQueueOpenedAfterTheFirstWasClosed() throws Exception {
        TapLink link = builder().open();
        LinkQueue first = link.openQueue(new Ignoring(), () -> {}, ByteBufAllocator.DEFAULT);
        first.close();
        first.close();
        try (TapBench second = new TapBench(link, ISLA);
                DatagramSocket socket = hostSocket()) {
            assertThat(second.queue.ioHandle()).isNotNull();
            sendFromHost(socket, 4000, random(60));
            second.await(TapBench.to(IpProtocol.UDP, 4000));
        }
    }
}
