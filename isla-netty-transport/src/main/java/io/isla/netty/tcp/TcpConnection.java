/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.ip.Path;
import io.isla.netty.timer.Timer;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import java.io.IOException;

/**
 * A connection: the transmission control block (RFC 9293 §3.3.1) and what its user can do with it. Segment processing, output, timers and
 * loss recovery are in classes of their own that work on its fields.
 *
 * <p>All methods are for the thread of the shard that the connection belongs to.
 */
public final class TcpConnection extends Flow {
    // --- where it belongs
    TcpStack stack;
    /** For reading: what is to be changed is {@link #settings()}. */
    TcpSettings settings;

    private boolean settingsShared = true;
    final Path path = new Path();
    TcpUser user;
    TcpState state = TcpState.CLOSED;
    /** The listener that accepted it, or {@code null} for an active open. */
    TcpListener listener;
    /** Whatever the owner of the stack attaches. */
    private Object attachment;

    // --- send sequence variables
    int iss;
    int sndUna;
    int sndNxt;
    /** The peer's window in bytes, counted from {@link #sndUna}. */
    int sndWnd;

    int sndWl1;
    int sndWl2;
    int maxSndWnd;
    byte sndScale;
    /** SMSS: the most payload in a segment, options of every segment already subtracted. */
    int sndMss;
    /** What the peer said it can take. */
    int peerMss;

    boolean finQueued;
    boolean finSent;
    /** The urgent pointer to be sent (RFC 6093), valid while after {@link #sndUna}. */
    int sndUp;

    boolean sndUrgent;
    /** The end of the last segment that was smaller than SMSS, for Nagle's algorithm as Minshall modified it. */
    int smallSegmentEnd;

    /** Finds the path MTU by probes; {@code null} while nothing calls for that. */
    PathMtuSearch mtuSearch;

    final SendQueue sendQueue;
    final SentSegments sent;
    int sendBuffer;
    boolean writableWanted;

    // --- receive sequence variables
    int irs;
    int rcvNxt;
    /** The right edge of the window that was last advertised. */
    int rcvAdv;
    /** The window that was last advertised is zero. */
    boolean rcvWndClosed;

    /** The acknowledgement number last sent. */
    int lastAckSent;

    byte rcvScale;
    int rcvUp;
    boolean rcvUrgent;
    /** The user has yet to be told how much is urgent. */
    boolean urgentNews;
    /** The peer's FIN has been taken in order. */
    boolean finReceived;
    /** The peer's FIN came ahead of a gap: its sequence number. */
    int pendingFin;

    boolean hasPendingFin;
    boolean inputShut;
    final ReceiveQueue receiveQueue;
    final ReassemblyQueue reassembly;
    final ReceiveBuffer receiveBuffer;
    final AckPolicy ackPolicy;

    // --- what was negotiated
    boolean timestampsOn;
    boolean sackOn;
    boolean ecnOn;
    /** Our SYN asked for ECN. */
    boolean ecnRequested;
    /** Our SYN has been sent. */
    boolean synSent;
    /** Our SYN was sent more than once, or nobody knows when: its acknowledgement measures no round trip (RFC 9293 MUST-18). */
    boolean synAmbiguous;

    long synSentAt;

    int timestampOffset;
    int tsRecent;
    long tsRecentAt;
    boolean tsRecentValid;
    /** The peer's timestamps have been seen to count milliseconds, more or less: the clock of RFC 7323 §5.4 may be a thousand times slower. */
    boolean tsCountsMillis;

    // --- duplicate SACK to be reported with the next acknowledgement
    int dsackStart;
    int dsackEnd;
    boolean hasDsack;

    // --- congestion and loss
    final RttEstimator rtt;
    final CongestionWindow window = new CongestionWindow();
    CongestionControl congestion;
    final LossRecovery recovery;
    /** Bytes delivered so far, for TLP, PRR and rates. */
    long delivered;

    long deliveredAt;
    final DeliveryRate deliveryRate = new DeliveryRate(this);
    boolean ecnEcho;
    boolean ecnReduce;
    long lastSendAt;

