/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv6Header;

/**
 * Packetization layer path MTU discovery (RFC 4821): finds how large packets may be where no ICMP error tells. Data that does not get through in several
 * timeouts is sent in smaller packets (a black hole, §7.7); from there on single packets of data that are larger than the others, the probes, show what the
 * path takes. A probe that is lost alone is no congestion (§7.6.2). A size has failed when three probes of it have (RFC 8899 §5.1.2). What is found to be
 * narrower than routers have told is told to the network layer, for other connections to the same destination; when it has forgotten, or an interval has passed,
 * larger sizes are tried again. A connection has one of these from when it needs it. Sizes without another name are of IP packets, in bytes.
 */
final class PathMtuSearch {
    /** {@link #probe}: a probe is due, and there will be room for it soon. */
    static final int WAIT = -1;

    /** RFC 8899 §5.1.2: MAX_PROBES. */
    private static final int MAX_PROBES = 3;
    /** When so little is left to search in, the search is over: {@code tcp_probe_threshold} of Linux. */
    private static final int RESOLUTION = 8;
    /** Full segments that follow a probe at once, so that its loss shows without a timeout. */
    private static final int FOLLOWERS = 4;

    private final TcpConnection c;
    /** What gets through: search_low, the effective path MTU. */
    private int low;
    /** What may get through: search_high. */
    private int high;
    /** What the network layer and the peer allow. */
    private int ceiling;
    /** The size of the probe that is out, or 0; and its sequence numbers. */
    private int probeSize;

    private int probeStart;
    private int probeEnd;
    /** Probes of the present size that were lost. */
    private int failures;

    private boolean concluded;
    private long concludedAt;

    PathMtuSearch(TcpConnection connection) {
        c = connection;
        ceiling = ceiling();
        low = Math.min(base(), ceiling);
        high = ceiling;
    }

    /** The size that gets through. */
    int mtu() {
        return low;
    }

    /** Whether a probe is out. */
    boolean isProbing() {
        return probeSize != 0;
    }

    // ------------------------------------------------------------------------------------------------ bounds

    private int headers() {
        return TcpStack.headersWithoutOptions(c.remoteHigh, c.remoteLow);
    }

    private int overhead() {
        return headers() + (c.timestampsOn ? TcpOption.TIMESTAMPS_ALIGNED_LENGTH : 0);
    }

    private int ceiling() {
        int mss = c.peerMss;
        if (c.settings.maxSegmentSize > 0) {
            mss = Math.min(mss, c.settings.maxSegmentSize);
        }
        return Math.min(c.path.mtu(), mss + headers());
    }

    private int base() {
        return atLeastMinimum(c.stack.parameters.mtuProbeBase + headers());
    }

    private int floor() {
        return atLeastMinimum(Math.min(c.stack.parameters.mtuProbeFloor, c.stack.parameters.mtuProbeBase) + headers());
    }

    /** Every path of IPv6 takes 1280 bytes (RFC 8200 §5). */
    private int atLeastMinimum(int mtu) {
        return IpAddress.isV4(c.remoteHigh, c.remoteLow) ? mtu : Math.max(mtu, Ipv6Header.MIN_MTU);
    }

    /** Takes note of what the network layer says now: less, because a router has told; or more, because that was long ago. */
    void follow() {
        int present = ceiling();
        if (present == ceiling) {
            return;
        }
        failures = 0;
        if (present > ceiling) {
            high = present;
            concluded = false;
        } else {
            high = Math.min(high, present);
            low = Math.min(low, present);
            if (probeSize > present) {
                // It is known to have failed, without being counted for it.
                probeSize = 0;
            }
        }
        ceiling = present;
    }

    // ------------------------------------------------------------------------------------------------ black holes

    /**
     * Data has not got through in several timeouts: unless it is small, it may be too large for the path (RFC 4821 §7.7).
     */
    static void suspectBlackHole(TcpConnection c) {
        if (c.stack.parameters.mtuProbing == TcpParameters.MtuProbing.OFF || c.path.isLoopback() || c.sent.isEmpty()) {
            return;
        }
        SentSegment first = c.sent.first();
        int size = Math.min(first.length(), first.packetSize);
        PathMtuSearch search = c.mtuSearch == null ? new PathMtuSearch(c) : c.mtuSearch;
        int smaller = Math.min(search.low, search.base());
        if (size <= smaller - search.overhead()) {
            // Not even the base gets through, or the path had been told to be narrower than that.
            int half = (smaller - search.headers()) / 2 + search.headers();
            smaller = Math.min(smaller, Math.max(search.floor(), half));
        }
        if (size <= smaller - search.overhead()) {
            return;
        }
        search.low = smaller;
        search.high = search.ceiling;
        search.probeSize = 0;
        search.failures = 0;
        search.concluded = false;
        c.mtuSearch = search;
        c.stack.counters.increment(TcpCounter.PATH_MTU_BLACK_HOLES);
        c.stack.output.updateSegmentSize(c);
    }

