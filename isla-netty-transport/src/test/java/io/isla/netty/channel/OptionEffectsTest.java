/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.channel.PacketLog.Packet;
import io.isla.netty.wire.TcpHeader;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollChannelOption;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What each option of stream and server channels does, as the wire and the clock show it. */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class OptionEffectsTest {
    private static final String CLIENT = WatchedHosts.CLIENT;
    private static final String SERVER = WatchedHosts.SERVER;

    @RegisterExtension
    final WatchedHosts hosts = new WatchedHosts();

    private final EventLog clientLog = new EventLog();
    private final EventLog childLog = new EventLog();

    private <T> ConnectedPair connectWith(ChannelOption<T> option, T value) throws Exception {
        return connect(client().option(option, value));
    }

    private ConnectedPair connect(Bootstrap client) throws Exception {
        return hosts.connect(hosts.serverBootstrap(childLog), childLog, client);
    }

    private Bootstrap client() {
        return hosts.clientBootstrap(clientLog);
    }

    private static ChannelFuture write(Channel channel, int bytes) {
        return channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[bytes]));
    }

    private IslaTcpInfo info(Channel channel) {
        return ((IslaSocketChannel) channel).tcpInfo().getNow();
    }

    // ------------------------------------------------------------------------------------------------ IP

    @Test
    void ipTosAndIpTtlAreThoseOfEveryPacket() throws Exception {
        ConnectedPair pair = hosts.connect(
                hosts.serverBootstrap(childLog)
                        .option(ChannelOption.IP_TOS, 0x48)
                        .option(IslaChannelOption.IP_TTL, 33),
                childLog,
                client().option(ChannelOption.IP_TOS, 0x28).option(IslaChannelOption.IP_TTL, 17));
        write(pair.client(), 10);
        write(pair.child(), 10);
        hosts.until(() -> clientLog.bytes().length == 10 && childLog.bytes().length == 10);

        assertThat(hosts.packets.from(CLIENT))
                .allMatch(packet -> packet.hopLimit() == 17 && (packet.trafficClass() & 0xfc) == 0x28);
        assertThat(hosts.packets.from(SERVER))
                .allMatch(packet -> packet.hopLimit() == 33 && (packet.trafficClass() & 0xfc) == 0x48);

        hosts.packets.clear();
        pair.client().config().setOption(IslaChannelOption.IP_TTL, 5);
        pair.client().config().setOption(ChannelOption.IP_TOS, 0x10);
        write(pair.client(), 10);
        hosts.turn();
        assertThat(hosts.packets.dataFrom(CLIENT))
                .isNotEmpty()
                .allMatch(packet -> packet.hopLimit() == 5 && (packet.trafficClass() & 0xfc) == 0x10);
    }

    @Test
    void tcpMaxsegIsAnnouncedAndKeptInBothDirections() throws Exception {
        ConnectedPair pair = hosts.connect(
                hosts.serverBootstrap(childLog).option(IslaChannelOption.TCP_MAXSEG, 600),
                childLog,
                client().option(IslaChannelOption.TCP_MAXSEG, 500));
        write(pair.client(), 3_000);
        write(pair.child(), 3_000);
        hosts.until(() -> clientLog.bytes().length == 3_000 && childLog.bytes().length == 3_000);

        assertThat(hosts.packets.from(CLIENT).get(0).mss()).isEqualTo(500);
        assertThat(hosts.packets.from(SERVER).get(0).mss()).isEqualTo(600);
        assertThat(hosts.packets.dataFrom(CLIENT)).allMatch(packet -> packet.length() <= 500);
        assertThat(hosts.packets.dataFrom(SERVER)).allMatch(packet -> packet.length() <= 500);
    }

    // ------------------------------------------------------------------------------------------------ when it is sent

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void tcpNodelayDecidesWhetherASmallWriteWaitsForAnAcknowledgement(boolean noDelay) throws Exception {
        ConnectedPair pair = connectWith(ChannelOption.TCP_NODELAY, noDelay);
        // A segment that is never acknowledged.
        hosts.lose(packet -> packet.from().equals(SERVER));
        hosts.packets.clear();

        for (int i = 0; i < 3; i++) {
            write(pair.client(), 10);
            hosts.turn();
        }

        assertThat(hosts.packets.dataFrom(CLIENT)).hasSize(noDelay ? 3 : 1);
    }

    @Test
    void tcpNodelayIsOnUnlessSet() throws Exception {
        assertThat(connect(client()).client().config().getOption(ChannelOption.TCP_NODELAY))
                .isTrue();
    }

    @Test
    void tcpCorkHoldsWhatDoesNotFillASegmentUntilItIsTakenOut() throws Exception {
        ConnectedPair pair = connectWith(IslaChannelOption.TCP_CORK, true);
        hosts.packets.clear();
        write(pair.client(), 10);
        write(pair.client(), 20);
        hosts.pass(100);
        assertThat(hosts.packets.dataFrom(CLIENT)).isEmpty();

        pair.client().config().setOption(IslaChannelOption.TCP_CORK, false);
        hosts.turn();

        assertThat(hosts.packets.dataFrom(CLIENT)).extracting(Packet::length).containsExactly(30);
    }

    @Test
    void tcpCorkHoldsForAFifthOfASecondAtMost() throws Exception {
        ConnectedPair pair = connectWith(IslaChannelOption.TCP_CORK, true);
        hosts.packets.clear();
        write(pair.client(), 10);

        hosts.pass(250);

        assertThat(hosts.packets.dataFrom(CLIENT)).extracting(Packet::length).containsExactly(10);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void tcpQuickackDecidesWhetherAnAcknowledgementWaits(boolean quick) throws Exception {
        ConnectedPair pair = connect(client());
        // At the start of a connection every segment is acknowledged at once.
        for (int i = 0; i < 100; i++) {
            write(pair.client(), 10);
            write(pair.child(), 10);
            hosts.pass(5);
        }
        hosts.pass(1_000);
        pair.child().config().setOption(IslaChannelOption.TCP_QUICKACK, quick);
        hosts.packets.clear();

        write(pair.client(), 10);
        hosts.turn();

        assertThat(hosts.packets.from(SERVER)).hasSize(quick ? 1 : 0);
        hosts.pass(500);
        assertThat(hosts.packets.from(SERVER)).hasSize(1);
    }

    @Test
    void tcpNotsentLowatLeavesWhatCannotBeSentToTheChannel() throws Exception {
        ConnectedPair pair = hosts.connect(
                hosts.serverBootstrap(childLog)
                        .option(ChannelOption.SO_RCVBUF, 8 * 1024)
                        .childOption(ChannelOption.AUTO_READ, false),
                childLog,
                client().option(ChannelOption.SO_SNDBUF, 100_000).option(IslaChannelOption.TCP_NOTSENT_LOWAT, 10_000L));
        List<ChannelFuture> writes = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            writes.add(write(pair.client(), 1_000));
        }
        hosts.pass(500);

        long written = writes.stream().filter(ChannelFuture::isDone).count();
        // The peer's window, and what may wait on top of it.
        assertThat(written).isBetween(10L, 27L);
        assertThat(info(pair.client()).unsent()).isLessThanOrEqualTo(10_000);

        pair.child().config().setAutoRead(true);
        hosts.until(() -> childLog.bytes().length == 100_000);
        assertThat(writes).allMatch(ChannelFuture::isSuccess);
    }

    @Test
    void tcpCongestionNamesTheAlgorithm() throws Exception {
        ConnectedPair pair = hosts.connect(
                hosts.serverBootstrap(childLog).option(IslaChannelOption.TCP_CONGESTION, "reno"),
                childLog,
                client().option(IslaChannelOption.TCP_CONGESTION, "cubic"));

        assertThat(info(pair.client()).congestionControl()).isEqualTo("cubic");
        assertThat(info(pair.child()).congestionControl()).isEqualTo("reno");
    }

    // ------------------------------------------------------------------------------------------------ giving up

    @Test
    void keepAlivesAreSentAsTheirThreeOptionsSay() throws Exception {
        ConnectedPair pair = connect(client().option(ChannelOption.SO_KEEPALIVE, true)
                .option(IslaChannelOption.TCP_KEEPIDLE, 5)
                .option(IslaChannelOption.TCP_KEEPINTVL, 2)
                .option(IslaChannelOption.TCP_KEEPCNT, 3));
        hosts.pass(1_000);
        hosts.packets.clear();
        hosts.pass(6_000);
        assertThat(hosts.packets.from(CLIENT)).hasSize(1);
        assertThat(hosts.packets.from(SERVER)).hasSize(1);
        assertThat(pair.client().isActive()).isTrue();

        hosts.packets.clear();
        hosts.lose(packet -> true);
        hosts.until(() -> clientLog.events().contains("unregistered"));

        List<Packet> probes = hosts.packets.from(CLIENT).stream()
                .filter(packet -> !packet.has(TcpHeader.RST))
                .toList();
        assertThat(probes).hasSize(3);
        assertThat(probes.get(1).millis() - probes.get(0).millis()).isBetween(1_900L, 2_100L);
        assertThat(probes.get(2).millis() - probes.get(1).millis()).isBetween(1_900L, 2_100L);
        assertThat(clientLog.exception()).isInstanceOf(IOException.class);
    }

    @Test
    void withoutSoKeepaliveAnIdleConnectionIsSilent() throws Exception {
        connect(client().option(IslaChannelOption.TCP_KEEPIDLE, 1));
        hosts.pass(1_000);
        hosts.packets.clear();

        hosts.pass(10_000);

        assertThat(hosts.packets.all()).isEmpty();
    }

    @Test
    void tcpUserTimeoutEndsAConnectionWhosePeerIsSilent() throws Exception {
        ConnectedPair pair = connectWith(IslaChannelOption.TCP_USER_TIMEOUT, 3_000);
        hosts.lose(packet -> true);
        long start = hosts.ticker.nanoTime();
        write(pair.client(), 10);

        hosts.until(() -> clientLog.events().contains("unregistered"));

        assertThat((hosts.ticker.nanoTime() - start) / 1_000_000).isBetween(2_900L, 6_000L);
        assertThat(clientLog.exception()).isInstanceOf(IOException.class);
    }

    @Test
    void tcpSyncntSaysHowOftenASynIsSentAgain() {
        hosts.lose(packet -> true);
        ChannelFuture connect = client().option(IslaChannelOption.TCP_SYNCNT, 2)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0)
                .connect(SERVER, 80);

        hosts.until(connect::isDone);

        assertThat(hosts.packets.from(CLIENT)).hasSize(3).allMatch(packet -> packet.has(TcpHeader.SYN));
        assertThat(connect.cause()).isInstanceOf(ConnectException.class).hasMessageContaining("timed out");
    }

    @Test
    void connectTimeoutMillisEndsTheAttempt() {
        hosts.lose(packet -> true);
        ChannelFuture connect =
                client().option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 1_500).connect(SERVER, 80);

        hosts.pass(1_499);
        assertThat(connect.isDone()).isFalse();
        hosts.pass(2);

        assertThat(connect.cause()).hasMessageContaining("1500");
    }

    // ------------------------------------------------------------------------------------------------ how much

    @Test
    void soSndbufIsWhatTheConnectionTakesFromTheChannel() throws Exception {
        ConnectedPair pair = connectWith(ChannelOption.SO_SNDBUF, 20_000);
        hosts.lose(packet -> packet.from().equals(SERVER));
        List<ChannelFuture> writes = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            writes.add(write(pair.client(), 1_000));
        }

        hosts.turn();

        assertThat(writes.stream().filter(ChannelFuture::isDone).count()).isEqualTo(20);
        assertThat(pair.client().config().getOption(ChannelOption.SO_SNDBUF)).isEqualTo(20_000);
    }

    @Test
    void soRcvbufIsWhatThePeerMaySendUnread() throws Exception {
        ConnectedPair pair = hosts.connect(
                hosts.serverBootstrap(childLog)
                        .option(ChannelOption.SO_RCVBUF, 10_000)
                        .childOption(ChannelOption.AUTO_READ, false),
                childLog,
                client());
        assertThat(pair.child().config().getOption(ChannelOption.SO_RCVBUF)).isEqualTo(10_000);
        hosts.packets.clear();

        write(pair.client(), 100_000);
        hosts.pass(2_000);

        assertThat(info(pair.client()).bytesAcked()).isBetween(5_000L, 10_000L);
        List<Packet> answers = hosts.packets.from(SERVER);
        // The window is closed.
        assertThat(answers.get(answers.size() - 1).window()).isZero();
        pair.child().config().setAutoRead(true);
        hosts.until(() -> childLog.bytes().length == 100_000);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void writeSpinCountBoundsWhatOneFlushMovesBeforeOtherTasksRun(int spins) throws Exception {
        ConnectedPair pair = connect(
                client().option(ChannelOption.WRITE_SPIN_COUNT, spins).option(ChannelOption.SO_SNDBUF, 8 << 20));
        List<ChannelFuture> writes = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            writes.add(pair.client().write(Unpooled.wrappedBuffer(new byte[16 * 1024])));
        }

        pair.client().flush();

        // On the loop's own thread, a flush is done when it returns; the rest is done by a task.
        long done = writes.stream().filter(ChannelFuture::isDone).count();
        assertThat(done).isEqualTo(spins * 8L);
        hosts.until(() -> childLog.bytes().length == 100 * 16 * 1024);
        assertThat(writes).allMatch(ChannelFuture::isSuccess);
    }

    // ------------------------------------------------------------------------------------------------ fast open

    @Test
    void tcpFastopenSendsDataInTheSynOnceThereIsACookie() throws Exception {
        Channel server = hosts.await(hosts.serverBootstrap(new EchoingChildren())
                        .option(ChannelOption.TCP_FASTOPEN, 5)
                        .bind())
                .channel();
        for (int connection = 0; connection < 2; connection++) {
            hosts.packets.clear();
            EventLog log = new EventLog();
            Channel client = hosts.await(hosts.clientBootstrap(log)
                            .option(ChannelOption.TCP_FASTOPEN_CONNECT, true)
                            .register())
                    .channel();
            client.write(Unpooled.wrappedBuffer(new byte[50]));
            hosts.await(client.connect(server.localAddress()));
            client.flush();
            hosts.until(() -> log.bytes().length == 50);
            Packet syn = hosts.packets.from(CLIENT).stream()
                    .filter(packet -> packet.has(TcpHeader.SYN))
                    .findFirst()
                    .orElseThrow();
            assertThat(syn.length()).isEqualTo(connection == 0 ? 0 : 50);
            hosts.await(client.close());
        }
    }

    /** Sends back what it reads. */
    @Sharable
    private static final class EchoingChildren extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message);
        }
    }

    // ------------------------------------------------------------------------------------------------ binding

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ipFreebindAllowsAnAddressThatTheHostHasNot(boolean free) {
        ChannelFuture bind = hosts.serverBootstrap(childLog)
                .option(IslaChannelOption.IP_FREEBIND, free)
                .bind("10.9.9.9", 80);
        hosts.until(bind::isDone);

        if (free) {
            assertThat(bind.channel().localAddress()).isEqualTo(new InetSocketAddress("10.9.9.9", 80));
            assertThat(bind.channel().isActive()).isTrue();
        } else {
            assertThat(bind.cause()).isInstanceOf(BindException.class);
        }
    }

    @Test
    void ipBindAddressNoPortLeavesThePortToTheConnect() throws Exception {
        Channel server = hosts.await(hosts.serverBootstrap(childLog).bind()).channel();
        Channel client = hosts.await(client().option(IslaChannelOption.IP_BIND_ADDRESS_NO_PORT, true)
                        .bind(CLIENT, 0))
                .channel();
        assertThat(client.localAddress()).isEqualTo(new InetSocketAddress(CLIENT, 0));

        hosts.await(client.connect(server.localAddress()));

        InetSocketAddress local = (InetSocketAddress) client.localAddress();
        assertThat(local.getAddress().getHostAddress()).isEqualTo(CLIENT);
        assertThat(local.getPort()).isPositive();
        // Nothing is reserved: while the connection is there, a server may have its port.
        hosts.await(hosts.clientBootstrap(new EventLog()).bind(CLIENT, local.getPort()));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void soReuseaddrLetsConnectingChannelsShareALocalPort(boolean reuse) {
        Bootstrap bootstrap = client().option(ChannelOption.SO_REUSEADDR, reuse);
        hosts.await(bootstrap.bind(CLIENT, 4_000));

        ChannelFuture second = bootstrap.clone().handler(new EventLog()).bind(CLIENT, 4_000);
        hosts.until(second::isDone);

        if (reuse) {
            assertThat(second.isSuccess()).isTrue();
        } else {
            assertThat(second.cause()).isInstanceOf(BindException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aServersPortIsFreeWhileOldConnectionsAreInTimeWaitWhateverSoReuseaddrSays(boolean reuse) throws Exception {
        ServerBootstrap bootstrap = hosts.serverBootstrap(childLog).option(ChannelOption.SO_REUSEADDR, reuse);
        ConnectedPair pair = hosts.connect(bootstrap, childLog, client());
        hosts.await(pair.child().close());
        hosts.until(() -> clientLog.events().contains("unregistered"));
        hosts.await(pair.server().close());

        EventLog again = new EventLog();
        ConnectedPair second =
                hosts.connect(bootstrap.clone().childHandler(again), again, hosts.clientBootstrap(new EventLog()));

        assertThat(second.child().isActive()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ipv6V6onlyLeavesIpv4Alone(boolean only) {
        Channel server = hosts.await(hosts.serverBootstrap(childLog)
                        .option(IslaChannelOption.IPV6_V6ONLY, only)
                        .bind("::", 80))
                .channel();
        assertThat(server.isActive()).isTrue();

        ChannelFuture connect = client().connect(SERVER, 80);
        hosts.until(connect::isDone);

        assertThat(connect.isSuccess()).isNotEqualTo(only);
    }

    // ------------------------------------------------------------------------------------------------ accepting

    @Test
    void tcpDeferAcceptAcceptsWhenDataComes() throws Exception {
        Channel server = hosts.await(hosts.serverBootstrap(childLog)
                        .option(EpollChannelOption.TCP_DEFER_ACCEPT, 10)
                        .bind())
                .channel();
        Channel client = hosts.await(client().connect(server.localAddress())).channel();
        hosts.pass(5_000);
        assertThat(childLog.events()).isEmpty();

        write(client, 10);
        hosts.until(() -> childLog.bytes().length == 10);
    }

    @Test
    void tcpDeferAcceptAcceptsWithoutDataAfterItsTime() throws Exception {
        Channel server = hosts.await(hosts.serverBootstrap(childLog)
                        .option(EpollChannelOption.TCP_DEFER_ACCEPT, 2)
                        .bind())
                .channel();
        hosts.await(client().connect(server.localAddress()));
        hosts.pass(1_900);
        assertThat(childLog.events()).isEmpty();

        hosts.pass(200);

        assertThat(childLog.events()).containsExactly("registered", "active");
    }

    @Test
    void aPeerThatClosesBeforeADeferredAcceptIsNoticedWithNoReadPending() throws Exception {
        Channel server = hosts.await(hosts.serverBootstrap(childLog)
                        .option(EpollChannelOption.TCP_DEFER_ACCEPT, 10)
                        .childOption(ChannelOption.AUTO_READ, false)
                        .bind())
                .channel();
        Channel client = hosts.await(client().connect(server.localAddress())).channel();

        hosts.await(client.close());

        hosts.until(() -> childLog.events().contains("unregistered"));
        assertThat(childLog.events()).contains("active", "inactive");
    }

    @Test
    void connectionsThatAreDeferredAreResetWhenTheServerCloses() throws Exception {
        Channel server = hosts.await(hosts.serverBootstrap(childLog)
                        .option(EpollChannelOption.TCP_DEFER_ACCEPT, 10)
                        .bind())
                .channel();
        hosts.await(client().connect(server.localAddress()));

        assertThat(server).isInstanceOf(ServerChannel.class);
        hosts.await(server.close());

        hosts.until(() -> clientLog.events().contains("unregistered"));
        assertThat(clientLog.exception()).hasMessageContaining("reset");
        assertThat(childLog.events()).isEmpty();
    }
}