    // --- timers
    final TcpTimers.RetransmitTimer retransmitTimer;
    final TcpTimers.AckTimer ackTimer;
    final TcpTimers.LifeTimer lifeTimer;
    /** Made when the congestion control first asks for pacing. */
    Pacer pacer;

    int keepAliveProbes;
    /** Probes of a closed window since the peer was last heard, and since the window was last open. */
    int persistProbes;

    int persistBackoff;
    /** When the window was found closed with something to send. */
    long persistSince;
    /** Accepted with data in its SYN, the handshake not complete (RFC 7413 §4.2.2). */
    boolean fastOpenChild;
    /** Counted among the listener's connections of that kind. */
    boolean fastOpenPending;
    /** Data bytes that our SYN carried (RFC 7413). */
    int synData;

    long lastReceivedAt;
    long lastDataReceivedAt;
    long lastInvalidAckAt;
    boolean invalidAckSent;

    // --- events for the user
    private int pendingEvents;
    TcpConnection nextReady;
    boolean onReadyList;
    TcpConnection nextOutput;
    boolean onOutputList;
    /** The turn in which it has last sent new data, and how many bytes. */
    int turn;

    int sentInTurn;
    TcpConnection nextAck;
    boolean onAckList;
    private IOException error;
    IOException softError;
    boolean released;

    final TcpStatistics statistics = new TcpStatistics();

    /** @param settings must not change any more: they may be those of a listener, which all of its connections share until one has its own */
    TcpConnection(
            TcpStack stack,
            TcpSettings settings,
            long localHigh,
            long localLow,
            int localPort,
            long remoteHigh,
            long remoteLow,
            int remotePort) {
        super(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort);
        this.stack = stack;
        this.settings = settings;
        sendQueue = new SendQueue(stack.chunkPool);
        sent = new SentSegments(stack.segmentPool);
        receiveQueue = new ReceiveQueue(stack.allocator);
        reassembly = new ReassemblyQueue(stack.allocator);
        receiveBuffer = new ReceiveBuffer(stack.parameters, settings.receiveBuffer());
        ackPolicy = new AckPolicy();
        rtt = new RttEstimator(stack.parameters);
        recovery = new LossRecovery(this);
        retransmitTimer = new TcpTimers.RetransmitTimer(this);
        ackTimer = new TcpTimers.AckTimer(this);
        lifeTimer = new TcpTimers.LifeTimer(this);
        sendBuffer = settings.sendBuffer() > 0 ? settings.sendBuffer() : stack.parameters.defaultSendBuffer;
        String algorithm = settings.congestionControl();
        congestion = CongestionControls.create(algorithm != null ? algorithm : stack.parameters.congestionControl);
    }

    // ------------------------------------------------------------------------------------------------ for its user

    /** Sets the user; what happened before is told in the next turn. */
    public void user(TcpUser newUser) {
        user = newUser;
        if (newUser != null && pendingEvents != 0) {
            stack.ready(this);
        }
    }

    /** The stack of the shard that owns this connection. */
    public TcpStack stack() {
        return stack;
    }

    /** What the owner of the stack has attached. */
    public Object attachment() {
        return attachment;
    }

    /** Attaches something for the owner of the stack. */
    public void attachment(Object newAttachment) {
        attachment = newAttachment;
    }

    /** The state. */
    public TcpState state() {
        return state;
    }

    /** How the connection failed, or {@code null} if it has not. */
    public IOException error() {
        return error;
    }

    /** The last soft error (RFC 9293 MUST-47, RFC 5461) since something was last acknowledged, or {@code null}. */
    public IOException softError() {
        return softError;
    }

    /** This end's address. */
    public IpAddress localAddress() {
        return IpAddress.of(localHigh, localLow);
    }

    /** This end's port. */
    public int localPort() {
        return localPort;
    }

    /** The peer's address. */
    public IpAddress remoteAddress() {
        return IpAddress.of(remoteHigh, remoteLow);
    }

    /** The peer's port. */
    public int remotePort() {
        return remotePort;
    }

