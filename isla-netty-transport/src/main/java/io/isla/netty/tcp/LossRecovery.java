/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * The state of a connection's loss recovery, and what each acknowledgement, timeout and duplicate report makes of it: fast recovery with RACK and
 * proportional rate reduction (RFC 8985, RFC 6675, RFC 9937), NewReno for a peer without SACK (RFC 6582), timeouts with F-RTO
 * (RFC 5682), and taking back what turns out to have been spurious (RFC 3522, RFC 4015, RFC 3708).
 */
final class LossRecovery {
    /** What the sender believes of the path, from good to bad. */
    enum State {
        /** Nothing is amiss. */
        OPEN,
        /** There are selective or duplicate acknowledgements, not enough to call it loss. */
        DISORDER,
        /** The window is being reduced after an ECN echo or a loss that a probe repaired. */
        CWR,
        /** Fast recovery. */
        RECOVERY,
        /** After a retransmission timeout. */
        LOSS
    }

    private static final int DUP_THRESH = 3;

    final RackLossDetector rack;
    final TailLossProbe probe;
    private final TcpConnection c;
    private final ProportionalRateReduction reduction = new ProportionalRateReduction();
    private State state = State.OPEN;
    /** Where the data ends that was outstanding when the present state began: RecoveryPoint. */
    private int highSequence;
    /** No entry before this sequence number is marked lost. */
    private int firstLost;
    /** Duplicate acknowledgements of a peer without SACK, each a segment that has arrived somewhere. */
    private int duplicateAcks;

    private boolean undoPossible;
    private int undoMarker;
    private int priorCwnd;
    private int priorSsthresh;
    /** Bytes retransmitted in this episode that no DSACK has yet shown to be unnecessary. */
    private long undoBytes;

    private boolean retransmittedInEpisode;
    /** The timestamp of the first retransmission of this episode. */
    private int firstRetransmitTimestamp;

    private boolean frto;
    /** Send new data before anything that is deemed lost: F-RTO's step 2b. */
    private boolean newDataFirst;

    /** Some data is in doubt, and when it will have to be looked at again. */
    private boolean reorderingPending;

    private long reorderingDue;

    private int timeouts;
    private long firstTimeoutAt;

    LossRecovery(TcpConnection connection) {
        c = connection;
        rack = new RackLossDetector(connection);
        probe = new TailLossProbe(connection);
    }

    State state() {
        return state;
    }

    /** Whether lost data is being recovered. */
    boolean isActive() {
        return state.ordinal() >= State.RECOVERY.ordinal();
    }

    boolean allowsProbe() {
        return state == State.OPEN || state == State.CWR;
    }

    int renoSackedBytes() {
        return c.sackOn
                ? 0
                : Math.min(duplicateAcks * c.sndMss, Math.max(0, c.flightSize() - c.sndMss - c.sent.lostBytes()));
    }

    int firstLost() {
        return firstLost;
    }

    void firstLost(int sequence) {
        firstLost = sequence;
    }

    /** Whether new data is to be tried before retransmissions; asking clears it. */
    boolean takeNewDataFirst() {
        boolean first = newDataFirst;
        newDataFirst = false;
        return first;
    }

    /** Whether the reordering timer is to run (RFC 8985 §6.3). */
    boolean isReorderingPending() {
        return reorderingPending;
    }

    /** When it is to go off. */
    long reorderingDue() {
        return reorderingDue;
    }

    /**
     * The peer has opened the window that it had taken back: the timeouts until now were probes, which it has answered, and are none of those after which the
     * connection is given up (RFC 9293 SHLD-17, R2).
     */
    void windowOpened(long now) {
        if (timeouts > 1) {
            timeouts = 1;
            firstTimeoutAt = now;
        }
    }

    /** Consecutive timeouts without new data acknowledged. */
    int timeouts() {
        return timeouts;
    }

    /** When the first of them was; meaningless if there was none. */
    long firstTimeoutAt() {
        return firstTimeoutAt;
    }

    boolean wasOutstandingAtEntry(int end) {
        return state == State.LOSS && SequenceNumber.lessOrEqual(end, highSequence);
    }

    // ------------------------------------------------------------------------------------------------ events

