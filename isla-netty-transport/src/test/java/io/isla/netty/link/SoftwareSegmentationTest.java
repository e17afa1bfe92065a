/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.TcpHeader;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SoftwareSegmentationTest {
    private static final long SEED = 0x5e9;
    private static final int LAST_FLAGS = TcpHeader.FIN | TcpHeader.PSH;

    private final SoftwareSegmentation segmentation = new SoftwareSegmentation(Link.Medium.ETHERNET);
    private final OutboundFrame frame = new OutboundFrame();
    private final List<ByteBuf> sent = new ArrayList<>();
    private final Random random = new Random(SEED);

    @AfterEach
    void release() {
        segmentation.release();
        frame.release();
        sent.forEach(ByteBuf::release);
    }

    private static Flow flow(boolean v4) {
        return v4
                ? new Flow(IpAddress.v4(0x0a00_0002), 80, IpAddress.v4(0x0a00_0001), 40_000, 1)
                : new Flow(IpAddress.of(0xfd00L << 48, 2), 80, IpAddress.of(0xfd00L << 48, 1), 40_000, 1);
    }

    private byte[] payload(int bytes) {
        byte[] payload = new byte[bytes];
        random.nextBytes(payload);
        TestFrames.addPayload(
                frame,
                payload,
                1 + random.nextInt(9),
                random,
                (from, offset, length) ->
                        Unpooled.buffer(1 + length).writeByte(0).writeBytes(from, offset, length));
        return payload;
    }

    private void send() {
        String before = state();
        segmentation.send(frame, segment -> {
            assertThat(segment.segmentation()).isEqualTo(SegmentationType.NONE);
            assertThat(segment.checksumStart()).isEqualTo(-1);
            sent.add(segment.copy(UnpooledByteBufAllocator.DEFAULT));
        });
        assertThat(state()).as("the sender's frame").isEqualTo(before);
    }

    private String state() {
        return ByteBufUtil.hexDump(frame.header(), frame.headerStart(), frame.headerLength())
                + frame.checksumStart()
                + frame.segmentation()
                + frame.segmentSize()
                + frame.payloadBytes();
    }

    @ParameterizedTest(name = "over IPv4: {0}")
    @ValueSource(booleans = {true, false})
    void splitsTcp(boolean v4) {
        for (int round = 0; round < 60; round++) {
            sent.forEach(ByteBuf::release);
            sent.clear();
            frame.reset();
            int size = 1 + random.nextInt(1460);
            byte[] payload = payload(size + 1 + random.nextInt(20_000));
            int sequence = random.nextInt();
            TestFrames.tcp(frame, flow(v4), sequence, 77, LAST_FLAGS | TcpHeader.ACK);
            frame.requestSegmentation(v4 ? SegmentationType.TCP_V4 : SegmentationType.TCP_V6, size);

            send();

            ByteBuf received = Unpooled.buffer();
            for (int i = 0; i < sent.size(); i++) {
                ByteBuf segment = sent.get(i);
                boolean last = i == sent.size() - 1;
                int tcp = TestFrames.transportOffset(segment);
                assertThat(TestFrames.isIntact(segment))
                        .as("lengths and checksums")
                        .isTrue();
                assertThat(TcpHeader.sequenceNumber(segment, tcp)).isEqualTo(sequence + i * size);
                assertThat(TcpHeader.acknowledgmentNumber(segment, tcp)).isEqualTo(77);
                assertThat(TcpHeader.flags(segment, tcp)).isEqualTo(last ? LAST_FLAGS | TcpHeader.ACK : TcpHeader.ACK);
                if (v4) {
                    assertThat(Ipv4Header.identification(segment, EthernetHeader.LENGTH))
                            .isEqualTo(0xfffe + i & 0xffff);
                }
                int data = tcp + TcpHeader.MIN_LENGTH;
                if (!last) {
                    assertThat(segment.writerIndex() - data).isEqualTo(size);
                }
                received.writeBytes(segment, data, segment.writerIndex() - data);
            }
            assertThat(sent).hasSize((payload.length + size - 1) / size);
            assertThat(ByteBufUtil.getBytes(received))
                    .as("round %d of seed %d", round, SEED)
                    .isEqualTo(payload);
        }
    }

    @ParameterizedTest(name = "over IPv4: {0}")
    @ValueSource(booleans = {true, false})
    void dividesIntoFramesThatAskForTheSame(boolean v4) {
        byte[] payload = payload(200_001);
        TestFrames.tcp(frame, flow(v4), 1000, 77, LAST_FLAGS | TcpHeader.ACK | TcpHeader.CWR);
        frame.requestSegmentation(v4 ? SegmentationType.TCP_V4 : SegmentationType.TCP_V6, 1448);
        frame.congestionWindowReduced(true);
        send();
        List<String> whole = takeSent();
        String before = state();

        List<Integer> lengths = new ArrayList<>();
        SoftwareSegmentation second = new SoftwareSegmentation(Link.Medium.ETHERNET);
        segmentation.divide(frame, 65_535, part -> {
            lengths.add(part.length() - EthernetHeader.LENGTH);
            assertThat(part.segmentSize()).isEqualTo(1448);
            assertThat(part.payloadBytes() % 1448).isEqualTo(lengths.size() < 4 ? 0 : 200_001 % 1448);
            second.send(part, segment -> sent.add(segment.copy(UnpooledByteBufAllocator.DEFAULT)));
        });
        second.release();

        int most = (65_535 - (v4 ? 40 : 60)) / 1448 * 1448 + (v4 ? 40 : 60);
        assertThat(lengths).hasSize(4).startsWith(most, most, most);
        assertThat(takeSent()).isEqualTo(whole).hasSize((payload.length + 1447) / 1448);
        assertThat(state()).as("the sender's frame").isEqualTo(before);
    }

    private List<String> takeSent() {
        List<String> dumps = sent.stream().map(ByteBufUtil::hexDump).toList();
        sent.forEach(ByteBuf::release);
        sent.clear();
        return dumps;
    }

    @ParameterizedTest(name = "over IPv4: {0}")
    @ValueSource(booleans = {true, false})
    void splitsUdp(boolean v4) {
        byte[] payload = payload(5 * 1200 + 7);
        TestFrames.udp(frame, flow(v4));
        frame.requestSegmentation(SegmentationType.UDP, 1200);

        send();

        assertThat(sent).hasSize(6).allMatch(TestFrames::isIntact);
        ByteBuf received = Unpooled.buffer();
        for (ByteBuf datagram : sent) {
            int udp = TestFrames.transportOffset(datagram);
            assertThat(UdpHeader.length(datagram, udp)).isEqualTo(datagram.writerIndex() - udp);
            assertThat(UdpHeader.sourcePort(datagram, udp)).isEqualTo(80);
            assertThat(UdpHeader.destinationPort(datagram, udp)).isEqualTo(40_000);
            received.writeBytes(datagram, udp + UdpHeader.LENGTH, datagram.writerIndex() - udp - UdpHeader.LENGTH);
        }
        assertThat(ByteBufUtil.getBytes(received)).isEqualTo(payload);
    }

    @Test
    void keepsCwrOnTheFirstSegmentOnlyIfAskedTo() {
        payload(3000);
        TestFrames.tcp(frame, flow(true), 1, 1, TcpHeader.ACK | TcpHeader.CWR);
        frame.requestSegmentation(SegmentationType.TCP_V4, 1000);
        frame.congestionWindowReduced(true);

        send();

        int tcp = TestFrames.transportOffset(sent.get(0));
        assertThat(sent)
                .extracting(segment -> TcpHeader.flags(segment, tcp))
                .containsExactly(TcpHeader.ACK | TcpHeader.CWR, TcpHeader.ACK, TcpHeader.ACK);
    }

    @Test
    void repeatsCwrIfNotAskedOtherwise() {
        payload(2000);
        TestFrames.tcp(frame, flow(true), 1, 1, TcpHeader.ACK | TcpHeader.CWR);
        frame.requestSegmentation(SegmentationType.TCP_V4, 1000);

        send();

        int tcp = TestFrames.transportOffset(sent.get(0));
        assertThat(sent).hasSize(2).allMatch(segment -> (TcpHeader.flags(segment, tcp) & TcpHeader.CWR) != 0);
    }

    @Test
    void splitsAFrameWithoutEthernetHeader() {
        SoftwareSegmentation bare = new SoftwareSegmentation(Link.Medium.IP);
        byte[] payload = payload(2500);
        TestFrames.tcp(frame, flow(true), 1, 1, TcpHeader.ACK);
        frame.headerStart(frame.headerStart() + EthernetHeader.LENGTH);
        frame.requestSegmentation(SegmentationType.TCP_V4, 1000);

        bare.send(frame, segment -> {
            int at = segment.prepend(EthernetHeader.LENGTH);
            EthernetHeader.write(segment.header(), at, 1, 2, io.isla.netty.wire.EtherType.IPV4);
            sent.add(segment.copy(UnpooledByteBufAllocator.DEFAULT));
        });

        assertThat(sent).hasSize(3).allMatch(TestFrames::isIntact);
        assertThat(sent.get(2).writerIndex()).isEqualTo(54 + payload.length - 2000);
        bare.release();
    }

    @ParameterizedTest(name = "over IPv4: {0}")
    @ValueSource(booleans = {true, false})
    void completesTheChecksumOfAPacketThatIsNotToBeSplit(boolean v4) {
        payload(333);
        TestFrames.udp(frame, flow(v4));

        send();

        assertThat(sent).hasSize(1).allMatch(TestFrames::isIntact);
    }

    @Test
    void doesNotSplitWhatFitsIntoOneSegment() {
        payload(1000);
        TestFrames.tcp(frame, flow(true), 1, 1, LAST_FLAGS | TcpHeader.ACK);
        frame.requestSegmentation(SegmentationType.TCP_V4, 1000);

        send();

        assertThat(sent).hasSize(1).allMatch(TestFrames::isIntact);
        assertThat(Ipv4Header.identification(sent.get(0), EthernetHeader.LENGTH))
                .isEqualTo(0xfffe);
    }

    @Test
    void passesOnAFrameThatRequestsNothing() {
        EthernetHeader.write(frame.header(), frame.prepend(EthernetHeader.LENGTH), 1, 2, 0x88b5);
        payload(100);

        send();

        assertThat(sent).hasSize(1);
        assertThat(sent.get(0).writerIndex()).isEqualTo(114);
    }
}