    /** The connection's own settings; after a change call {@link #settingsChanged(long)}. */
    public TcpSettings settings() {
        if (settingsShared) {
            settings = new TcpSettings().copyFrom(settings);
            settingsShared = false;
        }
        return settings;
    }

    /** Puts changed settings into effect. */
    public void settingsChanged(long now) {
        if (settings.sendBuffer > 0) {
            sendBuffer = settings.sendBuffer;
        }
        receiveBuffer.limit(settings.receiveBuffer);
        String algorithm = settings.congestionControl;
        if (algorithm != null && !algorithm.equals(congestion.name())) {
            congestion = CongestionControls.create(algorithm);
        }
        if (state.isSynchronized()) {
            if (settings.quickAck && ackPolicy.isPending()) {
                ackPolicy.ackNow();
                stack.ackSoon(this);
            }
            stack.timers.armKeepAlive(this, now);
            flush(now);
            tellOfRoom();
        }
    }

    /** Bytes that can be read at once. */
    public int readableBytes() {
        return receiveQueue.readableBytes();
    }

    /** Whether the peer has closed its direction and everything before that has been read, or input was shut down here. */
    public boolean isInputFinished() {
        return inputShut || finReceived && receiveQueue.readableBytes() == 0;
    }

    /** Whether the peer has closed its direction; data may still be unread. */
    public boolean isPeerClosed() {
        return finReceived;
    }

    /** Whether this end's direction is closed: nothing more can be written. */
    public boolean isOutputShut() {
        return finQueued || !state.maySend() && state != TcpState.SYN_SENT && state != TcpState.SYN_RECEIVED;
    }

    /**
     * Whether the peer has announced urgent data that has not been read yet (RFC 9293 MUST-33).
     *
     * @return how many readable or expected bytes lie before its end; 0 if there is none
     */
    public int urgentBytes() {
        if (!rcvUrgent) {
            return 0;
        }
        int unread = rcvNxt - receiveQueue.readableBytes() - (finReceived ? 1 : 0);
        return Math.max(0, rcvUp - unread);
    }

    /** {@link #urgentBytes()} if that has not been returned here since the peer last announced urgent data, otherwise 0. To be asked before reading. */
    public int takeUrgentNews() {
        if (!urgentNews) {
            return 0;
        }
        urgentNews = false;
        return urgentBytes();
    }

    /**
     * Reads. What is read makes room in the window that is offered to the peer.
     *
     * @param maxBytes the most to return, at least 1
     * @return a buffer that the caller owns, with at least one byte, or {@code null} if nothing is there
     */
    public ByteBuf read(int maxBytes) {
        ByteBuf buffer = receiveQueue.read(maxBytes);
        if (buffer != null) {
            int n = buffer.readableBytes();
            if (rcvUrgent && urgentBytes() == 0) {
                rcvUrgent = false;
            }
            receiveBuffer.read(n);
            statistics.bytesRead += n;
            if (state.mayReceive() && OfferedWindow.isUpdateDue(this)) {
                ackPolicy.ackNow();
                stack.ackSoon(this);
            }
        }
        return buffer;
    }

    /** Has {@link TcpEvents#READABLE} told again by the next call of {@link TcpStack#deliverEvents()}: its user has not read everything. */
    public void tellAgainOfInput() {
        raise(TcpEvents.READABLE);
    }

    /** How many bytes the send buffer takes now; at 0 or below, {@link TcpEvents#WRITABLE} will tell of room. */
    public int writableBytes() {
        int room = Math.min(sendBuffer - sendQueue.size(), unsentLimit() - unsentBytes());
        if (room <= 0) {
            writableWanted = true;
        }
        return room;
    }

    /**
     * How many bytes may wait to be sent. Of a buffer whose size is not the user's choice, no more than goes out in the time to get more: what has waited long is in
     * no cache any more when it is sent.
     */
    private int unsentLimit() {
        int limit = settings.sendBuffer > 0 ? Integer.MAX_VALUE : Math.max(TurnQueue.QUANTUM * 2, window.maxInFlight());
        return settings.notSentLowWater > 0 ? Math.min(limit, settings.notSentLowWater) : limit;
    }

