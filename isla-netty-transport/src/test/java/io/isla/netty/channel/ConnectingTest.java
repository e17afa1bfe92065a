/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.SocketAddress;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ConnectionPendingException;
import java.nio.channels.NotYetConnectedException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.channels.UnsupportedAddressTypeException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Connections are opened, or not, as Netty's other transports do it. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class ConnectingTest {
    /** On the link, and nobody's: a connection attempt hangs until ARP gives up. */
    private static final InetSocketAddress NOBODY = new InetSocketAddress("10.0.0.99", 80);

    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    private Channel register(EventLog log) throws Exception {
        return hosts.client(log).register().sync().channel();
    }

    private Channel server() throws Exception {
        return TwoHosts.bind(hosts.server(new EventLog()));
    }

    @Test
    void aRegisteredChannelHasNoAddressesAndIsNotActive() throws Exception {
        EventLog log = new EventLog();

        Channel channel = register(log);

        assertThat(channel.localAddress()).isNull();
        assertThat(channel.remoteAddress()).isNull();
        assertThat(channel.isOpen()).isTrue();
        assertThat(channel.isActive()).isFalse();
        channel.close().sync();
        assertThat(log.events()).doesNotContain("active", "inactive");
    }

    @Test
    void theHandlerHearsThatTheChannelIsActiveAfterThePromiseIsDone() throws Exception {
        EventLog log = new EventLog();
        Channel channel = register(log);
        boolean[] activeBefore = new boolean[1];

        channel.connect(server().localAddress())
                .addListener(future -> activeBefore[0] = log.events().contains("active"))
                .sync();

        log.await("active");
        assertThat(activeBefore[0]).isFalse();
        assertThat(channel.isActive()).isTrue();
    }

    @Test
    void aListenerThatClosesDoesNotKeepTheHandlerFromHearingOfBoth() throws Exception {
        EventLog log = new EventLog();
        Channel channel = register(log);

        channel.connect(server().localAddress()).addListener(future -> channel.close());

        log.await("unregistered");
        assertThat(log.events()).containsSubsequence("active", "inactive", "unregistered");
    }

    @Test
    void theLocalAddressIsKnownWhileTheConnectionIsPending() throws Exception {
        Channel channel = register(new EventLog());

        channel.connect(NOBODY);
        ConnectedPair.settle(channel);

        InetSocketAddress local = (InetSocketAddress) channel.localAddress();
        assertThat(local.getAddress().getHostAddress()).isEqualTo(TwoHosts.CLIENT);
        assertThat(local.getPort()).isPositive();
        assertThat(channel.isActive()).isFalse();
        channel.close().sync();
    }

    @Test
    void aSecondConnectFailsWhileTheFirstIsPending() throws Exception {
        Channel channel = register(new EventLog());
        ChannelFuture first = channel.connect(NOBODY);

        assertThatThrownBy(() -> channel.connect(NOBODY).sync()).isInstanceOf(ConnectionPendingException.class);

        assertThat(first.isDone()).isFalse();
        channel.close().sync();
        assertThat(first.await().cause()).isInstanceOf(ClosedChannelException.class);
    }

    @Test
    void aSecondConnectFailsAfterTheFirstAndLeavesTheChannelAlone() throws Exception {
        Channel server = server();
        Channel channel = register(new EventLog());
        channel.connect(server.localAddress()).sync();

        assertThatThrownBy(() -> channel.connect(server.localAddress()).sync())
                .isInstanceOf(AlreadyConnectedException.class);

        assertThat(channel.isActive()).isTrue();
    }

    @Test
    void aConnectThatTakesTooLongTimesOut() throws Exception {
        EventLog log = new EventLog();

        ChannelFuture future = hosts.client(log)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 50)
                .connect(NOBODY)
                .await();

        assertThat(future.cause())
                .isInstanceOf(ConnectTimeoutException.class)
                .hasMessageContaining("50 ms")
                .hasMessageContaining("10.0.0.99");
        future.channel().closeFuture().sync();
        log.await("unregistered");
        assertThat(log.events()).doesNotContain("active", "inactive");
    }

    @Test
    void cancellingAPendingConnectClosesTheChannel() throws Exception {
        Channel channel = register(new EventLog());
        ChannelFuture future = channel.connect(NOBODY);
        ConnectedPair.settle(channel);

        assertThat(future.cancel(false)).isTrue();

        channel.closeFuture().sync();
        assertThat(future.isCancelled()).isTrue();
    }

    @Test
    void nobodyListeningIsARefusal() throws Exception {
        EventLog log = new EventLog();

        ChannelFuture future = hosts.client(log).connect(TwoHosts.SERVER, 9).await();

        assertThat(future.cause())
                .isInstanceOf(ConnectException.class)
                .hasMessageContaining("refused")
                .hasMessageContaining("10.0.0.2:9");
        log.await("unregistered");
        assertThat(log.events()).doesNotContain("active", "inactive");
    }

    @Test
    void aPortOfZeroIsRefusedToo() throws Exception {
        assertThatThrownBy(() ->
                        hosts.client(new EventLog()).connect(TwoHosts.SERVER, 0).sync())
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void anotherNetworkWithoutAGatewayIsUnreachable() {
        assertThatThrownBy(() ->
                        hosts.client(new EventLog()).connect("192.0.2.1", 80).sync())
                .isInstanceOf(NoRouteToHostException.class)
                .hasMessageContaining("192.0.2.1");
    }

    @Test
    void aHostThatDoesNotAnswerOnItsLinkIsUnreachable() {
        assertThatThrownBy(() -> hosts.client(new EventLog()).connect(NOBODY).sync())
                .isInstanceOf(NoRouteToHostException.class)
                .hasMessageContaining("10.0.0.99");
    }

    @Test
    void anAddressThatIsNotResolvedIsNotConnectedTo() throws Exception {
        Channel channel = register(new EventLog());

        assertThatThrownBy(() -> channel.connect(InetSocketAddress.createUnresolved("server", 80))
                        .sync())
                .isInstanceOf(UnresolvedAddressException.class);
        channel.close().sync();
    }

    @Test
    void anAddressOfAnotherKindIsNotConnectedTo() throws Exception {
        Channel channel = register(new EventLog());

        assertThatThrownBy(() -> channel.connect(new SocketAddress() {}).sync())
                .isInstanceOf(UnsupportedAddressTypeException.class);
        channel.close().sync();
    }

    @Test
    void theLocalAddressCanBeGiven() throws Exception {
        EventLog child = new EventLog();
        Channel server = TwoHosts.bind(hosts.server(child));

        Channel client = hosts.client(new EventLog())
                .connect(server.localAddress(), new InetSocketAddress(TwoHosts.CLIENT, 4711))
                .sync()
                .channel();

        assertThat(client.localAddress()).isEqualTo(new InetSocketAddress(TwoHosts.CLIENT, 4711));
        child.await("active");
        assertThat(child.channel().remoteAddress()).isEqualTo(client.localAddress());
    }

    @Test
    void anEarlierBindGivesTheLocalPort() throws Exception {
        Channel server = server();
        Channel client = hosts.client(new EventLog())
                .bind(new InetSocketAddress(TwoHosts.CLIENT, 0))
                .sync()
                .channel();
        int port = ((InetSocketAddress) client.localAddress()).getPort();
        assertThat(port).isPositive();
        assertThat(client.isActive()).isFalse();

        client.connect(server.localAddress()).sync();

        assertThat(client.localAddress()).isEqualTo(new InetSocketAddress(TwoHosts.CLIENT, port));
    }

    @Test
    void aChannelIsBoundOnce() throws Exception {
        Channel client = hosts.client(new EventLog())
                .bind(new InetSocketAddress(TwoHosts.CLIENT, 0))
                .sync()
                .channel();

        assertThatThrownBy(() ->
                        client.bind(new InetSocketAddress(TwoHosts.CLIENT, 0)).sync())
                .isInstanceOf(BindException.class);
        client.close().sync();
    }

    @Test
    void aWildcardBindBecomesTheAddressThatTheConnectionUses() throws Exception {
        Channel server = server();
        Channel client = hosts.client(new EventLog())
                .bind(new InetSocketAddress(0))
                .sync()
                .channel();
        InetSocketAddress bound = (InetSocketAddress) client.localAddress();
        assertThat(bound.getAddress().isAnyLocalAddress()).isTrue();

        client.connect(server.localAddress()).sync();

        assertThat(client.localAddress()).isEqualTo(new InetSocketAddress(TwoHosts.CLIENT, bound.getPort()));
    }

    @Test
    void aPortInUseAndAnAddressOfAnotherHostAreNotBound() throws Exception {
        InetSocketAddress address = new InetSocketAddress(TwoHosts.CLIENT, 4712);
        Channel first = hosts.client(new EventLog()).bind(address).sync().channel();

        assertThatThrownBy(() -> hosts.client(new EventLog()).bind(address).sync())
                .isInstanceOf(BindException.class)
                .hasMessageContaining("in use");
        assertThatThrownBy(() -> hosts.client(new EventLog())
                        .bind(new InetSocketAddress(TwoHosts.SERVER, 4713))
                        .sync())
                .isInstanceOf(BindException.class)
                .hasMessageContaining("Cannot assign");
        first.close().sync();
        hosts.client(new EventLog()).bind(address).sync().channel().close().sync();
    }

    @Test
    void theNameThatTheUserHasGivenIsKept() throws Exception {
        Channel server = server();
        InetSocketAddress named = new InetSocketAddress(
                InetAddress.getByAddress(
                        "server.example", InetAddress.getByName(TwoHosts.SERVER).getAddress()),
                ((InetSocketAddress) server.localAddress()).getPort());

        Channel client = hosts.client(new EventLog()).connect(named).sync().channel();

        assertThat(((InetSocketAddress) client.remoteAddress()).getHostString()).isEqualTo("server.example");
        client.close().sync();
        assertThat(((InetSocketAddress) client.remoteAddress()).getHostString()).isEqualTo("server.example");
    }

    @Test
    void theUnspecifiedAddressMeansThisHost() throws Exception {
        EventLog child = new EventLog();
        Channel server = hosts.server(child)
                .localAddress(new InetSocketAddress(0))
                .bind()
                .sync()
                .channel();

        Channel client = new Bootstrap()
                .group(hosts.serverGroup)
                .channel(IslaSocketChannel.class)
                .handler(new EventLog())
                .connect(server.localAddress())
                .sync()
                .channel();

        child.await("active");
        assertThat(((InetSocketAddress) client.remoteAddress()).getAddress().isLoopbackAddress())
                .isTrue();
        assertThat(child.channel().remoteAddress()).isEqualTo(client.localAddress());
    }

    @Test
    void ipv6WorksAsWell() throws Exception {
        EventLog child = new EventLog();
        Channel server = hosts.server(child)
                .localAddress(new InetSocketAddress("::1", 0))
                .bind()
                .sync()
                .channel();

        Channel client = new Bootstrap()
                .group(hosts.serverGroup)
                .channel(IslaSocketChannel.class)
                .handler(new EventLog())
                .connect(server.localAddress())
                .sync()
                .channel();

        child.await("active");
        assertThat(client.remoteAddress()).isEqualTo(server.localAddress());
    }

    @Test
    void halfClosingBeforeConnectingFails() throws Exception {
        IslaSocketChannel channel = (IslaSocketChannel) register(new EventLog());

        assertThatThrownBy(() -> channel.shutdownInput().sync()).isInstanceOf(NotYetConnectedException.class);
        assertThatThrownBy(() -> channel.shutdownOutput().sync()).isInstanceOf(NotYetConnectedException.class);
        channel.close().sync();
    }

    @Test
    void connectingAfterCloseFails() throws Exception {
        Channel channel = register(new EventLog());
        channel.close().sync();

        assertThatThrownBy(() -> channel.connect(NOBODY).sync()).isInstanceOf(ClosedChannelException.class);
    }

    @Test
    void aChannelThatIsDeregisteredWhileItConnectsTimesOutOnItsNewLoop() throws Exception {
        EventLog log = new EventLog();
        Channel channel = hosts.client(log)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 300)
                .register()
                .sync()
                .channel();
        ChannelFuture connect = channel.connect(NOBODY);
        ConnectedPair.settle(channel);
        channel.deregister().sync();

        hosts.otherLoop(channel).register(channel).sync();

        assertThat(connect.await(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(connect.cause()).isInstanceOf(ConnectTimeoutException.class);
        log.await("unregistered");
    }

    @Test
    void aConnectMayBeCancelledInTheListenerOfItsOwnEvents() throws Exception {
        // The promise is done when the handler hears of it: too late, and nothing happens.
        boolean[] cancelled = new boolean[1];
        ChannelFuture[] connect = new ChannelFuture[1];
        EventLog log = new EventLog() {
            @Override
            public void channelActive(ChannelHandlerContext context) throws Exception {
                cancelled[0] = connect[0].cancel(false);
                super.channelActive(context);
            }
        };
        Channel server = server();
        Channel channel = register(log);
        ConnectedPair.onLoop(channel, () -> connect[0] = channel.connect(server.localAddress()));

        log.await("active");

        assertThat(cancelled[0]).isFalse();
        assertThat(channel.isActive()).isTrue();
    }

    @Test
    void bothEndsKeepTheirAddressesAfterTheyAreClosedAlsoIfNobodyHasAskedBefore() throws Exception {
        EventLog child = new EventLog();
        Channel server = TwoHosts.bind(hosts.server(child));
        Channel client = TwoHosts.connect(hosts.client(new EventLog()), server);
        child.await("active");

        client.close().sync();
        child.await("unregistered");

        InetSocketAddress local = (InetSocketAddress) client.localAddress();
        assertThat(local.getAddress().getHostAddress()).isEqualTo(TwoHosts.CLIENT);
        assertThat(local.getPort()).isPositive();
        assertThat(client.remoteAddress()).isEqualTo(server.localAddress());
        assertThat(child.channel().localAddress()).isEqualTo(server.localAddress());
        assertThat(child.channel().remoteAddress()).isEqualTo(local);
    }
}
