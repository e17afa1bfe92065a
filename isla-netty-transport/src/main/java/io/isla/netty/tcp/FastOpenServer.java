/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import java.util.HashMap;
import java.util.Map;

/** The server's side of TCP Fast Open (RFC 7413 §4.2.2): connections that are opened by the data of their SYN. One object per shard. */
final class FastOpenServer {
    private final TcpStack stack;
    /** Connections whose handshake is not complete, by listener. */
    private final Map<TcpListener, Pending> pending = new HashMap<>();

    private byte[] cookieToSend;

    private static final class Pending {
        int count;
    }

    FastOpenServer(TcpStack stack) {
        this.stack = stack;
    }

    private Pending pending(TcpListener listener) {
        return pending.computeIfAbsent(listener, key -> new Pending());
    }

    /**
     * Whether a SYN with a cookie, or the wish for one, may open a connection by its data.
     *
     * @param segment with the option of Fast Open
     */
    boolean isGranted(SynRequest request, TcpSegment segment) {
        TcpListener listener = request.listener;
        byte[] cookie = stack.secrets.fastOpenCookie(request);
        boolean valid = segment.fastOpenLength == cookie.length && matches(segment, cookie);
        boolean full = pending(listener).count >= listener.settings().fastOpenBacklog;
        if (valid && full) {
            stack.counters.increment(TcpCounter.TCP_FAST_OPEN_LISTEN_OVERFLOW);
        }
        if (valid && !full) {
            return true;
        }
        stack.counters.increment(
                segment.fastOpenLength == 0
                        ? TcpCounter.TCP_FAST_OPEN_COOKIE_REQD
                        : TcpCounter.TCP_FAST_OPEN_PASSIVE_FAIL);
        cookieToSend = valid ? null : cookie;
        return false;
    }

    /** The cookie that belongs into the answer to a SYN that was not {@linkplain #isGranted granted}; {@code null} if the client has it. */
    byte[] cookieToSend() {
        return cookieToSend;
    }

    /**
     * Opens a connection by a SYN that was granted, before its handshake is complete.
     *
     * @param c in SYN-RECEIVED, and not in the table of flows
     * @param segment with data
     */
    void open(TcpConnection c, TcpSegment segment, long now) {
        stack.counters.increment(TcpCounter.TCP_FAST_OPEN_PASSIVE);
        stack.counters.increment(TcpCounter.PASSIVE_OPENS);
        c.fastOpenChild = true;
        c.fastOpenPending = true;
        stack.addFlow(c);
        pending(c.listener).count++;
        // The data of the SYN is taken before the handshake is complete; the queue counts from the byte after our SYN.
        c.sndUna = c.iss + 1;
        c.maxSndWnd = c.sndWnd;
        stack.output.updateSegmentSize(c);
        c.window.set(stack.output.initialWindow(c));
        c.rcvNxt += segment.payloadLength;
        c.receiveQueue.append(
                segment.buffer, segment.payloadOffset, segment.payloadLength, c.receiveBuffer.memoryBudget());
        c.statistics.bytesReceived += segment.payloadLength;
        c.rcvAdv = c.rcvNxt + stack.passive.synWindow(c.listener);
        stack.segments.sendSyn(c, true, now);
        c.lastAckSent = c.rcvNxt;
        stack.timers.armForSyn(c, now);
        c.raise(TcpEvents.CONNECTED | TcpEvents.READABLE | TcpEvents.WRITABLE);
        c.listener.acceptor.onConnection(c);
    }

    /** A connection that was opened by data in a SYN has completed its handshake, has ended, or goes to another shard: its place is free. */
    void settled(TcpConnection c) {
        if (c.fastOpenPending) {
            c.fastOpenPending = false;
            Pending of = pending.get(c.listener);
            if (of != null && of.count > 0) {
                of.count--;
            }
        }
    }

    /** A listener is gone. */
    void listenerClosed(TcpListener listener) {
        pending.remove(listener);
    }

    private static boolean matches(TcpSegment segment, byte[] cookie) {
        int difference = 0;
        for (int i = 0; i < cookie.length; i++) {
            difference |= segment.buffer.getByte(segment.fastOpenOffset + i) ^ cookie[i];
        }
        return difference == 0;
    }
}
