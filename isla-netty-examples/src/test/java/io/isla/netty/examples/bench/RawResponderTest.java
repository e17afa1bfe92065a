/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.LinkCounter;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.IoHandle;
import io.netty.util.CharsetUtil;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RawResponderTest {
    private static final int CLIENT = 0x0a00_0001;
    private static final int SERVER = 0x0a00_0002;
    private static final long CLIENT_MAC = 0x0200_0000_0001L;
    private static final int CLIENT_PORT = 40_000;
    private static final int PORT = 8080;
    private static final int FIN = 1;
    private static final int SYN = 2;
    private static final int RST = 4;
    private static final int PSH = 8;
    private static final int ACK = 16;
    private static final int TCP = 34;

    private final List<ByteBuf> sent = new ArrayList<>();
    private final List<SegmentationType> segmentation = new ArrayList<>();
    private int clientPort = CLIENT_PORT;
    private RawResponder responder;

    @BeforeEach
    void start() throws Exception {
        responder = new RawResponder(1500, (Inet4Address) InetAddress.getByName("10.0.0.2"));
        responder.queue(new Queue());
    }

    @AfterEach
    void stop() {
        responder.close();
        sent.forEach(ByteBuf::release);
    }

    private void receive(ByteBuf frame) {
        responder.onFrame(new InboundFrame().set(frame, 0, frame.writerIndex()));
        frame.release();
    }

    private void receive(int flags, int sequence, int acknowledgment, String data) {
        ByteBuf frame = Unpooled.buffer();
        frame.writeZero(6).writeShort(0x0200).writeInt(1).writeShort(0x0800);
        frame.writeInt(0x4500_0000 | 40 + data.length()).writeInt(0).writeInt(0x4006_0000);
        frame.writeInt(CLIENT).writeInt(SERVER);
        frame.writeShort(clientPort).writeShort(PORT).writeInt(sequence).writeInt(acknowledgment);
        frame.writeShort(0x5000 | flags).writeShort(1000).writeInt(0);
        frame.writeCharSequence(data, CharsetUtil.US_ASCII);
        receive(frame);
    }

    private void assertSent(int flags, int sequence, int acknowledgment) {
        assertThat(sent).hasSize(1);
        ByteBuf frame = sent.get(0);
        assertThat(frame.getUnsignedShort(TCP)).isEqualTo(PORT);
        assertThat(frame.getUnsignedShort(TCP + 2)).isEqualTo(CLIENT_PORT);
        assertThat(frame.getInt(26)).isEqualTo(SERVER);
        assertThat(frame.getInt(30)).isEqualTo(CLIENT);
        assertThat(frame.getUnsignedByte(TCP + 13)).isEqualTo((short) flags);
        assertThat(frame.getInt(TCP + 4)).isEqualTo(sequence);
        assertThat(frame.getInt(TCP + 8)).isEqualTo(acknowledgment);
        assertThat(frame.getUnsignedShort(16)).as("total length").isEqualTo(frame.writerIndex() - 14);
    }

    private String text() {
        return sent.get(0).toString(TCP + 20, sent.get(0).writerIndex() - TCP - 20, CharsetUtil.US_ASCII);
    }

    @Test
    void answersForItsAddress() {
        ByteBuf request = Unpooled.buffer();
        request.writeZero(6).writeShort(0x0200).writeInt(1).writeShort(0x0806);
        request.writeInt(0x0001_0800).writeInt(0x0604_0001);
        request.writeShort(0x0200).writeInt(1).writeInt(CLIENT).writeZero(6).writeInt(SERVER);
        ByteBuf other = request.copy().setInt(38, SERVER + 1);

        receive(request);
        receive(other);

        assertThat(sent).hasSize(1);
        ByteBuf reply = sent.get(0);
        assertThat(reply.getUnsignedShort(20)).as("a reply").isEqualTo(2);
        assertThat(reply.getInt(28)).as("sender").isEqualTo(SERVER);
        assertThat(reply.getUnsignedShort(32)).isEqualTo(0x0200);
        assertThat(reply.getInt(34)).as("target's hardware").isEqualTo((int) CLIENT_MAC);
        assertThat(reply.getInt(38)).as("target").isEqualTo(CLIENT);
        assertThat(reply.getInt(2)).as("to whom asked").isEqualTo((int) CLIENT_MAC);
    }

    @Test
    void opensAConnection() {
        receive(SYN, 1000, 0, "");

        assertSent(SYN | ACK, 1, 1001);
        assertThat(sent.get(0).getInt(TCP + 20)).as("maximum segment size").isEqualTo(0x0204_05b4);
    }

    @Test
    void answersARequestAndKeepsTheConnection() {
        receive(PSH | ACK, 1001, 2, "GET / HTTP/1.1\r\n\r\n");

        assertSent(PSH | ACK, 2, 1001 + 18);
        assertThat(text())
                .startsWith("HTTP/1.1 200 OK\r\n")
                .doesNotContain("close")
                .hasSize(RESPONSE_LENGTH);
    }

    private static final int RESPONSE_LENGTH =
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 600\r\n\r\n".length() + 600;

    @Test
    void endsAConnectionWithItsAnswer() {
        receive(PSH | ACK, 1001, 2, "GET /c HTTP/1.1\r\n\r\n");

        assertSent(FIN | PSH | ACK, 2, 1001 + 19);
        int end = 2 + text().length() + 1;
        assertThat(text()).contains("\r\nconnection: close\r\n");

        sent.remove(0).release();
        receive(ACK, 1020, end, "");
        assertThat(sent).as("an acknowledgment needs no answer").isEmpty();

        receive(FIN | ACK, 1020, end, "");
        assertSent(ACK, end, 1021);
    }

    @Test
    void endsAConnectionThatTheClientEnds() {
        receive(FIN | ACK, 1019, 2 + RESPONSE_LENGTH, "");

        assertSent(FIN | ACK, 2 + RESPONSE_LENGTH, 1020);
    }

    @Test
    void answersAllRequestsOfASegment() {
        receive(PSH | ACK, 1001, 2, "GET /p HTTP/1.1\r\nhost: x\r\n\r\n".repeat(4));

        assertThat(text().split("HTTP/1.1 200 OK", -1)).hasSize(1 + 4);
        assertThat(segmentation).containsExactly(SegmentationType.TCP_V4);
    }

    @Test
    void countsAnUploadAndAcknowledgesWhatHasComeTogetherOnce() {
        receive(PSH | ACK, 1001, 2, "PUT /bytes HTTP/1.1\r\n\r\n");
        receive(ACK, 1001 + 23, 2, "x".repeat(1000));
        assertThat(sent).as("there may be more").isEmpty();

        responder.acknowledgeUpload();
        assertSent(ACK, 2, 1001 + 23 + 1000);
        assertThat(responder.received()).isEqualTo(23 + 1000);

        responder.acknowledgeUpload();
        assertThat(sent).as("once").hasSize(1);
    }

    @Test
    void acknowledgesEachUploadForItself() {
        receive(ACK, 1001, 2, "x".repeat(100));
        clientPort = CLIENT_PORT + 1;
        receive(ACK, 5001, 2, "y".repeat(100));

        // The other one's has come after it.
        assertSent(ACK, 2, 1101);
        sent.remove(0).release();
        responder.acknowledgeUpload();
        assertThat(sent.get(0).getUnsignedShort(TCP + 2)).isEqualTo(CLIENT_PORT + 1);
        assertThat(sent.get(0).getInt(TCP + 8)).isEqualTo(5101);
    }

    @Test
    void endsAnUploadThatTheClientEnds() {
        receive(FIN | PSH | ACK, 1001, 2, "x".repeat(100));

        assertSent(FIN | ACK, 2, 1001 + 100 + 1);
        responder.acknowledgeUpload();
        assertThat(sent).hasSize(1);
    }

    @Test
    void acknowledgesTheLaterOfSegmentsThatComeTogether() {
        receive(ACK, 1101, 2, "x".repeat(100));
        receive(ACK, 1001, 2, "x".repeat(100));
        responder.acknowledgeUpload();

        assertSent(ACK, 2, 1201);
    }

    @Test
    void isSilentOnWhatItDoesNotUnderstand() {
        receive(RST, 1001, 2, "");
        receive(Unpooled.buffer().writeZero(13));
        receive(Unpooled.buffer().writeZero(12).writeShort(0x86dd).writeZero(60));
        receive(Unpooled.buffer().writeZero(12).writeShort(0x0800).writeZero(60));

        assertThat(sent).isEmpty();
    }

    private final class Queue implements LinkQueue {
        @Override
        public void transmit(OutboundFrame frame) {
            sent.add(frame.copy(UnpooledByteBufAllocator.DEFAULT));
            segmentation.add(frame.segmentation());
        }

        @Override
        public void flush() {}

        @Override
        public int poll(int maxFrames) {
            return 0;
        }

        @Override
        public IoHandle ioHandle() {
            return null;
        }

        @Override
        public long count(LinkCounter counter) {
            return 0;
        }

        @Override
        public void close() {}
    }
}
