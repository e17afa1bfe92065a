/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.timer.Timer;
import io.isla.netty.timer.TimerWheel;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;

/**
 * The timers of connections: retransmission, tail loss probe, reordering and persist share one, as only one of them runs at a time; delayed
 * acknowledgement has one; keep-alive, FIN-WAIT-2 and the like share the third. A timer that is to go off later than it is armed for
 * is left as it is, and looks again when it goes off. One object per shard.
 */
final class TcpTimers {
    private static final long SECOND = 1_000_000_000L;
    private static final long MILLISECOND = 1_000_000L;

    /** What the retransmission timer is running for. */
    enum Purpose {
        NOTHING,
        RETRANSMISSION,
        TAIL_LOSS_PROBE,
        REORDERING,
        PERSIST,
        CORK
    }

    private final TcpStack stack;
    private final TimerWheel wheel;
    private final TcpParameters parameters;

    TcpTimers(TcpStack stack) {
        this.stack = stack;
        wheel = stack.wheel;
        parameters = stack.parameters;
    }

    /** Retransmission, tail loss probe, reordering, persist. */
    static final class RetransmitTimer extends Timer {
        final TcpConnection connection;
        Purpose purpose = Purpose.NOTHING;
        long due;
        /** The last acknowledgement of new data, or the end of the handshake: a timeout counts from there if not from later. */
        long countsFrom;

        RetransmitTimer(TcpConnection connection) {
            this.connection = connection;
        }

        @Override
        protected void expire(long now) {
            connection.stack.timers.retransmitTimerExpired(connection, now);
        }
    }

    /** Delayed acknowledgement. */
    static final class AckTimer extends Timer {
        private final TcpConnection connection;
        long due;

        AckTimer(TcpConnection connection) {
            this.connection = connection;
        }

        @Override
        protected void expire(long now) {
            TcpConnection c = connection;
            if (!c.ackPolicy.isPending() || c.released) {
                return;
            }
            if (due - now > 0) {
                c.stack.wheel.arm(this, due);
                return;
            }
            c.ackPolicy.leaveInteractive();
            c.stack.counters.increment(TcpCounter.DELAYED_ACKS);
            c.stack.segments.sendAck(c, now);
        }
    }

    /** Keep-alive, FIN-WAIT-2 of an orphan, the end of an orphan's patience. */
    static final class LifeTimer extends Timer {
        private final TcpConnection connection;

        LifeTimer(TcpConnection connection) {
            this.connection = connection;
        }

        @Override
        protected void expire(long now) {
            connection.stack.timers.lifeTimerExpired(connection, now);
        }
    }

    // ------------------------------------------------------------------------------------------------ arming

    /** Starts the retransmission timer for a SYN. */
    void armForSyn(TcpConnection c, long now) {
        long due = now + c.rtt.rto();
        if (c.settings.userTimeoutMillis > 0) {
            long limit = c.lastReceivedAt + c.settings.userTimeoutMillis * MILLISECOND;
            due = limit - due < 0 ? limit : due;
        }
        arm(c, Purpose.RETRANSMISSION, due);
    }

    /** After an acknowledgement that may change what is waited for: the retransmission timer starts anew if it was of new data (RFC 6298 §5.3). */
    void onAck(TcpConnection c, boolean advanced, boolean newlySacked, long now) {
        // The doubled timeout stays until a sample is taken (RFC 9293 MUST-18, Karn).
        RetransmitTimer timer = c.retransmitTimer;
        if (advanced) {
            timer.countsFrom = now;
            timer.purpose = Purpose.NOTHING;
        } else if (newlySacked && timer.purpose == Purpose.TAIL_LOSS_PROBE) {
            timer.purpose = Purpose.NOTHING;
        }
        if (timer.purpose == Purpose.NOTHING || c.recovery.isReorderingPending()) {
            rearm(c, now);
        }
    }