    /**
     * A segment has been sent again.
     *
     * @param timestampAge how much older than the present its timestamp was, in ticks
     */
    void onRetransmit(SentSegment segment, int timestampAge, long now) {
        if (!retransmittedInEpisode) {
            retransmittedInEpisode = true;
            firstRetransmitTimestamp = c.stack.timestamp(now) + c.timestampOffset - timestampAge;
        }
        if (segment.has(SentSegment.RETRANSMITTED)) {
            c.stack.counters.increment(TcpCounter.TCP_LOST_RETRANSMIT);
        }
        if (c.mtuSearch != null) {
            c.mtuSearch.onRetransmit(segment);
        }
        undoBytes += segment.length();
        if (isReducing()) {
            reduction.sent(segment.length());
        }
    }

    void onNewDataSent(int bytes) {
        if (isReducing()) {
            reduction.sent(bytes);
        }
    }

    void onDsack(int start, int end) {
        if (!probe.isDuplicate(end)) {
            rack.onDsack(c.sndUna, c.sndNxt);
        }
        if (undoPossible && SequenceNumber.greaterThan(end, undoMarker) && undoBytes > 0) {
            undoBytes = Math.max(0, undoBytes - (end - start));
        }
    }

    /** Works on an acknowledgement, after it has been applied to what is outstanding. */
    void onAck(int ack, AckSample sample, long now) {
        if (sample.advanced) {
            timeouts = 0;
        }
        probe.onAck(ack, sample, now);
        boolean dubious =
                state != State.OPEN || sample.duplicate || sample.newlySacked || sample.congestionEcho || sample.dsack;
        if (dubious) {
            int lostBefore = c.sent.lostBytes();
            react(ack, sample, now);
            sample.newlyLost = c.sent.lostBytes() > lostBefore;
        } else {
            reorderingPending = false;
        }
        CongestionWindow window = c.window;
        if (isReducing()) {
            boolean mustSend = state == State.RECOVERY && c.sent.lostBytes() > 0;
            window.cwnd = Math.max(
                    window.mss,
                    reduction.cwnd(
                            sample.deliveredBytes,
                            c.inFlight(),
                            window.ssthresh,
                            window.mss,
                            sample.advanced && !sample.newlyLost,
                            mustSend));
        } else if (sample.deliveredBytes > 0 && (sample.advanced || rack.isReorderingSeen()) && window.isLimiting()) {
            // After a timeout, what arrives may be what was deemed lost: no more may follow it than was in flight (RFC
            // 3465
            // §2.3).
            c.congestion.onAcked(window, Math.min(sample.deliveredBytes, sample.priorInFlight), now);
        }
    }

    /** The reordering timer has gone off: what was in doubt may now be lost (RFC 8985 §6.3). */
    void onReorderTimeout(long now) {
        detectLoss(now);
        if (c.sent.lostBytes() > 0 && !isActive()) {
            if (isLossOfProbe()) {
                repairOnly();
                return;
            }
            enterRecovery(now);
            c.window.cwnd = Math.max(
                    c.window.mss, reduction.cwnd(0, c.inFlight(), c.window.ssthresh, c.window.mss, false, true));
        }
    }

    /** The retransmission timer has gone off (RFC 6298 §5.4–5.7, RFC 5681 §3.1). */
    void onRetransmissionTimeout(long now) {
        boolean first = timeouts++ == 0;
        boolean recovering = isActive();
        if (first) {
            firstTimeoutAt = now;
        }
        boolean reneged = !c.sent.isEmpty() && c.sent.first().has(SentSegment.SACKED);
        boolean fresh = !isActive() || state == State.RECOVERY && SequenceNumber.greaterOrEqual(c.sndUna, highSequence);
        if (state.ordinal() <= State.CWR.ordinal() || fresh || state == State.LOSS && first) {
            rememberForUndo();
            c.window.ssthresh = c.congestion.ssthresh(c.window, now);
        }
        c.congestion.onTimeout(c.window, now);
        if (reneged) {
            c.stack.counters.increment(TcpCounter.TCP_SACK_RENEGING);
        }
        duplicateAcks = 0;
        for (int i = 0; i < c.sent.count(); i++) {
            SentSegment segment = c.sent.get(i);
            if (reneged && segment.has(SentSegment.SACKED)) {
                // The receiver has taken back what it reported (RFC 2018 §8).
                c.sent.setFlags(segment, segment.flags & ~SentSegment.SACKED);
            }
            if (segment.has(SentSegment.SACKED)) {
                continue;
            }
            if (i > 0 && c.sackOn && !reneged && !rack.isOverdue(segment, now)) {
                // Sent so late that its acknowledgement may still be on its way.
                continue;
            }
            markLost(segment);
        }
        c.window.cwnd = c.inFlight() + c.window.mss;
        // Tried unless data was found lost before the timeout (RFC 5682 §2.1 step 1); further timeouts leave it as it
        // is.
        if (first) {
            frto = !recovering && !c.sent.isEmpty() && c.stack.parameters.frto;
        }
        c.ecnReduce = c.ecnOn;
        state = State.LOSS;
        highSequence = c.sndNxt;
        newDataFirst = false;
        reorderingPending = false;
        probe.reset();
    }

