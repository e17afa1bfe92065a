/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.TcpHeader;
import io.isla.netty.wire.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.FileDescriptor;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written to the device, which is a file here. */
class DeviceWriterTest {
    private static final Flow FLOW = new Flow(IpAddress.v4(0x0a00_0002), 80, IpAddress.v4(0x0a00_0001), 40_000, 1);
    private static final int PAYLOAD = 20_000;

    @TempDir
    private Path directory;

    private int result;

    @BeforeAll
    static void loadNativeLibrary() {
        Epoll.ensureAvailability();
    }

    @Test
    void aSuperSegmentIsPlacedAndWhole() throws Exception {
        Path file = Files.createFile(directory.resolve("device"));
        FileDescriptor fd = FileDescriptor.from(file.toString());
        DeviceWriter writer = new DeviceWriter(fd, VirtioNetHeader.LENGTH, 65_536, (bytes, length) -> result = bytes);
        OutboundFrame frame = new OutboundFrame();
        ByteBuf payload = Unpooled.directBuffer(PAYLOAD, PAYLOAD);
        try {
            for (int i = 0; i < PAYLOAD; i++) {
                payload.writeByte(i * 31);
            }
            frame.addPayload(payload, 0, PAYLOAD);
            TestFrames.tcp(frame, FLOW, 1, 1, TcpHeader.ACK);
            frame.requestSegmentation(SegmentationType.TCP_V4, 1000);
            int headers = frame.headerLength();
            int withHeaders = PayloadPlacement.withHeaders(frame);

            writer.write(frame);

            ByteBuf written = Unpooled.wrappedBuffer(Files.readAllBytes(file));
            assertThat(result).isEqualTo(written.readableBytes()).isEqualTo(VirtioNetHeader.LENGTH + headers + PAYLOAD);
            assertThat(VirtioNetHeader.gsoSize(written, 0)).isEqualTo(1000);
            assertThat(withHeaders).isPositive();
            assertThat(VirtioNetHeader.headerLength(written, 0)).isEqualTo(headers + withHeaders);
            assertThat(written.slice(VirtioNetHeader.LENGTH + headers, PAYLOAD)).isEqualTo(payload);
        } finally {
            writer.release();
            frame.release();
            payload.release();
            fd.close();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void smallFramesWaitForOneAnotherAndGoBeforeALargeOne(boolean ioUring) throws Exception {
        // A file could not be written to without waiting.
        FileDescriptor[] pipe = FileDescriptor.pipe();
        FileDescriptor fd = pipe[1];
        List<Integer> lengths = new ArrayList<>();
        DeviceWriter writer = new DeviceWriter(fd, 0, 65_536, (bytes, length) -> {
            assertThat(bytes).isEqualTo(length);
            lengths.add(length);
        });
        IoUring ring = ioUring ? IoUring.open(fd) : null;
        writer.ring(ring);
        OutboundFrame frame = new OutboundFrame();
        ByteBuf payload = Unpooled.directBuffer(PAYLOAD, PAYLOAD).writeZero(PAYLOAD);
        try {
            for (int size : new int[] {100, 200, 300}) {
                write(writer, frame, payload, size);
            }
            assertThat(lengths).isEmpty();

            writer.flush();
            assertThat(payloadsOf(lengths)).containsExactly(100, 200, 300);

            for (int size : new int[] {400, 500, PAYLOAD}) {
                write(writer, frame, payload, size);
            }
            assertThat(payloadsOf(lengths)).containsExactly(100, 200, 300, 400, 500, PAYLOAD);
            ByteBuffer all = ByteBuffer.allocateDirect(1 << 16);
            assertThat(pipe[0].read(all, 0, all.capacity()))
                    .isEqualTo(lengths.stream().mapToInt(Integer::intValue).sum());
        } finally {
            writer.release();
            frame.release();
            payload.release();
            if (ring != null) {
                ring.close();
            }
            pipe[0].close();
            pipe[1].close();
        }
    }

    private static void write(DeviceWriter writer, OutboundFrame frame, ByteBuf payload, int size) {
        frame.reset().addPayload(payload, 0, size);
        TestFrames.tcp(frame, FLOW, 1, 1, TcpHeader.ACK);
        writer.write(frame);
    }

    private static List<Integer> payloadsOf(List<Integer> lengths) {
        return lengths.stream().map(length -> length - 54).toList();
    }
}
