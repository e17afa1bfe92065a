/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.ip.IcmpErrorKind;
import io.isla.netty.wire.TcpHeader;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Connection requests at listeners: the SYN queue, its timers, its cookies when it is full, and the step from an embryonic connection to one that
 * waits to be accepted (RFC 9293 §3.10.7.2, §3.10.7.4; RFC 4987; RFC 7413 §4.2). One object per shard.
 */
final class PassiveOpens {
    /** For so long after its queue was last full, a listener looks for cookies in acknowledgements; nanoseconds. */
    private static final long COOKIE_LIFE = 3L << 36;

    /** A request that nobody has decided about is forgotten after this time; by then most peers have given up. Nanoseconds. */
    static final long UNDECIDED_NANOS = 75_000_000_000L;

    private final TcpStack stack;
    private final SynCookies cookies;
    final FastOpenServer fastOpen;
    /** Embryonic connections and the last overflow, by listener. */
    private final Map<TcpListener, Queue> queues = new HashMap<>();

    /** Requests that came in this turn, to be answered at its end. */
    private final ArrayDeque<SynRequest> unanswered = new ArrayDeque<>();

    private boolean handedOver;

    private static final class Queue {
        int size;
        long overflowAt;
        boolean overflowed;
    }

    PassiveOpens(TcpStack stack, SipHash hash) {
        this.stack = stack;
        cookies = new SynCookies(hash);
        fastOpen = new FastOpenServer(stack);
    }

    private Queue queue(TcpListener listener) {
        Queue queue = queues.get(listener);
        if (queue == null) {
            queue = new Queue();
            queues.put(listener, queue);
        }
        return queue;
    }

    // ------------------------------------------------------------------------------------------------ in LISTEN
    // (§3.10.7.2)

    /**
     * A segment arrives for a listener, and for no connection.
     */
    void listen(TcpListener listener, TcpSegment segment, int successorIss, boolean succeeds, long now) {
        if (segment.has(TcpHeader.RST)) {
            return;
        }
        if (segment.has(TcpHeader.ACK)) {
            if (!segment.has(TcpHeader.SYN) && acceptCookie(listener, segment, now)) {
                return;
            }
            stack.replies.resetFor(segment, now);
            return;
        }
        if (segment.has(TcpHeader.SYN)) {
            syn(listener, segment, successorIss, succeeds, now);
        }
    }

    /** Whether a segment asks for a connection, and would be remembered until it is there. */
    boolean hasRoom(TcpListener listener, TcpSegment segment) {
        return segment.has(TcpHeader.SYN)
                && !segment.has(TcpHeader.ACK)
                && !segment.has(TcpHeader.RST)
                && queue(listener).size < limit(listener);
    }

    private int limit(TcpListener listener) {
        return Math.max(8, Math.min(stack.parameters.maxSynBacklog, listener.backlog()));
    }