    // ------------------------------------------------------------------------------------------------ probes

    /**
     * Whether a probe is to be sent now.
     *
     * @param unsent bytes that wait to be sent
     * @param room what the congestion window allows
     * @param offered what the peer's window allows
     * @return the payload of a probe; 0 if none is due; {@link #WAIT} if one is due and acknowledgements under way will make room for it
     */
    int probe(int unsent, int room, int offered, long now) {
        if (probeSize != 0
                || c.recovery.state() != LossRecovery.State.OPEN
                || c.sndUrgent
                || c.hasDsack
                || c.reassembly.sackCount() > 0) {
            return 0;
        }
        if (high - low < RESOLUTION) {
            conclude(now);
            return 0;
        }
        // Towards the end the last step is tried: often it is all that was missing.
        int size = high - low <= 2 * RESOLUTION ? high : low + (high - low + 1) / 2;
        int payload = size - overhead();
        int withFollowers = payload + FOLLOWERS * c.sndMss;
        if (unsent < withFollowers || c.sndWnd < withFollowers || c.window.cwnd < withFollowers) {
            return 0;
        }
        if (room < payload || offered < payload) {
            return c.flightSize() > 0 ? WAIT : 0;
        }
        return payload;
    }

    /** A probe was sent: one packet. */
    void sent(int start, int payload) {
        if (payload > c.sndMss) {
            probeSize = payload + overhead();
            probeStart = start;
            probeEnd = start + payload;
        }
    }

    private void conclude(long now) {
        if (concluded) {
            if (now - concludedAt >= c.stack.parameters.mtuProbeInterval) {
                // The path may have become wider.
                high = ceiling;
                failures = 0;
                concluded = false;
            }
            return;
        }
        concluded = true;
        concludedAt = now;
        if (high < ceiling) {
            c.stack.ip.updatePathMtu(c.localHigh, c.localLow, c.remoteHigh, c.remoteLow, low, now);
        }
    }

    // ------------------------------------------------------------------------------------------------ what becomes of
    // probes

    /** Data was acknowledged. */
    void onAck() {
        if (probeSize != 0 && SequenceNumber.greaterOrEqual(c.sndUna, probeEnd)) {
            low = Math.max(low, probeSize);
            probeSize = 0;
            failures = 0;
            c.stack.counters.increment(TcpCounter.TCP_MTUP_SUCCESS);
            c.stack.output.updateSegmentSize(c);
        }
    }

    /**
     * Whether all that is deemed lost is the probe. Then it has failed, all of it is marked lost, and the loss says nothing of congestion.
     */
    boolean isLossOfProbe() {
        if (probeSize == 0) {
            return false;
        }
        SentSegments sent = c.sent;
        int lost = 0;
        int from = sent.indexOf(probeStart);
        for (int i = from; isOfProbe(i); i++) {
            lost += sent.get(i).has(SentSegment.LOST) ? sent.get(i).length() : 0;
        }
        if (lost == 0 || lost != sent.lostBytes()) {
            return false;
        }
        for (int i = from; isOfProbe(i); i++) {
            c.recovery.markLost(sent.get(i));
        }
        failed();
        return true;
    }

    private boolean isOfProbe(int i) {
        return i < c.sent.count() && SequenceNumber.lessThan(c.sent.get(i).start, probeEnd);
    }

    /** What is sent again of a probe, because more than it was lost or for another reason, leaves it without a result. */
    void onRetransmit(SentSegment segment) {
        if (probeSize != 0
                && SequenceNumber.lessThan(segment.start, probeEnd)
                && SequenceNumber.greaterThan(segment.end, probeStart)) {
            probeSize = 0;
        }
    }

    /** A retransmission timeout: if the probe is what is missing, it has failed (RFC 4821 §7.6.4). */
    void onTimeout() {
        if (probeSize != 0 && c.sndUna == probeStart) {
            failed();
        }
    }

    private void failed() {
        c.stack.counters.increment(TcpCounter.TCP_MTUP_FAIL);
        if (++failures >= MAX_PROBES) {
            high = Math.max(low, probeSize - 1);
            failures = 0;
        }
        probeSize = 0;
    }
}