    /** Tells the user of room, if he waits for it, once there is so much that it is worth it. */
    void tellOfRoom() {
        if (writableWanted && sendQueue.size() <= sendBuffer - sendBuffer / 3) {
            int limit = unsentLimit();
            int unsent = unsentBytes();
            if (unsent < limit && (settings.notSentLowWater > 0 || unsent <= limit / 2)) {
                writableWanted = false;
                raise(TcpEvents.WRITABLE);
            }
        }
    }

    /**
     * Whether a buffer may be kept by reference until its bytes are acknowledged, once its write has completed. Ask before the first bytes of it are
     * {@linkplain #write written}.
     */
    public static boolean mayKeep(ByteBuf buffer) {
        return SendQueue.mayKeep(buffer);
    }

    /**
     * Queues bytes to be sent by the next {@link #flush(long)}. The caller keeps its reference to the buffer.
     *
     * @param source holds the bytes
     * @param index of the first
     * @param length how many; should be at most {@link #writableBytes()}
     * @param keep whether to retain the buffer instead of copying from it
     * @throws IllegalStateException if the output is shut
     */
    public void write(ByteBuf source, int index, int length, boolean keep) {
        if (isOutputShut()) {
            throw new IllegalStateException("output of the connection is shut: " + this);
        }
        sendQueue.append(source, index, length, keep);
    }

    /** Sends what may be sent: on a connection that is being opened, at first its SYN. */
    public void flush(long now) {
        if (state == TcpState.SYN_SENT && !synSent) {
            stack.sendFirstSyn(this, now);
            return;
        }
        stack.outputDue(this, now);
    }

    /** Marks what is queued so far as urgent (RFC 6093); segments will say so until it is acknowledged. */
    public void urgent(long now) {
        sndUp = queueEnd();
        sndUrgent = true;
        flush(now);
    }

    /** Closes this end's direction once everything that is queued has been sent (RFC 9293 §3.10.4). */
    public void shutdownOutput(long now) {
        if (finQueued) {
            return;
        }
        switch (state) {
            case SYN_SENT -> {
                // Nothing is established: there is nothing to close half of.
                abort(now);
                return;
            }
            case SYN_RECEIVED, ESTABLISHED -> {
                finQueued = true;
                if (state == TcpState.ESTABLISHED) {
                    state = TcpState.FIN_WAIT_1;
                }
            }
            case CLOSE_WAIT -> {
                finQueued = true;
                state = TcpState.LAST_ACK;
            }
            default -> {
                return;
            }
        }
        stack.outputDue(this, now);
    }

    /** Discards what is unread and whatever will come; it is still acknowledged. */
    public void shutdownInput(long now) {
        if (!inputShut) {
            inputShut = true;
            receiveBuffer.read(receiveQueue.readableBytes());
            receiveQueue.clear();
        }
    }

    /**
     * The user goes away. Queued data is sent, then FIN; if data is unread, or there is nobody to read what still comes, the peer is told by RST that it is
     * lost (RFC 9293 SHLD-3, RFC 2525 §2.17). No event follows.
     */
    public void close(long now) {
        user = null;
        if (released) {
            receiveQueue.clear();
            return;
        }
        switch (state) {
            case CLOSED, LISTEN, SYN_SENT -> stack.release(this, now);
            default -> {
                if (receiveQueue.readableBytes() > 0 && !inputShut) {
                    stack.counters.increment(TcpCounter.TCP_ABORT_ON_CLOSE);
                    abort(now);
                    return;
                }
                inputShut = true;
                shutdownOutput(now);
                if (!released) {
                    stack.timers.armOrphan(this, now);
                }
            }
        }
    }

