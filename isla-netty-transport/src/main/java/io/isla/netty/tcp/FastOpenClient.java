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

    private record Memory(byte[] cookie, int mss) {}

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
    int prepareSyn(TcpConnection c, SynOptions options) {
        if (!c.settings.fastOpenConnect || c.rtt.backoff() > 0) {
            // A SYN that was lost may have been lost for its option or data (RFC 7413 §4.1.3).
            return 0;
        }
        Memory memory = cookies.get(c.remoteAddress());
        if (memory == null) {
            options.fastOpenCookie = REQUEST;
            return 0;
        }
        options.fastOpenCookie = memory.cookie;
        int byPath = c.path.mtu() - TcpStack.headersWithoutOptions(c.remoteHigh, c.remoteLow);
        return Math.min(c.sendQueue.size(), Math.min(memory.mss, byPath) - TcpOption.MAX_LENGTH);
    }

    void synSent(TcpConnection c, int payload) {
        if (payload > 0) {
            c.synData = payload;
            c.sndNxt = c.iss + 1 + payload;
            stack.counters.increment(TcpCounter.TCP_FAST_OPEN_ACTIVE);
        }
    }

    void synAcknowledged(TcpConnection c, TcpSegment segment, int dataAcked) {
        int length = segment.fastOpenLength;
        if (length >= MIN_COOKIE && length <= MAX_COOKIE && (length & 1) == 0 && c.settings.fastOpenConnect) {
            byte[] cookie = new byte[length];
            segment.buffer.getBytes(segment.fastOpenOffset, cookie);
            cookies.put(c.remoteAddress(), new Memory(cookie, c.peerMss));
        } else if (c.synData > 0 && dataAcked == 0) {
            // The server has taken neither data nor cookie: ask again next time.
            cookies.remove(c.remoteAddress());
            stack.counters.increment(TcpCounter.TCP_FAST_OPEN_ACTIVE_FAIL);
        }
    }
}
