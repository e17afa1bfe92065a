/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.udp;

import io.isla.netty.ip.IpOutput;
import io.isla.netty.ip.Path;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * A bound port: what arrives at it waits here, up to a limit. For the thread of its shard; but whether it takes a packet is asked by all shards, so that
 * what this depends on is immutable objects, which whoever owns the stacks publishes after {@link #connect}, {@link #disconnect}, {@link #add},
 * {@link #remove} and {@link #multicastAll}.
 *
 * <p>What other shards receive for it is {@linkplain #handOver handed over} to a queue of its own, which it keeps when it {@linkplain #moveTo moves}. Whoever
 * looks for an endpoint while it moves may find where it was or where it is now; it is one queue, so that what came later never overtakes.
 */
public final class UdpEndpoint {
    private static final int DEFAULT_RECEIVE_BUFFER = 212_992;
    /** What a datagram counts for beyond its bytes, so that empty ones are bounded too. */
    private static final int OVERHEAD = 256;

    /** Whom it is connected to, and from which address it speaks to that. */
    record Peer(IpAddress address, int port, IpAddress local) {}

    private final UdpStack stack;
    private final IpAddress localAddress;
    /** Whether that is many hosts' address: it is heard, but never spoken from. */
    private final boolean shared;

    private final int localPort;
    private final boolean v6Only;
    /** The way to the peer; belongs to the present shard. */
    private Path path = new Path();

    private UdpUser user;
    private final Queue<UdpDatagram> received = new ArrayDeque<>();
    /** What other shards have received; from any thread. */
    private final Queue<UdpDatagram> handedOver;

    private int receivedBytes;
    private int receiveBuffer = DEFAULT_RECEIVE_BUFFER;
    private long dropped;
    private Peer peer;
    private IOException error;
    private IOException failure;
    private boolean closed;
    /** What it has become on another shard; {@code null} if it has not moved. */
    private UdpEndpoint successor;

    boolean onReadyList;
    UdpEndpoint nextReady;

    private int trafficClass;
    private int hopLimit = 64;
    private int multicastHopLimit = 1;
    private boolean broadcast;
    private boolean dontFragment;
    private boolean multicastLoop = true;
    private boolean multicastAll;
    private List<Group> groups = List.of();

    /** A multicast group that an endpoint listens to. Any thread may ask it. */
    public interface Group {
        /** Whether it takes a packet to a group from a source. */
        boolean accepts(long groupHigh, long groupLow, long sourceHigh, long sourceLow);

        /** Whether it is this group, whatever the source. */
        boolean is(long groupHigh, long groupLow);
    }

    UdpEndpoint(UdpStack stack, IpAddress localAddress, int localPort, boolean v6Only, UdpUser user) {
        this(stack, localAddress, localPort, v6Only, user, stack.policy.newQueue());
    }

    private UdpEndpoint(
            UdpStack stack,
            IpAddress localAddress,
            int localPort,
            boolean v6Only,
            UdpUser user,
            Queue<UdpDatagram> handedOver) {
        this.stack = stack;
        this.localAddress = localAddress;
        shared = localAddress.isMulticast() || stack.ip.isBroadcast(localAddress);
        this.localPort = localPort;
        this.v6Only = v6Only;
        this.user = user;
        this.handedOver = handedOver;
    }

    /** The stack of the shard that it belongs to. */
    public UdpStack stack() {
        return stack;
    }

    /** The local address, unspecified for all. */
    public IpAddress localAddress() {
        return localAddress;
    }

    boolean isShared() {
        return shared;
    }

    /** Whether it is on {@code ::} and leaves IPv4 alone. */
    boolean isV6Only() {
        return v6Only && localAddress.equals(IpAddress.ANY_V6);
    }

    /** The local port. */
    public int localPort() {
        return localPort;
    }

    /** Sets the user. */
    public void user(UdpUser newUser) {
        user = newUser;
        if (newUser != null && (!received.isEmpty() || error != null)) {
            stack.ready(this);
        }
    }

    UdpUser user() {
        return user;
    }

    /** The peer, or {@code null} if it is not connected. */
    public IpAddress remoteAddress() {
        Peer present = peer;
        return present == null ? null : present.address;
    }

    /** The peer's port, 0 if it is not connected. */
    public int remotePort() {
        Peer present = peer;
        return present == null ? 0 : present.port;
    }

    /** The address that it speaks to its peer from, {@code null} if it is not connected. */
    public IpAddress connectedLocalAddress() {
        Peer present = peer;
        return present == null ? null : present.local;
    }

    /**
     * Takes datagrams from one peer only, and hears of errors, from now on. Datagrams that wait already stay.
     *
     * @return whether there is a route to it; if not, nothing has changed
     */
    public boolean connect(IpAddress address, int port) {
        Path way = new Path();
        if (!stack.output.resolve(this, null, way, address)) {
            return false;
        }
        path = way;
        peer = new Peer(address, port, IpAddress.of(way.localHigh(), way.localLow()));
        return true;
    }

    /** Takes back {@link #connect}. */
    public void disconnect() {
        peer = null;
        error = null;
    }

    /** The TOS or traffic class octet of what is sent. */
    public void trafficClass(int value) {
        trafficClass = value;
    }

    /** The TTL or hop limit of what is sent to one host, 1 to 255. */
    public void hopLimit(int value) {
        hopLimit = value;
    }

    /** The TTL or hop limit of what is sent to a group, 0 to 255. */
    public void multicastHopLimit(int value) {
        multicastHopLimit = value;
    }

    /** Whether datagrams may be sent to broadcast addresses. */
    public void broadcast(boolean allowed) {
        broadcast = allowed;
    }

    /** Whether this host's own members of a group are sent what is sent to it, too; so it is unless set. */
    public void multicastLoop(boolean value) {
        multicastLoop = value;
    }

    /** Whether it hears all groups that the host has joined for anybody, but the sources of its own groups that it has not chosen. */
    public void multicastAll(boolean value) {
        multicastAll = value;
    }

    /** Whether datagrams larger than the path MTU are refused instead of fragmented. */
    public void dontFragment(boolean value) {
        dontFragment = value;
    }

    /** Bytes of datagrams that may wait to be read, overhead included. */
    public void receiveBuffer(int bytes) {
        receiveBuffer = bytes;
    }

    /** Listens to a group. */
    public void add(Group group) {
        List<Group> more = new ArrayList<>(groups);
        more.add(group);
        groups = List.copyOf(more);
    }

    /** Takes back {@link #add}. */
    public void remove(Group group) {
        groups = groups.stream().filter(g -> g != group).toList();
    }

    /** Takes back all that were {@linkplain #add added}. */
    public void removeAll() {
        groups = List.of();
    }

    /** Datagrams dropped because too many waited. */
    public long dropped() {
        return dropped;
    }

    /** Whether datagrams wait. */
    public boolean isReadable() {
        return !received.isEmpty();
    }

    /** Takes the next datagram, whose payload the caller owns; {@code null} if there is none. */
    public UdpDatagram receive() {
        UdpDatagram datagram = received.poll();
        if (datagram != null) {
            receivedBytes -= datagram.payload().readableBytes() + OVERHEAD;
        }
        return datagram;
    }

    /** Counts a datagram that was read only in part. */
    public void countTruncated() {
        stack.counters.increment(UdpCounter.TRUNCATED);
    }

    /** Has the user called in the next turn of the loop. */
    public void callNextTurn() {
        stack.ready(this);
    }

    /** Takes the pending error, such as a {@link java.net.PortUnreachableException}; {@code null} if there is none. */
    public IOException takeError() {
        IOException e = error;
        error = null;
        return e;
    }

    /**
     * Sends a datagram. The caller keeps its reference to the payload, which may change once this returns.
     *
     * @param segmentSize payload bytes in each of several datagrams to be made of the payload, or 0 for one datagram
     * @param now in nanoseconds
     */
    public IpOutput.Result send(
            IpAddress to, int toPort, ByteBuf payload, int offset, int length, int segmentSize, long now) {
        return stack.output.send(this, to, toPort, payload, offset, length, segmentSize, now);
    }

    /** Whether {@link #takeError()} has something to tell. */
    public boolean hasError() {
        return error != null;
    }

    /** Nothing will be received or sent any more. */
    public void fail(IOException cause) {
        failure = cause;
        error(cause);
    }

    /** Why nothing will be received or sent any more; {@code null} while things may be. */
    public IOException failure() {
        return failure;
    }

    /** Closes it: nothing is received any more. Idempotent. */
    public void close() {
        leave();
        releaseAll(received);
        releaseAll(handedOver);
        receivedBytes = 0;
    }

    private void leave() {
        closed = true;
        user = null;
        stack.notReady(this);
        error = null;
    }

    private static void releaseAll(Queue<UdpDatagram> datagrams) {
        for (UdpDatagram datagram = datagrams.poll(); datagram != null; datagram = datagrams.poll()) {
            datagram.payload().release();
        }
    }

    /** Whether it was closed, or has moved. On other threads than its shard's, the answer may be late. */
    public boolean isClosed() {
        return closed;
    }

    // ------------------------------------------------------------------------------------------------ for the stack

    int trafficClass() {
        return trafficClass;
    }

    int hopLimitFor(IpAddress to) {
        return to.isMulticast() ? multicastHopLimit : hopLimit;
    }

    int sendFlags(IpAddress to) {
        // Broadcasts reach one's own sockets always, as on Linux.
        boolean loop = multicastLoop || !to.isMulticast();
        return (broadcast ? IpOutput.ALLOW_BROADCAST : 0)
                | (dontFragment ? IpOutput.DONT_FRAGMENT : 0)
                | (loop ? IpOutput.LOOP : 0);
    }

    boolean isFragmentationRefused() {
        return dontFragment;
    }

    Peer peer() {
        return peer;
    }

    Path path() {
        return path;
    }

    /** How well a unicast packet fits: 0 not at all. */
    int match(long localHigh, long localLow, long remoteHigh, long remoteLow, int fromPort) {
        int score = 1;
        Peer present = peer;
        if (present != null) {
            if (!present.address.is(remoteHigh, remoteLow)
                    || present.port != fromPort
                    || !present.local.is(localHigh, localLow)) {
                return 0;
            }
            score += 4;
        }
        if (localAddress.isUnspecified()) {
            boolean v4 = IpAddress.isV4(localHigh, localLow);
            if (v4 != localAddress.isV4() && (localAddress.isV4() || v6Only)) {
                return 0;
            }
        } else if (localAddress.is(localHigh, localLow)) {
            score += 2;
        } else {
            return 0;
        }
        return score;
    }

    /** Whether it wants a multicast or broadcast packet. */
    boolean wants(long groupHigh, long groupLow, long sourceHigh, long sourceLow, int fromPort) {
        Peer present = peer;
        if (present != null && (!present.address.is(sourceHigh, sourceLow) || present.port != fromPort)) {
            return false;
        }
        boolean v4 = IpAddress.isV4(groupHigh, groupLow);
        if (v4 != localAddress.isV4() && (localAddress.isV4() || v6Only)) {
            return false;
        }
        if (!IpAddress.isMulticast(groupHigh, groupLow)) {
            return localAddress.isUnspecified() || localAddress.is(groupHigh, groupLow);
        }
        if (!localAddress.isUnspecified() && !localAddress.is(groupHigh, groupLow)) {
            return false;
        }
        boolean member = false;
        List<Group> listened = groups;
        for (int i = 0; i < listened.size(); i++) {
            Group group = listened.get(i);
            if (group.accepts(groupHigh, groupLow, sourceHigh, sourceLow)) {
                return true;
            }
            member |= group.is(groupHigh, groupLow);
        }
        return multicastAll && !member;
    }

    /**
     * Makes an endpoint of another shard that takes over what this one is and has, without a user; this one is closed. For the thread of the shard where
     * it was.
     */
    public UdpEndpoint moveTo(UdpStack other) {
        UdpEndpoint moved = new UdpEndpoint(other, localAddress, localPort, v6Only, null, handedOver);
        moved.received.addAll(received);
        moved.receivedBytes = receivedBytes;
        moved.receiveBuffer = receiveBuffer;
        moved.dropped = dropped;
        moved.peer = peer;
        moved.error = error;
        moved.failure = failure;
        moved.trafficClass = trafficClass;
        moved.hopLimit = hopLimit;
        moved.multicastHopLimit = multicastHopLimit;
        moved.broadcast = broadcast;
        moved.dontFragment = dontFragment;
        moved.multicastLoop = multicastLoop;
        moved.multicastAll = multicastAll;
        moved.groups = groups;
        received.clear();
        receivedBytes = 0;
        successor = moved;
        leave();
        return moved;
    }

    /** What it has become on another shard, or {@code null}. On other threads than its shard's, the answer may be late. */
    UdpEndpoint successor() {
        return successor;
    }

    /**
     * Gives it a datagram that another shard than its own has received, and whose payload it takes over. Its stack is then to be told, by
     * {@link UdpStack#takeHandedOver}. Any thread.
     */
    public void handOver(UdpDatagram datagram) {
        handedOver.add(datagram);
    }

    /** Drops what was handed over to it; for one that was closed. Any thread. */
    void dropHandedOver() {
        releaseAll(handedOver);
    }

    /** The next datagram that was handed over, or {@code null}. */
    UdpDatagram nextHandedOver() {
        return handedOver.poll();
    }

    /** Queues a datagram, whose payload it takes over, or drops it; returns whether it was queued. */
    boolean offer(UdpDatagram datagram) {
        int bytes = datagram.payload().readableBytes() + OVERHEAD;
        if (closed || receivedBytes + bytes > receiveBuffer && receivedBytes > 0) {
            dropped++;
            datagram.payload().release();
            return false;
        }
        receivedBytes += bytes;
        received.add(datagram);
        stack.ready(this);
        return true;
    }

    void error(IOException cause) {
        if (!closed) {
            error = cause;
            stack.ready(this);
        }
    }
}
