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
import org.junit.jupiter.api.Test;

class VirtioFramesTest {
    private static final int FRAME = 60;
    private static final Flow FLOW = new Flow(IpAddress.v4(0x0a00_0002), 80, IpAddress.v4(0x0a00_0001), 40_000, 1);

    private final ByteBuf buffer = Unpooled.buffer(VirtioNetHeader.LENGTH + FRAME);
    private final InboundFrame inbound = new InboundFrame();

    private boolean read() {
        return VirtioFrames.read(buffer, 0, VirtioNetHeader.LENGTH, FRAME, inbound);
    }

    @Test
    void readsAPacketOfUnknownChecksum() {
        assertThat(read()).isTrue();
        assertThat(inbound.buffer()).isSameAs(buffer);
        assertThat(inbound.offset()).isEqualTo(VirtioNetHeader.LENGTH);
        assertThat(inbound.length()).isEqualTo(FRAME);
        assertThat(inbound.checksum()).isEqualTo(InboundFrame.Checksum.UNKNOWN);
        assertThat(inbound.segmentation()).isEqualTo(SegmentationType.NONE);
        assertThat(inbound.segmentSize()).isZero();
    }

    @Test
    void readsAVerifiedPacket() {
        VirtioNetHeader.markValid(buffer, 0);
        assertThat(read()).isTrue();
        assertThat(inbound.checksum()).isEqualTo(InboundFrame.Checksum.VALID);
    }

    @Test
    void readsAPacketThatNeverLeftTheMachine() {
        VirtioNetHeader.requestChecksum(buffer, 0, 34, 16);
        assertThat(read()).isTrue();
        assertThat(inbound.checksum()).isEqualTo(InboundFrame.Checksum.PARTIAL);
    }

    @Test
    void readsJoinedSegments() {
        VirtioNetHeader.requestChecksum(buffer, 0, 34, 16);
        int[] types = {
            VirtioNetHeader.GSO_TCPV4,
            VirtioNetHeader.GSO_TCPV4 | VirtioNetHeader.GSO_ECN,
            VirtioNetHeader.GSO_TCPV6,
            VirtioNetHeader.GSO_UDP_L4
        };
        SegmentationType[] expected = {
            SegmentationType.TCP_V4, SegmentationType.TCP_V4, SegmentationType.TCP_V6, SegmentationType.UDP
        };
        for (int i = 0; i < types.length; i++) {
            VirtioNetHeader.requestSegmentation(buffer, 0, types[i], 1448, 54);
            assertThat(read()).isTrue();
            assertThat(inbound.segmentation()).isEqualTo(expected[i]);
            assertThat(inbound.segmentSize()).isEqualTo(1448);
        }
    }

    @Test
    void refusesNonsense() {
        VirtioNetHeader.requestChecksum(buffer, 0, 34, 25);
        assertThat(read()).as("a checksum field beyond the end").isFalse();
        VirtioNetHeader.requestChecksum(buffer, 0, 0xffff, 0xffff);
        assertThat(read()).as("a checksum field far beyond the end").isFalse();
        VirtioNetHeader.requestChecksum(buffer, 0, 34, 24);
        assertThat(read()).as("a checksum field just within").isTrue();

        VirtioNetHeader.requestSegmentation(buffer, 0, VirtioNetHeader.GSO_TCPV4, 0, 54);
        assertThat(read()).as("segments of no size").isFalse();
        for (int type : new int[] {2, VirtioNetHeader.GSO_UDP, 6, 0x7f}) {
            VirtioNetHeader.requestSegmentation(buffer, 0, type, 1448, 54);
            assertThat(read()).as("GSO type %d", type).isFalse();
        }
    }

    @Test
    void writesWhatAFrameAsksFor() {
        OutboundFrame frame = new OutboundFrame();
        ByteBuf payload = Unpooled.wrappedBuffer(new byte[3000]);
        frame.addPayload(payload, 0, 3000);
        TestFrames.tcp(frame, FLOW, 1, 1, TcpHeader.ACK);
        frame.requestSegmentation(SegmentationType.TCP_V4, 1000);
        frame.congestionWindowReduced(true);
        VirtioFrames.write(buffer, 0, frame);

        assertThat(VirtioNetHeader.flags(buffer, 0)).isEqualTo(VirtioNetHeader.NEEDS_CSUM);
        assertThat(VirtioNetHeader.checksumStart(buffer, 0)).isEqualTo(34);
        assertThat(VirtioNetHeader.checksumOffset(buffer, 0)).isEqualTo(TcpHeader.CHECKSUM_OFFSET);
        assertThat(VirtioNetHeader.gsoType(buffer, 0)).isEqualTo(VirtioNetHeader.GSO_TCPV4 | VirtioNetHeader.GSO_ECN);
        assertThat(VirtioNetHeader.gsoSize(buffer, 0)).isEqualTo(1000);
        assertThat(VirtioNetHeader.headerLength(buffer, 0)).isEqualTo(54);
        frame.release();
    }

    @Test
    void asksForNoSegmentationOfASingleSegment() {
        OutboundFrame frame = new OutboundFrame();
        frame.addPayload(Unpooled.wrappedBuffer(new byte[1000]), 0, 1000);
        TestFrames.tcp(frame, FLOW, 1, 1, TcpHeader.ACK);
        frame.requestSegmentation(SegmentationType.TCP_V4, 1000);
        VirtioFrames.write(buffer.setZero(0, VirtioNetHeader.LENGTH), 0, frame);

        assertThat(VirtioNetHeader.gsoType(buffer, 0)).isEqualTo(VirtioNetHeader.GSO_NONE);
        assertThat(VirtioNetHeader.gsoSize(buffer, 0)).isZero();
        assertThat(VirtioNetHeader.flags(buffer, 0)).isEqualTo(VirtioNetHeader.NEEDS_CSUM);
        frame.release();
    }

    @Test
    void writesNothingForAPlainFrame() {
        buffer.setBytes(0, new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1});
        OutboundFrame frame = new OutboundFrame();
        VirtioFrames.write(buffer, 0, frame);
        assertThat(read()).isTrue();
        assertThat(inbound.checksum()).isEqualTo(InboundFrame.Checksum.UNKNOWN);
        assertThat(inbound.segmentation()).isEqualTo(SegmentationType.NONE);
        frame.release();
    }
}
