/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static io.isla.netty.link.IpCommand.ip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.Memory;
import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A TAP with many queues, the kernel at its other end. */
@KernelTest
class TapMultiQueueTest {
    private static final String HOST = "10.97.0.1";
    private static final String ISLA = "10.97.0.2";
    private static final int PORT = 6000;

    private static final int TUNGETIFF = 0x8004_54d2;
    private static final int IFF_NAPI = 0x0010;
    private static final int IFREQ_FLAGS = 16;

    private static TapLink open(int queues) throws Exception {
        TapLink link = TapLink.builder("tap2")
                .hostAddress(InetAddress.getByName(HOST), 24)
                .queues(queues)
                .open();
        ip("neighbor replace " + ISLA + " lladdr 02:00:00:00:00:02 dev tap2");
        return link;
    }

    private static DatagramSocket hostSocket() throws Exception {
        DatagramSocket socket = new DatagramSocket(new InetSocketAddress(HOST, 0));
        socket.setSoTimeout(10_000);
        return socket;
    }

    private static void sendFromHost(DatagramSocket socket) throws Exception {
        socket.send(new DatagramPacket(new byte[10], 10, InetAddress.getByName(ISLA), PORT));
    }

    private static void sendToHost(TapBench bench, DatagramSocket socket) throws Exception {
        ByteBuf payload = Unpooled.directBuffer().writeZero(10);
        Flow flow = bench.flow(PORT, HOST, socket.getLocalPort());
        bench.send(frame -> {
            frame.addPayload(payload, 0, 10);
            TestFrames.udp(frame, flow);
        });
        payload.release();
        socket.receive(new DatagramPacket(new byte[10], 10));
    }

    @Test
    void deliversAFlowToTheQueueThatLastSentForIt() throws Exception {
        TapLink link = open(2);
        assertThat(link.maxReceiveQueues()).isEqualTo(2);
        try (TapBench first = new TapBench(link, ISLA);
                TapBench second = new TapBench(link, ISLA);
                DatagramSocket socket = hostSocket()) {
            for (TapBench bench : List.of(second, first, second)) {
                sendToHost(bench, socket);
                sendFromHost(socket);
                bench.await(TapBench.to(IpProtocol.UDP, PORT));
            }
        }
    }