    /** Arms what the present state calls for. */
    void rearm(TcpConnection c, long now) {
        RetransmitTimer timer = c.retransmitTimer;
        if (c.released) {
            return;
        }
        if (!c.state.isSynchronized()) {
            // Accepted with the data of its SYN, and answered before the handshake is complete: the SYN-ACK is what is
            // waited for.
            if (timer.purpose == Purpose.NOTHING) {
                armForSyn(c, now);
            }
            return;
        }
        if (c.flightSize() == 0) {
            if (c.unsentBytes() == 0 && !c.isFinDue()) {
                disarm(c);
            } else if (timer.purpose != Purpose.PERSIST && timer.purpose != Purpose.CORK) {
                int wanted = Math.max(1, Math.min(c.sndMss, c.unsentBytes()));
                if (c.sndWnd < wanted) {
                    c.persistSince = now;
                    armPersist(c, now);
                } else {
                    arm(c, Purpose.CORK, now + parameters.corkDelay);
                }
            }
            return;
        }
        if (c.recovery.isReorderingPending()) {
            arm(c, Purpose.REORDERING, c.recovery.reorderingDue());
            return;
        }
        long timeout = retransmissionDue(c, now);
        if (c.recovery.probe.mayBeScheduled()) {
            // Counted from the last transmission, but never beyond the timeout (RFC 8985 §7.2): small writes would put
            // it off for ever.
            long probe = now + c.recovery.probe.timeout();
            arm(c, Purpose.TAIL_LOSS_PROBE, probe - timeout < 0 ? probe : timeout);
            return;
        }
        arm(c, Purpose.RETRANSMISSION, timeout);
    }

    /**
     * When the retransmission timer is due: counted from the last transmission of the oldest data in flight, the acknowledgement before it
     * or a tail loss probe, whichever is later, so that new data does not put it off (RFC 6298 §5).
     */
    private long retransmissionDue(TcpConnection c, long now) {
        long from = c.sent.isEmpty() ? now : c.sent.first().sentAt;
        if (c.retransmitTimer.countsFrom - from > 0) {
            from = c.retransmitTimer.countsFrom;
        }
        long due = from + c.rtt.rto();
        if (c.settings.userTimeoutMillis > 0 && c.recovery.timeouts() > 0) {
            long limit = c.recovery.firstTimeoutAt() + c.settings.userTimeoutMillis * MILLISECOND;
            due = limit - due < 0 ? limit : due;
        }
        return due;
    }

    private void armPersist(TcpConnection c, long now) {
        long due = now + c.rtt.backedOff(c.persistBackoff);
        if (c.settings.userTimeoutMillis > 0) {
            long limit = c.persistSince + c.settings.userTimeoutMillis * MILLISECOND;
            due = limit - due < 0 ? limit : due;
        }
        arm(c, Purpose.PERSIST, due);
    }

    private void arm(TcpConnection c, Purpose purpose, long due) {
        RetransmitTimer timer = c.retransmitTimer;
        timer.purpose = purpose;
        timer.due = due;
        if (!timer.isArmed() || timer.deadline() - due > 0) {
            wheel.arm(timer, due);
        }
    }

    private void disarm(TcpConnection c) {
        // Left in the wheel, to find at its time that there is nothing to do: a busy connection would only arm it
        // again.
        c.retransmitTimer.purpose = Purpose.NOTHING;
    }

    /**
     * Has an acknowledgement sent after the connection's present delay, unless it goes out before. What arrives meanwhile does not put it off (RFC 9293
     * MUST-40).
     *
     * @param first whether this is the first segment since the last acknowledgement
     */
    void armDelayedAck(TcpConnection c, boolean first, long now) {
        AckTimer timer = c.ackTimer;
        long due = now + Math.min(parameters.maxAckDelay, c.ackPolicy.delay);
        if (first || due - timer.due < 0) {
            timer.due = due;
        }
        if (!timer.isArmed() || timer.deadline() - timer.due > 0) {
            wheel.arm(timer, timer.due);
        }
    }

    /** Starts or stops keep-alive as the settings say. */
    void armKeepAlive(TcpConnection c, long now) {
        if (c.isOrphan()) {
            return;
        }
        if (c.settings.keepAlive) {
            wheel.arm(c.lifeTimer, Math.max(now, c.lastReceivedAt + c.settings.keepIdleSeconds * SECOND));
        } else {
            wheel.cancel(c.lifeTimer);
        }
    }

    /** The user is gone: a connection that only waits for the peer's FIN does so for a limited time. */
    void armOrphan(TcpConnection c, long now) {
        c.keepAliveProbes = 0;
        if (c.state == TcpState.FIN_WAIT_2) {
            wheel.arm(c.lifeTimer, now + parameters.finWait2Timeout);
        } else {
            wheel.cancel(c.lifeTimer);
        }
    }

    // ------------------------------------------------------------------------------------------------ expiry