    /** A probe has shown and repaired a loss at once: react to the congestion (RFC 8985 §7.4.2). */
    void onProbeRepairedLoss(long now) {
        if (state.ordinal() < State.CWR.ordinal()) {
            undoPossible = false;
            c.ecnReduce = c.ecnOn;
            c.window.ssthresh = c.congestion.ssthresh(c.window, now);
            c.window.cwnd = Math.max(c.window.mss, Math.min(c.window.cwnd, c.window.ssthresh));
            c.congestion.onRecovered(c.window, now);
        }
    }

    /** Marks a segment lost, unless it is already, and takes it out of the order of sending. */
    void markLost(SentSegment segment) {
        if (segment.has(SentSegment.LOST) || segment.has(SentSegment.SACKED)) {
            return;
        }
        if (c.sent.lostBytes() == 0 || SequenceNumber.lessThan(segment.start, firstLost)) {
            firstLost = segment.start;
        }
        c.sent.setFlags(segment, segment.flags & ~SentSegment.RETRANSMITTED | SentSegment.LOST);
        c.sent.delivered(segment);
    }

    /**
     * The path takes only smaller segments than were sent: what does not fit is lost, and it is not congestion (RFC 1191 §6.5), so the window stays.
     *
     * @return whether anything is
     */
    boolean onPathMtuReduced() {
        boolean lost = false;
        for (int i = 0; i < c.sent.count(); i++) {
            SentSegment segment = c.sent.get(i);
            int payload = segment.length() - (segment.has(SentSegment.CONTROL) ? 1 : 0);
            if (Math.min(payload, segment.packetSize) > c.sndMss
                    && !segment.has(SentSegment.SACKED)
                    && !segment.has(SentSegment.LOST)) {
                markLost(segment);
                lost = true;
            }
        }
        if (lost && !isActive()) {
            repairOnly();
        }
        return lost;
    }

    /** Whether nothing is lost but a packet that was to show whether the path takes it. */
    private boolean isLossOfProbe() {
        return state != State.CWR && c.mtuSearch != null && c.mtuSearch.isLossOfProbe();
    }

    /** What is lost goes out again, and the window stays. */
    private void repairOnly() {
        undoPossible = false;
        frto = false;
        reorderingPending = false;
        probe.reset();
        state = State.LOSS;
        highSequence = c.sndNxt;
    }

    // ------------------------------------------------------------------------------------------------ reaction to an
    // acknowledgement

    private void react(int ack, AckSample sample, long now) {
        if (sample.congestionEcho && state.ordinal() < State.CWR.ordinal()) {
            enterCwr(now);
        }
        boolean reached = SequenceNumber.greaterOrEqual(ack, highSequence);
        switch (state) {
            case CWR -> {
                if (SequenceNumber.greaterThan(ack, highSequence)) {
                    endReduction(now);
                    state = State.OPEN;
                }
            }
            case RECOVERY -> {
                if (reached) {
                    if (!c.sackOn) {
                        duplicateAcks = 0;
                    }
                    if (leaveRecovery(ack, sample, now)) {
                        return;
                    }
                }
            }
            default -> {
                // LOSS is dealt with below.
            }
        }
        switch (state) {
            case RECOVERY -> inRecovery(sample, now);
            case LOSS -> inLoss(reached, ack, sample, now);
            default -> beforeRecovery(sample, now);
        }
    }

