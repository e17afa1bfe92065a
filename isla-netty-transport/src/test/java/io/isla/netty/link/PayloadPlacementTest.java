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
import io.netty.buffer.UnpooledByteBufAllocator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PayloadPlacementTest {
    private static final Flow FLOW = new Flow(IpAddress.v4(0x0a00_0002), 80, IpAddress.v4(0x0a00_0001), 40_000, 1);
    private static final int PAGE = 4096;
    private static final int LENGTH = 3 * PAGE;

    private final OutboundFrame frame = new OutboundFrame();
    private final ByteBuf content = UnpooledByteBufAllocator.DEFAULT.directBuffer(LENGTH + 2 * PAGE, LENGTH + 2 * PAGE);

    @AfterEach
    void release() {
        frame.release();
        content.release();
    }

    private int withHeaders() {
        int bytes = PayloadPlacement.withHeaders(frame);
        frame.reset();
        return bytes;
    }

    /** How much farther in its page the target of a copy is than the source. */
    private static int ahead(long source, long target) {
        return (int) (target - source) & PAGE - 1;
    }

    private static boolean isSlow(long source, long target) {
        int ahead = ahead(source, target);
        return ahead > 0 && ahead < 32;
    }

    /** The address of a byte at place {@code inPage} of a page, as an index in the content. */
    private int index(int inPage) {
        return (int) (inPage - content.memoryAddress()) & PAGE - 1;
    }

    @Test
    void noSourceIsJustBehindItsTarget() {
        for (int inPage = 0; inPage < PAGE; inPage++) {
            frame.addPayload(content, index(inPage), LENGTH);
            int bytes = withHeaders();
            assertThat(isSlow(inPage + bytes, 0)).as("from " + inPage).isFalse();
            assertThat(bytes).as("from " + inPage).isIn(64, 96);
        }
    }

    @Test
    void theSliceThatFillsPagesCounts() {
        for (int before : new int[] {1, 100, 1000, PAGE - 1}) {
            for (int large : new int[] {PAGE, LENGTH}) {
                for (int inPage = 0; inPage < PAGE; inPage += 7) {
                    frame.addPayload(content, 0, before);
                    frame.addPayload(content, 0, 500);
                    frame.addPayload(content, index(inPage), large);
                    int bytes = withHeaders();
                    assertThat(isSlow(inPage, before + 500 - bytes))
                            .as("from " + inPage + " behind " + before)
                            .isFalse();
                }
            }
        }
    }

    @Test
    void aReceiversBufferMayBeginAtAPageOrAsMallocHasIt() {
        for (int inPage = 0; inPage < PAGE; inPage++) {
            frame.addPayload(content, index(inPage), LENGTH);
            int bytes = withHeaders();
            // The payload is so many bytes before a page.
            for (int buffer : new int[] {0, 16, 32, 64}) {
                assertThat(isSlow(-bytes, buffer)).as(bytes + ", " + buffer).isFalse();
            }
        }
    }

    @Test
    void lessThanAPageIsLeftAlone() {
        frame.addPayload(content, 0, PAGE - 1);
        assertThat(withHeaders()).isZero();
        frame.addPayload(content, 0, PAGE);
        assertThat(withHeaders()).isPositive();
    }

    @Test
    void whatIsCopiedFirstIsWhereverItIs() {
        frame.addPayload(Unpooled.wrappedBuffer(new byte[LENGTH]), 0, LENGTH);
        assertThat(withHeaders()).isEqualTo(64);
        for (int i = 0; i < 8; i++) {
            frame.addPayload(content, 0, 1000);
        }
        assertThat(withHeaders()).isEqualTo(64);
    }

    @Test
    void theHeaderHasItOfAFrameToBeSegmented() {
        frame.addPayload(content, index(0), LENGTH);
        TestFrames.tcp(frame, FLOW, 1, 1, TcpHeader.ACK);
        ByteBuf header = frame.header();
        int start = frame.headerStart() - VirtioNetHeader.LENGTH;
        VirtioFrames.write(header, start, frame);
        VirtioFrames.place(header, start, frame);
        assertThat(VirtioNetHeader.headerLength(header, start)).isZero();

        frame.requestSegmentation(SegmentationType.TCP_V4, 1000);
        VirtioFrames.write(header, start, frame);
        VirtioFrames.place(header, start, frame);
        assertThat(VirtioNetHeader.headerLength(header, start))
                .isEqualTo(frame.headerLength() + PayloadPlacement.withHeaders(frame));
    }
}