    private void syn(TcpListener listener, TcpSegment segment, int successorIss, boolean succeeds, long now) {
        if (segment.has(TcpHeader.FIN)) {
            // No host asks for and ends a connection at once; this is a scan.
            stack.counters.increment(TcpCounter.LISTEN_DROPS);
            return;
        }
        Queue queue = queue(listener);
        if (listener.acceptor.isFull()) {
            // A full accept queue serves nobody better for one more handshake; the peer will try again.
            stack.counters.increment(TcpCounter.LISTEN_OVERFLOWS);
            stack.counters.increment(TcpCounter.LISTEN_DROPS);
            return;
        }
        if (queue.size >= limit(listener)) {
            queue.overflowed = true;
            queue.overflowAt = now;
            // A cookie would answer what somebody wants to look at first.
            if (stack.parameters.synCookies && listener.gate == null) {
                stack.counters.increment(TcpCounter.TCP_REQ_Q_FULL_DO_COOKIES);
                sendCookie(listener, segment, now);
            } else {
                stack.counters.increment(TcpCounter.TCP_REQ_Q_FULL_DROP);
                stack.counters.increment(TcpCounter.LISTEN_DROPS);
            }
            return;
        }
        SynRequest request = new SynRequest(
                stack,
                listener,
                segment.packet.destinationHigh(),
                segment.packet.destinationLow(),
                segment.destinationPort,
                segment.packet.sourceHigh(),
                segment.packet.sourceLow(),
                segment.sourcePort);
        negotiate(request, segment);
        request.iss = succeeds ? successorIss : stack.secrets.initialSequence(request, now);
        request.sentAt = now;
        if (listener.gate != null) {
            queue.size++;
            request.undecided = true;
            stack.addFlow(request);
            stack.wheel.arm(request.timer, now + UNDECIDED_NANOS);
            listener.gate.onSyn(new UndecidedSyn(stack, request));
            return;
        }
        if (segment.fastOpenLength != TcpSegment.NO_FAST_OPEN && listener.settings().fastOpenBacklog > 0) {
            if (!fastOpen.isGranted(request, segment)) {
                queue.size++;
                stack.addFlow(request);
                prepareOptions(request, now);
                stack.synOptions.fastOpenCookie = fastOpen.cookieToSend();
                transmitSynAck(request, request.iss, request.irs + 1, now);
                stack.wheel.arm(request.timer, now + stack.parameters.initialRto);
                return;
            }
            if (segment.payloadLength > 0) {
                fastOpen.open(connection(request), segment, now);
                return;
            }
        }
        queue.size++;
        stack.addFlow(request);
        stack.wheel.arm(request.timer, now + stack.parameters.initialRto);
        request.unanswered = true;
        unanswered.add(request);
    }

    /** Whether a listener has got connections since the last call. */
    boolean takeHandedOver() {
        boolean before = handedOver;
        handedOver = false;
        return before;
    }

    /** Whether there are requests that {@link #answer} has to do with. */
    boolean hasUnanswered() {
        return !unanswered.isEmpty();
    }

    /**
     * Answers the requests of this turn, one right after the other. Each answer wakes somebody up at the other end, if he sleeps; with other work between
     * them he would fall asleep after each.
     */
    void answer(long now) {
        SynRequest request = unanswered.poll();
        while (request != null) {
            // Unless it has been forgotten meanwhile, or a SYN that came again has been answered.
            if (request.unanswered) {
                request.sentAt = now;
                sendSynAck(request, now);
            }
            request = unanswered.poll();
        }
    }

    /** It was decided that a request is to be answered. */
    void accept(SynRequest request, long now) {
        if (isUndecided(request)) {
            request.undecided = false;
            request.sentAt = now;
            sendSynAck(request, now);
            stack.wheel.arm(request.timer, now + stack.parameters.initialRto);
        }
    }

    /** It was decided that there is to be no connection. */
    void reject(SynRequest request, long now) {
        if (isUndecided(request)) {
            stack.replies.resetFor(request, now);
            stack.counters.increment(TcpCounter.SYN_GATE_REJECTS);
            remove(request);
        }
    }

    /** It was decided not to have seen a request. */
    void drop(SynRequest request) {
        if (isUndecided(request)) {
            stack.counters.increment(TcpCounter.SYN_GATE_DROPS);
            remove(request);
        }
    }

    private boolean isUndecided(SynRequest request) {
        return request.undecided && stack.flows.contains(request);
    }

    private void negotiate(SynRequest request, TcpSegment segment) {
        TcpParameters parameters = stack.parameters;
        request.irs = segment.sequence;
        request.window = segment.window;
        request.peerMss = stack.peerMss(segment, request.remoteHigh, request.remoteLow);
        request.timestamps = parameters.timestamps && segment.hasTimestamps;
        request.tsRecent = segment.timestampValue;
        request.timestampOffset = stack.secrets.timestampOffset(request);
        request.sack = parameters.sack && segment.sackPermitted;
        request.sndScale = parameters.windowScaling ? segment.windowScale : TcpSegment.NO_WINDOW_SCALE;
        request.rcvScale =
                request.sndScale == TcpSegment.NO_WINDOW_SCALE ? 0 : stack.windowScale(request.listener.settings());
        request.ecn = isEcnSetup(segment);
    }

