/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.netty.buffer.ByteBuf;

/**
 * A queue of slices of buffers: for each a reference to the buffer, where the slice starts and how long it is. Holds one reference count
 * of each buffer. Kept in parallel arrays, so that a slice costs no object; without arrays as long as there has never been more than one slice, which is
 * all that many connections ever need.
 */
final class BufferRing {
    private static final int INITIAL_CAPACITY = 8;
    /** Beyond this capacity an emptied ring gives its arrays back. */
    private static final int RETAINED_CAPACITY = 64;

    private ByteBuf[] buffers;
    private int[] offsets;
    private int[] lengths;
    private int head;
    private int count;
    /** The slice there is, while there are no arrays. */
    private ByteBuf only;

    private int onlyOffset;
    private int onlyLength;

    int count() {
        return count;
    }

    boolean isEmpty() {
        return count == 0;
    }

    ByteBuf buffer(int i) {
        return buffers == null ? only : buffers[index(i)];
    }

    int offset(int i) {
        return buffers == null ? onlyOffset : offsets[index(i)];
    }

    int length(int i) {
        return buffers == null ? onlyLength : lengths[index(i)];
    }

    /** Adds a slice at the end and takes over one reference to its buffer. */
    void add(ByteBuf buffer, int offset, int length) {
        if (buffers == null) {
            if (count == 0) {
                only = buffer;
                onlyOffset = offset;
                onlyLength = length;
                count = 1;
                return;
            }
            makeArrays();
        } else if (count == buffers.length) {
            grow();
        }
        int at = index(count++);
        buffers[at] = buffer;
        offsets[at] = offset;
        lengths[at] = length;
    }

    /** Makes the last slice longer. */
    void extendLast(int by) {
        if (buffers == null) {
            onlyLength += by;
        } else {
            lengths[index(count - 1)] += by;
        }
    }

    /** Drops the first {@code bytes} of the first slice, which is longer than that. */
    void trimFirst(int bytes) {
        if (buffers == null) {
            onlyOffset += bytes;
            onlyLength -= bytes;
        } else {
            offsets[head] += bytes;
            lengths[head] -= bytes;
        }
    }

    /** Removes the first slice without releasing its buffer, and returns the buffer. */
    ByteBuf removeFirst() {
        if (buffers == null) {
            ByteBuf last = only;
            only = null;
            count = 0;
            return last;
        }
        ByteBuf buffer = buffers[head];
        buffers[head] = null;
        head = head + 1 & buffers.length - 1;
        count--;
        if (count == 0) {
            head = 0;
            if (buffers.length > RETAINED_CAPACITY) {
                buffers = null;
                offsets = null;
                lengths = null;
            }
        }
        return buffer;
    }

    /** Releases and removes everything. */
    void clear() {
        while (count > 0) {
            removeFirst().release();
        }
        buffers = null;
        offsets = null;
        lengths = null;
    }

    private int index(int i) {
        return head + i & buffers.length - 1;
    }

    private void makeArrays() {
        buffers = new ByteBuf[INITIAL_CAPACITY];
        offsets = new int[INITIAL_CAPACITY];
        lengths = new int[INITIAL_CAPACITY];
        buffers[0] = only;
        offsets[0] = onlyOffset;
        lengths[0] = onlyLength;
        head = 0;
        only = null;
    }

    private void grow() {
        int capacity = buffers.length;
        ByteBuf[] newBuffers = new ByteBuf[capacity * 2];
        int[] newOffsets = new int[capacity * 2];
        int[] newLengths = new int[capacity * 2];
        for (int i = 0; i < count; i++) {
            int from = index(i);
            newBuffers[i] = buffers[from];
            newOffsets[i] = offsets[from];
            newLengths[i] = lengths[from];
        }
        buffers = newBuffers;
        offsets = newOffsets;
        lengths = newLengths;
        head = 0;
    }
}
