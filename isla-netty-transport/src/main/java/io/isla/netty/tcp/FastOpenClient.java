/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.wire.IpAddress;
import java.util.LinkedHashMap;
import java.util.Map;

/** TCP Fast Open of connecting ends (RFC 7413 §4.1): cookies by server, and data in the SYN. One object per shard. */
final class FastOpenClient {
    private static final int MAX_COOKIES = 1024;
    private static final int MIN_COOKIE = 4;
    private static final int MAX_COOKIE = 16;

    /** A server whose path has lost data in a SYN, or that has not taken it, is not asked for so long, in nanoseconds; twice as long with each further time. */
    private static final long HOLD_NANOS = 60_000_000_000L;
    /** Doublings: an hour. */
    private static final int MAX_DOUBLINGS = 6;

    /**
     * What is known of a server.
     *
     * @param cookie {@code null} if there is none
     * @param failures how often in a row it has not taken data
     * @param heldUntil not before then is it asked again
     */
    private record Memory(byte[] cookie, int mss, int failures, long heldUntil) {}

    private static final byte[] REQUEST = {};

    private final TcpStack stack;
    private final Map<IpAddress, Memory> cookies = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<IpAddress, Memory> eldest) {
            return size() > MAX_COOKIES;
        }
    };

    FastOpenClient(TcpStack stack) {
        this.stack = stack;
    }

    /**
     * Decides what the SYN of a connection carries.
     *
     * @return bytes of queued data to go along
     */
    int prepareSyn(TcpConnection c, SynOptions options, long now) {
        if (!c.settings.fastOpenConnect || c.rtt.backoff() > 0) {
            // A SYN that was lost may have been lost for its option or data (RFC 7413 §4.1.3).
            return 0;
        }
        Memory memory = cookies.get(c.remoteAddress());
        if (memory != null && memory.failures > 0 && memory.heldUntil - now > 0) {
            return 0;
        }
        if (memory == null || memory.cookie == null) {
            options.fastOpenCookie = REQUEST;
            return 0;
        }
        options.fastOpenCookie = memory.cookie;
        int byPath = c.path.mtu() - TcpStack.headersWithoutOptions(c.remoteHigh, c.remoteLow);
        return Math.min(c.sendQueue.size(), Math.min(memory.mss, byPath) - TcpOption.MAX_LENGTH);
    }

    private int failures(TcpConnection c) {
        Memory memory = cookies.get(c.remoteAddress());
        return memory == null ? 0 : memory.failures;
    }

    void synSent(TcpConnection c, int payload) {
        if (payload > 0) {
            c.synData = payload;
            c.sndNxt = c.iss + 1 + payload;
            stack.counters.increment(TcpCounter.TCP_FAST_OPEN_ACTIVE);
        }
    }

    void synAcknowledged(TcpConnection c, TcpSegment segment, int dataAcked, long now) {
        int length = segment.fastOpenLength;
        if (length >= MIN_COOKIE && length <= MAX_COOKIE && (length & 1) == 0 && c.settings.fastOpenConnect) {
            byte[] cookie = new byte[length];
            segment.buffer.getBytes(segment.fastOpenOffset, cookie);
            // Whether it takes data is yet to be seen: what failed before is not forgotten.
            cookies.put(c.remoteAddress(), new Memory(cookie, c.peerMss, failures(c), now));
        } else if (c.synData > 0 && dataAcked == 0) {
            // The server or the path has taken neither data nor cookie (RFC 7413 §4.1.3.1).
            int failures = failures(c) + 1;
            long hold = HOLD_NANOS << Math.min(failures - 1, MAX_DOUBLINGS);
            cookies.put(c.remoteAddress(), new Memory(null, c.peerMss, failures, now + hold));
            stack.counters.increment(TcpCounter.TCP_FAST_OPEN_ACTIVE_FAIL);
        } else if (c.synData > 0 && failures(c) > 0) {
            Memory memory = cookies.get(c.remoteAddress());
            cookies.put(c.remoteAddress(), new Memory(memory.cookie, memory.mss, 0, now));
        }
    }
}