    private void prepareOptions(SynRequest request, long now) {
        SynOptions options = stack.synOptions;
        options.reset();
        options.mss = stack.announcedMss(request.remoteHigh, request.remoteLow, request.listener.settings());
        options.windowScale = request.sndScale == TcpSegment.NO_WINDOW_SCALE ? -1 : request.rcvScale;
        options.sackPermitted = request.sack;
        options.timestamps = request.timestamps;
        options.timestampValue = stack.timestamp(now) + request.timestampOffset;
        options.timestampEcho = request.tsRecent;
    }

    private void sendSynAck(SynRequest request, long now) {
        prepareOptions(request, now);
        transmitSynAck(request, request.iss, request.irs + 1, now);
    }

    private void transmitSynAck(SynRequest request, int iss, int acknowledgment, long now) {
        request.unanswered = false;
        request.lastReplyAt = now;
        stack.replies.synAck(
                request.localHigh,
                request.localLow,
                request.localPort,
                request.remoteHigh,
                request.remoteLow,
                request.remotePort,
                request.listener.settings(),
                iss,
                acknowledgment,
                synWindow(request.listener),
                request.ecn ? TcpHeader.ECE : 0,
                now);
    }

    /** Answers a SYN without remembering it, and without an object: a flood of SYNs makes no garbage. */
    private void sendCookie(TcpListener listener, TcpSegment segment, long now) {
        TcpParameters parameters = stack.parameters;
        long localHigh = segment.packet.destinationHigh();
        long localLow = segment.packet.destinationLow();
        long remoteHigh = segment.packet.sourceHigh();
        long remoteLow = segment.packet.sourceLow();
        SynOptions options = stack.synOptions;
        options.reset();
        options.mss = stack.announcedMss(remoteHigh, remoteLow, listener.settings());
        boolean ecn = false;
        if (parameters.timestamps && segment.hasTimestamps) {
            // Without timestamps there is no room for anything but the MSS.
            boolean scaled = parameters.windowScaling && segment.windowScale != TcpSegment.NO_WINDOW_SCALE;
            ecn = isEcnSetup(segment);
            options.timestamps = true;
            options.windowScale = scaled ? stack.windowScale(listener.settings()) : -1;
            options.sackPermitted = parameters.sack && segment.sackPermitted;
            int clock =
                    stack.timestamp(now) + stack.secrets.timestampOffset(localHigh, localLow, remoteHigh, remoteLow);
            options.timestampValue =
                    SynCookies.encodeOptions(clock, scaled ? segment.windowScale : -1, options.sackPermitted, ecn);
            options.timestampEcho = segment.timestampValue;
        }
        int peerMss = stack.peerMss(segment, remoteHigh, remoteLow);
        stack.counters.increment(TcpCounter.SYNCOOKIES_SENT);
        stack.replies.synAck(
                localHigh,
                localLow,
                segment.destinationPort,
                remoteHigh,
                remoteLow,
                segment.sourcePort,
                listener.settings(),
                cookies.make(segment, peerMss, now),
                segment.sequence + 1,
                synWindow(listener),
                ecn ? TcpHeader.ECE : 0,
                now);
    }

    /** An ECN-setup SYN (RFC 3168 §6.1.1) that is not itself marked. */
    private boolean isEcnSetup(TcpSegment segment) {
        return stack.parameters.ecn != TcpParameters.Ecn.OFF
                && segment.has(TcpHeader.ECE)
                && segment.has(TcpHeader.CWR)
                && (segment.packet.trafficClass() & 3) == 0;
    }

