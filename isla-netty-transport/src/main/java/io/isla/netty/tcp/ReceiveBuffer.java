/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * How much a connection is willing to hold for its user: fixed by the user, or grown with what the user reads in a round trip
 * (dynamic right-sizing), up to a ceiling. Sizes in bytes, times in nanoseconds.
 */
final class ReceiveBuffer {
    private static final long MIN_MEMORY = 64 * 1024;

    /**
     * A round trip of this many times the shortest one, and longer than {@link #SHORT_QUEUEING}, is mostly spent in queues, that of the link and the loop
     * included: a larger window would make them longer, and nothing faster.
     */
    private static final int MAX_QUEUEING = 8;

    /**
     * Nanoseconds up to which a round trip does not count as queueing, however short the shortest is: an end that copies a window of data at a time is busy for so
     * long, and with a smaller window the sender would wait for it each time. Decides where the shortest takes less than 62.5 µs.
     */
    private static final long SHORT_QUEUEING = 500_000;

    /** What a short round trip brings is the mean of those of so many nanoseconds: one in which a queue is emptied says little. */
    private static final long MIN_MEASURED = 2_000_000;

    /** How long the shortest round trip is remembered, in nanoseconds. */
    private static final long MIN_RTT_WINDOW = 10_000_000_000L;

    private final TcpParameters parameters;
    private boolean fixed;
    private int limit;
    /** Bytes read by the user since {@link #roundStart}. */
    private long readInRound;

    private long readInLastRound;
    private long roundStart;
    private boolean started;

    /** The receiver's own estimate of the round-trip time, for a connection that hardly sends. */
    private long rtt;

    private int rttSequence;
    private long rttStart;
    private boolean rttStarted;
    /** The shortest of late, or 0. */
    private long minRtt;

    private long minRttAt;
    /** The timestamp whose echo is awaited, and when it was first sent. */
    private int awaited;

    private long awaitedAt;
    private boolean awaiting;

    ReceiveBuffer(TcpParameters parameters, int fixedSize) {
        this.parameters = parameters;
        limit = parameters.defaultReceiveBuffer;
        limit(fixedSize);
    }

    /** Fixes the size, or with 0 leaves it to grow by itself. */
    void limit(int fixedSize) {
        fixed = fixedSize > 0;
        if (fixed) {
            limit = fixedSize;
        }
    }

    int limit() {
        return limit;
    }

    /** The receiver's own estimate of the round-trip time, 0 if there is none. */
    long rtt() {
        return rtt;
    }

    /**
     * The memory that may be held for it: data takes more than its length where frames are kept as the link has read them, and where it comes in small
     * pieces ahead of gaps.
     */
    long memoryBudget() {
        return Math.max(MIN_MEMORY, 2L * limit);
    }

    /** The most that the buffer may become: decides the window scale. */
    int ceiling() {
        return fixed ? limit : Math.max(limit, parameters.maxReceiveBuffer);
    }

    /** The user has read bytes. */
    void read(int bytes) {
        readInRound += bytes;
    }

    /** Data has arrived: measures how long a window of it takes, where nothing better is known. */
    void arrived(int rcvNxt, int rcvWnd, long now) {
        if (!rttStarted) {
            rttStarted = true;
            rttSequence = rcvNxt + rcvWnd;
            rttStart = now;
        } else if (SequenceNumber.greaterOrEqual(rcvNxt, rttSequence)) {
            long sample = now - rttStart;
            // A window may take longer than a round trip when the sender has little to send: the least counts.
            rtt = rtt == 0 ? sample : Math.min(rtt, sample);
            rttSequence = rcvNxt + rcvWnd;
            rttStart = now;
        }
    }

    /**
     * A segment leaves with a timestamp: the echo of the first that bears it tells how long the path takes, more exactly than the ticks in which timestamps
     * count.
     */
    void timestampSent(int timestamp, long now) {
        if (!awaiting && timestamp != awaited) {
            awaiting = true;
            awaited = timestamp;
            awaitedAt = now;
        }
    }

    /** Data has arrived with the echo of a timestamp (RFC 7323 §4). */
    void timestampEchoed(int echo, long now) {
        if (awaiting && echo - awaited >= 0) {
            awaiting = false;
            if (echo == awaited) {
                long sample = Math.max(1, now - awaitedAt);
                rtt = rtt == 0 ? sample : (rtt * 7 + sample) / 8;
                if (minRtt == 0 || sample <= minRtt || now - minRttAt > MIN_RTT_WINDOW) {
                    minRtt = sample;
                    minRttAt = now;
                }
            }
        }
    }

    /**
     * Grows the buffer once a round trip if the user has read more than ever in one: twice of what a round brings, and as much again as
     * it grew by, so that the sender's slow start is not held back.
     *
     * @param senderRtt the smoothed round-trip time of what this end sends, or 0
     */
    void adjust(long senderRtt, int mss, long now) {
        if (fixed) {
            return;
        }
        if (!started) {
            started = true;
            roundStart = now;
            readInRound = 0;
            return;
        }
        long round = rtt != 0 ? rtt : senderRtt;
        if (minRtt != 0) {
            round = Math.min(round, Math.max(MAX_QUEUEING * minRtt, SHORT_QUEUEING));
        }
        long elapsed = now - roundStart;
        if (round == 0 || elapsed < Math.max(round, MIN_MEASURED)) {
            return;
        }
        readInRound = (long) (readInRound * ((double) round / elapsed));
        if (readInRound > readInLastRound) {
            long wanted = 2 * readInRound + 16L * mss;
            if (readInLastRound > 0) {
                wanted += 2 * wanted * Math.min(readInRound - readInLastRound, readInLastRound) / readInLastRound;
            }
            if (wanted > limit) {
                limit = (int) Math.min(wanted, parameters.maxReceiveBuffer);
            }
            readInLastRound = readInRound;
        }
        roundStart = now;
        readInRound = 0;
    }
}
