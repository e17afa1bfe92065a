/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * All that is sent and not cumulatively acknowledged, as {@link SentSegment}s: by sequence number in a ring, and in the order of (last)
 * sending in a list. Keeps the sums that loss recovery asks for: bytes sacked, lost, and retransmitted and still under way.
 */
final class SentSegments {
    private static final int INITIAL_CAPACITY = 8;
    private static final int RETAINED_CAPACITY = 64;

    /** Unused {@link SentSegment}s of a shard. */
    static final class Pool {
        private static final int MAX_FREE = 16_384;

        private SentSegment free;
        private int size;

        private SentSegment take() {
            SentSegment segment = free;
            if (segment == null) {
                return new SentSegment();
            }
            free = segment.nextFree;
            segment.nextFree = null;
            size--;
            return segment;
        }

        private void giveBack(SentSegment segment) {
            segment.flags = 0;
            segment.earlier = null;
            segment.later = null;
            if (size < MAX_FREE) {
                segment.nextFree = free;
                free = segment;
                size++;
            }
        }
    }

    private Pool pool;
    private SentSegment[] ring;
    private int head;
    private int count;
    private SentSegment earliest;
    private SentSegment latest;
    private int sackedBytes;
    private int lostBytes;
    private int retransmittedBytes;
    private int sackedCount;

    SentSegments(Pool pool) {
        this.pool = pool;
    }

    /** Uses the pool of another shard from now on. */
    void pool(Pool newPool) {
        pool = newPool;
    }