    private void inRecovery(AckSample sample, long now) {
        if (!sample.advanced) {
            if (sample.duplicate && !c.sackOn) {
                duplicateAcks++;
            }
        } else {
            if (!c.sackOn) {
                duplicateAcks = Math.max(0, duplicateAcks - Math.max(0, sample.ackedBytes / c.sndMss - 1));
            }
            if (isSpuriousByTimestamp(sample)) {
                // A partial acknowledgement of an original: reordered, not lost (RFC 4015). Wait for retransmissions
                // under way.
                rack.noteReordering();
                if (c.sent.retransmittedBytes() == 0 && undoPossible) {
                    undo(now);
                    c.stack.counters.increment(TcpCounter.TCP_PARTIAL_UNDO);
                    tryToOpen();
                    return;
                }
            }
        }
        if (isSpuriousByDsack()) {
            undo(now);
            c.stack.counters.increment(TcpCounter.TCP_DSACK_UNDO);
            tryToOpen();
            return;
        }
        if (c.sackOn) {
            detectLoss(now);
        } else if (sample.advanced) {
            markFirstLost();
        }
    }

    private void inLoss(boolean reached, int ack, AckSample sample, long now) {
        if (sample.advanced && undoPossible && isSpuriousByTimestamp(sample)) {
            undoTimeout(now);
            return;
        }
        if (isSpuriousByDsack()) {
            undoTimeout(now);
            return;
        }
        if (frto) {
            if (sample.originalDelivered && undoPossible) {
                // RFC 5682 §3.1 step 3b: data that was never sent again has arrived.
                c.stack.counters.increment(TcpCounter.TCP_SPURIOUS_RTOS);
                undoTimeout(now);
                return;
            }
            if (SequenceNumber.greaterThan(c.sndNxt, highSequence)) {
                if (sample.newlySacked || sample.duplicate) {
                    frto = false;
                }
            } else if (sample.advanced && !reached) {
                // Step 2b: new data rather than retransmissions shows whether the rest has arrived as well.
                highSequence = c.sndNxt;
                if (c.unsentBytes() > 0 && c.sndUna + c.sndWnd - c.sndNxt > 0) {
                    newDataFirst = true;
                    return;
                }
                frto = false;
            }
        }
        if (reached) {
            leaveRecovery(ack, sample, now);
            return;
        }
        if (!c.sackOn) {
            if (sample.advanced) {
                duplicateAcks = 0;
            } else if (sample.duplicate && SequenceNumber.greaterThan(c.sndNxt, highSequence)) {
                duplicateAcks++;
            }
        }
        if (c.sackOn) {
            detectLoss(now);
        }
    }

    private void beforeRecovery(AckSample sample, long now) {
        if (!c.sackOn) {
            if (sample.advanced) {
                duplicateAcks = 0;
            }
            if (sample.duplicate) {
                duplicateAcks++;
            }
        }
        if (state != State.CWR && isSpuriousByDsack()) {
            undo(now);
            c.stack.counters.increment(TcpCounter.TCP_DSACK_UNDO);
        }
        if (c.sackOn) {
            detectLoss(now);
        } else if (duplicateAcks >= DUP_THRESH && c.flightSize() > 0) {
            markFirstLost();
        }
        if (c.sent.lostBytes() == 0) {
            if (state != State.CWR) {
                tryToOpen();
            }
            return;
        }
        if (isLossOfProbe()) {
            repairOnly();
        } else {
            enterRecovery(now);
        }
    }

    private void detectLoss(long now) {
        long remaining = rack.detectLoss(now);
        reorderingPending = remaining > 0;
        reorderingDue = now + remaining;
    }

    /** NewReno: the first outstanding segment is lost (RFC 6582 §3.2). */
    private void markFirstLost() {
        if (c.sent.isEmpty()) {
            return;
        }
        SentSegment first = c.sent.first();
        if (first.has(SentSegment.LOST)) {
            return;
        }
        int size = Math.min(c.sndMss, first.packetSize);
        if (first.length() > size + (first.has(SentSegment.CONTROL) ? 1 : 0)) {
            c.sent.split(0, first.start + size);
        }
        markLost(c.sent.first());
    }

