/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * What holds for all connections of a host, each with the default of Linux unless it says otherwise. Set before the host starts and not
 * changed afterwards. Times are in nanoseconds, sizes in bytes.
 */
public final class TcpParameters {
    private static final long MILLIS = 1_000_000L;
    private static final long SECONDS = 1000 * MILLIS;
    /** What a scaled window can express (RFC 7323 §2.3). */
    private static final int MAX_BUFFER = 1 << 30;

    /** The least retransmission timeout (RFC 6298 §2.4 says 1 s; hosts of today say 200 ms). */
    public long minRto = 200 * MILLIS;
    /** The greatest retransmission timeout (RFC 6298 §2.5: at least 60 s). */
    public long maxRto = 120 * SECONDS;
    /** The retransmission timeout before the first measurement (RFC 6298 §2.1). */
    public long initialRto = SECONDS;
    /** The retransmission timeout after a handshake in which the SYN was lost (RFC 6298 §5.7). */
    public long initialRtoAfterSynLoss = 3 * SECONDS;
    /** The least delay of an acknowledgement. */
    public long minAckDelay = 40 * MILLIS;
    /** The greatest delay of an acknowledgement (RFC 9293 MUST-40: below 500 ms). */
    public long maxAckDelay = 200 * MILLIS;
    /** How long corked data waits. */
    public long corkDelay = 200 * MILLIS;
    /** How long TIME-WAIT lasts: twice the maximum segment lifetime (RFC 9293 MUST-13). */
    public long timeWait = 60 * SECONDS;
    /** How long a connection with timestamps has to be in TIME-WAIT before this end may open it anew (RFC 6191). */
    public long timeWaitReuseDelay = SECONDS;
    /** How long FIN-WAIT-2 lasts when the user is gone. */
    public long finWait2Timeout = 60 * SECONDS;
    /** How often a SYN is sent again: with the back-off from 1 s, R2 for it is past 3 minutes (RFC 9293 MUST-23). */
    public int synRetries = 7;
    /** How often a SYN-ACK is sent again. */
    public int synAckRetries = 5;
    /** R1: retransmissions after which the next hop is suspected (RFC 9293 SHLD-10). */
    public int retries1 = 3;
    /** R2: retransmissions, counted by the time they take, after which the connection fails (RFC 9293 SHLD-11). */
    public int retries2 = 15;
    /** R2 for a connection whose user is gone. */
    public int orphanRetries = 8;
    /** Segments in the initial window (RFC 6928). */
    public int initialWindow = 10;
    /** The first size of a receive buffer. */
    public int defaultReceiveBuffer = 128 * 1024;
    /** The size up to which a receive buffer grows by itself. */
    public int maxReceiveBuffer = 32 * 1024 * 1024;
    /** The first size of a send buffer. */
    public int defaultSendBuffer = 128 * 1024;
    /** The size up to which a send buffer grows by itself. */
    public int maxSendBuffer = 32 * 1024 * 1024;
    /** Whether to offer and accept selective acknowledgements (RFC 2018). */
    public boolean sack = true;
    /** Whether to look out for spurious timeouts (RFC 5682). */
    public boolean frto = true;
    /** Whether to offer and accept timestamps (RFC 7323). */
    public boolean timestamps = true;
    /** Whether to offer and accept window scaling (RFC 7323). */
    public boolean windowScaling = true;
    /** Explicit congestion notification (RFC 3168). */
    public Ecn ecn = Ecn.ACCEPT;
    /** Whether to answer SYNs with cookies when the SYN queue is full (RFC 4987 §3.6). */
    public boolean synCookies = true;
    /** The most embryonic connections of one listener on one shard. */
    public int maxSynBacklog = 1024;
    /** The most challenge ACKs in a second (RFC 5961 §7). */
    public int challengeAcksPerSecond = 1000;
    /** The least time between two acknowledgements of segments that are out of window, on one connection. */
    public long invalidAckInterval = 500 * MILLIS;
    /** The most connections in TIME-WAIT on one shard; further ones end at once. */
    public int maxTimeWait = 262_144;
    /** The first local port that is chosen. */
    public int firstEphemeralPort = 32768;
    /** The last local port that is chosen. */
    public int lastEphemeralPort = 60999;
    /** The congestion control of connections that do not choose, one of {@link CongestionControls#names()}. */
    public String congestionControl = Cubic.NAME;
    /** Whether the congestion window falls back after idle (RFC 9293, RFC 5681 §4.1). */
    public boolean slowStartAfterIdle = true;
    /** The most separate pieces that are held ahead of gaps, on one connection. */
    public int maxReassemblyPieces = 16_384;
    /** The least MSS that a peer can make us use. */
    public int minSegmentSize = 48;

    /** Whether to look for the path MTU where no ICMP error tells it (RFC 4821): {@code net.ipv4.tcp_mtu_probing}. */
    public MtuProbing mtuProbing = MtuProbing.ON_BLACK_HOLE;
    /** The segment size, options included, with which the search for a path MTU begins (RFC 4821 §7.2). */
    public int mtuProbeBase = 1024;
    /** The segment size, options included, below which a black hole is not explained by the path MTU. */
    public int mtuProbeFloor = 512;
    /** After how long a path that was found narrow is tried for having become wider. */
    public long mtuProbeInterval = 600 * SECONDS;

    /** When the path MTU is looked for by probes. */
    public enum MtuProbing {
        /** Never: ICMP errors alone tell it. */
        OFF,
        /** When full segments have not got through in as many timeouts as {@link #retries1} says. */
        ON_BLACK_HOLE,
        /** On every connection, beginning with {@link #mtuProbeBase}. */
        ALWAYS
    }

    /** How explicit congestion notification is negotiated. */
    public enum Ecn {
        /** Never. */
        OFF,
        /** When the peer asks for it. */
        ACCEPT,
        /** Asked for, and accepted. */
        REQUEST
    }

    /** Parameters with their defaults. */
    public TcpParameters() {}

    /**
     * Checks what would otherwise show only when the first connection is made.
     *
     * @throws IllegalArgumentException that names the parameter
     */
    public void validate() {
        if (congestionControl == null || !CongestionControls.isKnown(congestionControl)) {
            throw new IllegalArgumentException("congestionControl: unknown congestion control '" + congestionControl
                    + "'; there is: " + CongestionControls.names());
        }
        check(minRto > 0 && minRto <= maxRto, "minRto: must be above 0 and at most maxRto");
        check(initialRto > 0 && initialRto <= maxRto, "initialRto: must be above 0 and at most maxRto");
        check(initialWindow >= 1, "initialWindow: must be at least one segment");
        check(
                defaultReceiveBuffer > 0 && maxReceiveBuffer > 0 && maxReceiveBuffer <= MAX_BUFFER,
                "maxReceiveBuffer: must be above 0 and at most 1 GiB");
        check(
                defaultSendBuffer > 0 && maxSendBuffer > 0 && maxSendBuffer <= MAX_BUFFER,
                "maxSendBuffer: must be above 0 and at most 1 GiB");
        check(
                firstEphemeralPort > 0 && lastEphemeralPort <= 0xffff && firstEphemeralPort <= lastEphemeralPort,
                "ephemeral ports: must be a range within 1 to 65535");
        check(maxSynBacklog >= 0, "maxSynBacklog: must not be negative");
    }

    private static void check(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
