/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;

/**
 * Where in its pages Linux puts the payload of a super-segment. What a virtio-net header says is headers goes into one piece of memory; what follows is copied to pages of its
 * own, from the beginning of the first. It matters, because there are processors on which the kernel's copies take ten times as long if the target is up to 31 bytes farther
 * in its page than the source is in its own (AMD Zen 3, where they are {@code rep movsb}). A receiver's buffer, if it is large, often begins where a page does or, fresh from
 * {@code malloc}, 16 bytes behind: the second is just that, if the first byte of payload is the first of a page. So some payload is said to be headers, and how much depends
 * on where it is copied from. The receiver's kernel keeps a packet with such payload apart from the next one, which costs it a few hundred bytes while the packet waits;
 * payload of less than a page is left alone.
 */
final class PayloadPlacement {
    /** How much of the payload is said to be headers, at least: more than a receiver's buffer may be ahead. */
    static final int MIN = 64;
    /** From so many bytes on, a target that is ahead costs nothing. */
    static final int SLOW = 32;

    private static final int PAGE = 4096;

    private PayloadPlacement() {}

    /** How many bytes of payload are to be with the headers; 0 if it is shorter than a page. */
    static int withHeaders(OutboundFrame frame) {
        if (frame.payloadBytes() < PAGE) {
            return 0;
        }
        int at = 0;
        for (int i = 0; i < frame.payloadCount(); i++) {
            int length = frame.payloadLength(i);
            if (length >= PAGE) {
                ByteBuf payload = frame.payload(i);
                return payload.hasMemoryAddress()
                        ? withHeaders(payload.memoryAddress() + frame.payloadOffset(i) - at)
                        : MIN;
            }
            at += length;
        }
        return MIN;
    }

    /**
     * How many bytes of payload are to be with the headers.
     *
     * @param source where the payload would begin, were it as a whole where its first slice of a page or more is
     */
    private static int withHeaders(long source) {
        int ahead = (int) -(source + MIN) & PAGE - 1;
        return ahead > 0 && ahead < SLOW ? MIN + SLOW : MIN;
    }
}
