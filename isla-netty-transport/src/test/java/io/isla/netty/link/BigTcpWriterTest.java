/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BigTcpWriterTest {
    private static final int PAYLOAD = 150_000;
    private static final int MSS = 1400;

    /** What the device was given: bytes in the packet, and its beginning. */
    private record Written(int packet, ByteBuf head, int headers, int checksumStart) {}

    private final SoftwareSegmentation software = new SoftwareSegmentation(Link.Medium.ETHERNET);
    private final BigTcpWriter writer = new BigTcpWriter(Link.Medium.ETHERNET, software, this::device);
    private final OutboundFrame frame = new OutboundFrame();
    private final List<Written> written = new ArrayList<>();
    /** Of each write; 0 if it succeeds. */
    private int error;

    private boolean counted;

    @AfterEach
    void release() {
        software.release();
        frame.release();
    }

    private void device(OutboundFrame out) {
        ByteBuf head = Unpooled.buffer().writeBytes(out.header(), out.headerStart(), out.headerLength());
        written.add(new Written(
                out.length() - EthernetHeader.LENGTH,
                head,
                out.headerLength(),
                out.checksumStart() - out.headerStart()));
        counted = error != 0 && !writer.isRefusal(error, out.length());
    }

    private String build(boolean v4, int payload) {
        Flow flow = v4
                ? new Flow(IpAddress.v4(0x0a00_0002), 80, IpAddress.v4(0x0a00_0001), 40_000, 1)
                : new Flow(IpAddress.of(0xfd00L << 48, 2), 80, IpAddress.of(0xfd00L << 48, 1), 40_000, 1);
        frame.reset();
        frame.addPayload(Unpooled.wrappedBuffer(new byte[payload]), 0, payload);
        TestFrames.tcp(frame, flow, 1, 1, TcpHeader.ACK);
        frame.requestSegmentation(v4 ? SegmentationType.TCP_V4 : SegmentationType.TCP_V6, MSS);
        return state();
    }

    private String state() {
        return ByteBufUtil.hexDump(frame.header(), frame.headerStart(), frame.headerLength()) + frame.checksumStart();
    }

    @Test
    void isForWhatTheLengthFieldCannotTell() {
        build(true, 65_535 - 40);
        assertThat(BigTcpWriter.isBig(frame, 65_535)).isFalse();
        assertThat(BigTcpWriter.isBig(frame, 65_536)).isTrue();
        build(false, 65_535 - 20);
        assertThat(BigTcpWriter.isBig(frame, 65_535 + 40)).isFalse();
        assertThat(BigTcpWriter.isBig(frame, 65_535 + 41)).isTrue();
    }

    @Test
    void leavesIpv4AsItIs() {
        String before = build(true, PAYLOAD);

        writer.write(frame);

        assertThat(written).hasSize(1);
        assertThat(written.get(0).packet()).isEqualTo(PAYLOAD + 40);
        assertThat(state()).isEqualTo(before);
    }

    @Test
    void tellsTheLengthOfIpv6InAJumboPayloadOption() {
        String before = build(false, PAYLOAD);

        writer.write(frame);

        assertThat(written).hasSize(1);
        Written packet = written.get(0);
        ByteBuf head = packet.head();
        int network = EthernetHeader.LENGTH;
        assertThat(Ipv6Header.nextHeader(head, network)).isEqualTo(IpProtocol.HOP_BY_HOP);
        assertThat(Ipv6Header.sourceLow(head, network)).isEqualTo(2);
        int option = network + Ipv6Header.LENGTH;
        // RFC 2675 §2: type 0xc2, and the length of all that follows the IPv6 header.
        assertThat(ByteBufUtil.hexDump(head, option, 4)).isEqualTo("0600c204");
        assertThat(head.getInt(option + 4)).isEqualTo(8 + 20 + PAYLOAD);
        assertThat(packet.packet()).isEqualTo(40 + 8 + 20 + PAYLOAD);
        assertThat(packet.checksumStart()).isEqualTo(option + 8);
        assertThat(TcpHeader.destinationPort(head, option + 8)).isEqualTo(40_000);
        assertThat(state()).isEqualTo(before);
    }

    @ParameterizedTest(name = "over IPv4: {0}")
    @ValueSource(booleans = {true, false})
    void sendsInPartsWhatTheKernelHasNoMemoryFor(boolean v4) {
        error = Linux.ENOBUFS;
        String before = build(v4, PAYLOAD);
        writer.write(frame);

        assertThat(written).hasSize(4);
        assertThat(written.subList(1, 4)).allMatch(part -> part.packet() <= 65_535 && part.headers() == (v4 ? 54 : 74));
        assertThat(counted).as("a part that is not taken is lost").isTrue();
        assertThat(state()).isEqualTo(before);

        // The kernel is not asked again for a while; then it is.
        error = 0;
        for (int i = 0; i < BigTcpWriter.PAUSE; i++) {
            written.clear();
            writer.write(frame);
            assertThat(written).hasSize(3);
        }
        written.clear();
        writer.write(frame);
        assertThat(written).hasSize(1);
    }

    @Test
    void whatFailsForAnotherReasonIsLost() {
        error = Linux.EIO;
        build(true, PAYLOAD);

        writer.write(frame);

        assertThat(written).hasSize(1);
        assertThat(counted).isTrue();
        assertThat(writer.isRefusal(Linux.ENOBUFS, 100_000))
                .as("of nothing that was tried")
                .isFalse();
    }

    @Test
    void sendsAllInPartsWhereItIsOfNoUse() {
        writer.useless(true);
        build(true, PAYLOAD);
        writer.write(frame);
        assertThat(written).hasSize(3);

        writer.useless(false);
        writer.write(frame);
        assertThat(written).hasSize(4);
    }
}
