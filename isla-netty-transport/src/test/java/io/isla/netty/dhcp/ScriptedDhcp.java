/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.counter.Counters;
import io.isla.netty.wire.DhcpOption;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** A client whose server, network and clock are a script. */
final class ScriptedDhcp implements DhcpHost {
    static final long MAC = 0x0200_5e10_0001L;
    static final String SERVER = "192.0.2.1";
    static final String ADDRESS = "192.0.2.77";
    static final IpAddress ALL = IpAddress.v4(-1);

    final Counters<DhcpCounter> counters = new Counters<>(DhcpCounter.class);
    final DhcpClient client;
    /** What has happened to the host, in words. */
    final List<String> events = new ArrayList<>();

    private final Deque<ClientMessage> sent = new ArrayDeque<>();
    /** Any origin will do; this one shows who compares times without subtracting. */
    long now = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(30);

    ScriptedDhcp(DhcpParameters parameters) {
        this(parameters, 1);
    }

    ScriptedDhcp(DhcpParameters parameters, long seed) {
        client = new DhcpClient(parameters, this, new SplittableRandom(seed)::nextLong, counters);
    }

    static DhcpParameters parameters() {
        return new DhcpParameters(MAC, null, null, null, false, 1500);
    }

    static DhcpParameters checking() {
        return new DhcpParameters(MAC, null, null, null, true, 1500);
    }

    static DhcpParameters previous(String address) {
        return new DhcpParameters(MAC, null, null, ServerMessage.ip(address), false, 1500);
    }

    ScriptedDhcp start() {
        client.start(now);
        return this;
    }

    /** Goes through to a lease. */
    ScriptedDhcp bound(long leaseSeconds) {
        start();
        receive(offer(next(DhcpOption.DISCOVER)).lease(leaseSeconds));
        receive(ack(next(DhcpOption.REQUEST)).lease(leaseSeconds));
        assertThat(client.state()).isEqualTo(DhcpState.BOUND);
        events.clear();
        return this;
    }

    ServerMessage offer(ClientMessage discover) {
        return new ServerMessage(DhcpOption.OFFER, discover).your(ADDRESS).server(SERVER);
    }

    ServerMessage ack(ClientMessage request) {
        return new ServerMessage(DhcpOption.ACK, request).your(ADDRESS).server(SERVER);
    }

    ServerMessage nak(ClientMessage request) {
        return new ServerMessage(DhcpOption.NAK, request).server(SERVER);
    }

    void receive(ServerMessage message) {
        receive(message.end());
    }

    void receive(ByteBuf message) {
        client.receive(message, message.readerIndex(), message.readableBytes(), now);
    }

    /** The next message that was sent, which must be of a type. */
    ClientMessage next(int type) {
        ClientMessage message = sent.poll();
        assertThat(message).as("a message").isNotNull();
        assertThat(message.type()).as("type of message").isEqualTo(type);
        return message;
    }

    /** The last message that was sent, or another one if none was; forgets them all. */
    ClientMessage lastSent(ClientMessage otherwise) {
        ClientMessage last = sent.isEmpty() ? otherwise : sent.getLast();
        sent.clear();
        return last;
    }

    void nothingSent() {
        assertThat(sent).isEmpty();
    }

    /** Lets time pass, seconds after another, with what is due in it. */
    void pass(double seconds) {
        long end = now + (long) (seconds * 1e9);
        while (client.isArmed() && client.deadline() - end <= 0) {
            if (client.deadline() - now > 0) {
                now = client.deadline();
            }
            client.expire(now);
        }
        now = end;
    }

    /** Lets time pass until something is sent, and returns after how many seconds that was. */
    double passUntilSent() {
        long from = now;
        for (int i = 0; sent.isEmpty(); i++) {
            assertThat(client.isArmed() && i < 10)
                    .as("the client waits for something")
                    .isTrue();
            now = client.deadline() - now > 0 ? client.deadline() : now;
            client.expire(now);
        }
        return (now - from) / 1e9;
    }

    long counted(DhcpCounter counter) {
        return counters.get(counter);
    }

    @Override
    public void send(ByteBuf message, IpAddress source, IpAddress destination, long at) {
        sent.add(ClientMessage.of(message, source, destination, at));
    }

    @Override
    public void probe(IpAddress address, long at) {
        events.add("probe " + address);
    }

    @Override
    public void cancelProbe(IpAddress address, long at) {
        events.add("cancel probe " + address);
    }

    @Override
    public void bound(DhcpLease lease, DhcpLease before, long at) {
        events.add((before == null ? "bound " : "renewed ") + lease.address());
    }

    @Override
    public void unbound(DhcpLease lease, long at) {
        events.add("unbound " + lease.address());
    }
}
