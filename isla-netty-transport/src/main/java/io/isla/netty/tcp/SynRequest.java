/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.timer.Timer;

/** An embryonic connection of a listener: what is remembered between the SYN and the acknowledgement that completes the handshake. */
final class SynRequest extends Flow {
    final TcpListener listener;
    final SynTimer timer;
    int iss;
    int irs;
    int peerMss;
    int window;
    int sndScale;
    int rcvScale;
    boolean sack;
    boolean timestamps;
    boolean ecn;
    int tsRecent;
    int timestampOffset;
    int retransmits;
    /** The SYN-ACK was sent more than once, or nobody knows when. */
    boolean ambiguous;

    /** Whether it is still to be decided what becomes of it. */
    boolean undecided;

    /** Whether it waits for its first SYN-ACK, at the end of the turn. */
    boolean unanswered;

    long sentAt;
    long lastReplyAt;
    /** When it was last answered by an acknowledgement that says what would have been right, if {@link #acked}. */
    long lastAckAt;

    boolean acked;

    SynRequest(
            TcpStack stack,
            TcpListener listener,
            long localHigh,
            long localLow,
            int localPort,
            long remoteHigh,
            long remoteLow,
            int remotePort) {
        super(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort);
        this.listener = listener;
        timer = new SynTimer(stack, this);
    }

    /** What another shard has remembered. */
    SynRequest(TcpStack stack, SynRequest other) {
        this(
                stack,
                other.listener,
                other.localHigh,
                other.localLow,
                other.localPort,
                other.remoteHigh,
                other.remoteLow,
                other.remotePort);
        iss = other.iss;
        irs = other.irs;
        peerMss = other.peerMss;
        window = other.window;
        sndScale = other.sndScale;
        rcvScale = other.rcvScale;
        sack = other.sack;
        timestamps = other.timestamps;
        ecn = other.ecn;
        tsRecent = other.tsRecent;
        timestampOffset = other.timestampOffset;
        retransmits = other.retransmits;
        ambiguous = other.ambiguous;
        unanswered = other.unanswered;
        sentAt = other.sentAt;
        lastReplyAt = other.lastReplyAt;
        lastAckAt = other.lastAckAt;
        acked = other.acked;
    }

    /** Sends the SYN-ACK again. */
    static final class SynTimer extends Timer {
        private final TcpStack stack;
        private final SynRequest request;

        SynTimer(TcpStack stack, SynRequest request) {
            this.stack = stack;
            this.request = request;
        }

        @Override
        protected void expire(long now) {
            stack.passive.timerExpired(request, now);
        }
    }
}