    // ------------------------------------------------------------------------------------------------ entering and
    // leaving

    private void tryToOpen() {
        state = c.sent.sackedBytes() > 0 || duplicateAcks > 0 ? State.DISORDER : State.OPEN;
        highSequence = c.sndNxt;
    }

    private boolean isReducing() {
        return state == State.CWR || state == State.RECOVERY;
    }

    private void enterCwr(long now) {
        undoPossible = false;
        beginReduction(now);
        state = State.CWR;
        highSequence = c.sndNxt;
        c.ecnReduce = true;
    }

    private void enterRecovery(long now) {
        c.stack.counters.increment(c.sackOn ? TcpCounter.TCP_SACK_RECOVERY : TcpCounter.TCP_RENO_RECOVERY);
        if (!isReducing()) {
            rememberForUndo();
            beginReduction(now);
        }
        highSequence = c.sndNxt;
        state = State.RECOVERY;
        c.ecnReduce = c.ecnOn;
    }

    private void beginReduction(long now) {
        reduction.start(c.flightSize());
        c.window.ssthresh = c.congestion.ssthresh(c.window, now);
        probe.reset();
    }

    private void endReduction(long now) {
        if (c.window.ssthresh < CongestionWindow.INFINITE) {
            c.window.cwnd = Math.max(c.window.mss, c.window.ssthresh);
        }
        c.congestion.onRecovered(c.window, now);
        rack.onRecovered();
    }

    /**
     * Everything that was outstanding when the episode began is acknowledged.
     *
     * @return whether nothing more is to be done for this acknowledgement
     */
    private boolean leaveRecovery(int ack, AckSample sample, long now) {
        if (undoPossible && (isSpuriousByTimestamp(sample) || isSpuriousByDsack())) {
            boolean timeout = state == State.LOSS;
            undo(now);
            c.stack.counters.increment(timeout ? TcpCounter.TCP_LOSS_UNDO : TcpCounter.TCP_FULL_UNDO);
            state = State.OPEN;
            tryToOpen();
            return true;
        }
        if (!c.sackOn && ack == highSequence && c.flightSize() > 0) {
            // Without SACK, duplicates of old data could start a false recovery: stay until something newer is
            // acknowledged.
            undoPossible = false;
            return true;
        }
        if (state == State.RECOVERY) {
            endReduction(now);
        } else {
            rack.onRecovered();
            c.congestion.onRecovered(c.window, now);
        }
        state = State.OPEN;
        duplicateAcks = 0;
        frto = false;
        tryToOpen();
        return false;
    }

    // ------------------------------------------------------------------------------------------------ undo

    private void rememberForUndo() {
        undoPossible = true;
        undoMarker = c.sndUna;
        // Reports of what was sent again before, by a probe say, are no reports of this episode's retransmissions.
        undoBytes = c.sent.retransmittedBytes() + probe.unaccountedBytes();
        retransmittedInEpisode = false;
        priorCwnd = c.window.cwnd;
        priorSsthresh = c.window.ssthresh;
    }

    /** The acknowledgement echoes a timestamp from before the first retransmission: it is that of an original (RFC 3522). */
    private boolean isSpuriousByTimestamp(AckSample sample) {
        return undoPossible
                && retransmittedInEpisode
                && c.timestampsOn
                && sample.hasTimestamps
                && sample.timestampEcho != 0
                && sample.timestampEcho - firstRetransmitTimestamp < 0;
    }

    /** Each retransmission of the episode has been reported as a duplicate (RFC 3708). */
    private boolean isSpuriousByDsack() {
        return undoPossible && retransmittedInEpisode && undoBytes == 0;
    }

    private void undo(long now) {
        c.sent.restoreLost();
        c.window.cwnd = Math.max(c.window.cwnd, priorCwnd);
        c.window.ssthresh = Math.max(c.window.ssthresh, priorSsthresh);
        c.congestion.onUndo(c.window, now);
        undoPossible = false;
        c.ecnReduce = false;
        frto = false;
    }

    private void undoTimeout(long now) {
        undo(now);
        c.stack.counters.increment(TcpCounter.TCP_LOSS_UNDO);
        timeouts = 0;
        duplicateAcks = 0;
        c.rtt.resetBackoff();
        tryToOpen();
    }
}
