/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * The connections of a shard in TIME-WAIT, in the order in which they came: records in arrays of numbers, found by their 4-tuple. There may be hundreds of
 * thousands, none of which is looked at again before its time, so that objects would be work for the collector and each step from one to the next a
 * miss of the cache. A record that becomes free is the next to be used.
 */
final class TimeWaitTable {
    /** Records in a page. */
    private static final int PAGE = 1024;

    private static final int NONE = SlotIndex.NONE;

    // The words of a record.
    private static final int REMOTE_LOW = 0;
    /** The two ports, the hash below. */
    private static final int PORTS_HASH = 1;

    private static final int LOCAL_LOW = 2;
    private static final int REMOTE_HIGH = 3;
    private static final int LOCAL_HIGH = 4;
    private static final int SND_NXT_RCV_NXT = 5;
    private static final int RCV_WND_FLAGS = 6;
    private static final int TS_RECENT_OFFSET = 7;
    private static final int DEADLINE = 8;
    private static final int LAST_ACK_AT = 9;
    /** The record that came before, and below it the one that came after; in a free one, the next free one. */
    private static final int LINKS = 10;

    private static final int WORDS = 11;

    private static final int TIMESTAMPS = 1 << 16;
    private static final int ACKED = 1 << 17;

    private final FlowTable flows;
    private final TimeWait lent = new TimeWait();
    private SlotIndex index = new SlotIndex();
    private long[][] pages = new long[1][];
    private int used;
    private int free = NONE;
    private int first = NONE;
    private int last = NONE;
    private int size;

    /** @param flows whose hash is used */
    TimeWaitTable(FlowTable flows) {
        this.flows = flows;
    }

    int size() {
        return size;
    }

