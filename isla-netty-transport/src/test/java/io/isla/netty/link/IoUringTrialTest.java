/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.isla.netty.testing.KernelTest;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether a queue uses io_uring where nobody has said so. */
@KernelTest
class IoUringTrialTest {
    private static final String HOST = "10.99.0.1";
    private static final String ISLA = "10.99.0.2";
    private static final int LENGTH = 100;
    private static final int TRIALS = 50;

    @BeforeAll
    static void loadNativeLibrary() throws Exception {
        Epoll.ensureAvailability();
        assumeThat(hasRings()).as("the kernel lets this process use io_uring").isTrue();
    }

    private static boolean hasRings() throws IOException {
        FileDescriptor[] pipe = FileDescriptor.pipe();
        IoUring ring = IoUring.open(pipe[0]);
        if (ring != null) {
            ring.close();
        }
        pipe[0].close();
        pipe[1].close();
        return ring != null;
    }

    /** Files that this process has open, of a kind. */
    private static long open(String kind) throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.filter(file -> {
                        try {
                            return Files.readSymbolicLink(file).toString().contains(kind);
                        } catch (IOException e) {
                            // The directory itself, which is being listed.
                            return false;
                        }
                    })
                    .count();
        }
    }

    @Test
    void leavesNothingOpen() throws Exception {
        long rings = open("io_uring");
        long pipes = open("pipe:");
        for (int i = 0; i < TRIALS; i++) {
            IoUringTrial.pays();
        }
        assertThat(open("io_uring")).isEqualTo(rings);
        // Others may have some, too, that come and go.
        assertThat(open("pipe:")).isLessThan(pipes + TRIALS);
    }

    private static TapLink link(BooleanSupplier trial) throws IOException {
        return TapLink.builder("tap0")
                .hostAddress(InetAddress.getByName(HOST), 24)
                .ioUringTrial(trial)
                .open();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aQueueAsksOnceAfterAWhileAndLosesNothingByIt(boolean pays) throws Exception {
        long before = open("io_uring");
        AtomicInteger asked = new AtomicInteger();
        OutboundFrame frame = new OutboundFrame();
        ByteBuf payload = Unpooled.directBuffer(LENGTH, LENGTH).writeZero(LENGTH);
        try (TapBench bench = new TapBench(
                        link(() -> {
                            asked.incrementAndGet();
                            return pays;
                        }),
                        ISLA);
                DatagramSocket socket = new DatagramSocket(new InetSocketAddress(HOST, 0))) {
            socket.setSoTimeout(10_000);
            TestFrames.Flow flow = bench.flow(4000, HOST, socket.getLocalPort());
            bench.onLoop(() -> {
                for (int i = 1; i < DeviceQueue.FLUSHES_BEFORE_TRIAL; i++) {
                    bench.queue.flush();
                }
                return null;
            });
            assertThat(asked).hasValue(0);
            assertThat(open("io_uring")).isEqualTo(before);

            int number = 0;
            DatagramPacket packet = new DatagramPacket(new byte[LENGTH], LENGTH);
            for (int turn = 0; turn < 4; turn++) {
                int from = number;
                bench.onLoop(() -> {
                    for (int i = from; i < from + 5; i++) {
                        payload.setInt(0, i);
                        frame.reset().addPayload(payload, 0, LENGTH);
                        TestFrames.udp(frame, flow);
                        bench.queue.transmit(frame);
                    }
                    bench.queue.flush();
                    return null;
                });
                for (int i = 0; i < 5; i++) {
                    socket.receive(packet);
                    assertThat(Unpooled.wrappedBuffer(packet.getData()).getInt(0))
                            .isEqualTo(number++);
                }
                assertThat(asked).hasValue(1);
                assertThat(open("io_uring")).isEqualTo(pays ? before + 1 : before);
            }
        } finally {
            frame.release();
            payload.release();
        }
        assertThat(open("io_uring")).isEqualTo(before);
    }

    /** With frames that their user keeps, before and after. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aQueueReadsOnAfterIt(boolean pays) throws Exception {
        List<ByteBuf> kept = new CopyOnWriteArrayList<>();
        try (TapBench bench = new TapBench(link(() -> pays), ISLA);
                DatagramSocket socket = new DatagramSocket(new InetSocketAddress(HOST, 0))) {
            bench.tap = frame -> kept.add(frame.buffer().retain());
            int number = 0;
            for (int turn = 0; turn < 4; turn++) {
                for (int i = 0; i < 20; i++) {
                    byte[] bytes = {(byte) (number + i)};
                    socket.send(new DatagramPacket(bytes, 1, InetAddress.getByName(ISLA), 4000));
                }
                for (int i = 0; i < 20; i++) {
                    ByteBuf received =
                            bench.await(TapBench.to(IpProtocol.UDP, 4000)).bytes();
                    assertThat(TestFrames.udpPayload(received)).containsExactly(number++);
                }
                bench.onLoop(() -> {
                    for (int i = 0; i < DeviceQueue.FLUSHES_BEFORE_TRIAL / 2; i++) {
                        bench.queue.flush();
                    }
                    return null;
                });
            }
        } finally {
            kept.forEach(ByteBuf::release);
        }
    }

    @Test
    void aTrialThatFailsIsAsGoodAsNone() throws Exception {
        long before = open("io_uring");
        AtomicInteger asked = new AtomicInteger();
        try (TapBench bench = new TapBench(
                link(() -> {
                    asked.incrementAndGet();
                    throw new OutOfMemoryError("as if direct memory were used up");
                }),
                ISLA)) {
            bench.onLoop(() -> {
                for (int i = 0; i < 2 * DeviceQueue.FLUSHES_BEFORE_TRIAL; i++) {
                    bench.queue.flush();
                }
                return null;
            });
            assertThat(asked).hasValue(1);
            assertThat(open("io_uring")).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aQueueThatIsToldDoesNotAsk(boolean ioUring) throws Exception {
        long before = open("io_uring");
        AtomicInteger asked = new AtomicInteger();
        TapLink link = TapLink.builder("tap0")
                .hostAddress(InetAddress.getByName(HOST), 24)
                .ioUringTrial(() -> {
                    asked.incrementAndGet();
                    return !ioUring;
                })
                .ioUring(ioUring)
                .open();
        try (TapBench bench = new TapBench(link, ISLA)) {
            bench.onLoop(() -> {
                for (int i = 0; i < 2 * DeviceQueue.FLUSHES_BEFORE_TRIAL; i++) {
                    bench.queue.flush();
                }
                return null;
            });
            assertThat(asked).hasValue(0);
            assertThat(open("io_uring")).isEqualTo(ioUring ? before + 1 : before);
        }
    }
}