    private void retransmitTimerExpired(TcpConnection c, long now) {
        RetransmitTimer timer = c.retransmitTimer;
        if (timer.purpose == Purpose.NOTHING || c.released) {
            return;
        }
        if (timer.due - now > 0) {
            wheel.arm(timer, timer.due);
            return;
        }
        Purpose purpose = timer.purpose;
        timer.purpose = Purpose.NOTHING;
        switch (purpose) {
            case RETRANSMISSION -> retransmissionTimeout(c, now);
            case TAIL_LOSS_PROBE -> {
                if (c.recovery.probe.mayBeScheduled() && c.recovery.probe.send(now)) {
                    // The timeout counts from the probe (RFC 8985 §7.3), so that its acknowledgement can be back
                    // before.
                    timer.countsFrom = now;
                }
                arm(c, Purpose.RETRANSMISSION, retransmissionDue(c, now));
            }
            case REORDERING -> {
                c.recovery.onReorderTimeout(now);
                c.stack.output.output(c, now);
                rearm(c, now);
            }
            case PERSIST -> persistTimeout(c, now);
            case CORK -> {
                TcpSettings settings = c.settings();
                boolean cork = settings.cork;
                boolean noDelay = settings.noDelay;
                settings.cork(false).noDelay(true);
                c.stack.output.output(c, now);
                settings.cork(cork).noDelay(noDelay);
            }
            default -> {
                // Nothing was to be done.
            }
        }
    }

    private void retransmissionTimeout(TcpConnection c, long now) {
        if (c.state == TcpState.SYN_SENT || c.state == TcpState.SYN_RECEIVED) {
            synTimeout(c, now);
            return;
        }
        if (c.flightSize() == 0 || c.sent.isEmpty()) {
            return;
        }
        int timeouts = c.recovery.timeouts();
        if (isExhausted(c, timeouts, now)) {
            timedOut(c, now);
            return;
        }
        stack.counters.increment(TcpCounter.TCP_TIMEOUTS);
        if (timeouts == 0) {
            countInterrupted(c);
        }
        if (c.mtuSearch != null) {
            c.mtuSearch.onTimeout();
        }
        if (timeouts + 1 >= parameters.retries1) {
            if (c.sndWnd > 0) {
                // Of a window that was taken back, the timeouts tell nothing of the path.
                PathMtuSearch.suspectBlackHole(c);
            }
            stack.ip.suspect(c.path, now);
            if (timeouts + 1 == parameters.retries1) {
                c.softError(
                        new SocketTimeoutException("no acknowledgement after " + (timeouts + 1) + " retransmissions"));
            }
        }
        stack.output.refreshPath(c);
        c.recovery.onRetransmissionTimeout(now);
        c.rtt.backOff();
        stack.output.retransmit(c, 0, c.sndMss, now);
        if (!c.sent.isEmpty()) {
            c.recovery.firstLost(c.sent.first().end);
        }
        arm(c, Purpose.RETRANSMISSION, retransmissionDue(c, now));
    }

    /** Counts what a first timeout interrupts, as Linux does. */
    private void countInterrupted(TcpConnection c) {
        switch (c.recovery.state()) {
            case RECOVERY ->
                stack.counters.increment(
                        c.sackOn ? TcpCounter.TCP_SACK_RECOVERY_FAIL : TcpCounter.TCP_RENO_RECOVERY_FAIL);
            case LOSS -> stack.counters.increment(TcpCounter.TCP_LOSS_FAILURES);
            case DISORDER ->
                stack.counters.increment(c.sackOn ? TcpCounter.TCP_SACK_FAILURES : TcpCounter.TCP_RENO_FAILURES);
            default -> {
                // Nothing had been amiss.
            }
        }
    }

    private boolean isExhausted(TcpConnection c, int timeouts, long now) {
        if (timeouts == 0) {
            return false;
        }
        long userTimeout = c.settings.userTimeoutMillis * MILLISECOND;
        boolean orphan = c.isOrphan();
        if (c.sndWnd == 0 && !orphan) {
            // The peer has taken back the window that the data was sent into: retransmissions are but probes, and a
            // peer that answers them may keep
            // its window closed as long as it likes (RFC 9293 SHLD-17, MUST-37).
            long patience = 2 * parameters.maxRto;
            return now - c.lastReceivedAt > (userTimeout > 0 ? Math.min(userTimeout, patience) : patience);
        }
        if (userTimeout > 0) {
            return now - c.recovery.firstTimeoutAt() >= userTimeout;
        }
        return timeouts >= (orphan ? parameters.orphanRetries : parameters.retries2);
    }