    /** The record of a 4-tuple or {@code null}; to be used until the next call. */
    TimeWait get(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {
        if (size == 0) {
            return null;
        }
        int hash = flows.hash(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort);
        long portsAndHash = portsAndHash(localPort, remotePort, hash);
        for (int i = index.first(hash); i != NONE; i = index.next(i, hash)) {
            int slot = index.slot(i);
            long[] page = page(slot);
            int at = at(slot);
            if (page[at + REMOTE_LOW] == remoteLow
                    && page[at + PORTS_HASH] == portsAndHash
                    && page[at + LOCAL_LOW] == localLow
                    && page[at + REMOTE_HIGH] == remoteHigh
                    && page[at + LOCAL_HIGH] == localHigh) {
                return load(slot);
            }
        }
        return null;
    }

    /** The record that came first of those that are here, or {@code null}; to be used until the next call. */
    TimeWait first() {
        return first == NONE ? null : load(first);
    }

    /** When the record that came first is forgotten. There must be one. */
    long firstDeadline() {
        return page(first)[at(first) + DEADLINE];
    }

    /** Adds what is to be kept of a connection, at the end. */
    void add(TcpConnection c, long deadline) {
        int hash = flows.hash(c.localHigh, c.localLow, c.localPort, c.remoteHigh, c.remoteLow, c.remotePort);
        int slot = allocate();
        long[] page = page(slot);
        int at = at(slot);
        page[at + REMOTE_LOW] = c.remoteLow;
        page[at + PORTS_HASH] = portsAndHash(c.localPort, c.remotePort, hash);
        page[at + LOCAL_LOW] = c.localLow;
        page[at + REMOTE_HIGH] = c.remoteHigh;
        page[at + LOCAL_HIGH] = c.localHigh;
        page[at + SND_NXT_RCV_NXT] = pair(c.sndNxt, c.rcvNxt);
        page[at + RCV_WND_FLAGS] = pair(
                c.rcvWnd(),
                c.rcvScale & 0xff | (c.settings.trafficClass & 0xff) << 8 | (c.timestampsOn ? TIMESTAMPS : 0));
        page[at + TS_RECENT_OFFSET] = pair(c.tsRecent, c.timestampOffset);
        page[at + LAST_ACK_AT] = 0;
        index.add(hash, slot);
        append(slot, deadline);
        size++;
    }

    /** Moves a record to the end. */
    void renew(TimeWait entry, long deadline) {
        unlink(entry.slot);
        append(entry.slot, deadline);
    }

    /** Notes that an acknowledgement is sent for a record. */
    void acked(TimeWait entry, long now) {
        long[] page = page(entry.slot);
        int at = at(entry.slot);
        page[at + RCV_WND_FLAGS] |= ACKED;
        page[at + LAST_ACK_AT] = now;
    }

    /** Removes a record; what was lent of it stays as it is. */
    void remove(TimeWait entry) {
        int slot = entry.slot;
        unlink(slot);
        long[] page = page(slot);
        int at = at(slot);
        index.remove((int) page[at + PORTS_HASH], slot);
        size--;
        if (size == 0 && used > PAGE) {
            // What a flood of connections took is given back when the last of all has ended.
            index = new SlotIndex();
            pages = new long[1][];
            used = 0;
            free = NONE;
            return;
        }
        page[at + LINKS] = free;
        free = slot;
    }

    /** Shows the 4-tuples of all records to a visitor. */
    void forEach(TcpStack.FlowVisitor visitor) {
        for (int slot = first; slot != NONE; ) {
            long[] page = page(slot);
            int at = at(slot);
            slot = (int) page[at + LINKS];
            visitor.visit(
                    page[at + LOCAL_HIGH],
                    page[at + LOCAL_LOW],
                    localPort(page[at + PORTS_HASH]),
                    page[at + REMOTE_HIGH],
                    page[at + REMOTE_LOW],
                    remotePort(page[at + PORTS_HASH]));
        }
    }

    private TimeWait load(int slot) {
        long[] page = page(slot);
        int at = at(slot);
        TimeWait entry = lent;
        entry.slot = slot;
        entry.localHigh = page[at + LOCAL_HIGH];
        entry.localLow = page[at + LOCAL_LOW];
        entry.localPort = localPort(page[at + PORTS_HASH]);
        entry.remoteHigh = page[at + REMOTE_HIGH];
        entry.remoteLow = page[at + REMOTE_LOW];
        entry.remotePort = remotePort(page[at + PORTS_HASH]);
        entry.sndNxt = above(page[at + SND_NXT_RCV_NXT]);
        entry.rcvNxt = (int) page[at + SND_NXT_RCV_NXT];
        entry.rcvWnd = above(page[at + RCV_WND_FLAGS]);
        int flags = (int) page[at + RCV_WND_FLAGS];
        entry.rcvScale = (byte) flags;
        entry.trafficClass = (byte) (flags >> 8);
        entry.timestamps = (flags & TIMESTAMPS) != 0;
        entry.acked = (flags & ACKED) != 0;
        entry.tsRecent = above(page[at + TS_RECENT_OFFSET]);
        entry.timestampOffset = (int) page[at + TS_RECENT_OFFSET];
        entry.deadline = page[at + DEADLINE];
        entry.lastAckAt = page[at + LAST_ACK_AT];
        return entry;
    }

    private int allocate() {
        int slot = free;
        if (slot != NONE) {
            free = (int) page(slot)[at(slot) + LINKS];
            return slot;
        }
        int number = used / PAGE;
        if (number == pages.length) {
            long[][] more = new long[pages.length * 2][];
            System.arraycopy(pages, 0, more, 0, number);
            pages = more;
        }
        if (pages[number] == null) {
            pages[number] = new long[PAGE * WORDS];
        }
        return used++;
    }

    private void append(int slot, long deadline) {
        long[] page = page(slot);
        int at = at(slot);
        page[at + DEADLINE] = deadline;
        page[at + LINKS] = pair(last, NONE);
        if (last == NONE) {
            first = slot;
        } else {
            next(last, slot);
        }
        last = slot;
    }

    private void unlink(int slot) {
        long links = page(slot)[at(slot) + LINKS];
        int before = above(links);
        int after = (int) links;
        if (before == NONE) {
            first = after;
        } else {
            next(before, after);
        }
        if (after == NONE) {
            last = before;
        } else {
            long[] page = page(after);
            int at = at(after) + LINKS;
            page[at] = pair(before, (int) page[at]);
        }
    }

    private void next(int slot, int after) {
        long[] page = page(slot);
        int at = at(slot) + LINKS;
        page[at] = pair(above(page[at]), after);
    }

    private long[] page(int slot) {
        return pages[slot / PAGE];
    }

    private static int at(int slot) {
        return slot % PAGE * WORDS;
    }

    private static long portsAndHash(int localPort, int remotePort, int hash) {
        return pair(localPort << 16 | remotePort, hash);
    }

    private static int localPort(long portsAndHash) {
        return (int) (portsAndHash >>> 48);
    }

    private static int remotePort(long portsAndHash) {
        return (int) (portsAndHash >>> 32) & 0xffff;
    }

    private static long pair(int above, int below) {
        return (long) above << 32 | below & 0xffff_ffffL;
    }

    private static int above(long pair) {
        return (int) (pair >> 32);
    }
}
