/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.timer.Timer;

/**
 * Spreads what a connection sends over time, for a congestion control that asks for a rate: after each segment, the next one waits until its turn. Made when a
 * rate is first asked for. A super-segment is at most what the rate allows in a millisecond, and two segments at least.
 */
final class Pacer extends Timer {
    private static final long NANOS_PER_SECOND = 1_000_000_000L;
    private static final int QUANTA_PER_SECOND = 1000;

    private final TcpConnection connection;
    private long nextAt;

    Pacer(TcpConnection connection, long now) {
        this.connection = connection;
        nextAt = now;
    }

    /** Whether the next segment has to wait; if so, the connection sends when its time has come. */
    boolean isWaiting(long now) {
        if (nextAt - now <= 0) {
            return false;
        }
        if (!isArmed()) {
            connection.stack.wheel.arm(this, nextAt);
        }
        return true;
    }

    /** The most to send at once at a rate in bytes per second. */
    static int quantum(long rate, int mss) {
        long bytes = rate / QUANTA_PER_SECOND;
        return (int) Math.max(2L * mss, Math.min(bytes - bytes % mss, Integer.MAX_VALUE / 2));
    }

    /** Bytes have been sent. */
    void sent(int bytes, long rate, long now) {
        // Time in which nothing was sent gives no credit.
        nextAt = (nextAt - now > 0 ? nextAt : now) + bytes * NANOS_PER_SECOND / rate;
    }

    @Override
    protected void expire(long now) {
        if (!connection.released) {
            connection.stack.output.output(connection, now);
        }
    }
}
