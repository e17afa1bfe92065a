/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import java.util.function.BooleanSupplier;
import java.util.function.LongUnaryOperator;

/**
 * A sender without TCP around it: data goes through a bottleneck with a queue, comes back as acknowledgements after a round trip, and a congestion
 * control sets the pace. Sizes in bytes, times in nanoseconds since the start.
 */
final class AckClock {
    static final long MILLIS = 1_000_000L;
    static final long SECONDS = 1_000_000_000L;

    /** What the congestion control is told for time 0: soon past the greatest value, as no one may compare times by size. */
    private static final long ORIGIN = Long.MAX_VALUE - SECONDS;
    /** The initial sequence number: soon past 2<sup>31</sup> and 2<sup>32</sup>. */
    private static final int ISS = -50_000;

    /** How long the receiver waits for more to acknowledge. */
    private static final long ACK_DELAY = 5 * MILLIS;

    private static final int CAPACITY = 1 << 17;

    final CongestionWindow window = new CongestionWindow();
    final CongestionControl control;
    /** The round-trip time of the empty path. */
    final long baseRtt;

    /** How much is sent at once if the window allows it. */
    int unit;
    /** After how much the receiver acknowledges. */
    int ackEvery;
    /** Bytes per second of the bottleneck. */
    double rate = 1e13;
    /** How much waits at the bottleneck before it drops. */
    double queueLimit = Double.MAX_VALUE;
    /** What is added to the round-trip time, by the time of sending. */
    LongUnaryOperator extraDelay = at -> 0;
    /** How much the application has still to send. */
    long available = Long.MAX_VALUE;

    long time;
    /** How much did not fit into the queue. It is acknowledged all the same. */
    long dropped;
    /** The most that ever waited at the bottleneck. */
    double longestQueue;
    /** How much was acknowledged. */
    long acked;

    private long sent;
    private long linkFree;
    private long lastArrival;

    private final long[] ends = new long[CAPACITY];
    private final long[] sentAt = new long[CAPACITY];
    private final long[] arrivals = new long[CAPACITY];
    private int head;
    private int tail;

    AckClock(CongestionControl control, long baseRtt, int mss, long cwnd) {
        this.control = control;
        this.baseRtt = baseRtt;
        window.mss = mss;
        window.cwnd = (int) cwnd;
        window.minRtt = Long.MAX_VALUE;
        window.sndUna = ISS;
        window.sndNxt = ISS;
        unit = mss;
        ackEvery = 2 * mss;
    }

    long now() {
        return ORIGIN + time;
    }

    double segments() {
        return (double) window.cwnd / window.mss;
    }

    long inFlight() {
        return sent - acked;
    }

    /** Sends what the window allows. */
    void send() {
        boolean limited = false;
        while (available > 0) {
            long room = window.cwnd - inFlight();
            if (room < window.mss && inFlight() > 0) {
                limited = true;
                break;
            }
            long piece = Math.min(Math.min(unit, available), Math.max(window.mss, room / window.mss * window.mss));
            available -= piece;
            transmit(piece);
        }
        window.noteUsage(ISS + (int) acked, ISS + (int) sent, (int) inFlight(), limited);
    }

    private void transmit(long piece) {
        double queued = Math.max(0, linkFree - time) * rate / SECONDS;
        if (queued + piece > queueLimit) {
            dropped += piece;
        } else {
            linkFree = Math.max(time, linkFree) + (long) (piece * (double) SECONDS / rate);
            longestQueue = Math.max(longestQueue, queued + piece);
        }
        sent += piece;
        lastArrival =
                Math.max(lastArrival, Math.max(time, linkFree) + baseRtt + extraDelay.applyAsLong(Math.max(time, 0)));
        ends[tail] = sent;
        sentAt[tail] = time;
        arrivals[tail] = lastArrival;
        tail = (tail + 1) & CAPACITY - 1;
        if (tail == head) {
            throw new IllegalStateException("more in flight than this clock can hold");
        }
    }

    /** The next acknowledgement arrives; new data goes out for it. */
    void acknowledge() {
        acknowledge(true);
    }

    private void acknowledge(boolean grow) {
        if (head == tail) {
            send();
        }
        long before = acked;
        long sentTime = 0;
        do {
            acked = ends[head];
            sentTime = sentAt[head];
            time = arrivals[head];
            head = (head + 1) & CAPACITY - 1;
        } while (acked - before < ackEvery && head != tail && arrivals[head] - time < ACK_DELAY);
        long rtt = time - sentTime;
        window.srtt = window.srtt == 0 ? rtt : window.srtt + (rtt - window.srtt) / 8;
        window.minRtt = Math.min(window.minRtt, rtt);
        window.priorInFlight = (int) (sent - before);
        window.sndUna = ISS + (int) acked;
        window.sndNxt = ISS + (int) sent;
        control.onRttSample(window, rtt, now());
        if (grow && window.isLimiting()) {
            control.onAcked(window, (int) (acked - before), now());
        }
        if (grow) {
            send();
        }
    }

    /** Runs until something holds; fails if that takes longer than an hour of simulated time. */
    void runUntil(BooleanSupplier done) {
        send();
        long deadline = time + 3600 * SECONDS;
        while (!done.getAsBoolean()) {
            acknowledge();
            if (time > deadline) {
                throw new AssertionError(
                        "nothing after an hour: cwnd " + window.cwnd + ", ssthresh " + window.ssthresh);
            }
        }
    }

    /** Runs until the bottleneck has dropped something and the sender can know; returns how much it has dropped by then. */
    long runUntilLossIsNoticed() {
        runUntil(() -> dropped > 0);
        long end = sent;
        runUntil(() -> acked >= end);
        return dropped;
    }

    /** Runs for so long: until all acknowledgements that arrive by then have been worked on. */
    void runFor(long nanos) {
        long end = time + nanos;
        send();
        while (head != tail && arrivals[head] <= end) {
            acknowledge();
        }
        time = Math.max(time, end);
    }

    /** Nothing is sent or acknowledged any more after what is in flight, for so long. */
    void idle(long nanos) {
        while (head != tail) {
            acknowledge(false);
        }
        time += nanos;
    }

    /** A loss is noticed: the flight comes down to the new threshold, and recovery ends there. */
    void lose() {
        window.ssthresh = control.ssthresh(window, now());
        while (inFlight() > window.ssthresh && head != tail) {
            acknowledge(false);
        }
        window.cwnd = window.ssthresh;
        control.onRecovered(window, now());
    }

    /** A retransmission timeout: the window restarts from one segment. */
    void timeOut() {
        while (head != tail) {
            acknowledge(false);
        }
        window.ssthresh = control.ssthresh(window, now());
        control.onTimeout(window, now());
        window.cwnd = window.mss;
    }
}
