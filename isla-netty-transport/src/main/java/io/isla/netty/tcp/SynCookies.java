/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * SYN cookies (RFC 4987 §3.6): the initial sequence number of a SYN-ACK holds what a listener would have to remember, so that it need not.
 *
 * <pre>
 *   31   27 26 24 23                                              0
 *  +-------+-----+------------------------------------------------+
 *  | time  | MSS |     keyed hash of 4-tuple, IRS, time, MSS       |
 *  +-------+-----+------------------------------------------------+
 * </pre>
 *
 * <p>Time counts in units of 64 s, modulo 32; MSS is an index into a table. Window scale, SACK and ECN travel in the low six bits of the timestamp, for
 * a peer that uses timestamps. One object per shard.
 */
final class SynCookies {
    private static final int SALT = 0x636f6f6b;
    private static final int PERIOD_SHIFT = 36;
    private static final int MAX_AGE = 2;
    private static final int[] MSS = {64, 256, 536, 1220, 1400, 1440, 1460, 8960};
    private static final int SCALE_MASK = 0xf;
    /** Stands for a peer without window scaling: 15 is no legal shift. */
    private static final int NO_SCALE = 0xf;

    private static final int SACK = 1 << 4;
    private static final int ECN = 1 << 5;
    private static final int OPTION_BITS = 6;

    private final SipHash hash;

    SynCookies(SipHash hash) {
        this.hash = hash;
    }

    /** The cookie for a SYN of the given flow. */
    int make(TcpSegment syn, int peerMss, long now) {
        int index = 0;
        while (index + 1 < MSS.length && MSS[index + 1] <= peerMss) {
            index++;
        }
        int time = time(now);
        return time << 27 | index << 24 | mac(syn, syn.sequence, time, index);
    }

    /**
     * Checks the acknowledgement of a cookie.
     *
     * @return the peer's MSS, or 0 if this is no cookie of ours, or one that is too old
     */
    int check(TcpSegment ack, long now) {
        int cookie = ack.acknowledgment - 1;
        int time = cookie >>> 27;
        int index = cookie >>> 24 & 7;
        if ((time(now) - time & 31) > MAX_AGE) {
            return 0;
        }
        return (cookie & 0xff_ffff) == mac(ack, ack.sequence - 1, time, index) ? MSS[index] : 0;
    }

    /** A timestamp that is not after {@code timestamp} and holds the options of a SYN. */
    static int encodeOptions(int timestamp, int windowScale, boolean sack, boolean ecn) {
        int options = (windowScale < 0 ? NO_SCALE : windowScale) | (sack ? SACK : 0) | (ecn ? ECN : 0);
        int encoded = timestamp & -(1 << OPTION_BITS) | options;
        return encoded - timestamp > 0 ? encoded - (1 << OPTION_BITS) : encoded;
    }

    static int windowScale(int echoedTimestamp) {
        int scale = echoedTimestamp & SCALE_MASK;
        return scale == NO_SCALE ? TcpSegment.NO_WINDOW_SCALE : Math.min(scale, TcpOption.MAX_WINDOW_SCALE);
    }

    static boolean sack(int echoedTimestamp) {
        return (echoedTimestamp & SACK) != 0;
    }

    static boolean ecn(int echoedTimestamp) {
        return (echoedTimestamp & ECN) != 0;
    }

    private static int time(long now) {
        return (int) (now >>> PERIOD_SHIFT) & 31;
    }

    private int mac(TcpSegment segment, int irs, int time, int index) {
        long ports = (long) segment.destinationPort << 16 | segment.sourcePort;
        return (int) hash.hash(
                        segment.packet.sourceHigh() ^ (long) SALT << 32 ^ (long) time << 8 ^ index,
                        segment.packet.sourceLow(),
                        segment.packet.destinationHigh(),
                        segment.packet.destinationLow(),
                        ports << 32 | irs & 0xffff_ffffL)
                & 0xff_ffff;
    }
}
