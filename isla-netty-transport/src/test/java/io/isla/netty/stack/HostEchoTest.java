/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static io.isla.netty.stack.Shards.address;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.ip.IcmpErrorKind;
import io.isla.netty.ip.Packets;
import io.isla.netty.sim.VirtualTime;
import io.isla.netty.sim.VirtualWire;
import io.isla.netty.tcp.TcpParameters;
import io.isla.netty.testing.SimHost;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Echo requests, and what becomes of them. */
class HostEchoTest {
    private static final int OWN = Packets.v4("10.0.0.2");
    private static final int PEER = Packets.v4("10.0.0.1");
    private static final int ROUTER = Packets.v4("10.0.0.254");
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final List<String> results = new ArrayList<>();
    private final List<IOException> failures = new ArrayList<>();
    private Shards shards;

    private final EchoListener listener = new EchoListener() {
        @Override
        public void onReply(IpAddress from, int size, int hopLimit, long roundTripNanos) {
            results.add("reply from " + from + ", " + size + " bytes, ttl " + hopLimit + ", "
                    + TimeUnit.NANOSECONDS.toMillis(roundTripNanos) + " ms");
        }

        @Override
        public void onUnreachable(IpAddress reporter, IcmpErrorKind kind, int type, int code, int mtu) {
            results.add(kind + " by " + reporter);
        }

        @Override
        public void onFailure(IOException cause) {
            failures.add(cause);
            results.add(cause.getClass().getSimpleName());
        }
    };

    @AfterEach
    void close() throws IOException {
        if (shards != null) {
            shards.close();
        }
    }

    private static EchoRequest to(String address, int size) {
        return new EchoRequest(address(address), null, size, 64, false, SECOND);
    }

