/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.tcp.SipHash;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/**
 * Which shard owns a flow: a keyed hash of its 4-tuple picks one of a fixed number of buckets, a {@link SteeringTable} gives each bucket a shard. Flows that
 * live elsewhere than that says (kept by the shard that their first segment came to, moved by their channel, or older than the table) are listed; of a port that a
 * group serves, all are, where the link brings flows to several shards. Any thread.
 *
 * <p>The flows of most ports are spread over all shards. Those of a port that is served by a group of loops are that group's: so an accepted connection is
 * where its channel will be, and a loop that has nothing to do with a server does not have its connections.
 *
 * <p>A change of the table is {@linkplain #plan planned}; once every shard has listed what it keeps although the plan says otherwise, it is
 * {@linkplain #commit put into force}: no segment may meet a shard that does not know its connection.
 *
 * <p>Until then a newcomer has no buckets, and does not know what flows the others have. Some of the ports for outgoing connections are spared for such shards: flows
 * from these are always listed, wherever they live, so that the list says who has one.
 */
final class FlowSteering {
    private static final int SALT = 0x73686172;
    /** One port in so many is spared for shards without buckets. */
    private static final int SPARED = 16;

    /** A flow as seen from this host. */
    record FlowKey(
            int protocol,
            long localHigh,
            long localLow,
            int localPort,
            long remoteHigh,
            long remoteLow,
            int remotePort) {}

    private final SipHash hash;
    /** Whether the link brings flows to several shards. */
    private final boolean manyQueues;

    private final int firstSparePort;
    private final int lastSparePort;
    private final Map<FlowKey, Shard> elsewhere = new ConcurrentHashMap<>();
    private volatile SteeringTable table = SteeringTable.EMPTY;
    /** The shards that have no buckets any more, and get none, but are still in a plan that is to be put into force; in their order. Under the lock. */
    private final Set<Shard> withdrawn = new LinkedHashSet<>();

    private SteeringTable planned = SteeringTable.EMPTY;
    /** The group that serves a port; replaced as a whole. */
    private volatile IntObjectMap<Object> servers = new IntObjectHashMap<>(1);

    /** Ports of which shards are still to list what they have. */
    private final Map<Integer, Integer> settling = new ConcurrentHashMap<>();

    /**
     * Steers no flows yet.
     *
     * @param manyQueues whether the link brings flows to several shards
     * @param firstPort of those for outgoing connections
     * @param lastPort the last of them
     */
    FlowSteering(SipHash hash, boolean manyQueues, int firstPort, int lastPort) {
        this.hash = hash;
        this.manyQueues = manyQueues;
        firstSparePort = lastPort + 1 - (lastPort + 1 - firstPort) / SPARED;
        lastSparePort = lastPort;
    }

    private boolean isSpare(int port) {
        return port >= firstSparePort && port <= lastSparePort;
    }

    /** The table that is in force. */
    SteeringTable table() {
        return table;
    }