    private void synTimeout(TcpConnection c, long now) {
        int limit = c.listener != null
                ? parameters.synAckRetries
                : c.settings.synRetries >= 0 ? c.settings.synRetries : parameters.synRetries;
        boolean late = c.settings.userTimeoutMillis > 0
                && now - c.lastReceivedAt >= c.settings.userTimeoutMillis * MILLISECOND;
        if (c.rtt.backoff() >= limit || late) {
            IOException cause = c.softError();
            c.fail(
                    cause != null
                            ? cause
                            : new ConnectException(
                                    "Connection timed out: no answer to " + (c.rtt.backoff() + 1) + " SYNs"),
                    now);
            return;
        }
        stack.counters.increment(TcpCounter.TCP_TIMEOUTS);
        stack.counters.increment(TcpCounter.TCP_SYN_RETRANS);
        stack.counters.increment(TcpCounter.RETRANS_SEGS);
        if (c.rtt.backoff() + 1 == parameters.retries1) {
            stack.ip.suspect(c.path, now);
        }
        c.statistics.totalRetransmits++;
        c.synAmbiguous = true;
        c.rtt.backOff();
        stack.segments.sendSyn(c, c.state == TcpState.SYN_RECEIVED, now);
        armForSyn(c, now);
    }

    private void persistTimeout(TcpConnection c, long now) {
        if (c.flightSize() > 0 || c.unsentBytes() == 0 && !c.isFinDue()) {
            rearm(c, now);
            return;
        }
        // An open but small window that silly window avoidance had left unused is used now (RFC 9293 §3.8.6.2.1,
        // override).
        if (c.sndWnd > 0) {
            c.persistProbes = 0;
            if (!stack.output.sendProbeData(c, now)) {
                stack.output.output(c, now);
            }
            rearm(c, now);
            return;
        }
        // A peer that answers keeps its window closed as long as it likes (MUST-37); one that is silent is given up by
        // R2. The user may set a limit for both, as on Linux.
        int limit = c.isOrphan() ? parameters.orphanRetries : parameters.retries2;
        boolean late = c.settings.userTimeoutMillis > 0
                && c.persistBackoff > 0
                && now - c.persistSince >= c.settings.userTimeoutMillis * MILLISECOND;
        boolean abandoned = c.isOrphan() && c.persistBackoff >= limit;
        if (c.persistProbes >= limit || late || abandoned) {
            timedOut(c, now);
            return;
        }
        c.persistProbes++;
        c.persistBackoff++;
        stack.counters.increment(TcpCounter.TCP_WIN_PROBE);
        stack.segments.sendProbe(c, now);
        armPersist(c, now);
    }

    private void lifeTimerExpired(TcpConnection c, long now) {
        if (c.released) {
            return;
        }
        if (c.isOrphan()) {
            if (c.state == TcpState.FIN_WAIT_2) {
                stack.counters.increment(TcpCounter.TCP_ABORT_ON_TIMEOUT);
                stack.release(c, now);
            }
            return;
        }
        TcpSettings settings = c.settings;
        if (!settings.keepAlive || !c.state.isSynchronized()) {
            return;
        }
        long idle = now - c.lastReceivedAt;
        long idleLimit = settings.keepIdleSeconds * SECOND;
        if (c.flightSize() > 0 || c.unsentBytes() > 0) {
            // Data is its own probe.
            wheel.arm(c.lifeTimer, now + idleLimit);
            return;
        }
        if (idle < idleLimit) {
            c.keepAliveProbes = 0;
            wheel.arm(c.lifeTimer, c.lastReceivedAt + idleLimit);
            return;
        }
        boolean late = settings.userTimeoutMillis > 0
                ? idle >= settings.userTimeoutMillis * MILLISECOND && c.keepAliveProbes > 0
                : c.keepAliveProbes >= settings.keepCount;
        if (late) {
            stack.segments.sendReset(c, now);
            timedOut(c, now);
            return;
        }
        c.keepAliveProbes++;
        stack.counters.increment(TcpCounter.TCP_KEEP_ALIVE);
        stack.segments.sendProbe(c, now);
        wheel.arm(c.lifeTimer, now + settings.keepIntervalSeconds * SECOND);
    }

    private void timedOut(TcpConnection c, long now) {
        stack.counters.increment(TcpCounter.TCP_ABORT_ON_TIMEOUT);
        IOException cause = c.softError();
        boolean silence = cause == null || cause instanceof SocketTimeoutException;
        c.fail(silence ? new IOException("Connection timed out") : cause, now);
    }
}