    // ------------------------------------------------------------------------------------------------ in simulated
    // time

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.2", "fd00::2"})
    void theRoundTripIsAsLongAsTheWire(String address) {
        VirtualTime time = new VirtualTime();
        VirtualWire wire = new VirtualWire(time, 1, 1500, false);
        wire.aToB().latency(Duration.ofMillis(10));
        wire.bToA().latency(Duration.ofMillis(15));
        String own = address.replace("2", "1");
        try (SimHost a = new SimHost(time, wire.a(), own, new TcpParameters(), 1, ByteBufAllocator.DEFAULT);
                SimHost b = new SimHost(time, wire.b(), address, new TcpParameters(), 2, ByteBufAllocator.DEFAULT)) {
            time.runFor(3 * SECOND);
            // The first finds the neighbour, too.
            for (int size : new int[] {56, 0, 20_000}) {
                a.stack().echo(to(address, size), listener);
                time.runFor(SECOND);
            }
            assertThat(results)
                    .containsExactly(
                            "reply from " + b.address() + ", 56 bytes, ttl 64, 50 ms",
                            "reply from " + b.address() + ", 0 bytes, ttl 64, 25 ms",
                            "reply from " + b.address() + ", 20000 bytes, ttl 64, 25 ms");
            results.clear();

            wire.bToA().loss(1);
            a.stack().echo(to(address, 56), listener);
            time.runFor(2 * SECOND);
            assertThat(results).containsExactly("SocketTimeoutException");
            assertThat(failures.get(0))
                    .isInstanceOf(SocketTimeoutException.class)
                    .hasMessageContaining("1000 ms");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.1.2.3", "::1", "10.0.0.1"})
    void aHostAnswersItself(String address) {
        VirtualTime time = new VirtualTime();
        VirtualWire wire = new VirtualWire(time, 1, 1500, false);
        try (SimHost host = new SimHost(time, wire.a(), "10.0.0.1", new TcpParameters(), 1, ByteBufAllocator.DEFAULT)) {
            host.stack().echo(to(address, 10_000), listener);
            time.runFor(SECOND / 2);
            assertThat(results).containsExactly("reply from " + address(address) + ", 10000 bytes, ttl 64, 0 ms");
        }
    }

    // ------------------------------------------------------------------------------------------------ with a scripted
    // peer

    private void host(int count) throws IOException {
        Shards.HostSetup setup = new Shards.HostSetup();
        setup.addresses = List.of(address("10.0.0.2", 24));
        setup.gateways = List.of(address("10.0.0.254"));
        shards = new Shards(setup);
        shards.start(count);
        shards.settle();
        for (int neighbor : new int[] {PEER, ROUTER}) {
            // Known from now on.
            shards.receive(Packets.arp(Shards.OWN_LINK, ArpHeader.REQUEST, Shards.PEER_LINK, neighbor, 0, OWN));
        }
        shards.sent.clear();
    }

    /** The ICMP messages of the host. */
    private List<byte[]> requests() {
        return shards.take(EtherType.IPV4).stream()
                .map(frame -> Arrays.copyOfRange(frame, 34, frame.length))
                .toList();
    }

    private void reply(int from, byte[] request, byte[] data) {
        int word = io.netty.buffer.Unpooled.wrappedBuffer(request).getInt(4);
        byte[] reply = Packets.icmp(IcmpHeader.ECHO_REPLY, 0, word, data);
        receive(Packets.ipv4(from, OWN, IpProtocol.ICMP, reply));
    }

    private void receive(byte[] packet) {
        shards.receive(Packets.ethernet(Shards.OWN_LINK, Shards.PEER_LINK, EtherType.IPV4, packet));
    }

    private static byte[] data(byte[] message) {
        return Arrays.copyOfRange(message, 8, message.length);
    }

    @Test
    void aReplyFindsTheShardThatHasAsked() throws Exception {
        host(4);
        for (Shard shard : shards.shards) {
            shard.echo(to("10.0.0.1", 56), listener);
        }
        shards.settle();
        List<byte[]> requests = requests();
        assertThat(requests).hasSize(4);

        // All of them come by the same queue of the link.
        requests.forEach(request -> reply(PEER, request, data(request)));

        assertThat(results).hasSize(4).allMatch(result -> result.startsWith("reply from 10.0.0.1"));
    }

    @Test
    void anErrorFindsTheShardThatHasAsked() throws Exception {
        host(4);
        for (Shard shard : shards.shards) {
            shard.echo(to("192.0.2.1", 56), listener);
        }
        shards.settle();

        for (byte[] request : requests()) {
            receive(Packets.ipv4(
                    ROUTER,
                    OWN,
                    IpProtocol.ICMP,
                    Packets.icmp(
                            IcmpHeader.TIME_EXCEEDED,
                            0,
                            0,
                            Packets.ipv4(OWN, Packets.v4("192.0.2.1"), IpProtocol.ICMP, request))));
        }

        assertThat(results).hasSize(4).containsOnly("TIME_EXCEEDED by 10.0.0.254");
    }

    @Test
    void anErrorInFragmentsFindsTheShardThatHasAsked() throws Exception {
        host(4);
        for (Shard shard : shards.shards) {
            shard.echo(to("192.0.2.1", 56), listener);
        }
        shards.settle();

        int identification = 1;
        for (byte[] request : requests()) {
            byte[] error = Packets.icmp(
                    IcmpHeader.TIME_EXCEEDED,
                    0,
                    0,
                    Packets.ipv4(OWN, Packets.v4("192.0.2.1"), IpProtocol.ICMP, request));
            receive(fragment(error, 0, 56, Ipv4Header.MORE_FRAGMENTS, identification));
            receive(fragment(error, 56, error.length, 0, identification++));
        }

        assertThat(results).hasSize(4).containsOnly("TIME_EXCEEDED by 10.0.0.254");
        // Those who only had a copy of it have not counted it.
        assertThat(shards.host.counters())
                .containsEntry("IpReasmOKs", 4L)
                .containsEntry("IcmpInMsgs", 4L)
                .containsEntry("IcmpInTimeExcds", 4L);
        // Nor do they wait for more of it.
        shards.pass(60, TimeUnit.SECONDS);
        assertThat(shards.host.counters()).containsEntry("IpReasmFails", 0L);
    }

    private static byte[] fragment(byte[] message, int from, int to, int flags, int identification) {
        return Packets.ipv4(
                ROUTER,
                OWN,
                IpProtocol.ICMP,
                64,
                from / 8 | flags,
                identification,
                new byte[0],
                Arrays.copyOfRange(message, from, to));
    }

    @Test
    void whatIsNotTheReplyIsNotTakenForIt() throws Exception {
        host(2);
        shards.shards.get(0).echo(to("10.0.0.1", 56), listener);
        shards.settle();
        byte[] request = requests().get(0);

        // From somebody else, with other data, with less data.
        reply(Packets.v4("10.0.0.9"), request, data(request));
        reply(PEER, request, new byte[56]);
        reply(PEER, request, Arrays.copyOf(data(request), 55));
        assertThat(results).isEmpty();
        reply(PEER, request, data(request));
        // Once is enough.
        reply(PEER, request, data(request));

        assertThat(results).hasSize(1);
    }

    @Test
    void aNeighbourThatDoesNotAnswerIsReportedByTheHostItself() throws Exception {
        host(1);
        shards.shards.get(0).echo(new EchoRequest(address("10.0.0.77"), null, 56, 64, false, 10 * SECOND), listener);

        shards.pass(4, TimeUnit.SECONDS);

        assertThat(results).containsExactly("HOST_UNREACHABLE by 10.0.0.2");
    }

    @Test
    void whatCannotBeSentFailsAtOnce() throws Exception {
        host(1);
        Shard shard = shards.shards.get(0);
        shard.echo(to("2001:db8::1", 56), listener);
        shard.echo(new EchoRequest(address("10.0.0.1"), address("10.0.0.3"), 56, 64, false, SECOND), listener);
        shard.echo(new EchoRequest(address("10.0.0.1"), null, 1473, 64, true, SECOND), listener);
        shard.echo(to("10.0.0.255", 56), listener);

        assertThat(failures)
                .extracting(Object::getClass)
                .containsExactly(
                        NoRouteToHostException.class,
                        NoRouteToHostException.class,
                        IOException.class,
                        SocketException.class);
        assertThat(failures.get(2)).hasMessageContaining("too long").hasMessageContaining("1500");
    }

    @Test
    void aShardThatEndsFailsWhatItWaitsFor() throws Exception {
        host(1);
        shards.shards.get(0).echo(to("10.0.0.1", 56), listener);

        shards.stop(shards.shards.get(0));

        assertThat(results).containsExactly("SocketException");
        shards.host.echo(to("10.0.0.1", 56), listener);
        assertThat(results).containsExactly("SocketException", "SocketException");
    }

    @Test
    void notMoreWaitThanMay() throws Exception {
        host(1);
        Shard shard = shards.shards.get(0);
        for (int i = 0; i <= ShardEcho.MAX_PENDING; i++) {
            shard.echo(to("10.0.0.1", 0), listener);
        }
        assertThat(failures).hasSize(1);
        assertThat(failures.get(0)).hasMessageContaining("too many");
    }
}
