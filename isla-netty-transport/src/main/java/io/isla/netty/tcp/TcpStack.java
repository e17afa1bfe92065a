/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.counter.Counters;
import io.isla.netty.ip.IcmpError;
import io.isla.netty.ip.InboundPacket;
import io.isla.netty.ip.IpOutput;
import io.isla.netty.ip.TransportReceiver;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.timer.TimerWheel;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.net.BindException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * TCP on one shard: its flows, its listeners, and the machinery that works on them. All methods are for the shard's thread; time is passed in, in
 * nanoseconds.
 */
public final class TcpStack implements TransportReceiver {
    private static final int SALT_PORT = 2;
    private static final long NANOS_PER_TIMESTAMP = 1_000_000;

    /** What the owner of the stack knows of ports and flows. */
    public interface FlowPolicy {
        /** Whether the segments of a flow come to this shard, or would if there were such a flow. */
        boolean owns(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort);

        /**
         * Whether this shard, which has no such flow, may start it: no other has it. Then nobody else may before it has {@linkplain #flowEnded ended}.
         */
        boolean claims(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort);

        /** Whether a port must not be chosen for an outgoing connection. */
        boolean isReserved(int port);

        /** The listeners on a port, or {@code null} if there are none. */
        TcpListener[] listeners(int port);

        /** The listeners on all ports, or {@code null} if there are none: they get what none on the port itself takes. */
        default TcpListener[] listenersOnAllPorts() {
            return null;
        }

        /**
         * For a segment of no flow of this shard: whether it belongs to another, which has been given a copy.
         *
         * @param opens whether it asks for a connection that this shard can make, if the rest of the flow will come here as well
         */
        boolean handOver(InboundPacket packet, int localPort, int remotePort, boolean opens);

