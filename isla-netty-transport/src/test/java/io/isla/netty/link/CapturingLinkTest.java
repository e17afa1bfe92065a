/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CapturingLinkTest {
    /** 2026-07-01T00:00:00Z and a bit. */
    private static final long START = 1_782_864_000_123_456_789L;

    private static final Flow FLOW = new Flow(IpAddress.v4(0x0a00_0002), 80, IpAddress.v4(0x0a00_0001), 40_000, 1);

    @TempDir
    Path directory;

    private final AtomicLong clock = new AtomicLong(START);
    private final OutboundFrame frame = new OutboundFrame();
    private final MemoryLink.Pair pair = MemoryLink.pair("near", "far");
    private Path path;

    @BeforeEach
    void path() {
        path = directory.resolve("frames.pcapng");
    }

    @AfterEach
    void release() {
        frame.release();
        pair.close();
    }

    private PcapngFile create() throws IOException {
        return PcapngFile.create(path, clock::get, Long.MAX_VALUE, 65_536);
    }

    private LinkQueue open(Link link) throws IOException {
        return link.openQueue(new Ignoring(), () -> {}, ByteBufAllocator.DEFAULT);
    }

    private OutboundFrame numbered(int number, int bytes) {
        frame.reset();
        frame.header().setInt(frame.append(4), number);
        if (bytes > 4) {
            frame.addPayload(Unpooled.wrappedBuffer(new byte[bytes]), 2, bytes - 4);
        }
        EthernetHeader.write(frame.header(), frame.prepend(EthernetHeader.LENGTH), 1, 2, 0x88b5);
        return frame;
    }

    @Test
    void recordsWhatIsSentAndReceived() throws IOException {
        LinkQueue far = open(pair.second());
        try (PcapngFile file = create()) {
            CapturingLink link = new CapturingLink(pair.first(), file);
            LinkQueue near = open(link);
            near.transmit(numbered(1, 5));
            clock.addAndGet(1);
            far.transmit(numbered(2, 7));
            assertThat(near.poll(10)).isEqualTo(1);
            assertThat(far.poll(10)).isEqualTo(1);
            assertThat(file.frames()).isEqualTo(2);
            assertThat(near.count(LinkCounter.TX_FRAMES)).isEqualTo(1);
            assertThat(near.ioHandle()).isNull();
            assertThat(near.stateHandle()).isNull();
            assertThat(link.name()).isEqualTo("near");
            assertThat(link.mtu()).isEqualTo(1500);
            assertThat(link.maxReceiveQueues()).isEqualTo(1);
            assertThat(link.maxSegmentationBytes()).isEqualTo(65_535);
            near.close();
        }
        far.close();

        Capture capture = Capture.read(path);
        assertThat(capture.interfaces).containsExactly("near: linktype 1, snaplen 65536, tsresol 9");
        assertThat(capture.packets)
                .extracting(Packet::describe)
                .containsExactly("0 out 1782864000123456789 19/19", "0 in 1782864000123456790 21/21");
        assertThat(capture.packets.get(0).data.getInt(14)).isEqualTo(1);
        assertThat(capture.packets.get(1).data.getInt(14)).isEqualTo(2);
    }

    @Test
    void recordsSuperSegmentsAsTheyAre() throws IOException {
        try (PcapngFile file = create()) {
            LinkQueue near = open(new CapturingLink(pair.first(), file));
            frame.addPayload(Unpooled.buffer().writeBytes(new byte[40_000]), 0, 40_000);
            frame.addPayload(Unpooled.directBuffer(20_001).writeZero(20_001), 1, 20_000);
            TestFrames.tcp(frame, FLOW, 1, 1, TcpHeader.ACK);
            frame.requestSegmentation(SegmentationType.TCP_V4, 1460);
            near.transmit(frame);
            frame.payload(1).release();
            near.close();
        }
        assertThat(Capture.read(path).packets)
                .extracting(Packet::describe)
                .containsExactly("0 out 1782864000123456789 60054/60054");
    }

    @Test
    void cutsFramesAtTheSnapLength() throws IOException {
        try (PcapngFile file = PcapngFile.create(path, clock::get, Long.MAX_VALUE, 21)) {
            LinkQueue near = open(new CapturingLink(pair.first(), file));
            LinkQueue far = open(pair.second());
            near.transmit(numbered(1, 100));
            far.transmit(numbered(1, 100));
            near.poll(10);
            near.close();
            far.close();
        }
        assertThat(Capture.read(path).packets)
                .extracting(Packet::describe)
                .containsExactly("0 out 1782864000123456789 21/114", "0 in 1782864000123456789 21/114");
    }

    @Test
    void takesSeveralLinksInOneFile() throws IOException {
        MemoryLink.Pair bare = MemoryLink.builder().medium(Link.Medium.IP).pair("tun", "other");
        try (PcapngFile file = create()) {
            LinkQueue near = open(new CapturingLink(pair.first(), file));
            LinkQueue tun = open(new CapturingLink(bare.first(), file));
            tun.transmit(numbered(1, 4));
            near.transmit(numbered(2, 4));
            near.close();
            tun.close();
        }
        Capture capture = Capture.read(path);
        assertThat(capture.interfaces)
                .containsExactly(
                        "near: linktype 1, snaplen 65536, tsresol 9", "tun: linktype 101, snaplen 65536, tsresol 9");
        assertThat(capture.packets).extracting(Packet::link).containsExactly(1, 0);
    }

    @Test
    void reachesTheDiskOnFlushAndWhenTheLinkIsClosedAndWhenASecondHasPassed() throws IOException {
        try (PcapngFile file = create()) {
            CapturingLink link = new CapturingLink(pair.first(), file);
            LinkQueue near = open(link);
            near.transmit(numbered(1, 4));
            assertThat(path).isEmptyFile();
            file.flush();
            assertThat(Capture.read(path).packets).hasSize(1);

            clock.addAndGet(999_999_999);
            near.transmit(numbered(2, 4));
            assertThat(Capture.read(path).packets).hasSize(1);
            clock.addAndGet(1);
            near.transmit(numbered(3, 4));
            assertThat(Capture.read(path).packets).hasSize(3);

            near.transmit(numbered(4, 4));
            link.close();
            assertThat(Capture.read(path).packets).hasSize(4);
            near.close();
        }
    }

    @Test
    void holdsMoreThanItsBuffer() throws IOException {
        try (PcapngFile file = create()) {
            LinkQueue near = open(new CapturingLink(pair.first(), file));
            for (int i = 0; i < 2_000; i++) {
                near.transmit(numbered(i, 1000));
            }
            near.close();
            assertThat(file.lostFrames()).isZero();
        }
        Capture capture = Capture.read(path);
        assertThat(capture.packets).hasSize(2_000);
        for (int i = 0; i < 2_000; i++) {
            assertThat(capture.packets.get(i).data.getInt(14)).isEqualTo(i);
        }
    }

    @Test
    void staysWithinItsSizeAndCountsTheRest() throws IOException {
        try (PcapngFile file = PcapngFile.create(path, clock::get, 1_000, 65_536)) {
            LinkQueue near = open(new CapturingLink(pair.first(), file));
            for (int i = 0; i < 20; i++) {
                near.transmit(numbered(i, 100));
            }
            near.close();
            assertThat(file.frames()).isEqualTo(5);
            assertThat(file.lostFrames()).isEqualTo(15);
            assertThat(file.failure()).isNull();
        }
        assertThat(Files.size(path)).isLessThanOrEqualTo(1_000);
        assertThat(Capture.read(path).packets).hasSize(5);
    }

    @Test
    void carriesOnWithoutADisk() throws IOException {
        LinkQueue far = open(pair.second());
        PcapngFile file = PcapngFile.open(new FullDisk(), clock::get, Long.MAX_VALUE, 65_536);
        LinkQueue near = open(new CapturingLink(pair.first(), file));
        near.transmit(numbered(1, 10));
        near.transmit(numbered(2, 10));
        file.flush();
        near.transmit(numbered(3, 10));
        file.flush();
        assertThat(far.poll(10)).isEqualTo(3);
        assertThat(file.frames()).isZero();
        assertThat(file.lostFrames()).isEqualTo(3);
        assertThat(file.failure()).hasMessage("No space left on device");
        file.close();
        file.close();
        near.close();
        far.close();
    }

    @Test
    void losesWhatIsCapturedAfterTheFileWasClosed() throws IOException {
        PcapngFile file = create();
        LinkQueue near = open(new CapturingLink(pair.first(), file));
        file.close();
        near.transmit(numbered(1, 10));
        near.close();
        assertThat(file.lostFrames()).isEqualTo(1);
        assertThat(Capture.read(path).packets).isEmpty();
    }

    @Test
    void passesOnWhatIsSaidOfTheLink() throws IOException {
        CollectingReceiver receiver = new CollectingReceiver();
        try (PcapngFile file = create()) {
            CapturingLink link = new CapturingLink(pair.first(), file);
            LinkQueue near = link.openQueue(receiver, () -> {}, ByteBufAllocator.DEFAULT);
            pair.first().setUp(false);
            near.flush();
            pair.first().setUp(true);
            near.flush();
            link.close();
            near.flush();
            near.close();
        }
        assertThat(receiver.events).containsExactly("down", "up", "failure");
    }

    @Test
    void saysWhereItCannotWrite() {
        assertThatThrownBy(() -> PcapngFile.create(directory.resolve("no/such/directory")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no/such/directory");
        assertThatThrownBy(() -> PcapngFile.create(path, clock::get, 1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("snapLength");
    }

    @Test
    void isReadByTshark() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/tshark")), "tshark is not installed");
        try (PcapngFile file = create()) {
            LinkQueue near = open(new CapturingLink(pair.first(), file));
            TestFrames.tcp(frame, FLOW, 1, 1, TcpHeader.SYN);
            near.transmit(frame);
            near.close();
        }
        Process tshark = new ProcessBuilder(
                        "tshark",
                        "-r",
                        path.toString(),
                        "-T",
                        "fields",
                        "-e",
                        "frame.time_epoch",
                        "-e",
                        "frame.interface_name",
                        "-e",
                        "frame.packet_flags_direction",
                        "-e",
                        "ip.src",
                        "-e",
                        "tcp.flags.syn")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(tshark.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(tshark.waitFor()).isZero();
        assertThat(output).matches("1782864000.123456789\tnear\t(0x0*)?2\t10.0.0.2\t(1|True)\n");
    }

    /** A disk that is full from the start. */
    private static final class FullDisk extends OutputStream {
        @Override
        public void write(int b) throws IOException {
            throw new IOException("No space left on device");
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            throw new IOException("No space left on device");
        }
    }

    private record Packet(int link, int flags, long time, ByteBuf data, int length) {
        String describe() {
            String direction = flags == 1 ? "in" : flags == 2 ? "out" : "flags " + flags;
            return link + " " + direction + " " + time + " " + data.readableBytes() + "/" + length;
        }
    }

    /** Reads a file strictly by the format's definition. */
    private record Capture(List<String> interfaces, List<Packet> packets) {
        static Capture read(Path path) throws IOException {
            Capture capture = new Capture(new ArrayList<>(), new ArrayList<>());
            ByteBuf file = Unpooled.wrappedBuffer(Files.readAllBytes(path));
            while (file.isReadable()) {
                int start = file.readerIndex();
                int type = file.readIntLE();
                int length = file.readIntLE();
                assertThat(length % 4).isZero();
                assertThat(file.getIntLE(start + length - 4)).isEqualTo(length);
                ByteBuf body = file.readSlice(length - 12);
                file.skipBytes(4);
                switch (type) {
                    case 0x0a0d_0d0a -> {
                        assertThat(start).isZero();
                        assertThat(body.readIntLE()).isEqualTo(0x1a2b_3c4d);
                        assertThat(body.readShortLE()).isEqualTo((short) 1);
                        assertThat(body.readShortLE()).isZero();
                        assertThat(body.readLongLE()).isEqualTo(-1);
                        assertThat(new String(option(body, 4), StandardCharsets.UTF_8))
                                .isEqualTo("Isla");
                        assertThat(body.readIntLE()).isZero();
                    }
                    case 1 -> {
                        int linktype = body.readUnsignedShortLE();
                        assertThat(body.readShortLE()).isZero();
                        int snapLength = body.readIntLE();
                        String name = new String(option(body, 2), StandardCharsets.UTF_8);
                        byte[] resolution = option(body, 9);
                        assertThat(body.readIntLE()).isZero();
                        capture.interfaces.add(name + ": linktype " + linktype + ", snaplen " + snapLength
                                + ", tsresol " + resolution[0]);
                    }
                    case 6 -> {
                        int link = body.readIntLE();
                        long time = (long) body.readIntLE() << 32 | body.readUnsignedIntLE();
                        int captured = body.readIntLE();
                        int original = body.readIntLE();
                        ByteBuf data = body.readSlice(captured);
                        body.skipBytes(-captured & 3);
                        byte[] flags = option(body, 2);
                        assertThat(flags).hasSize(4);
                        assertThat(body.readIntLE()).isZero();
                        capture.packets.add(new Packet(link, flags[0], time, data, original));
                    }
                    default -> throw new AssertionError("block type " + type);
                }
                assertThat(body.isReadable()).isFalse();
            }
            return capture;
        }

        private static byte[] option(ByteBuf body, int code) {
            assertThat(body.readUnsignedShortLE()).isEqualTo(code);
            byte[] value = new byte[body.readUnsignedShortLE()];
            body.readBytes(value);
            body.skipBytes(-value.length & 3);
            return value;
        }
    }
}