    private boolean acceptCookie(TcpListener listener, TcpSegment segment, long now) {
        Queue queue = queue(listener);
        if (!stack.parameters.synCookies || !queue.overflowed) {
            return false;
        }
        if (now - queue.overflowAt > COOKIE_LIFE) {
            queue.overflowed = false;
            return false;
        }
        int mss = cookies.check(segment, now);
        if (mss == 0) {
            stack.counters.increment(TcpCounter.SYNCOOKIES_FAILED);
            return false;
        }
        stack.counters.increment(TcpCounter.SYNCOOKIES_RECV);
        SynRequest request = new SynRequest(
                stack,
                listener,
                segment.packet.destinationHigh(),
                segment.packet.destinationLow(),
                segment.destinationPort,
                segment.packet.sourceHigh(),
                segment.packet.sourceLow(),
                segment.sourcePort);
        request.irs = segment.sequence - 1;
        request.iss = segment.acknowledgment - 1;
        request.peerMss = mss;
        request.timestampOffset = stack.secrets.timestampOffset(request);
        request.timestamps = stack.parameters.timestamps && segment.hasTimestamps;
        request.sndScale = TcpSegment.NO_WINDOW_SCALE;
        if (request.timestamps) {
            int echo = segment.timestampEcho - request.timestampOffset;
            // The option bits were put over the sum of clock and offset.
            int encoded = segment.timestampEcho;
            if (echo - stack.timestamp(now) > 0) {
                return false;
            }
            request.tsRecent = segment.timestampValue;
            request.sndScale = SynCookies.windowScale(encoded);
            request.sack = SynCookies.sack(encoded);
            request.ecn = SynCookies.ecn(encoded);
        }
        request.rcvScale = request.sndScale == TcpSegment.NO_WINDOW_SCALE ? 0 : stack.windowScale(listener.settings());
        request.sentAt = now;
        request.ambiguous = true;
        if (listener.acceptor.isFull()) {
            stack.counters.increment(TcpCounter.LISTEN_OVERFLOWS);
            return true;
        }
        stack.addFlow(request);
        queue.size++;
        complete(request, segment, now);
        return true;
    }

    // ------------------------------------------------------------------------------------------------ in SYN-RECEIVED

    /** A segment arrives for an embryonic connection. */
    void segmentArrives(SynRequest request, TcpSegment segment, long now) {
        int rcvNxt = request.irs + 1;
        if (request.undecided && !segment.has(TcpHeader.RST)) {
            // As if it had not come: the SYN again, as long as there is no answer.
            return;
        }
        if (segment.has(TcpHeader.RST)) {
            if (segment.sequence == rcvNxt) {
                stack.counters.increment(TcpCounter.ATTEMPT_FAILS);
                stack.counters.increment(TcpCounter.EMBRYONIC_RSTS);
                remove(request);
            } else if (!request.undecided
                    && SequenceNumber.between(rcvNxt, segment.sequence, rcvNxt + synWindow(request.listener))) {
                // RFC 5961 §3.2 holds for SYN-RECEIVED, too.
                stack.counters.increment(TcpCounter.TCP_CHALLENGE_RST);
                challenge(request, now);
            }
            return;
        }
        if (segment.has(TcpHeader.SYN)) {
            if (segment.sequence == request.irs && !segment.has(TcpHeader.ACK)) {
                // A peer that asks without ECN now has given it up (RFC 3168 §6.1.1.1).
                request.ecn &= isEcnSetup(segment);
                // Our SYN-ACK may be lost, if it has left; the timer's count is not touched.
                if (!request.unanswered && mayAnswer(request, now)) {
                    stack.counters.increment(TcpCounter.TCP_SYN_RETRANS);
                    request.ambiguous = true;
                    sendSynAck(request, now);
                }
            } else {
                stack.counters.increment(TcpCounter.TCP_SYN_CHALLENGE);
                challenge(request, now);
            }
            return;
        }
        if (request.timestamps && segment.hasTimestamps && segment.timestampValue - request.tsRecent < 0) {
            stack.counters.increment(TcpCounter.PAWS_ESTAB);
            refuse(request, now);
            return;
        }
        if (!SegmentAcceptance.isInWindow(rcvNxt, rcvNxt + synWindow(request.listener), segment)) {
            refuse(request, now);
            return;
        }
        if (!segment.has(TcpHeader.ACK)) {
            return;
        }
        if (segment.acknowledgment != request.iss + 1) {
            stack.replies.resetFor(segment, now);
            return;
        }
        if (request.listener.acceptor.isFull()) {
            // The acknowledgement is forgotten; the SYN-ACK comes again, or the peer's data does.
            stack.counters.increment(TcpCounter.LISTEN_OVERFLOWS);
            return;
        }
        complete(request, segment, now);
    }

