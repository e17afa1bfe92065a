/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.timer.Timer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * A packet of which only some fragments have arrived: copies of them, in the order of their offsets, without gaps or overlaps between
 * those that touch. Its timer is itself.
 */
final class FragmentedPacket extends Timer {
    /** One fragment; objects are used again. */
    static final class Fragment {
        Fragment next;
        /** The payload; of the first fragment the whole packet, headers too. */
        ByteBuf bytes;
        /** Where in {@link #bytes} the payload starts. */
        int payloadIndex;
        /** Where the payload belongs, in bytes from the start of the whole. */
        int offset;

        int length;
    }

    private final Reassembler reassembler;

    // What the fragments of one packet have in common.
    long sourceHigh;
    long sourceLow;
    long destinationHigh;
    long destinationLow;
    int identification;
    int protocol;
    Arrival arrival;

    Fragment first;
    /** How many fragments there are. */
    int fragments;
    /** Bytes of payload in all fragments. */
    int received;
    /** Bytes of payload in the whole packet, or -1 while the last fragment is missing. */
    int totalLength;
    /** Bytes that count against the reassembler's bound. */
    int cost;
    /** Which ECN codepoints the fragments carry: bit n for codepoint n. */
    int codepoints;
    /** Bytes of the headers before the payload that belong to the whole packet; known from the first fragment. */
    int headerLength;
    /** Of IPv6: where in those headers the field is that names what the payload starts with, and what that is. */
    int nextHeaderIndex;

    int nextHeader;
    /** Fragments have contradicted each other: nothing is kept, and what still arrives is dropped. */
    boolean poisoned;

    /** Its bucket, and next in the same. */
    int bucket;

    FragmentedPacket chain;
    /** Neighbours in the order of arrival. */
    FragmentedPacket older;

    FragmentedPacket newer;

    FragmentedPacket(Reassembler reassembler) {
        this.reassembler = reassembler;
    }

    boolean is(long sh, long sl, long dh, long dl, int otherIdentification, int otherProtocol) {
        return identification == otherIdentification
                && sourceLow == sl
                && destinationLow == dl
                && sourceHigh == sh
                && destinationHigh == dh
                && protocol == otherProtocol;
    }

    boolean hasFirst() {
        return first != null && first.offset == 0;
    }

    boolean isComplete() {
        return received == totalLength;
    }

    /** Whether the fragments' ECN codepoints contradict each other (RFC 3168 §5.3): not all of a marked packet could carry the mark. */
    boolean hasContradictingCodepoints() {
        return (codepoints & 0b1001) == 0b1001;
    }

    /** Whether some fragment was marked "congestion experienced". */
    boolean isCongestionExperienced() {
        return (codepoints & 0b1000) != 0;
    }

    /** The headers of the first fragment and all payload in one buffer, which the caller owns. */
    ByteBuf assemble(ByteBufAllocator allocator) {
        int length = headerLength + totalLength;
        ByteBuf whole = allocator.directBuffer(length, length);
        whole.writeBytes(first.bytes, 0, headerLength);
        for (Fragment fragment = first; fragment != null; fragment = fragment.next) {
            whole.writeBytes(fragment.bytes, fragment.payloadIndex, fragment.length);
        }
        return whole;
    }

    @Override
    protected void expire(long now) {
        reassembler.expire(this, now);
    }
}
