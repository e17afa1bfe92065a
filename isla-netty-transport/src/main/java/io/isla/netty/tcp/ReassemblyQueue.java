/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.Arrays;

/**
 * Segments that have arrived ahead of a gap (RFC 9293 SHLD-31), sorted by sequence number and without overlap, and the SACK blocks
 * that tell the peer of them (RFC 2018 §4: the block with the latest segment comes first).
 */
final class ReassemblyQueue {
    static final int MAX_SACK_BLOCKS = 4;
    private static final int INITIAL_CAPACITY = 8;
    /** What a piece takes beyond its buffer's bytes, roughly. */
    private static final int PIECE_OVERHEAD = 256;

    private final ByteBufAllocator allocator;
    private int[] starts;
    private int[] lengths;
    private ByteBuf[] buffers;
    private int[] offsets;
    private int count;
    private int bytes;
    private long memory;

    /** With {@link #sackCount} blocks; none before the first gap. */
    private int[] sackStart;

    private int[] sackEnd;
    private int sackCount;

    ReassemblyQueue(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** Separate pieces held. */
    int count() {
        return count;
    }

    /** Bytes of memory that are held, roughly. */
    long memory() {
        return memory;
    }

    /** Whether {@code length} more bytes may be held within a budget of memory. */
    boolean hasRoom(int length, long budget) {
        return memory + length + PIECE_OVERHEAD <= budget;
    }

    int sackCount() {
        return sackCount;
    }

    int sackStart(int i) {
        return sackStart[i];
    }

    int sackEnd(int i) {
        return sackEnd[i];
    }

    /** The end of the last piece; meaningless when empty. */
    int highest() {
        return starts[count - 1] + lengths[count - 1];
    }

    /**
     * Adds what is new of a segment; the buffer stays its owner's.
     *
     * @param budget memory up to which frames are kept as they lie
     * @return how many bytes were new
     */
    int add(int sequence, ByteBuf source, int offset, int length, long budget) {
        int end = sequence + length;
        int i = firstEndingAfter(sequence);
        int cursor = sequence;
        int added = 0;
        while (SequenceNumber.lessThan(cursor, end)) {
            int pieceEnd = end;
            boolean meetsNext = i < count && SequenceNumber.lessThan(starts[i], end);
            if (meetsNext) {
                pieceEnd = SequenceNumber.max(starts[i], cursor);
            }
            int pieceLength = pieceEnd - cursor;
            if (pieceLength > 0) {
                int before = count;
                insert(i, cursor, source, offset + (cursor - sequence), pieceLength, budget);
                i += count - before;
                added += pieceLength;
            }
            if (!meetsNext) {
                break;
            }
            cursor = starts[i] + lengths[i];
            i++;
        }
        bytes += added;
        noteSack(sequence, end);
        return added;
    }

    /**
     * Has the connection report the first of the bytes {@code [start, end)} that are held already, up to the next gap (RFC 2883 §4).
     */
    void noteDuplicate(TcpConnection c, int start, int end) {
        int i = firstEndingAfter(start);
        if (i == count || SequenceNumber.greaterOrEqual(starts[i], end)) {
            return;
        }
        int from = SequenceNumber.max(start, starts[i]);
        int to = starts[i] + lengths[i];
        while (++i < count && starts[i] == to) {
            to = starts[i] + lengths[i];
        }
        SegmentAcceptance.noteDuplicate(c, from, SequenceNumber.min(to, end));
    }

    /**
     * Moves what now follows without a gap to the receive queue.
     *
     * @param rcvNxt the next sequence number expected
     * @return the next one expected after that
     */
    int drain(int rcvNxt, ReceiveQueue into) {
        int next = rcvNxt;
        int taken = 0;
        while (taken < count && SequenceNumber.lessOrEqual(starts[taken], next)) {
            int end = starts[taken] + lengths[taken];
            bytes -= lengths[taken];
            memory -= buffers[taken].capacity() + PIECE_OVERHEAD;
            int skip = next - starts[taken];
            if (SequenceNumber.greaterThan(end, next)) {
                into.adopt(buffers[taken], offsets[taken] + skip, end - next);
                next = end;
            } else {
                buffers[taken].release();
            }
            taken++;
        }
        if (taken > 0) {
            removeFirst(taken);
            dropSacksUpTo(next);
        }
        return next;
    }

    /** Forgets SACK blocks that the cumulative acknowledgement now covers. */
    void dropSacksUpTo(int rcvNxt) {
        int kept = 0;
        for (int i = 0; i < sackCount; i++) {
            if (SequenceNumber.greaterThan(sackStart[i], rcvNxt)) {
                sackStart[kept] = sackStart[i];
                sackEnd[kept] = sackEnd[i];
                kept++;
            }
        }
        sackCount = kept;
    }

    /** Releases everything. */
    void clear() {
        for (int i = 0; i < count; i++) {
            buffers[i].release();
        }
        count = 0;
        bytes = 0;
        memory = 0;
        sackCount = 0;
        starts = null;
        lengths = null;
        buffers = null;
        offsets = null;
    }

    private int firstEndingAfter(int sequence) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = low + high >>> 1;
            if (SequenceNumber.greaterThan(starts[middle] + lengths[middle], sequence)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    private void insert(int at, int sequence, ByteBuf source, int offset, int length, long budget) {
        boolean keep = PayloadBuffers.isWorthKeeping(length) && memory + source.capacity() <= budget;
        boolean follows = at > 0 && starts[at - 1] + lengths[at - 1] == sequence;
        if (!keep && follows) {
            ByteBuf previous = buffers[at - 1];
            // A copy of our own ends where its writer index stands; a kept read buffer has refCnt above one or other
            // indices.
            if (previous.maxCapacity() == previous.capacity()
                    && previous.refCnt() == 1
                    && previous.writerIndex() == offsets[at - 1] + lengths[at - 1]
                    && previous.writableBytes() >= length
                    && !PayloadBuffers.isWorthKeeping(lengths[at - 1])) {
                source.getBytes(offset, previous, length);
                lengths[at - 1] += length;
                return;
            }
        }
        makeRoom(at);
        starts[at] = sequence;
        lengths[at] = length;
        if (keep) {
            buffers[at] = source.retain();
            offsets[at] = offset;
        } else {
            // Room for as much again as lies before it: what is wasted is never more than what is held.
            int room = follows ? Math.min(PayloadBuffers.GATHER_CHUNK, 2 * lengths[at - 1]) : 0;
            buffers[at] = PayloadBuffers.copy(allocator, source, offset, length, Math.max(room, length));
            offsets[at] = 0;
        }
        memory += buffers[at].capacity() + PIECE_OVERHEAD;
    }

    private void makeRoom(int at) {
        if (starts == null) {
            starts = new int[INITIAL_CAPACITY];
            lengths = new int[INITIAL_CAPACITY];
            buffers = new ByteBuf[INITIAL_CAPACITY];
            offsets = new int[INITIAL_CAPACITY];
        } else if (count == starts.length) {
            int capacity = count * 2;
            starts = Arrays.copyOf(starts, capacity);
            lengths = Arrays.copyOf(lengths, capacity);
            buffers = Arrays.copyOf(buffers, capacity);
            offsets = Arrays.copyOf(offsets, capacity);
        }
        int moved = count - at;
        System.arraycopy(starts, at, starts, at + 1, moved);
        System.arraycopy(lengths, at, lengths, at + 1, moved);
        System.arraycopy(buffers, at, buffers, at + 1, moved);
        System.arraycopy(offsets, at, offsets, at + 1, moved);
        count++;
    }

    private void removeFirst(int n) {
        int left = count - n;
        System.arraycopy(starts, n, starts, 0, left);
        System.arraycopy(lengths, n, lengths, 0, left);
        System.arraycopy(buffers, n, buffers, 0, left);
        System.arraycopy(offsets, n, offsets, 0, left);
        Arrays.fill(buffers, left, count, null);
        count = left;
        if (count == 0) {
            starts = null;
            lengths = null;
            buffers = null;
            offsets = null;
        }
    }

    private void noteSack(int start, int end) {
        if (sackStart == null) {
            sackStart = new int[MAX_SACK_BLOCKS];
            sackEnd = new int[MAX_SACK_BLOCKS];
        }
        int mergedStart = start;
        int mergedEnd = end;
        for (int i = 0; i < sackCount; i++) {
            if (SequenceNumber.lessOrEqual(sackStart[i], end) && SequenceNumber.greaterOrEqual(sackEnd[i], start)) {
                mergedStart = SequenceNumber.min(mergedStart, sackStart[i]);
                mergedEnd = SequenceNumber.max(mergedEnd, sackEnd[i]);
            }
        }
        // What is held may reach further than the few blocks that are remembered.
        int i = firstEndingAfter(mergedStart - 1);
        while (i >= 0
                && i < count
                && SequenceNumber.lessThan(starts[i], mergedStart)
                && SequenceNumber.greaterOrEqual(starts[i] + lengths[i], mergedStart)) {
            mergedStart = starts[i];
            i--;
        }
        int j = firstEndingAfter(mergedEnd);
        while (j < count && SequenceNumber.lessOrEqual(starts[j], mergedEnd)) {
            mergedEnd = starts[j] + lengths[j];
            j++;
        }
        int kept = 0;
        for (int k = 0; k < sackCount; k++) {
            if (SequenceNumber.lessThan(sackStart[k], mergedStart)
                    || SequenceNumber.greaterThan(sackEnd[k], mergedEnd)) {
                sackStart[kept] = sackStart[k];
                sackEnd[kept] = sackEnd[k];
                kept++;
            }
        }
        int shifted = Math.min(kept, MAX_SACK_BLOCKS - 1);
        System.arraycopy(sackStart, 0, sackStart, 1, shifted);
        System.arraycopy(sackEnd, 0, sackEnd, 1, shifted);
        sackStart[0] = mergedStart;
        sackEnd[0] = mergedEnd;
        sackCount = shifted + 1;
    }
}