    int count() {
        return count;
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** Sequence numbers that are selectively acknowledged. */
    int sackedBytes() {
        return sackedBytes;
    }

    /** Sequence numbers that are deemed lost. */
    int lostBytes() {
        return lostBytes;
    }

    /** Sequence numbers whose retransmission is deemed under way. */
    int retransmittedBytes() {
        return retransmittedBytes;
    }

    /** Entries with the SACKED flag. */
    int sackedCount() {
        return sackedCount;
    }

    SentSegment get(int i) {
        return ring[head + i & ring.length - 1];
    }

    SentSegment first() {
        return ring[head];
    }

    SentSegment last() {
        return get(count - 1);
    }

    /** The one that was (last) sent before all others, or {@code null}. */
    SentSegment earliestSent() {
        return earliest;
    }

    /** Adds new data at the end: sent now, never before. */
    SentSegment add(int start, int end, int flags, long now) {
        SentSegment segment = pool.take();
        segment.start = start;
        segment.end = end;
        segment.flags = flags;
        segment.sentAt = now;
        insert(count, segment);
        appendToOrder(segment);
        return segment;
    }

    /** The index of the first entry that ends after {@code sequence}; {@link #count()} if there is none. */
    int indexOf(int sequence) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = low + high >>> 1;
            if (SequenceNumber.greaterThan(get(middle).end, sequence)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    /** Splits entry {@code i} so that a part of it ends at {@code at}, which lies inside it; both parts keep all else in common. */
    void split(int i, int at) {
        SentSegment left = get(i);
        SentSegment right = pool.take();
        right.start = at;
        right.end = left.end;
        right.flags = left.flags;
        right.packetSize = left.packetSize;
        right.sentAt = left.sentAt;
        right.deliveredBefore = left.deliveredBefore;
        right.deliveredTime = left.deliveredTime;
        right.firstSentAt = left.firstSentAt;
        left.end = at;
        left.flags &= ~SentSegment.CONTROL;
        insert(i + 1, right);
        if (right.has(SentSegment.SACKED)) {
            sackedCount++;
        }
        if (!isInOrder(left)) {
            return;
        }
        right.earlier = left;
        right.later = left.later;
        if (left.later != null) {
            left.later.earlier = right;
        } else {
            latest = right;
        }
        left.later = right;
    }

    /** Removes the first entry: it is cumulatively acknowledged. */
    void removeFirst() {
        SentSegment segment = ring[head];
        setFlags(segment, 0);
        removeFromOrder(segment);
        ring[head] = null;
        head = head + 1 & ring.length - 1;
        count--;
        pool.giveBack(segment);
        if (count == 0) {
            head = 0;
            if (ring.length > RETAINED_CAPACITY) {
                ring = null;
            }
        }
    }

    /** Drops the front of the first entry, up to {@code newStart}, which lies inside it. */
    void trimFirst(int newStart) {
        SentSegment segment = ring[head];
        int bytes = newStart - segment.start;
        account(segment.flags, -bytes);
        segment.start = newStart;
    }

    /** Changes the SACKED, LOST, RETRANSMITTED and other flags of an entry, and the sums with them. */
    void setFlags(SentSegment segment, int flags) {
        int length = segment.length();
        account(segment.flags, -length);
        account(flags, length);
        if ((segment.flags & SentSegment.SACKED) != (flags & SentSegment.SACKED)) {
            sackedCount += (flags & SentSegment.SACKED) != 0 ? 1 : -1;
        }
        segment.flags = flags;
    }

    /** Notes that an entry has been sent again. */
    void resent(SentSegment segment, long now) {
        setFlags(
                segment,
                segment.flags & ~SentSegment.LOST | SentSegment.RETRANSMITTED | SentSegment.EVER_RETRANSMITTED);
        segment.sentAt = now;
        removeFromOrder(segment);
        appendToOrder(segment);
    }

    /** Takes an entry out of the order of sending: it was delivered, and RACK need not look at it again. */
    void delivered(SentSegment segment) {
        removeFromOrder(segment);
    }

    /** Takes back that anything is lost: what was deemed so is under way again, each at its place in the order of sending. */
    void restoreLost() {
        SentSegment near = latest;
        for (int i = 0; i < count && lostBytes > 0; i++) {
            SentSegment segment = get(i);
            if (segment.has(SentSegment.LOST)) {
                setFlags(segment, segment.flags & ~SentSegment.LOST);
                insertIntoOrder(segment, near);
                near = segment;
            }
        }
    }

    void clear() {
        while (count > 0) {
            removeFirst();
        }
        ring = null;
    }

    private void account(int flags, int bytes) {
        if ((flags & SentSegment.SACKED) != 0) {
            sackedBytes += bytes;
        }
        if ((flags & SentSegment.LOST) != 0) {
            lostBytes += bytes;
        }
        if ((flags & SentSegment.RETRANSMITTED) != 0) {
            retransmittedBytes += bytes;
        }
    }

    private void insert(int at, SentSegment segment) {
        if (ring == null) {
            ring = new SentSegment[INITIAL_CAPACITY];
        } else if (count == ring.length) {
            SentSegment[] larger = new SentSegment[count * 2];
            for (int i = 0; i < count; i++) {
                larger[i] = get(i);
            }
            ring = larger;
            head = 0;
        }
        int mask = ring.length - 1;
        if (at < count / 2) {
            head = head - 1 & mask;
            for (int i = 0; i < at; i++) {
                ring[head + i & mask] = ring[head + i + 1 & mask];
            }
        } else {
            for (int i = count; i > at; i--) {
                ring[head + i & mask] = ring[head + i - 1 & mask];
            }
        }
        ring[head + at & mask] = segment;
        count++;
    }

    /** What is delivered or deemed lost is not in the order of sending. */
    private boolean isInOrder(SentSegment segment) {
        return segment.earlier != null || segment.later != null || earliest == segment;
    }

    private void appendToOrder(SentSegment segment) {
        segment.earlier = latest;
        segment.later = null;
        if (latest != null) {
            latest.later = segment;
        } else {
            earliest = segment;
        }
        latest = segment;
    }

    /** Inserts by the time of sending, beginning the search at an entry that is likely to be near, or {@code null} if there is none at all. */
    private void insertIntoOrder(SentSegment segment, SentSegment near) {
        SentSegment before = near;
        while (before != null && before.sentAt - segment.sentAt > 0) {
            before = before.earlier;
        }
        if (before == near && near != null) {
            while (before.later != null && before.later.sentAt - segment.sentAt <= 0) {
                before = before.later;
            }
        }
        SentSegment after = before == null ? earliest : before.later;
        segment.earlier = before;
        segment.later = after;
        if (before == null) {
            earliest = segment;
        } else {
            before.later = segment;
        }
        if (after == null) {
            latest = segment;
        } else {
            after.earlier = segment;
        }
    }

    private void removeFromOrder(SentSegment segment) {
        if (!isInOrder(segment)) {
            return;
        }
        if (segment.earlier != null) {
            segment.earlier.later = segment.later;
        } else {
            earliest = segment.later;
        }
        if (segment.later != null) {
            segment.later.earlier = segment.earlier;
        } else {
            latest = segment.earlier;
        }
        segment.earlier = null;
        segment.later = null;
    }
}