    /** Ends the connection at once: RST to the peer if it knows of the connection, everything released (RFC 9293 §3.10.5). No event follows. */
    public void abort(long now) {
        user = null;
        if (released) {
            receiveQueue.clear();
            return;
        }
        if (onOutputList) {
            // What was flushed before counts as sent: its writer has been told so.
            stack.output.output(this, now);
        }
        if (state.isSynchronized() && state != TcpState.TIME_WAIT || state == TcpState.SYN_RECEIVED) {
            stack.segments.sendReset(this, now);
        }
        receiveQueue.clear();
        stack.release(this, now);
    }

    /** Whether nothing of the connection is left but what its user has not read. */
    public boolean isReleased() {
        return released;
    }

    /** Whether everything that was written, and this end's FIN, has been acknowledged. */
    public boolean isOutputDone() {
        return finSent && sndUna == sndNxt;
    }

    /** Whether something that was written, or this end's FIN, has not been acknowledged. */
    public boolean hasUnacknowledgedData() {
        return sendQueue.size() > 0 || finQueued && !isOutputDone();
    }

    /** The present size of the send buffer, in bytes. */
    public int sendBufferSize() {
        return sendBuffer;
    }

    /** The present size of the receive buffer, in bytes. */
    public int receiveBufferSize() {
        return receiveBuffer.limit();
    }

    /** A snapshot of the connection's state and statistics. */
    public TcpInfo info(long now) {
        return TcpInfo.of(this, now);
    }

    // ------------------------------------------------------------------------------------------------ for the stack

    /** The sequence number after the last queued byte. */
    int queueEnd() {
        int una = sndUna;
        if (state == TcpState.SYN_SENT || state == TcpState.SYN_RECEIVED) {
            una = iss + 1;
        }
        return una + sendQueue.size();
    }

    /** Queued bytes that were never sent. */
    int unsentBytes() {
        if (finSent) {
            return 0;
        }
        // Compared with ISS only while it is near: after 2 GiB it would seem to lie ahead.
        int next = state.isSynchronized() ? sndNxt : SequenceNumber.max(sndNxt, iss + 1);
        return Math.max(0, SequenceNumber.distance(next, queueEnd()));
    }

    /** Whether this end is closed and its FIN has yet to be sent. */
    boolean isFinDue() {
        return finQueued && !finSent;
    }

    /** FlightSize: sequence numbers sent and not acknowledged. */
    int flightSize() {
        return sndNxt - sndUna;
    }

    /** Sequence numbers that are deemed to be in the network: the pipe of RFC 6675. */
    int inFlight() {
        return flightSize() - sent.sackedBytes() - sent.lostBytes() - recovery.renoSackedBytes();
    }

    /** The window that the peer was last offered and has not used, in bytes. */
    int rcvWnd() {
        return Math.max(0, rcvAdv - rcvNxt);
    }

    boolean isOrphan() {
        return user == null && state != TcpState.SYN_RECEIVED && inputShut;
    }

    /** Notes events for the user. */
    void raise(int events) {
        pendingEvents |= events;
        stack.ready(this);
    }

    /** Takes the events that are to be delivered. */
    int takeEvents() {
        int events = pendingEvents;
        pendingEvents = 0;
        return events;
    }

    boolean hasEvents() {
        return pendingEvents != 0;
    }

    /** Ends the connection for the given reason: the user is told, everything but unread data is released. */
    void fail(IOException cause, long now) {
        if (released) {
            return;
        }
        error = cause;
        stack.release(this, now);
        raise(TcpEvents.FAILED | TcpEvents.CLOSED);
    }

    /** Keeps a soft error, to be the reason if the connection fails later, and tells the user. */
    void softError(IOException cause) {
        softError = cause;
        raise(TcpEvents.SOFT_ERROR);
    }

    void cancelTimers() {
        cancel(retransmitTimer);
        cancel(ackTimer);
        cancel(lifeTimer);
        if (pacer != null) {
            cancel(pacer);
        }
    }

    private void cancel(Timer timer) {
        stack.wheel.cancel(timer);
    }

    @Override
    public String toString() {
        return IpAddress.of(localHigh, localLow) + ":" + localPort + " - " + IpAddress.of(remoteHigh, remoteLow) + ":"
                + remotePort + " " + state;
    }
}
