/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.InboundFrame.Checksum;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A super-segment stays one, and a checksum that was left to be filled in still is. */
class FrameRelayTest {
    private static final int HEADERS_V4 = 14 + 20 + 32;
    private static final int HEADERS_V6 = 14 + 40 + 32;

    private final OutboundFrame out = new OutboundFrame();

    @AfterEach
    void release() {
        out.release();
    }

    private static ByteBuf tcp(boolean v4, int flags, int payload) {
        int network = v4 ? 20 : 40;
        ByteBuf frame = Unpooled.buffer(14 + network + 32 + payload).writeZero(14 + network + 32 + payload);
        EthernetHeader.write(frame, 0, 1, 2, v4 ? EtherType.IPV4 : EtherType.IPV6);
        frame.setByte(14, v4 ? 0x45 : 0x60);
        frame.setByte(v4 ? 23 : 20, IpProtocol.TCP);
        TcpHeader.write(frame, 14 + network, 1000, 80, 7, 8, 32, flags, 500, 0);
        for (int i = 0; i < payload; i++) {
            frame.setByte(14 + network + 32 + i, i);
        }
        return frame;
    }

    private static InboundFrame inbound(ByteBuf frame, SegmentationType type, int size) {
        return new InboundFrame()
                .set(frame, 0, frame.readableBytes())
                .checksum(Checksum.PARTIAL)
                .segmentation(type, size);
    }

    private void isTheSame(ByteBuf frame) {
        ByteBuf copy = Unpooled.buffer();
        out.writeTo(copy);
        assertThat(copy).isEqualTo(frame);
    }

    @Test
    void asksForTheChecksumAndTheSegmentsThatWereLeftOut() {
        ByteBuf frame = tcp(true, TcpHeader.ACK, 5000);
        FrameRelay.prepare(out, frame, Checksum.PARTIAL, SegmentationType.TCP_V4, 1448);
        isTheSame(frame);
        assertThat(out.headerLength()).isEqualTo(HEADERS_V4);
        assertThat(out.checksumStart() - out.headerStart()).isEqualTo(34);
        assertThat(out.checksumOffset()).isEqualTo(16);
        assertThat(out.segmentation()).isEqualTo(SegmentationType.TCP_V4);
        assertThat(out.segmentSize()).isEqualTo(1448);
        assertThat(out.congestionWindowReduced()).isFalse();
    }

    @Test
    void keepsTheMarkOfAReducedWindowOnTheFirstSegment() {
        ByteBuf frame = tcp(false, TcpHeader.ACK | TcpHeader.CWR, 3000);
        FrameRelay.prepare(out, frame, Checksum.PARTIAL, SegmentationType.TCP_V6, 1428);
        isTheSame(frame);
        assertThat(out.headerLength()).isEqualTo(HEADERS_V6);
        assertThat(out.congestionWindowReduced()).isTrue();
    }

    @Test
    void leavesAChecksumAloneThatIsThere() {
        ByteBuf frame = tcp(true, TcpHeader.ACK, 100);
        FrameRelay.prepare(out, frame, Checksum.UNKNOWN, SegmentationType.NONE, 0);
        isTheSame(frame);
        assertThat(out.checksumStart()).isEqualTo(-1);
        FrameRelay.prepare(out, frame, Checksum.VALID, SegmentationType.NONE, 0);
        assertThat(out.checksumStart()).isEqualTo(-1);
    }

    @Test
    void countsPacketsWithAllTheirHeaders() {
        InboundFrame joined = inbound(tcp(true, TcpHeader.ACK, 5000), SegmentationType.TCP_V4, 1448);
        assertThat(FrameRelay.packets(joined)).isEqualTo(4);
        assertThat(FrameRelay.bytesAsPackets(joined)).isEqualTo(5000 + 4 * HEADERS_V4);
        InboundFrame single = inbound(tcp(true, TcpHeader.ACK, 100), SegmentationType.NONE, 0);
        assertThat(FrameRelay.packets(single)).isEqualTo(1);
        assertThat(FrameRelay.bytesAsPackets(single)).isEqualTo(100 + HEADERS_V4);
    }

    @Test
    void passesOnWhatIsNotWholeAsItIs() {
        Random random = new Random(1);
        for (int i = 0; i < 20_000; i++) {
            ByteBuf frame = tcp(random.nextBoolean(), TcpHeader.ACK, random.nextInt(60));
            for (int j = random.nextInt(4); j > 0; j--) {
                frame.setByte(12 + random.nextInt(50), random.nextInt(256));
            }
            frame.writerIndex(random.nextInt(frame.writerIndex() + 1));
            InboundFrame inbound = inbound(frame, SegmentationType.TCP_V4, 1 + random.nextInt(30));
            assertThat(FrameRelay.packets(inbound)).isPositive();
            assertThat(FrameRelay.bytesAsPackets(inbound)).isGreaterThanOrEqualTo(frame.readableBytes());
            FrameRelay.prepare(out, frame, Checksum.PARTIAL, SegmentationType.TCP_V4, 10);
            isTheSame(frame);
        }
    }
}
