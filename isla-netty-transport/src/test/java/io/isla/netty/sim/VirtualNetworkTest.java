/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.isla.netty.channel.IslaSocketChannel;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.DefaultChannelId;
import io.netty.util.concurrent.BlockingOperationException;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Hosts with channels in virtual time: what passes between them, and how time passes. */
class VirtualNetworkTest {
    private final VirtualNetwork network = VirtualNetwork.create(42);
    private final VirtualHost server = network.namedHost("server", "10.0.0.1");
    private final VirtualHost client = network.namedHost("client", "10.0.0.2");
    private final VirtualLink link = network.link(client, server);

    @AfterEach
    void close() {
        network.close();
        assertThat(network.packetMemory())
                .as("bytes of packets that nobody has released")
                .isZero();
    }

    private Channel connect(Echo.Counter counter) {
        network.await(Echo.serve(server));
        return network.await(Echo.connect(client, server, counter)).channel();
    }

    @Test
    void aRoundTripTakesTwiceTheLatency() {
        link.latency(Duration.ofMillis(20));
        Echo.Counter counter = new Echo.Counter();
        Channel channel = connect(counter);
        Duration before = network.elapsed();

        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[100]));

        assertThat(network.runUntil(() -> counter.bytes == 100, Duration.ofSeconds(1)))
                .isTrue();
        assertThat(network.elapsed().minus(before)).isEqualTo(Duration.ofMillis(40));
    }

    @Test
    void whatIsLostIsSentAgain() {
        link.latency(Duration.ofMillis(10)).loss(0.1);
        Echo.Counter counter = new Echo.Counter();
        Channel channel = connect(counter);

        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[300_000]));

        assertThat(network.runUntil(() -> counter.bytes == 300_000, Duration.ofMinutes(5)))
                .isTrue();
        assertThat(link.counters().get("lost")).isPositive();
        assertThat(client.counters().get("RetransSegs")).isPositive();
    }

    @Test
    void timePassesOnlyWhileTheNetworkRuns() {
        AtomicInteger ran = new AtomicInteger();
        client.group().schedule(ran::incrementAndGet, 3, TimeUnit.HOURS);

        network.runFor(Duration.ofHours(2));
        assertThat(ran).hasValue(0);
        assertThat(network.elapsed()).isEqualTo(Duration.ofHours(2));

        network.runFor(Duration.ofHours(2));
        assertThat(ran).hasValue(1);
    }

    @Test
    void untilIdleMeansUntilAllHasArrived() {
        link.latency(Duration.ofMillis(30)).loss(0.2);
        Echo.Counter counter = new Echo.Counter();
        Channel channel = connect(counter);
        client.group().schedule(() -> {}, 1, TimeUnit.DAYS);

        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[50_000]));

        assertThat(network.runUntilIdle()).isTrue();
        assertThat(counter.bytes).isEqualTo(50_000);
        assertThat(network.elapsed()).isLessThan(Duration.ofHours(1));
    }

    @Test
    void waitingForAFutureFailsAndSaysWhatToDo() {
        Future<?> bound = Echo.serve(server);
        network.await(bound);
        Future<?> connect = Echo.connect(client, server, new Echo.Counter());

        assertThatThrownBy(connect::sync)
                .isInstanceOf(BlockingOperationException.class)
                .hasMessageContaining("network.await(future)");
        assertThatThrownBy(() -> connect.await(1, TimeUnit.SECONDS)).hasMessageContaining("network.await(future)");
        assertThatThrownBy(connect::get).hasMessageContaining("network.await(future)");
        assertThatThrownBy(() -> client.group().submit(() -> 1).get()).hasMessageContaining("network.await(future)");
        assertThatThrownBy(() ->
                        client.group().schedule(() -> 1, 1, TimeUnit.SECONDS).sync())
                .hasMessageContaining("network.await(future)");
        assertThatThrownBy(() -> client.group().shutdownGracefully().sync())
                .hasMessageContaining("network.await(future)");
    }

    @Test
    void aHandlerThatWaitsForAnotherHostFailsAndIsToldWhatToDo() {
        List<Throwable> thrown = new ArrayList<>();
        network.await(Echo.serve(server));
        network.await(Echo.connect(client, server, new ChannelInboundHandlerAdapter() {
            @Override
            public void channelActive(ChannelHandlerContext context) {
                try {
                    server.group().submit(() -> 1).syncUninterruptibly();
                } catch (BlockingOperationException e) {
                    thrown.add(e);
                }
            }
        }));

        assertThat(thrown).singleElement().satisfies(e -> assertThat(e).hasMessageContaining("add a listener"));
    }

    @Test
    void aHandlerThatWaitsForAFutureOfItsOwnLoopFailsAndIsToldWhatToDo() {
        List<Throwable> thrown = new ArrayList<>();
        link.latency(Duration.ofMillis(1));
        network.await(Echo.serve(server));
        network.await(Echo.connect(client, server, new ChannelInboundHandlerAdapter() {
            @Override
            public void channelActive(ChannelHandlerContext context) {
                client.group().execute(() -> {
                    Channel channel = context.channel();
                    tryTo(() -> channel.closeFuture().sync());
                    tryTo(() -> channel.newPromise().await(1, TimeUnit.SECONDS));
                    tryTo(() -> context.newPromise().awaitUninterruptibly());
                    tryTo(() -> Echo.connect(client, server, new Echo.Counter()).get());
                    tryTo(() -> context.executor().newPromise().sync());
                    tryTo(() -> client.group().terminationFuture().sync());
                });
            }

            private void tryTo(ThrowingCallable waiting) {
                thrown.add(catchThrowable(waiting));
            }
        }));
        network.runFor(Duration.ofSeconds(1));

        assertThat(thrown)
                .hasSize(6)
                .allSatisfy(e -> assertThat(e)
                        .isInstanceOf(BlockingOperationException.class)
                        .hasMessageContaining("in a handler, add a listener to the future"));
    }

    @Test
    void whatTakesNoTimeAndNeverEndsIsNoticed() {
        try (VirtualNetwork hasty =
                VirtualNetwork.builder().maxEventsAtOnce(10_000).build()) {
            VirtualHost a = hasty.host("10.0.0.1");
            VirtualHost b = hasty.host("10.0.0.2");
            VirtualLink between = hasty.link(a, b);
            hasty.await(Echo.serve(a));
            Channel channel = hasty.await(Echo.connect(b, a, new Echo.Server())).channel();
            channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[5]));

            assertThatThrownBy(() -> hasty.runFor(Duration.ofSeconds(1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("time stands still at PT0S")
                    .hasMessageContaining("10000 events")
                    .hasMessageContaining("give the links a latency()")
                    .hasMessageContaining(channel.toString())
                    .hasMessageContaining("length 5");

            between.latency(Duration.ofNanos(500));
            hasty.runFor(Duration.ofMillis(20));
            assertThat(hasty.elapsed()).isEqualTo(Duration.ofMillis(20));
        }
    }

    @Test
    void noDurationIsTooLong() {
        for (Duration forever : List.of(
                Duration.ofDays(365 * 100), Duration.ofNanos(Long.MAX_VALUE), Duration.ofSeconds(Long.MAX_VALUE))) {
            List<String> happened = new ArrayList<>();
            try (VirtualNetwork patient = VirtualNetwork.create(1)) {
                VirtualHost a = patient.host("10.0.0.1");
                VirtualHost b = patient.host("10.0.0.2");
                VirtualLink between = patient.link(a, b);
                patient.await(Echo.serve(a));
                patient.runFor(Duration.ofSeconds(1));
                Channel channel =
                        patient.await(Echo.connect(b, a, new Echo.Counter())).channel();
                patient.after(forever, () -> happened.add("after"));
                between.latency(forever)
                        .jitter(forever, LinkConditions.Jitter.PARETO)
                        .reorder(1, forever);
                channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[5]));
                a.pause(forever);
                a.group().execute(() -> happened.add("paused"));
                patient.runFor(Duration.ofSeconds(1));
                assertThat(happened).isEmpty();
                assertThat(patient.elapsed()).isEqualTo(Duration.ofSeconds(2));

                assertThat(patient.runUntil(() -> happened.contains("after"), forever))
                        .isTrue();
            }
        }
    }

    @Test
    void timeDoesNotPassWithinTime() {
        List<Throwable> thrown = new ArrayList<>();
        client.group().execute(() -> {
            try {
                network.runFor(Duration.ofSeconds(1));
            } catch (IllegalStateException e) {
                thrown.add(e);
            }
        });

        network.runFor(Duration.ofSeconds(1));

        assertThat(thrown)
                .singleElement()
                .satisfies(e -> assertThat(e).hasMessageContaining("time is passing already"));
    }

    @Test
    void aFutureThatIsNeverCompleteIsReportedWithAllThatIsKnown() {
        network.await(Echo.serve(server));
        link.cut();

        assertThatThrownBy(() -> network.await(Echo.connect(client, server, new Echo.Counter()), Duration.ofSeconds(1)))
                .hasMessageContaining("seed 42")
                .hasMessageContaining("link client-server cut")
                .hasMessageContaining("who-has 10.0.0.1")
                .hasMessageContaining("SYN_SENT");
    }

    @Test
    void anEventLoopThatIsShutDownEndsInVirtualTime() {
        Echo.Counter counter = new Echo.Counter();
        connect(counter);

        Future<?> end = server.group().shutdownGracefully();
        assertThat(end.isDone()).isFalse();
        network.await(end);

        assertThat(network.elapsed()).isLessThan(Duration.ofSeconds(20));
        network.runFor(Duration.ofSeconds(1));
        assertThat(counter.inactive).isTrue();
    }

    @Test
    void aTaskOfAnotherThreadIsDoneAndReported() throws Exception {
        AtomicInteger ran = new AtomicInteger();
        Thread thread = new Thread(() -> client.group().execute(ran::incrementAndGet), "database");
        client.group();
        thread.start();
        thread.join();

        network.runFor(Duration.ofSeconds(1));

        assertThat(ran).hasValue(1);
        assertThat(network.foreignThreads()).containsExactly("database (1)");
    }

    @Test
    void aTaskOfAnotherThreadFailsTheRunWhereItIsToldTo() throws Exception {
        try (VirtualNetwork strict =
                VirtualNetwork.builder().failOnForeignThreads().build()) {
            VirtualHost one = strict.host("10.0.0.1");
            strict.link(one, strict.host("10.0.0.2"));
            one.group();
            Thread thread = new Thread(() -> one.group().execute(() -> {}), "database");
            thread.start();
            thread.join();

            assertThatThrownBy(() -> strict.runFor(Duration.ofSeconds(1)))
                    .hasMessageContaining("thread 'database' has submitted a task")
                    .hasMessageContaining("VirtualNetworkTest");
        }
    }

    @Test
    void anotherThreadCannotLetTimePass() throws Exception {
        List<Throwable> thrown = new ArrayList<>();
        Thread thread = new Thread(() -> {
            try {
                network.runFor(Duration.ofSeconds(1));
            } catch (IllegalStateException e) {
                thrown.add(e);
            }
        });
        thread.start();
        thread.join();

        assertThat(thrown).singleElement().satisfies(e -> assertThat(e).hasMessageContaining("belongs to thread"));
    }

    @Test
    void aNetworkIsNotClosedFromWithin() {
        List<Throwable> thrown = new ArrayList<>();
        client.group().execute(() -> thrown.add(catchThrowable(network::close)));

        network.runFor(Duration.ofSeconds(1));

        assertThat(thrown).singleElement().satisfies(e -> assertThat(e).hasMessageContaining("time is passing"));
        network.runFor(Duration.ofSeconds(1));
        assertThat(network.elapsed()).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void namesOfChannelsAreTheSameEachTime() {
        Channel channel = connect(new Echo.Counter());

        assertThat(channel.id().asShortText()).isEqualTo("00000002");
        assertThat(network.state()).contains("[id: 0x00000002, L:/10.0.0.2:").contains("ESTABLISHED");
    }

    @Test
    void namesAreThoseOfTheNetworkThatWasMadeLastAmongThoseThatAreOpen() {
        VirtualNetwork second = VirtualNetwork.create(1);
        VirtualNetwork third = VirtualNetwork.create(1);
        second.close();
        assertThat(new IslaSocketChannel().id().asShortText()).isEqualTo("00000001");
        third.close();
        assertThat(new IslaSocketChannel().id().asLongText()).isEqualTo("virtual-00000001");
        network.close();
        assertThat(new IslaSocketChannel().id()).isInstanceOf(DefaultChannelId.class);
    }

    @Test
    void badInputIsNamed() {
        assertThatThrownBy(() -> network.host("10.0.0.2"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("10.0.0.2 is used already, by host client");
        assertThatThrownBy(() -> network.host("10.0.0.9", "10.0.0.9")).hasMessageContaining("10.0.0.9 is given twice");
        assertThatThrownBy(() -> network.host("nowhere"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'nowhere' is not an IP address");
        assertThatThrownBy(() -> network.host("10.0.0.3/99"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("10.0.0.3/99");
        assertThatThrownBy(() -> network.host()).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> network.namedHost("client", "10.0.0.3"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("client");
        assertThatThrownBy(() -> link.latency(Duration.ofMillis(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("latency must not be negative: PT-0.001S");
        assertThatThrownBy(() -> link.loss(1.5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("loss")
                .hasMessageContaining("1.5");
        assertThatThrownBy(() -> link.mtu(10))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("10");
        assertThatThrownBy(() -> network.runFor(Duration.ofSeconds(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-1S");
        assertThatThrownBy(() -> network.after(Duration.ofSeconds(-1), () -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-1S");
        assertThatThrownBy(() -> network.link(client, client))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("client");
        assertThatThrownBy(() -> network.link(client, network.addSwitch("s")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("client has a link already, client-server");
        assertThatThrownBy(() -> link.from(network.addSwitch("t")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("t is at neither end");
    }

    @Test
    void whatIsRefusedLeavesNothingBehind() {
        assertThatThrownBy(() -> network.namedHost("client", "10.0.0.3")).hasMessageContaining("named client already");
        assertThatThrownBy(() -> network.host("10.0.0.4", "10.0.0.2")).hasMessageContaining("10.0.0.2 is used already");
        VirtualHost third = network.host("10.0.0.3");
        network.host("10.0.0.4");
        assertThatThrownBy(() -> network.link(third, client)).hasMessageContaining("client has a link already");
        assertThat(third.links()).isEmpty();
        assertThat(network.hosts()).hasSize(4);
        assertThat(network.links()).containsExactly(link);
    }

    @Test
    void aHostWithoutARouteIsNamed() {
        VirtualHost lonely = network.host("10.7.0.1");
        assertThatThrownBy(lonely::group)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("host 10.7.0.1 has no route");
        VirtualHost stranger = network.host("10.8.0.1");
        network.link(lonely, stranger);
        assertThatThrownBy(lonely::group)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("host 10.7.0.1 has no route: nobody on its link is in [10.7.0.1/24]");
    }
}