    /**
     * The file descriptor that holds a device with many queues is detached, and would refuse to send if it had been attached with NAPI. The kernel tells with what
     * the first one was attached, and not of others.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void attachesTheOnlyQueueWithNapiIfToldAndNeverTheOneThatHoldsADeviceWithMany(boolean napi) throws Exception {
        try (TapLink many = TapLink.builder("tap2").queues(2).napi(napi).open();
                TapLink one = TapLink.builder("tap3").napi(napi).open()) {
            assertThat(deviceFlags(many.device().holder()) & IFF_NAPI).isZero();
            assertThat(deviceFlags(one.device().holder()) & IFF_NAPI).isEqualTo(napi ? IFF_NAPI : 0);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void attachesQueuesOfADeviceWithManyWithNapiIfTold(boolean napi) throws Exception {
        TunDevice device = TunDevice.open(DeviceKind.TAP, "tap4", true, true, true, napi);
        try {
            device.setPersistent(true);
            // The flags of a device are those of the first that is attached.
            TunDevice.close(device.holder());
            FileDescriptor queue = device.openQueue();
            try {
                assertThat(deviceFlags(queue) & IFF_NAPI).isEqualTo(napi ? IFF_NAPI : 0);
            } finally {
                TunDevice.close(queue);
            }
        } finally {
            ip("link delete tap4");
        }
    }

    @Test
    void isNotAttachedWithNapiByDefault() throws Exception {
        try (TapLink link = TapLink.builder("tap3").open()) {
            assertThat(deviceFlags(link.device().holder()) & IFF_NAPI).isZero();
        }
    }

    private static int deviceFlags(FileDescriptor fd) throws IOException {
        try (Memory request = HostInterface.newRequest("")) {
            Linux.ioctl(fd.intValue(), "TUNGETIFF", TUNGETIFF, request);
            return request.getShort(IFREQ_FLAGS);
        }
    }

    @Test
    void losesNoFlowToAQueueThatNobodyReads() throws Exception {
        TapLink link = open(4);
        // Of four queues, two are open; the device itself is held by a third file descriptor.
        try (TapBench first = new TapBench(link, ISLA);
                TapBench second = new TapBench(link, ISLA)) {
            second.frames = first.frames;
            List<DatagramSocket> sockets = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                DatagramSocket socket = hostSocket();
                sockets.add(socket);
                sendFromHost(socket);
            }
            for (int i = 0; i < 64; i++) {
                first.await(TapBench.to(IpProtocol.UDP, PORT));
            }
            assertThat(first.queue.count(LinkCounter.RX_FRAMES)).isPositive();
            assertThat(second.queue.count(LinkCounter.RX_FRAMES)).isPositive();
            sockets.forEach(DatagramSocket::close);
        }
    }

    @Test
    void moreQueuesThanReceiveOnlySendAndDrawNoFlow() throws Exception {
        TapLink link = open(2);
        try (TapBench first = new TapBench(link, ISLA);
                TapBench second = new TapBench(link, ISLA);
                TapBench third = new TapBench(link, ISLA);
                DatagramSocket socket = hostSocket()) {
            assertThat(third.queue.ioHandle()).isNull();
            sendToHost(first, socket);
            sendToHost(third, socket);
            sendFromHost(socket);
            first.await(TapBench.to(IpProtocol.UDP, PORT));
            assertThat(second.queue.ioHandle()).isNotNull();
        }
    }

    @Test
    void leavesItsFlowsToTheOthersWhenAQueueIsClosed() throws Exception {
        TapLink link = open(2);
        try (TapBench first = new TapBench(link, ISLA)) {
            LinkQueue second = link.openQueue(new Ignoring(), () -> {}, ByteBufAllocator.DEFAULT);
            assertThat(second.ioHandle()).isNotNull();
            second.close();
            for (int i = 0; i < 16; i++) {
                try (DatagramSocket other = hostSocket()) {
                    sendFromHost(other);
                    first.await(TapBench.to(IpProtocol.UDP, PORT));
                }
            }
            LinkQueue again = link.openQueue(new Ignoring(), () -> {}, ByteBufAllocator.DEFAULT);
            assertThat(again.ioHandle())
                    .as("a queue that receives, in place of the closed one")
                    .isNotNull();
            again.close();
        }
    }

    @Test
    void outlivesItsQueuesUntilItIsClosed() throws Exception {
        TapLink link = open(2);
        LinkQueue queue = link.openQueue(new Ignoring(), () -> {}, ByteBufAllocator.DEFAULT);
        queue.close();
        assertThat(NetworkInterface.getByName("tap2")).isNotNull();
        link.close();
        assertThat(NetworkInterface.getByName("tap2")).isNull();
    }

    @Test
    void attachesToADeviceMadeForManyQueuesThoughOneIsWanted() throws Exception {
        ip("tuntap add mode tap multi_queue name tap2");
        try (TapBench bench = new TapBench(open(1), ISLA);
                DatagramSocket socket = hostSocket()) {
            assertThat(bench.link.maxReceiveQueues()).isEqualTo(1);
            sendFromHost(socket);
            bench.await(TapBench.to(IpProtocol.UDP, PORT));
        } finally {
            ip("tuntap del mode tap multi_queue name tap2");
        }
    }

    @Test
    void saysThatADeviceHasNoMoreQueues() throws Exception {
        TunDevice device = TunDevice.open(DeviceKind.TAP, "tap2", true, true, true, false);
        List<FileDescriptor> queues = new ArrayList<>();
        try {
            for (int i = 0; i < 255; i++) {
                queues.add(device.openQueue());
            }
            assertThatThrownBy(device::openQueue)
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("cannot open another queue of TAP tap2")
                    .hasMessageContaining("fewer queues");
            assertThatThrownBy(() -> TapLink.builder("tap2").queues(2).open())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("all its queues are in use")
                    .hasMessageContaining("use another name");
        } finally {
            queues.forEach(TunDevice::close);
            TunDevice.close(device.holder());
        }
    }
}
