/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.wire.TcpHeader;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What options do that are set late: after the registration, on a server that listens, on a connection in use. {@link OptionEffectsTest} has them set in time. */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class ConnectionOptionsTest {
    private static final String CLIENT = WatchedHosts.CLIENT;
    private static final String SERVER = WatchedHosts.SERVER;

    @RegisterExtension
    final TwoHosts free = new TwoHosts();

    @RegisterExtension
    final WatchedHosts hosts = new WatchedHosts();

    private final EventLog clientLog = new EventLog();
    private final EventLog childLog = new EventLog();

    private ConnectedPair connect() throws Exception {
        return hosts.connect(hosts.serverBootstrap(childLog), childLog, hosts.clientBootstrap(clientLog));
    }

    /** With a peer that does not read, and has room for little. */
    private ConnectedPair connectToOneThatDoesNotRead() throws Exception {
        return hosts.connect(
                hosts.serverBootstrap(childLog)
                        .option(ChannelOption.SO_RCVBUF, 8 * 1024)
                        .childOption(ChannelOption.AUTO_READ, false),
                childLog,
                hosts.clientBootstrap(clientLog));
    }

    private static <T> void set(Channel channel, ChannelOption<T> option, T value) {
        assertThat(channel.config().setOption(option, value)).isTrue();
        assertThat(channel.config().getOption(option)).isEqualTo(value);
    }

    private static ChannelFuture write(Channel channel, int bytes) {
        return channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[bytes]));
    }

    private static List<ChannelFuture> writes(Channel channel, int count) {
        List<ChannelFuture> writes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            writes.add(write(channel, 1_000));
        }
        return writes;
    }

    private static long done(List<ChannelFuture> writes) {
        return writes.stream().filter(ChannelFuture::isDone).count();
    }

    private static IslaTcpInfo info(Channel channel) {
        return ((IslaSocketChannel) channel).tcpInfo().getNow();
    }

    // ------------------------------------------------------------------------------------------------ before there is
    // a connection

    @Test
    void whatIsSetBetweenRegistrationAndConnectIsThatOfTheConnection() throws Exception {
        Channel server = hosts.await(hosts.serverBootstrap(childLog).bind()).channel();
        Channel client =
                hosts.await(hosts.clientBootstrap(clientLog).register()).channel();
        set(client, IslaChannelOption.TCP_MAXSEG, 500);
        set(client, IslaChannelOption.IP_TTL, 17);
        set(client, IslaChannelOption.TCP_CONGESTION, "reno");
        set(client, ChannelOption.SO_SNDBUF, 20_000);
        set(client, ChannelOption.SO_RCVBUF, 10_000);

        hosts.await(client.connect(server.localAddress()));

        PacketLog.Packet syn = hosts.packets.from(CLIENT).get(0);
        assertThat(syn.has(TcpHeader.SYN)).isTrue();
        assertThat(syn.mss()).isEqualTo(500);
        assertThat(syn.hopLimit()).isEqualTo(17);
        assertThat(syn.window()).isLessThanOrEqualTo(10_000);
        assertThat(info(client).congestionControl()).isEqualTo("reno");
        hosts.lose(packet -> packet.from().equals(SERVER));
        List<ChannelFuture> writes = writes(client, 100);
        hosts.turn();
        assertThat(done(writes)).isEqualTo(20);
    }

    @Test
    void whatIsSetOnAServerThatListensIsThatOfTheNextConnection() throws Exception {
        ConnectedPair first = connect();
        set(first.server(), IslaChannelOption.IP_TTL, 33);
        set(first.server(), IslaChannelOption.TCP_CONGESTION, "reno");
        set(first.server(), ChannelOption.SO_RCVBUF, 10_000);
        assertThat(first.child().config().getOption(IslaChannelOption.IP_TTL)).isEqualTo(64);
        hosts.packets.clear();

        EventLog log = new EventLog();
        first.server().pipeline().addFirst(new ChildLog(log));
        Channel client = hosts.await(hosts.clientBootstrap(new EventLog())
                        .connect(first.server().localAddress()))
                .channel();
        hosts.until(() -> log.events().contains("active"));

        Channel child = log.channel();
        assertThat(client.isActive()).isTrue();
        assertThat(hosts.packets.from(SERVER)).isNotEmpty().allMatch(packet -> packet.hopLimit() == 33);
        assertThat(info(child).congestionControl()).isEqualTo("reno");
        assertThat(child.config().getOption(ChannelOption.SO_RCVBUF)).isEqualTo(10_000);
    }

    /** Gives each accepted channel a log, before the bootstrap's own handler has it. */
    private static final class ChildLog extends ChannelInboundHandlerAdapter {
        private final EventLog log;

        ChildLog(EventLog log) {
            this.log = log;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            Channel child = (Channel) message;
            child.pipeline().addLast(log);
            context.channel().eventLoop().register(child);
        }
    }

    // ------------------------------------------------------------------------------------------------ when it is sent

    @Test
    void tcpNodelaySendsWhatHasWaitedForAnAcknowledgement() throws Exception {
        ConnectedPair pair = connect();
        set(pair.client(), ChannelOption.TCP_NODELAY, false);
        hosts.lose(packet -> packet.from().equals(SERVER));
        hosts.packets.clear();
        for (int i = 0; i < 3; i++) {
            write(pair.client(), 10);
            hosts.turn();
        }
        assertThat(hosts.packets.dataFrom(CLIENT)).hasSize(1);

        set(pair.client(), ChannelOption.TCP_NODELAY, true);
        hosts.turn();

        assertThat(hosts.packets.dataFrom(CLIENT))
                .extracting(PacketLog.Packet::length)
                .containsExactly(10, 20);
    }

    @Test
    void tcpMaxsegIsKeptByWhatIsSentFromThenOn() throws Exception {
        ConnectedPair pair = connect();
        set(pair.client(), IslaChannelOption.TCP_MAXSEG, 500);
        hosts.packets.clear();

        write(pair.client(), 3_000);
        hosts.until(() -> childLog.bytes().length == 3_000);

        assertThat(hosts.packets.dataFrom(CLIENT)).allMatch(packet -> packet.length() <= 500);
    }

    @Test
    void tcpCongestionChangesTheAlgorithmAndTheConnectionGoesOn() throws Exception {
        ConnectedPair pair = connect();
        write(pair.client(), 100_000);
        hosts.pass(1);

        set(pair.client(), IslaChannelOption.TCP_CONGESTION, "reno");
        hosts.turn();

        assertThat(info(pair.client()).congestionControl()).isEqualTo("reno");
        write(pair.client(), 100_000);
        hosts.until(() -> childLog.bytes().length == 200_000);
    }

    // ------------------------------------------------------------------------------------------------ how much

    @Test
    void soSndbufTakesWhatWaitsInTheChannelWhenItIsMadeLarger() throws Exception {
        ConnectedPair pair = connectToOneThatDoesNotRead();
        set(pair.client(), ChannelOption.SO_SNDBUF, 20_000);
        List<ChannelFuture> writes = writes(pair.client(), 100);
        hosts.pass(500);
        long before = done(writes);
        assertThat(before).isBetween(20L, 30L);

        set(pair.client(), ChannelOption.SO_SNDBUF, 50_000);
        hosts.turn();

        assertThat(done(writes)).isEqualTo(before + 30);
        pair.child().config().setAutoRead(true);
        hosts.until(() -> childLog.bytes().length == 100_000);
        assertThat(writes).allMatch(ChannelFuture::isSuccess);
    }

    @Test
    void soSndbufMadeSmallerThanWhatItHoldsLosesNothing() throws Exception {
        ConnectedPair pair = connectToOneThatDoesNotRead();
        set(pair.client(), ChannelOption.SO_SNDBUF, 50_000);
        List<ChannelFuture> writes = writes(pair.client(), 100);
        hosts.pass(500);
        long before = done(writes);

        set(pair.client(), ChannelOption.SO_SNDBUF, 5_000);
        hosts.pass(500);

        assertThat(done(writes)).isEqualTo(before);
        pair.child().config().setAutoRead(true);
        hosts.until(() -> childLog.bytes().length == 100_000);
        assertThat(writes).allMatch(ChannelFuture::isSuccess);
    }

    @Test
    void tcpNotsentLowatTakesWhatWaitsInTheChannelWhenItIsMadeLarger() throws Exception {
        ConnectedPair pair = connectToOneThatDoesNotRead();
        set(pair.client(), ChannelOption.SO_SNDBUF, 100_000);
        set(pair.client(), IslaChannelOption.TCP_NOTSENT_LOWAT, 10_000L);
        List<ChannelFuture> writes = writes(pair.client(), 100);
        hosts.pass(500);
        long before = done(writes);
        assertThat(before).isBetween(10L, 27L);

        set(pair.client(), IslaChannelOption.TCP_NOTSENT_LOWAT, 30_000L);
        hosts.turn();

        assertThat(done(writes)).isBetween(before + 19, before + 21);
    }

    @Test
    void soRcvbufMadeLargerOpensTheWindowOfOneThatDoesNotRead() throws Exception {
        ConnectedPair pair = connectToOneThatDoesNotRead();
        write(pair.client(), 100_000);
        hosts.pass(2_000);
        long before = info(pair.client()).bytesAcked();
        assertThat(before).isLessThanOrEqualTo(8 * 1024);

        set(pair.child(), ChannelOption.SO_RCVBUF, 40_000);
        hosts.pass(10_000);

        assertThat(info(pair.client()).bytesAcked()).isBetween(20_000L, 40_000L);
        assertThat(childLog.bytes()).isEmpty();
    }

    @Test
    void soRcvbufMadeSmallerDoesNotTakeBackWhatWasOffered() throws Exception {
        ConnectedPair pair = hosts.connect(
                hosts.serverBootstrap(childLog)
                        .option(ChannelOption.SO_RCVBUF, 40_000)
                        .childOption(ChannelOption.AUTO_READ, false),
                childLog,
                hosts.clientBootstrap(clientLog));
        set(pair.child(), ChannelOption.SO_RCVBUF, 5_000);
        hosts.turn();

        write(pair.client(), 100_000);
        hosts.pass(5_000);
        pair.child().config().setAutoRead(true);

        hosts.until(() -> childLog.bytes().length == 100_000);
        assertThat(hosts.serverHost.counters().get("OutRsts")).isZero();
    }

    // ------------------------------------------------------------------------------------------------ giving up

    @Test
    void soKeepaliveBeginsAndEndsWhenItIsSet() throws Exception {
        ConnectedPair pair = connect();
        hosts.pass(20_000);
        hosts.packets.clear();

        set(pair.client(), IslaChannelOption.TCP_KEEPIDLE, 5);
        set(pair.client(), ChannelOption.SO_KEEPALIVE, true);
        hosts.pass(6_000);
        assertThat(hosts.packets.from(CLIENT)).isNotEmpty();

        set(pair.client(), ChannelOption.SO_KEEPALIVE, false);
        hosts.turn();
        hosts.packets.clear();
        hosts.pass(20_000);
        assertThat(hosts.packets.all()).isEmpty();
    }

    @Test
    void tcpUserTimeoutHoldsForWhatIsUnderWay() throws Exception {
        ConnectedPair pair = connect();
        hosts.lose(packet -> true);
        long start = hosts.ticker.nanoTime();
        write(pair.client(), 10);
        hosts.pass(1_000);

        set(pair.client(), IslaChannelOption.TCP_USER_TIMEOUT, 3_000);
        hosts.until(() -> clientLog.events().contains("unregistered"));

        assertThat((hosts.ticker.nanoTime() - start) / 1_000_000).isBetween(2_900L, 6_000L);
    }

    // ------------------------------------------------------------------------------------------------ from any thread

    /** A client of the two hosts whose writes are stuck: its peer does not read, and its send buffer is small. */
    private ConnectedPair stuck() throws Exception {
        return ConnectedPair.open(free, clientLog, childLog, new ConnectedPair.Setup() {
            @Override
            public void client(Bootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_SNDBUF, 20_000);
            }

            @Override
            public void server(ServerBootstrap bootstrap) {
                bootstrap.option(ChannelOption.SO_RCVBUF, 8 * 1024).childOption(ChannelOption.AUTO_READ, false);
            }
        });
    }

    @Test
    void anotherThreadsChangeIsHeardByTheLoop() throws Exception {
        ConnectedPair pair = stuck();
        ChannelFuture write = write(pair.client(), 100_000);
        free.settle();
        assertThat(write.isDone()).isFalse();

        set(pair.client(), ChannelOption.SO_SNDBUF, 400_000);

        write.sync();
        assertThat(childLog.bytes()).isEmpty();
    }

    @Test
    void aChangeWhileTheChannelHasNoLoopIsHeardByTheNextOne() throws Exception {
        ConnectedPair pair = stuck();
        ChannelFuture write = write(pair.client(), 100_000);
        free.settle();
        pair.client().deregister().sync();

        set(pair.client(), ChannelOption.SO_SNDBUF, 400_000);
        assertThat(write.isDone()).isFalse();
        free.otherLoop(pair.client()).register(pair.client()).sync();

        write.sync();
        assertThat(childLog.bytes()).isEmpty();
    }
}
