/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** The window that a connection offers its peer: never taken back, and opened in steps that are worth a segment. The state is the connection's. */
final class OfferedWindow {
    private OfferedWindow() {}

    /** Whether reading has made so much room that the peer should hear of it before the next acknowledgement. */
    static boolean isUpdateDue(TcpConnection c) {
        int offered = c.rcvWnd();
        if (2L * offered > c.receiveBuffer.limit()) {
            return false;
        }
        int possible = Math.min(select(c), 0xffff << c.rcvScale);
        return possible > 0 && possible >= 2 * offered && possible > offered;
    }

    /** Moves the right edge to where it can be now, never back (RFC 9293 SHLD-14), and returns the window, a multiple of the scale's unit. */
    static int advance(TcpConnection c) {
        int window = Math.max(select(c), c.rcvWnd());
        int max = 0xffff << c.rcvScale;
        if (window > max) {
            window = max;
        }
        // What the field can express, rounded up where rounding down would take back what was offered.
        int unit = 1 << c.rcvScale;
        int expressed = window & -unit;
        if (expressed < c.rcvWnd()) {
            int rounded = Math.min(c.rcvWnd() + unit - 1 & -unit, max);
            // Each time this moves the edge a little, by less than half of what has come if segments are a unit long.
            // By smaller ones a peer would have it move for ever, whatever the user reads: what would go beyond twice
            // the buffer seems to be taken back, and is honoured all the same (RFC 7323 §2.4).
            if (rounded <= 2L * c.receiveBuffer.limit() - c.receiveQueue.readableBytes()) {
                expressed = rounded;
            }
        }
        c.rcvAdv = SequenceNumber.max(c.rcvAdv, c.rcvNxt + expressed);
        if (c.rcvWndClosed != (expressed == 0)) {
            c.rcvWndClosed = expressed == 0;
            c.stack.counters.increment(
                    c.rcvWndClosed ? TcpCounter.TCP_TO_ZERO_WINDOW_ADV : TcpCounter.TCP_FROM_ZERO_WINDOW_ADV);
        }
        return expressed;
    }

    /** The window by the room in the buffer, with silly window avoidance (RFC 9293 MUST-39). */
    private static int select(TcpConnection c) {
        int limit = c.receiveBuffer.limit();
        int free = c.inputShut ? limit : Math.max(0, limit - c.receiveQueue.readableBytes());
        int step = Math.min(limit / 2, Math.max(c.ackPolicy.rcvMss, 1 << c.rcvScale));
        int offered = c.rcvWnd();
        if (free < offered + step && free < limit) {
            // Too small a step to the right: leave the edge where it is.
            return offered;
        }
        return free;
    }
}
