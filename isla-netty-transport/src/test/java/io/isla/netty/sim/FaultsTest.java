/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.net.ConnectException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What can happen to hosts and links: cut, partitioned, crashed, restarted, paused. */
class FaultsTest {
    private final VirtualNetwork network = VirtualNetwork.create(7);
    private final VirtualHost server = network.namedHost("server", "10.0.0.1");
    private final VirtualHost client = network.namedHost("client", "10.0.0.2");
    private final VirtualHost other = network.namedHost("other", "10.0.0.3");
    private final VirtualSwitch lan = network.lan("lan", server, client, other);

    @AfterEach
    void close() {
        network.close();
        assertThat(network.packetMemory()).isZero();
    }

    private static void send(Channel channel, int bytes) {
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[bytes]));
    }

    /** A connection with 100 ms each way, on which nothing is under way. */
    private Channel connectOverALongWay(Echo.Counter counter) {
        linkOf(server).latency(Duration.ofMillis(100));
        network.await(Echo.serve(server));
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        network.runFor(Duration.ofMillis(500));
        return channel;
    }

    private VirtualLink linkOf(VirtualHost host) {
        return host.links().get(0);
    }

    @Test
    void aCutIsSilenceUntilItIsHealed() {
        network.await(Echo.serve(server));
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        network.runFor(Duration.ofMillis(10));

        linkOf(server).cut();
        send(channel, 10);
        network.runFor(Duration.ofSeconds(30));
        assertThat(counter.bytes).isZero();
        assertThat(channel.isActive()).isTrue();
        assertThat(linkOf(server).counters().get("cut")).isPositive();

        linkOf(server).heal();
        assertThat(network.runUntil(() -> counter.bytes == 10, Duration.ofMinutes(1)))
                .isTrue();
    }

    @Test
    void aCutTakesWhatIsUnderWay() {
        Channel channel = connectOverALongWay(new Echo.Counter());

        send(channel, 10);
        network.runFor(Duration.ofMillis(50));
        linkOf(server).cut();
        network.runFor(Duration.ofMillis(60));

        assertThat(linkOf(server).counters().get("cut under way")).isEqualTo(1);
    }

    @Test
    void whatWasUnderWayWhenTheLinkWasCutDoesNotArriveOnceItIsHealed() {
        Echo.Counter counter = new Echo.Counter();
        Channel channel = connectOverALongWay(counter);

        send(channel, 10);
        network.runFor(Duration.ofMillis(10));
        linkOf(server).cut().cut();
        network.runFor(Duration.ofMillis(10));
        linkOf(server).heal();
        network.runFor(Duration.ofMillis(190));

        assertThat(counter.bytes).isZero();
        assertThat(linkOf(server).counters().get("cut under way")).isEqualTo(1);
        assertThat(network.runUntil(() -> counter.bytes == 10, Duration.ofSeconds(5)))
                .as("sent again")
                .isTrue();
    }

    @Test
    void whatIsUnderWayDoesNotArriveInAPartition() {
        Echo.Counter counter = new Echo.Counter();
        Channel channel = connectOverALongWay(counter);

        send(channel, 10);
        network.runFor(Duration.ofMillis(150));
        network.isolate(client);
        network.runFor(Duration.ofMillis(100));

        assertThat(counter.bytes).isZero();
        assertThat(linkOf(server).counters(server).get("partitioned under way")).isPositive();
    }

    @Test
    void hostsOfAnotherNetworkAreNamed() {
        try (VirtualNetwork elsewhere = VirtualNetwork.create(1)) {
            VirtualHost stranger = elsewhere.namedHost("stranger", "10.0.0.1");

            for (ThrowingCallable wrong : List.<ThrowingCallable>of(
                    () -> network.isolate(stranger),
                    () -> network.partition(List.of(server), List.of(stranger)),
                    () -> network.block(List.of(stranger), List.of(server)))) {
                assertThatThrownBy(wrong)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("host stranger is of another network");
            }
        }
    }

    @Test
    void faultsComeAtAnyMoment() {
        network.await(Echo.serve(server));
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        network.after(Duration.ofSeconds(1), linkOf(client)::cut);
        network.after(Duration.ofSeconds(2), linkOf(client)::heal);
        client.group().schedule(() -> send(channel, 10), 1500, TimeUnit.MILLISECONDS);

        network.runFor(Duration.ofMillis(1999));
        assertThat(counter.bytes).isZero();
        network.runFor(Duration.ofSeconds(3));
        assertThat(counter.bytes).isEqualTo(10);
    }

    @Test
    void aPartitionSeparatesTwoSetsOfHostsOnOneSwitch() {
        network.await(Echo.serve(server));
        network.partition(List.of(client), List.of(server));

        ChannelFuture cut = Echo.connect(client, server, new Echo.Counter());
        network.await(Echo.connect(other, server, new Echo.Counter()));
        network.runFor(Duration.ofMillis(500));
        assertThat(cut.isDone()).isFalse();
        assertThat(linkOf(client).counters().get("partitioned")).isPositive();

        network.heal();
        network.await(cut, Duration.ofSeconds(10));
    }

    @Test
    void whoIsIsolatedHearsNobody() {
        network.await(Echo.serve(server));
        network.isolate(server);

        ChannelFuture first = Echo.connect(client, server, new Echo.Counter());
        ChannelFuture second = Echo.connect(other, server, new Echo.Counter());
        network.runFor(Duration.ofMillis(900));

        assertThat(first.isDone() || second.isDone()).isFalse();
    }

    @Test
    void aBlockWorksOneWay() {
        network.await(Echo.serve(server));
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        network.block(List.of(server), List.of(client));

        send(channel, 10);
        network.runFor(Duration.ofSeconds(2));

        assertThat(counter.bytes).isZero();
        assertThat(server.counters().get("LinkRX_BYTES"))
                .as("heard by the server")
                .isPositive();
        assertThat(linkOf(server).counters(server).get("partitioned")).isPositive();
        assertThat(linkOf(client).counters(client).get("partitioned")).isZero();
    }

    @Test
    void aCrashIsSilenceForThePeerAndTheEndForTheHostsOwnChannels() {
        List<Channel> accepted = new ArrayList<>();
        AtomicInteger late = new AtomicInteger();
        network.await(Echo.serve(server, () -> new ChannelInboundHandlerAdapter() {
            @Override
            public void channelActive(ChannelHandlerContext context) {
                accepted.add(context.channel());
                context.executor().schedule(late::incrementAndGet, 1, TimeUnit.SECONDS);
            }
        }));
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        network.runFor(Duration.ofMillis(10));
        Channel child = accepted.get(0);

        server.crash();

        assertThat(server.isUp()).isFalse();
        assertThat(child.isOpen()).isFalse();
        network.runFor(Duration.ofMinutes(5));
        assertThat(counter.inactive).as("the client has noticed").isFalse();
        assertThat(channel.isActive()).isTrue();
        assertThat(late).as("what was scheduled on the host").hasValue(0);
        assertThatThrownBy(() -> child.eventLoop().execute(() -> {})).isInstanceOf(RejectedExecutionException.class);
        assertThatThrownBy(server::group).hasMessageContaining("host server is down");
        assertThatThrownBy(server::crash).hasMessageContaining("down already");
    }

    @Test
    void aHostCanCrashInTheMiddleOfItsOwnTurnAndBeBackAtOnce() {
        AtomicInteger lives = new AtomicInteger();
        server.program(host -> {
            lives.incrementAndGet();
            Echo.serve(host, () -> new ChannelInboundHandlerAdapter() {
                @Override
                public void channelRead(ChannelHandlerContext context, Object message) {
                    server.crash();
                    server.restart();
                    context.writeAndFlush(message);
                }
            });
        });
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        Map<String, Long> before = server.counters();

        send(channel, 10);
        network.runFor(Duration.ofSeconds(10));
        send(channel, 10);
        network.runFor(Duration.ofSeconds(10));

        assertThat(lives).hasValue(2);
        assertThat(counter.bytes)
                .as("what the host still sends after it has crashed")
                .isZero();
        assertThat(counter.cause)
                .as("the answer to a connection of the life before")
                .hasMessageContaining("reset");
        assertThat(server.counters().get("InSegs")).isGreaterThan(before.get("InSegs"));
        network.await(Echo.connect(client, server, new Echo.Counter()), Duration.ofSeconds(10));
    }

    @Test
    void aHostThatIsRestartedKnowsNothingOfItsConnections() {
        server.program(host -> network.await(Echo.serve(host)));
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();

        server.crash();
        network.runFor(Duration.ofSeconds(10));
        server.restart();
        send(channel, 10);
        network.runFor(Duration.ofSeconds(5));

        assertThat(counter.cause).hasMessageContaining("reset");
        Echo.Counter again = new Echo.Counter();
        Channel next = network.await(Echo.connect(client, server, again)).channel();
        send(next, 10);
        assertThat(network.runUntil(() -> again.bytes == 10, Duration.ofSeconds(1)))
                .isTrue();
        assertThatThrownBy(server::restart).hasMessageContaining("not down");
    }

    @Test
    void aHostThatIsPausedAnswersWhenItGoesOn() {
        network.await(Echo.serve(server));
        Echo.Counter counter = new Echo.Counter();
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        AtomicInteger late = new AtomicInteger();
        server.group().schedule(late::incrementAndGet, 1, TimeUnit.SECONDS);

        server.pause(Duration.ofSeconds(3));
        send(channel, 10);
        network.runFor(Duration.ofMillis(2999));
        assertThat(counter.bytes).isZero();
        assertThat(late).hasValue(0);

        network.runFor(Duration.ofMillis(2));
        assertThat(counter.bytes).isEqualTo(10);
        assertThat(late).hasValue(1);
    }

    @Test
    void pausesThatOverlapEndWithTheLast() {
        List<Duration> ran = new ArrayList<>();
        server.group();
        server.pause(Duration.ofSeconds(10));
        network.runFor(Duration.ofSeconds(5));
        server.pause(Duration.ofSeconds(10));
        server.pause(Duration.ofSeconds(1));
        server.group().execute(() -> ran.add(network.elapsed()));

        network.runFor(Duration.ofMinutes(1));
        assertThat(ran).containsExactly(Duration.ofSeconds(15));

        server.pause();
        server.pause(Duration.ofSeconds(1));
        server.group().execute(() -> ran.add(network.elapsed()));
        network.runFor(Duration.ofMinutes(1));
        assertThat(ran).hasSize(1);
        server.resume();
        network.runFor(Duration.ZERO);
        assertThat(ran).hasSize(2);
    }

    @Test
    void nobodyListensSoTheConnectionIsRefusedAtOnce() {
        server.group();
        ChannelFuture refused = Echo.connect(client, server, new Echo.Counter());

        assertThatThrownBy(() -> network.await(refused, Duration.ofSeconds(1))).isInstanceOf(ConnectException.class);
    }
}
