/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static io.isla.netty.link.IpCommand.ip;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.lang.management.ManagementFactory;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The packet path makes no garbage. */
@KernelTest
class TapGarbageTest {
    private static final int ROUNDS = 5_000;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @ParameterizedTest(name = "offload: {0}, io_uring: {1}")
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void allocatesNothingForAFrame(boolean offload, boolean ioUring) throws Exception {
        // The leak detector's records are garbage of their own.
        ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        ByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
        TapLink link = TapLink.builder("tap4")
                .hostAddress(InetAddress.getByName("10.95.0.1"), 24)
                .offload(offload)
                .ioUring(ioUring)
                .open();
        ip("neighbor add 10.95.0.2 lladdr 02:00:00:00:00:02 dev tap4");
        LinkQueue queue = link.openQueue(new Ignoring(), () -> {}, allocator);
        OutboundFrame frame = new OutboundFrame();
        ByteBuf payload = allocator.directBuffer(4_000).writeZero(4_000);
        Flow flow = new Flow(
                IpAddress.v4(0x0a5f_0002),
                9,
                IpAddress.v4(0x0a5f_0001),
                9,
                link.hostMacAddress().bits());
        byte[] bytes = new byte[100];
        DatagramPacket packet = new DatagramPacket(bytes, 100, InetAddress.getByName("10.95.0.2"), 9);
        try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress("10.95.0.1", 0))) {
            // What allocates as it is first used does so here.
            exchange(queue, frame, payload, flow, socket, packet);
            long allocated = exchange(queue, frame, payload, flow, socket, packet);
            assertThat(queue.count(LinkCounter.RX_FRAMES)).isGreaterThanOrEqualTo(2 * ROUNDS);
            assertThat(queue.count(LinkCounter.TX_ERRORS)).isZero();
            // Less than a byte each: the measurement itself is not free.
            assertThat(allocated).as("bytes for %d frames in and out", ROUNDS).isLessThan(ROUNDS);
        } finally {
            queue.close();
            link.close();
            frame.release();
            payload.release();
            ResourceLeakDetector.setLevel(level);
        }
    }

    private long exchange(
            LinkQueue queue,
            OutboundFrame frame,
            ByteBuf payload,
            Flow flow,
            DatagramSocket socket,
            DatagramPacket packet)
            throws Exception {
        long allocated = 0;
        for (int i = 0; i < ROUNDS; i++) {
            // Two datagrams of ours that the kernel or the link makes of one frame, and one of the kernel's.
            socket.send(packet);
            long before = threads.getCurrentThreadAllocatedBytes();
            frame.reset();
            frame.addPayload(payload, 0, 999);
            frame.addPayload(payload, 999, 1001);
            TestFrames.udp(frame, flow);
            frame.requestSegmentation(SegmentationType.UDP, 1000);
            queue.transmit(frame);
            queue.flush();
            queue.poll(64);
            allocated += threads.getCurrentThreadAllocatedBytes() - before;
        }
        return allocated;
    }
}