    private int bucket(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {
        return (int) hash.hash(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort, SALT)
                & SteeringTable.BUCKETS - 1;
    }

    /** The shard that a flow belongs to, or {@code null} if there are no shards. */
    Shard owner(
            int protocol,
            long localHigh,
            long localLow,
            int localPort,
            long remoteHigh,
            long remoteLow,
            int remotePort) {
        return owner(protocol, localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort, null);
    }

    /**
     * The same for the segment that a flow may begin with.
     *
     * @param taker who takes the flow if it is not listed, whatever the table says; or {@code null}
     */
    Shard owner(
            int protocol,
            long localHigh,
            long localLow,
            int localPort,
            long remoteHigh,
            long remoteLow,
            int remotePort,
            Shard taker) {
        if (!elsewhere.isEmpty()) {
            Shard listed = elsewhere.get(
                    new FlowKey(protocol, localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort));
            if (listed != null) {
                return listed;
            }
        }
        if (taker != null) {
            return taker;
        }
        return ownerBy(table, localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort);
    }

    /** The shard that a flow belongs to by a table, were it not listed; {@code null} if there are no shards. */
    Shard ownerBy(
            SteeringTable table,
            long localHigh,
            long localLow,
            int localPort,
            long remoteHigh,
            long remoteLow,
            int remotePort) {
        return table.owner(
                server(localPort), bucket(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort));
    }

    /** The same. */
    Shard ownerBy(SteeringTable table, FlowKey key) {
        return ownerBy(
                table, key.localHigh, key.localLow, key.localPort, key.remoteHigh, key.remoteLow, key.remotePort);
    }

    /** Whether a flow that lives on a shard is another's by the table, or will be by one that is planned. */
    boolean isElsewhere(
            SteeringTable plan,
            Shard shard,
            long localHigh,
            long localLow,
            int localPort,
            long remoteHigh,
            long remoteLow,
            int remotePort) {
        SteeringTable present = table;
        Object group = server(localPort);
        int bucket = bucket(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort);
        return isAnothers(present.owner(group, bucket), shard)
                || plan.version > present.version && isAnothers(plan.owner(group, bucket), shard);
    }

    private static boolean isAnothers(Shard owner, Shard shard) {
        return owner != null && owner != shard;
    }

    /** Whether all flows of a local port are listed, as they live where their first segment has come to. */
    boolean listsAll(int localPort) {
        return manyQueues && server(localPort) != null;
    }

    /** Whether a shard may keep a flow that begins with a segment to a local port. */
    boolean mayKeep(int localPort, Shard shard) {
        Object group = server(localPort);
        return manyQueues && group != null && table.has(group, shard) && !isSettling(localPort);
    }

    private Object server(int localPort) {
        IntObjectMap<Object> served = servers;
        return served.isEmpty() ? null : served.get(localPort);
    }

    /**
     * Notes where a flow lives: listed if that is not where the table says.
     *
     * @param known the last table that was planned, as far as the shard has heard: until it is in force, what another is to have by it is listed
     */
    void place(FlowKey key, Shard shard, SteeringTable known) {
        SteeringTable present = table;
        if (ownerBy(present, key) == shard
                && (known.version <= present.version || !isAnothers(ownerBy(known, key), shard))
                && !isSpare(key.localPort)
                && !listsAll(key.localPort)) {
            elsewhere.remove(key);
        } else {
            elsewhere.put(key, shard);
        }
    }

    /**
     * Takes the 4-tuple of an outgoing connection for a shard that does not have it already, if no other shard has it, or can take it. It is free again when the flow has
     * {@linkplain #ended ended}.
     *
     * @param known the last table that was planned, as far as the shard has heard
     * @param alone whether there is no other shard
     */
    boolean claim(FlowKey key, Shard shard, SteeringTable known, boolean alone) {
        SteeringTable present = table;
        boolean settled = present.has(shard);
        if (isSpare(key.localPort)) {
            return (alone || !settled) && elsewhere.putIfAbsent(key, shard) == null;
        }
        if (!settled) {
            // Where there are too few ports to spare any, nothing better can be said than that it is not listed.
            return firstSparePort > lastSparePort && elsewhere.putIfAbsent(key, shard) == null;
        }
        return ownerBy(present, key) == shard
                // By a table that is to come, it may be another's soon, who will not know of it if it is taken now.
                && (known.version <= present.version || ownerBy(known, key) == shard)
                && (elsewhere.isEmpty() || !elsewhere.containsKey(key));
    }

    /** Lists a flow whatever the table says. */
    void list(FlowKey key, Shard shard) {
        elsewhere.put(key, shard);
    }

    /** The same for one that waits for its last segments, unless there is another by now. */
    void listIfAbsent(FlowKey key, Shard shard) {
        elsewhere.putIfAbsent(key, shard);
    }

    /** How many flows are listed. */
    int listed() {
        return elsewhere.size();
    }

    /** A flow of a shard is not to be listed any more. */
    void ended(
            int protocol,
            long localHigh,
            long localLow,
            int localPort,
            long remoteHigh,
            long remoteLow,
            int remotePort,
            Shard shard) {
        if (!elsewhere.isEmpty()) {
            unlist(new FlowKey(protocol, localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort), shard);
        }
    }

    /** The same. */
    void unlist(FlowKey key, Shard shard) {
        elsewhere.remove(key, shard);
    }

    /** Plans a change; it follows on those that were planned before. */
    synchronized SteeringTable plan(UnaryOperator<SteeringTable> change) {
        planned = change.apply(planned);
        return planned;
    }

    /** Puts a plan into force, unless a later one is already: every shard has listed what it keeps. */
    synchronized void commit(SteeringTable plan) {
        if (plan.version <= table.version) {
            return;
        }
        // In the order in which they went, so that what they had comes to the same shards as in the last plan.
        SteeringTable next = plan;
        for (Shard shard : withdrawn) {
            next = next.without(shard);
        }
        table = next;
        forgetWithdrawn();
    }

    /** A plan that is made from now on is without those who have gone. */
    private void forgetWithdrawn() {
        if (planned.version == table.version) {
            withdrawn.clear();
        }
    }

    /**
     * Has a group serve a port, for the flows that come from now on. What there is on the port is to be listed by its shards; {@link #settled} says when
     * they have.
     *
     * @return whether that changes anything
     */
    synchronized boolean serve(int port, Object group) {
        if (servers.get(port) == group) {
            return false;
        }
        settling.merge(port, 1, Integer::sum);
        IntObjectMap<Object> changed = new IntObjectHashMap<>();
        changed.putAll(servers);
        changed.put(port, group);
        servers = changed;
        return true;
    }

    /** All shards have listed what they have on a port. */
    void settled(int port) {
        settling.computeIfPresent(port, (p, changes) -> changes == 1 ? null : changes - 1);
    }

    /** Whether there may be flows on a port that are neither where they belong nor listed. */
    boolean isSettling(int port) {
        return !settling.isEmpty() && settling.containsKey(port);
    }

    /** A shard has ended, and its flows with it: takes all buckets from it at once, and forgets what is listed for it. */
    void remove(Shard shard) {
        withdraw(shard);
        elsewhere.values().removeIf(s -> s == shard);
    }

    /** A shard ends: takes all buckets from it at once. What is listed for it still is. */
    synchronized void withdraw(Shard shard) {
        if (withdrawn.add(shard)) {
            planned = planned.without(shard);
            table = table.without(shard);
            forgetWithdrawn();
        }
        if (!planned.hasGroup(shard.loop().group())) {
            forget(shard.loop().group());
        }
    }

    private void forget(Object group) {
        IntObjectMap<Object> left = new IntObjectHashMap<>();
        for (IntObjectMap.PrimitiveEntry<Object> server : servers.entries()) {
            if (server.value() != group) {
                left.put(server.key(), server.value());
            }
        }
        servers = left;
    }
}