        /** A flow has come into the table. */
        default void flowStarted(
                long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {}

        /** Whether another shard is known to have a flow. */
        default boolean isElsewhere(
                long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {
            return false;
        }

        /** A flow that the peer has opened goes from the table to TIME-WAIT, with the segment that is being processed. */
        default void flowWaits(
                long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {}

        /** A flow is gone, from the table or from TIME-WAIT. */
        void flowEnded(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort);
    }

    final IpOutput ip;
    final TimerWheel wheel;
    final ByteBufAllocator allocator;
    final TcpParameters parameters;
    final Counters<TcpCounter> counters;
    private int linkMtu;
    final FlowTable flows;
    final SentSegments.Pool segmentPool = new SentSegments.Pool();
    final ChunkPool chunkPool;
    final SynOptions synOptions = new SynOptions();
    final SegmentWriter segments;
    final TcpOutput output;
    final TcpInput input;
    final TcpTimers timers;
    final Replies replies;
    final PassiveOpens passive;
    final TimeWaitQueue timeWait;
    final FastOpenClient fastOpen;
    final ChallengeAckLimiter challengeAcks;
    final FlowSecrets secrets;
    private final SipHash hash;
    private final LongSupplier random;
    final FlowPolicy policy;
    private final TcpSegment segment = new TcpSegment();
    private Object attachment;
    private int portCounter;

    final TurnQueue turn;
    /** Whether the last {@link #send} has left everything to the next one. */
    private boolean held;

    private final IcmpReaction icmpErrors = new IcmpReaction(this);
    /**
     * Creates TCP for a shard.
     *
     * @param ip the network layer
     * @param linkMtu the link's MTU in bytes
     * @param frame what segments are built in; not used by anybody else during a call to this stack
     * @param keys the key that all shards of the host share
     * @param random unpredictable bits
     */
    public TcpStack(
            IpOutput ip,
            int linkMtu,
            TimerWheel wheel,
            ByteBufAllocator allocator,
            TcpParameters parameters,
            OutboundFrame frame,
            SipHash keys,
            LongSupplier random,
            FlowPolicy policy,
            Counters<TcpCounter> counters) {
        this.ip = ip;
        this.linkMtu = linkMtu;
        this.wheel = wheel;
        this.allocator = allocator;
        this.parameters = parameters;
        this.counters = counters;
        this.random = random;
        this.policy = policy;
        hash = keys;
        secrets = new FlowSecrets(keys);
        chunkPool = new ChunkPool(allocator);
        flows = new FlowTable(random.getAsLong());
        portCounter = (int) random.getAsLong();
        segments = new SegmentWriter(this, frame);
        output = new TcpOutput(this, segments);
        turn = new TurnQueue(output, segments);
        timers = new TcpTimers(this);
        input = new TcpInput(this);
        replies = new Replies(this, frame);
        passive = new PassiveOpens(this, keys);
        timeWait = new TimeWaitQueue(this);
        fastOpen = new FastOpenClient(this);
        challengeAcks = new ChallengeAckLimiter(parameters.challengeAcksPerSecond, random);
    }

    /** Sets the link's MTU in bytes: what connections that are opened from now on announce. */
    public void linkMtu(int bytes) {
        linkMtu = bytes;
    }

    /** What the owner of the stack has attached. */
    public Object attachment() {
        return attachment;
    }

    /** Attaches something for the owner of the stack. */
    public void attachment(Object newAttachment) {
        attachment = newAttachment;
    }

    // ------------------------------------------------------------------------------------------------ opening (RFC
    // 9293 §3.10.1)

    /** A listener is gone: its embryonic connections are forgotten. */
    public void listenerClosed(TcpListener listener) {
        passive.listenerClosed(listener);
    }

    /**
     * Begins an active open. The connection is in SYN-SENT; its first {@link TcpConnection#flush(long)} sends the SYN.
     *
     * @param settings copied
     * @param local the source address, or {@code null} to have it chosen
     * @param localPort the source port, or 0 to have it chosen (RFC 6056)
     * @throws IOException if there is no route ({@link NoRouteToHostException}), the address is not local or no port is free
     *     ({@link BindException}), or the destination cannot be connected to ({@link NoRouteToHostException})
     */
    public TcpConnection connect(
            TcpSettings settings,
            IpAddress local,
            int localPort,
            IpAddress remote,
            int remotePort,
            TcpUser user,
            long now)
            throws IOException {
        if (remote.isUnspecified() || remote.isMulticast() || remote.is(0, IpAddress.v4Low(-1))) {
            // RFC 9293 MUST-46.
            throw new NoRouteToHostException("cannot connect to " + remote + ": not the address of one host");
        }
        io.isla.netty.ip.Path path = new io.isla.netty.ip.Path();
        IpAddress source = local != null ? local : remote.isV4() ? IpAddress.ANY_V4 : IpAddress.ANY_V6;
        if (source.isUnspecified()) {
            source = remote.isV4() ? IpAddress.ANY_V4 : IpAddress.ANY_V6;
        } else if (!ip.isSource(source.high(), source.low())) {
            throw new BindException("Cannot assign requested address: " + source + " is not an address of this host");
        }
        if (!ip.resolve(path, source.high(), source.low(), remote.high(), remote.low())) {
            throw new NoRouteToHostException("No route to host: " + remote);
        }
        if (!path.isUnicast()) {
            throw new NoRouteToHostException("cannot connect to " + remote + ": the broadcast address of a network");
        }
        int port = localPort != 0
                ? localPort
                : choosePort(path.localHigh(), path.localLow(), remote.high(), remote.low(), remotePort);
        if (port == 0) {
            throw new BindException(
                    "Cannot assign requested address: no local port is free towards " + remote + ":" + remotePort);
        }
        TimeWait old = timeWait.get(path.localHigh(), path.localLow(), port, remote.high(), remote.low(), remotePort);
        int successorIss = 0;
        boolean succeeds = false;
        if (old != null
                && old.timestamps
                && parameters.timestamps
                && timeWait.age(old, now) >= parameters.timeWaitReuseDelay) {
            // The peer's clock and ours have ticked: timestamps tell that this is a new connection (RFC 6191).
            successorIss = TimeWaitQueue.successorIss(old);
            succeeds = true;
            timeWait.forget(old);
        } else if (old != null
                || flows.get(path.localHigh(), path.localLow(), port, remote.high(), remote.low(), remotePort)
                        != null) {
            throw new BindException("Address already in use: a connection from port " + port + " to " + remote + ":"
                    + remotePort + " exists");
        }
        TcpConnection c = new TcpConnection(
                this,
                new TcpSettings().copyFrom(settings),
                path.localHigh(),
                path.localLow(),
                port,
                remote.high(),
                remote.low(),
                remotePort);
        ip.resolve(c.path, path.localHigh(), path.localLow(), remote.high(), remote.low());
        c.user = user;
        c.state = TcpState.SYN_SENT;
        c.iss = succeeds ? successorIss : secrets.initialSequence(c, now);
        c.sndUna = c.iss;
        c.sndNxt = c.iss + 1;
        c.rcvScale = (byte) (parameters.windowScaling ? windowScale(settings) : 0);
        c.timestampOffset = secrets.timestampOffset(c);
        c.lastReceivedAt = now;
        addFlow(c);
        counters.increment(TcpCounter.ACTIVE_OPENS);
        return c;
    }

    void sendFirstSyn(TcpConnection c, long now) {
        c.synSent = true;
        segments.sendSyn(c, false, now);
        timers.armForSyn(c, now);
    }

    /** The double-hash port selection of RFC 6056 §3.3.4, among the ports whose flow this shard may have. */
    private int choosePort(long localHigh, long localLow, long remoteHigh, long remoteLow, int remotePort) {
        int first = parameters.firstEphemeralPort;
        int range = parameters.lastEphemeralPort - first + 1;
        int offset = (int) hash.hash(localHigh, localLow, 0, remoteHigh, remoteLow, remotePort, SALT_PORT);
        for (int i = 0; i < range; i++) {
            int candidate = first + Integer.remainderUnsigned(offset + portCounter, range);
            // Steps are small and random, so that one connection's port says little of the next.
            portCounter += 1 + (i == 0 ? (int) (random.getAsLong() & 7) : 0);
            if (!policy.isReserved(candidate)
                    && !hasFlow(localHigh, localLow, candidate, remoteHigh, remoteLow, remotePort)
                    && policy.claims(localHigh, localLow, candidate, remoteHigh, remoteLow, remotePort)) {
                return candidate;
            }
        }
        return 0;
    }

    // ------------------------------------------------------------------------------------------------ input

    @Override
    public void receive(InboundPacket packet, long now) {
        counters.increment(TcpCounter.IN_SEGS);
        if (!packet.isUnicast()
                || IpAddress.isUnspecified(packet.sourceHigh(), packet.sourceLow())
                || IpAddress.isMulticast(packet.sourceHigh(), packet.sourceLow())) {
            // RFC 9293 MUST-57, MUST-63.
            counters.increment(TcpCounter.NOT_UNICAST);
            return;
        }
        switch (segment.parse(packet)) {
            case MALFORMED -> {
                counters.increment(TcpCounter.IN_ERRS);
                return;
            }
            case BAD_CHECKSUM -> {
                counters.increment(TcpCounter.IN_ERRS);
                counters.increment(TcpCounter.IN_CSUM_ERRORS);
                return;
            }
            default -> {
                // Good.
            }
        }
        Flow flow = flows.get(
                packet.destinationHigh(),
                packet.destinationLow(),
                segment.destinationPort,
                packet.sourceHigh(),
                packet.sourceLow(),
                segment.sourcePort);
        if (flow instanceof TcpConnection connection) {
            input.segmentArrives(connection, segment, now);
            return;
        }
        if (flow instanceof SynRequest request) {
            passive.segmentArrives(request, segment, now);
            return;
        }
        TimeWait old = timeWait.get(
                packet.destinationHigh(),
                packet.destinationLow(),
                segment.destinationPort,
                packet.sourceHigh(),
                packet.sourceLow(),
                segment.sourcePort);
        if (old != null
                && policy.isElsewhere(
                        packet.destinationHigh(),
                        packet.destinationLow(),
                        segment.destinationPort,
                        packet.sourceHigh(),
                        packet.sourceLow(),
                        segment.sourcePort)) {
            // While the link brought the flow to another shard, a new connection began there.
            timeWait.forget(old);
            old = null;
        }
        TcpListener listener = listener(packet);
        if (old == null
                && policy.handOver(
                        packet,
                        segment.destinationPort,
                        segment.sourcePort,
                        listener != null && passive.hasRoom(listener, segment))) {
            return;
        }
        int successorIss = 0;
        boolean succeeds = false;
        if (old != null) {
            successorIss = TimeWaitQueue.successorIss(old);
            if (!timeWait.segmentArrives(old, segment, listener != null && !listener.acceptor.isFull(), now)) {
                return;
            }
            succeeds = true;
            if (!passive.hasRoom(listener, segment)) {
                // What becomes of it is not for this shard to know.
                endUnlessSucceeded(packet, segment.destinationPort, segment.sourcePort);
                if (policy.handOver(packet, segment.destinationPort, segment.sourcePort, false)) {
                    return;
                }
            }
        }
        if (listener != null) {
            int localPort = segment.destinationPort;
            int remotePort = segment.sourcePort;
            passive.listen(listener, segment, successorIss, succeeds, now);
            if (succeeds) {
                endUnlessSucceeded(packet, localPort, remotePort);
            }
        } else {
            counters.increment(TcpCounter.NO_CONNECTION);
            replies.resetFor(segment, now);
        }
    }

    /** A connection in TIME-WAIT has been forgotten for the SYN that has arrived: that is the end of the flow, if nothing has come of it. */
    private void endUnlessSucceeded(InboundPacket packet, int localPort, int remotePort) {
        long localHigh = packet.destinationHigh();
        long localLow = packet.destinationLow();
        long remoteHigh = packet.sourceHigh();
        long remoteLow = packet.sourceLow();
        if (!hasFlow(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort)) {
            policy.flowEnded(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort);
        }
    }

    private TcpListener listener(InboundPacket packet) {
        TcpListener best = listener(policy.listeners(segment.destinationPort), packet);
        return best != null ? best : listener(policy.listenersOnAllPorts(), packet);
    }

    /** Whether somebody still listens with a listener. */
    boolean isListening(TcpListener listener) {
        return isAmong(policy.listeners(listener.localPort()), listener)
                || isAmong(policy.listenersOnAllPorts(), listener);
    }

    private static boolean isAmong(TcpListener[] listeners, TcpListener listener) {
        return listeners != null && Arrays.asList(listeners).contains(listener);
    }

    private TcpListener listener(TcpListener[] candidates, InboundPacket packet) {
        if (candidates == null) {
            return null;
        }
        TcpListener best = null;
        int bestMatch = 0;
        int equals = 0;
        for (TcpListener candidate : candidates) {
            int match = candidate.match(packet.destinationHigh(), packet.destinationLow());
            if (match > bestMatch) {
                best = candidate;
                bestMatch = match;
                equals = 1;
            } else if (match > 0 && match == bestMatch) {
                equals++;
            }
        }
        if (equals > 1) {
            best = pick(candidates, packet, bestMatch, equals);
        }
        return best;
    }

    /** Spreads connection requests over listeners that share a port, by flow. */
    private TcpListener pick(TcpListener[] candidates, InboundPacket packet, int match, int equals) {
        long h = hash.hash(
                packet.destinationHigh(),
                packet.destinationLow(),
                segment.destinationPort,
                packet.sourceHigh(),
                packet.sourceLow(),
                segment.sourcePort,
                SALT_PORT);
        int index = (int) Long.remainderUnsigned(h, equals);
        for (TcpListener candidate : candidates) {
            if (candidate.match(packet.destinationHigh(), packet.destinationLow()) == match && index-- == 0) {
                return candidate;
            }
        }
        throw new AssertionError("fewer candidates than counted");
    }

    @Override
    public void receiveError(IcmpError error, long now) {
        icmpErrors.receive(error, now);
    }

    // ------------------------------------------------------------------------------------------------ the turn

    /** Notes that a connection has events for its user. */
    void ready(TcpConnection c) {
        turn.ready(c);
    }

    /** Notes that a connection owes an acknowledgement at the end of the turn. */
    void ackSoon(TcpConnection c) {
        turn.ackSoon(c);
    }

    /** The user has given a connection something to send. */
    void outputDue(TcpConnection c, long now) {
        turn.outputDue(c, now);
    }

    /**
     * Decides whether what users write from now on is sent at once or by the next {@link #send(long)}, as it is while {@link #deliverEvents()} tells them of
     * events.
     *
     * @return how it was before, to be put back
     */
    public boolean holdOutput(boolean hold) {
        return turn.holdOutput(hold);
    }

    /** Whether {@link #deliverEvents()} or {@link #send(long)} has something to do. */
    public boolean hasWork() {
        return turn.hasWork() || passive.hasUnanswered();
    }

    /**
     * Tells users what has happened since the last call.
     *
     * @return how many calls were made
     */
    public int deliverEvents() {
        return turn.deliverEvents();
    }

    /**
     * Answers the connection requests of this turn, sends what users have written in it, and then the acknowledgements that no data has carried
     * (RFC 9293 MUST-58, MUST-59).
     *
     * <p>If listeners have got connections in this turn, all that waits until the next call, and no longer: by then, their users may have read and written, too, and all
     * leaves in one burst. Whoever receives it is woken up once.
     */
    public void send(long now) {
        if (passive.takeHandedOver() && !held) {
            held = true;
            return;
        }
        held = false;
        passive.answer(now);
        turn.send(now);
    }

    // ------------------------------------------------------------------------------------------------ ends

    /** Takes a connection out of everything; what its user has not read stays readable. */
    void release(TcpConnection c, long now) {
        if (c.released) {
            return;
        }
        flushOwedAck(c, now);
        passive.fastOpen.settled(c);
        detach(c);
        if (flows.remove(c)) {
            flowEnded(c);
        }
    }

    /** The connection has done its work and waits for its last segments to die away. */
    void enterTimeWait(TcpConnection c, long now) {
        flushOwedAck(c, now);
        detach(c);
        timeWait.add(c, now);
    }

    private void flushOwedAck(TcpConnection c, long now) {
        if (c.finReceived && c.ackPolicy.isPending() && c.state != TcpState.CLOSED && c.error() == null) {
            segments.sendAck(c, now);
        }
    }

    private void detach(TcpConnection c) {
        c.released = true;
        c.state = TcpState.CLOSED;
        c.cancelTimers();
        c.sendQueue.clear();
        c.sent.clear();
        c.reassembly.clear();
        if (c.user == null) {
            c.receiveQueue.clear();
        }
    }

    /** Whether there is a flow with a 4-tuple, be it in TIME-WAIT. */
    boolean hasFlow(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {
        return flows.get(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort) != null
                || timeWait.get(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort) != null;
    }

    void addFlow(Flow flow) {
        flows.add(flow);
        policy.flowStarted(
                flow.localHigh, flow.localLow, flow.localPort, flow.remoteHigh, flow.remoteLow, flow.remotePort);
    }

    void flowEnded(Flow flow) {
        policy.flowEnded(
                flow.localHigh, flow.localLow, flow.localPort, flow.remoteHigh, flow.remoteLow, flow.remotePort);
    }

    /** Fails every connection and forgets everything else: the link is gone. */
    public void failAll(IOException cause, long now) {
        List<TcpConnection> all = new ArrayList<>();
        List<SynRequest> requests = new ArrayList<>();
        flows.forEach(flow -> {
            if (flow instanceof TcpConnection c) {
                all.add(c);
            } else if (flow instanceof SynRequest request) {
                requests.add(request);
            }
        });
        for (SynRequest request : requests) {
            passive.remove(request);
        }
        for (TcpConnection c : all) {
            c.fail(cause, now);
        }
        timeWait.clear();
    }

    /** Resets every connection, without a word to their users, and forgets everything else: the host shuts down. */
    public void close(long now) {
        List<TcpConnection> all = new ArrayList<>();
        flows.forEach(flow -> {
            if (flow instanceof TcpConnection c) {
                all.add(c);
            }
        });
        for (TcpConnection c : all) {
            c.abort(now);
        }
        failAll(new SocketException("host closed"), now);
        chunkPool.close();
    }

    /** Whether a connection whose user is gone has data or a FIN that the peer has not acknowledged. */
    public boolean hasUnfinishedConnections() {
        boolean[] found = {false};
        flows.forEach(
                flow -> found[0] |= flow instanceof TcpConnection c && c.user == null && c.hasUnacknowledgedData());
        return found[0];
    }

    // ------------------------------------------------------------------------------------------------ moving between
    // shards

    /** Takes a connection out of this stack, to be {@linkplain #attach attached} to another of the same host. Sends nothing. */
    public void detachForMove(TcpConnection c) {
        turn.remove(c);
        if (c.released) {
            return;
        }
        c.cancelTimers();
        flows.remove(c);
        passive.fastOpen.settled(c);
    }

    /**
     * The connections that are to outlive this stack: those that nobody has at present, because no listener's user has accepted them yet, or because their user is on his
     * way to another shard; and those that their users {@linkplain TcpUser#leaves leave} now.
     */
    public List<TcpConnection> inheritable() {
        List<TcpConnection> connections = new ArrayList<>();
        forEachConnection(c -> {
            if (!c.isOrphan()) {
                connections.add(c);
            }
        });
        connections.removeIf(c -> c.user != null && !c.user.leaves(c));
        return connections;
    }

    /** What becomes of a flow where it has gone. */
    public interface Arrival {
        /** Takes the flow over, on the thread of the stack that gets it; returns whether it has one with these addresses and ports now. */
        boolean arrives(TcpStack heir, long now);
    }

    /** Finds a stack of the same host for what this one gives up. */
    public interface Heirs {
        /** Has a flow taken over by the stack that gets it; returns whether it will be. */
        boolean inherit(
                long localHigh,
                long localLow,
                int localPort,
                long remoteHigh,
                long remoteLow,
                int remotePort,
                Arrival arrival);
    }

    /** Gives up the embryonic connections that somebody takes. */
    public void bequeath(Heirs heirs) {
        passive.bequeath(heirs);
    }

    /** Takes over a connection that another stack has given up. */
    public void attach(TcpConnection c, long now) {
        c.stack = this;
        c.sent.pool(segmentPool);
        c.sendQueue.pool(chunkPool);
        if (c.released) {
            if (c.hasEvents()) {
                ready(c);
            }
            return;
        }
        timeWait.forgetPredecessor(c);
        addFlow(c);
        ip.resolve(c.path, c.localHigh, c.localLow, c.remoteHigh, c.remoteLow);
        c.retransmitTimer.purpose = TcpTimers.Purpose.NOTHING;
        if (c.state == TcpState.SYN_SENT || c.state == TcpState.SYN_RECEIVED) {
            if (c.synSent || c.state == TcpState.SYN_RECEIVED) {
                timers.armForSyn(c, now);
            }
        } else {
            output.output(c, now);
            timers.rearm(c, now);
            timers.armKeepAlive(c, now);
            if (c.isOrphan()) {
                timers.armOrphan(c, now);
            }
            if (c.ackPolicy.isPending()) {
                c.ackPolicy.ackNow();
                ackSoon(c);
            }
        }
        if (c.hasEvents()) {
            ready(c);
        }
    }

    // ------------------------------------------------------------------------------------------------ keyed values

    /** The clock of timestamps: milliseconds. */
    int timestamp(long now) {
        return (int) Math.floorDiv(now, NANOS_PER_TIMESTAMP);
    }

    // ------------------------------------------------------------------------------------------------ sizes

    static int headersWithoutOptions(long high, long low) {
        return (IpAddress.isV4(high, low) ? 20 : 40) + TcpHeader.MIN_LENGTH;
    }

    /** The MSS that is announced to a destination (RFC 9293 MUST-67, RFC 6691): what the link takes, options not subtracted. */
    int announcedMss(long remoteHigh, long remoteLow, TcpSettings settings) {
        int mtu = IpAddress.isLoopback(remoteHigh, remoteLow) || ip.isLocal(remoteHigh, remoteLow) ? 0xffff : linkMtu;
        int mss = mtu - headersWithoutOptions(remoteHigh, remoteLow);
        return settings.maxSegmentSize > 0 ? Math.min(mss, settings.maxSegmentSize) : mss;
    }

    /** What the peer takes, by its SYN (RFC 9293 MUST-15). */
    int peerMss(TcpSegment syn, long remoteHigh, long remoteLow) {
        if (syn.mss == TcpSegment.NO_MSS) {
            return IpAddress.isV4(remoteHigh, remoteLow) ? 536 : 1220;
        }
        return Math.max(syn.mss, parameters.minSegmentSize);
    }

    /** The shift that lets the window express the largest receive buffer there may be. */
    int windowScale(TcpSettings settings) {
        if (!parameters.windowScaling) {
            return 0;
        }
        int ceiling = settings.receiveBuffer > 0
                ? settings.receiveBuffer
                : Math.max(parameters.defaultReceiveBuffer, parameters.maxReceiveBuffer);
        int scale = 0;
        while (scale < TcpOption.MAX_WINDOW_SCALE && 0xffff << scale < ceiling) {
            scale++;
        }
        return scale;
    }

    /** Takes a flow's 4-tuple. */
    public interface FlowVisitor {
        /** Called for one flow. */
        void visit(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort);
    }

    /** Shows all flows to a visitor. */
    public void forEachFlow(FlowVisitor visitor) {
        forEachLiveFlow(visitor);
        forEachWaiting(visitor);
    }

    /** Shows the 4-tuples of connections and embryonic ones to a visitor. */
    public void forEachLiveFlow(FlowVisitor visitor) {
        flows.forEach(flow -> visitor.visit(
                flow.localHigh, flow.localLow, flow.localPort, flow.remoteHigh, flow.remoteLow, flow.remotePort));
    }

    /** Shows the 4-tuples of those in TIME-WAIT to a visitor. */
    public void forEachWaiting(FlowVisitor visitor) {
        timeWait.forEach(visitor);
    }

    /** Shows the connections to a visitor: not those that are embryonic or in TIME-WAIT. */
    public void forEachConnection(Consumer<TcpConnection> visitor) {
        flows.forEach(flow -> {
            if (flow instanceof TcpConnection connection) {
                visitor.accept(connection);
            }
        });
    }

    /** Flows of all kinds: connections, embryonic ones, those in TIME-WAIT. */
    public int flowCount() {
        return flows.size() + timeWait.size();
    }

    /** Connections in TIME-WAIT. */
    public int timeWaitCount() {
        return timeWait.size();
    }

    /** Embryonic connections of a listener. */
    public int pending(TcpListener listener) {
        return passive.pending(listener);
    }
}