    /**
     * An ICMP error about a SYN-ACK. One that cannot reach its destination frees its place in the queue, as on Linux; the peer, if there is one, will
     * ask again.
     */
    void receiveError(SynRequest request, int sequence, IcmpErrorKind kind) {
        if (sequence != request.iss) {
            stack.counters.increment(TcpCounter.OUT_OF_WINDOW_ICMPS);
        } else if (kind == IcmpErrorKind.HOST_UNREACHABLE || kind == IcmpErrorKind.NETWORK_UNREACHABLE) {
            stack.counters.increment(TcpCounter.ATTEMPT_FAILS);
            remove(request);
        } else {
            stack.counters.increment(TcpCounter.ICMP_IGNORED);
        }
    }

    private void challenge(SynRequest request, long now) {
        if (mayAcknowledge(request, now) && stack.challengeAcks.tryTake(now)) {
            stack.counters.increment(TcpCounter.TCP_CHALLENGE_ACK);
            stack.replies.ackFor(request, now);
        }
    }

    private void refuse(SynRequest request, long now) {
        if (mayAcknowledge(request, now)) {
            stack.replies.ackFor(request, now);
        }
    }

    /** Limits the answers to what does not belong. The SYN-ACK before does not count: the first such segment may come right behind it. */
    private boolean mayAcknowledge(SynRequest request, long now) {
        if (request.acked && now - request.lastAckAt < stack.parameters.invalidAckInterval) {
            stack.counters.increment(TcpCounter.TCP_ACK_SKIPPED_SYN_RECV);
            return false;
        }
        request.acked = true;
        request.lastAckAt = now;
        return true;
    }

    private boolean mayAnswer(SynRequest request, long now) {
        if (now - request.lastReplyAt < stack.parameters.invalidAckInterval) {
            stack.counters.increment(TcpCounter.TCP_ACK_SKIPPED_SYN_RECV);
            return false;
        }
        return true;
    }

    /** The handshake is complete: makes the connection, lets it process the segment, and hands it to the acceptor. */
    private void complete(SynRequest request, TcpSegment segment, long now) {
        TcpConnection c = connection(request);
        remove(request, c);
        stack.input.segmentArrives(c, segment, now);
        if (c.state == TcpState.SYN_RECEIVED) {
            // Not taken after all: nobody would ever hear of this connection.
            stack.release(c, now);
        } else if (c.state.isSynchronized() || c.hasEvents()) {
            stack.counters.increment(TcpCounter.PASSIVE_OPENS);
            handedOver = true;
            request.listener.acceptor.onConnection(c);
        }
    }

    private TcpConnection connection(SynRequest request) {
        TcpListener listener = request.listener;
        TcpConnection c = new TcpConnection(
                stack,
                listener.settings(),
                request.localHigh,
                request.localLow,
                request.localPort,
                request.remoteHigh,
                request.remoteLow,
                request.remotePort);
        stack.ip.resolve(c.path, request.localHigh, request.localLow, request.remoteHigh, request.remoteLow);
        c.listener = listener;
        c.state = TcpState.SYN_RECEIVED;
        c.iss = request.iss;
        c.sndUna = request.iss;
        c.sndNxt = request.iss + 1;
        c.irs = request.irs;
        c.rcvNxt = request.irs + 1;
        c.lastAckSent = c.rcvNxt;
        c.rcvAdv = c.rcvNxt + Math.min(0xffff, synWindow(listener));
        c.sndWnd = request.window;
        c.sndWl1 = request.irs;
        c.sndWl2 = request.iss;
        c.peerMss = request.peerMss;
        c.sndScale = (byte) request.sndScale;
        c.rcvScale = (byte) request.rcvScale;
        c.sackOn = request.sack;
        c.timestampsOn = request.timestamps;
        c.timestampOffset = request.timestampOffset;
        c.tsRecent = request.tsRecent;
        c.tsRecentValid = request.timestamps;
        c.tsRecentAt = request.sentAt;
        c.ecnOn = request.ecn;
        c.synSentAt = request.sentAt;
        c.lastSendAt = request.sentAt;
        c.lastReceivedAt = request.sentAt;
        for (int i = 0; i < request.retransmits; i++) {
            c.rtt.backOff();
        }
        c.statistics.totalRetransmits = request.retransmits;
        c.synAmbiguous = request.ambiguous;
        return c;
    }

    /** The window of a SYN-ACK, which is never scaled. */
    int synWindow(TcpListener listener) {
        int buffer = listener.settings().receiveBuffer;
        return Math.min(0xffff, buffer > 0 ? buffer : stack.parameters.defaultReceiveBuffer);
    }

    // ------------------------------------------------------------------------------------------------ timers and
    // removal

    /** The SYN-ACK is not acknowledged: it is sent again, or the request is given up. */
    void timerExpired(SynRequest request, long now) {
        if (request.undecided) {
            drop(request);
            return;
        }
        if (request.retransmits >= stack.parameters.synAckRetries) {
            remove(request);
            return;
        }
        request.retransmits++;
        request.ambiguous = true;
        stack.counters.increment(TcpCounter.TCP_TIMEOUTS);
        stack.counters.increment(TcpCounter.TCP_SYN_RETRANS);
        stack.counters.increment(TcpCounter.RETRANS_SEGS);
        sendSynAck(request, now);
        long timeout = Math.min(stack.parameters.maxRto, stack.parameters.initialRto << request.retransmits);
        stack.wheel.arm(request.timer, now + timeout);
    }

    void remove(SynRequest request) {
        forget(request);
        stack.flows.remove(request);
        stack.flowEnded(request);
    }

    private void remove(SynRequest request, TcpConnection successor) {
        forget(request);
        stack.flows.replace(request, successor);
    }

    private void forget(SynRequest request) {
        stack.wheel.cancel(request.timer);
        request.unanswered = false;
        Queue queue = queues.get(request.listener);
        if (queue != null) {
            queue.size--;
        }
    }

    /** A listener is gone: its embryonic connections are forgotten. */
    void listenerClosed(TcpListener listener) {
        if (queues.containsKey(listener)) {
            List<SynRequest> requests = new ArrayList<>();
            stack.flows.forEach(flow -> {
                if (flow instanceof SynRequest request && request.listener == listener) {
                    requests.add(request);
                }
            });
            requests.forEach(this::remove);
            queues.remove(listener);
            fastOpen.listenerClosed(listener);
        }
    }

    /** Gives up the requests that somebody takes; not those about which a gate has still to decide. */
    void bequeath(TcpStack.Heirs heirs) {
        List<SynRequest> requests = new ArrayList<>();
        stack.flows.forEach(flow -> {
            if (flow instanceof SynRequest request && !request.undecided) {
                requests.add(request);
            }
        });
        for (SynRequest request : requests) {
            // The heir may have it before it is forgotten here.
            SynRequest given = new SynRequest(stack, request);
            if (heirs.inherit(
                    request.localHigh,
                    request.localLow,
                    request.localPort,
                    request.remoteHigh,
                    request.remoteLow,
                    request.remotePort,
                    (heir, now) -> heir.passive.adopt(given, now))) {
                forget(request);
                stack.flows.remove(request);
            }
        }
    }

    /** Takes over a request that another shard has given up; returns whether its flow is here now. */
    private boolean adopt(SynRequest given, long now) {
        if (stack.flows.get(
                        given.localHigh,
                        given.localLow,
                        given.localPort,
                        given.remoteHigh,
                        given.remoteLow,
                        given.remotePort)
                != null) {
            // The peer has asked here meanwhile.
            return true;
        }
        if (!stack.isListening(given.listener)) {
            // The listener has been closed meanwhile, and its requests forgotten everywhere.
            return false;
        }
        stack.timeWait.forgetPredecessor(given);
        SynRequest request = new SynRequest(stack, given);
        queue(request.listener).size++;
        stack.addFlow(request);
        if (request.unanswered) {
            unanswered.add(request);
        }
        long timeout = Math.min(stack.parameters.maxRto, stack.parameters.initialRto << request.retransmits);
        stack.wheel.arm(request.timer, now + timeout);
        return true;
    }

    /** Embryonic connections of a listener on this shard. */
    int pending(TcpListener listener) {
        Queue queue = queues.get(listener);
        return queue == null ? 0 : queue.size;
    }
}
