/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.EventLoopGroup;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Connections are accepted as Netty's other transports do it, on loops of the user's choice. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class AcceptingTest {
    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    private final BlockingQueue<Channel> accepted = new LinkedBlockingQueue<>();

    private ChannelInitializer<Channel> collector() {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelActive(ChannelHandlerContext context) throws Exception {
                        accepted.add(context.channel());
                        super.channelActive(context);
                    }

                    @Override
                    public void channelRead(ChannelHandlerContext context, Object message) {
                        context.writeAndFlush(message);
                    }

                    @Override
                    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                        context.close();
                    }
                });
            }
        };
    }

    private Channel nextAccepted() throws Exception {
        Channel channel = accepted.poll(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
        assertThat(channel).as("an accepted channel").isNotNull();
        return channel;
    }

    private Channel connect(Channel server) throws Exception {
        return TwoHosts.connect(hosts.client(new EventLog()), server);
    }

    @Test
    void aServerIsActiveOnceItIsBoundAndKnowsItsPort() throws Exception {
        EventLog log = new EventLog();
        Channel server =
                hosts.server(new EventLog()).handler(log).register().sync().channel();
        assertThat(server.isActive()).isFalse();
        assertThat(server.localAddress()).isNull();

        server.bind(new InetSocketAddress(TwoHosts.SERVER, 0)).sync();

        log.await("active");
        InetSocketAddress address = (InetSocketAddress) server.localAddress();
        assertThat(address.getPort()).isPositive();
        assertThat(server.remoteAddress()).isNull();
        server.close().sync();
        log.await("unregistered");
        assertThat(server.localAddress()).isEqualTo(address);
    }

    @Test
    void aWildcardIsShownAsSuchAndListensOnEveryAddress() throws Exception {
        Channel server = hosts.server(collector()).bind(0).sync().channel();
        InetSocketAddress address = (InetSocketAddress) server.localAddress();
        assertThat(address.getAddress().isAnyLocalAddress()).isTrue();

        Channel client = hosts.client(new EventLog())
                .connect(TwoHosts.SERVER, address.getPort())
                .sync()
                .channel();

        Channel child = nextAccepted();
        assertThat(child.localAddress()).isEqualTo(client.remoteAddress());
        assertThat(child.parent()).isSameAs(server);
    }

    @Test
    void anAddressInUseIsNotBound() throws Exception {
        Channel server = TwoHosts.bind(hosts.server(collector()));

        assertThatThrownBy(() ->
                        hosts.server(collector()).bind(server.localAddress()).sync())
                .isInstanceOf(BindException.class)
                .hasMessageContaining("in use");

        server.close().sync();
        hosts.server(collector()).bind(server.localAddress()).sync();
    }

    @Test
    void aPortMayBeSharedByServersThatSaySo() throws Exception {
        ServerBootstrap bootstrap = hosts.server(collector()).option(IslaChannelOption.SO_REUSEPORT, true);
        Channel first = TwoHosts.bind(bootstrap);
        Channel second = bootstrap.bind(first.localAddress()).sync().channel();

        connect(first);

        Channel child = nextAccepted();
        assertThat(List.of(first, second)).contains(child.parent());
    }

    @Test
    void anAddressOfAnotherHostIsNotBound() {
        assertThatThrownBy(() ->
                        hosts.server(collector()).bind(TwoHosts.CLIENT, 80).sync())
                .isInstanceOf(BindException.class)
                .hasMessageContaining("Cannot assign");
    }

    @Test
    void withoutReadingNothingIsAcceptedAndConnectionsWait() throws Exception {
        Channel server = TwoHosts.bind(hosts.server(collector()).option(ChannelOption.AUTO_READ, false));
        Channel client = connect(server);
        EventLog echo = new EventLog();
        client.pipeline().addLast(echo);
        client.writeAndFlush(Unpooled.wrappedBuffer(new byte[3])).sync();
        ConnectedPair.settle(server);
        assertThat(accepted).isEmpty();

        server.read();

        nextAccepted();
        // What came before it was accepted is there.
        EventLog log = (EventLog) client.pipeline().first();
        log.awaitBytes(3);
    }

    @Test
    void aFullBacklogDropsSynsUntilThereIsRoom() throws Exception {
        Channel server = TwoHosts.bind(
                hosts.server(collector()).option(ChannelOption.AUTO_READ, false).option(ChannelOption.SO_BACKLOG, 2));
        // As on Linux, one more than the backlog says.
        for (int i = 0; i < 3; i++) {
            connect(server);
        }
        // A client is connected a little before its server knows it.
        hosts.settle();

        ChannelFuture late = hosts.client(new EventLog())
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 300)
                .connect(server.localAddress())
                .await();

        assertThat(late.cause()).isInstanceOf(ConnectTimeoutException.class);
        ChannelFuture patient = hosts.client(new EventLog()).connect(server.localAddress());
        server.config().setAutoRead(true);
        patient.sync();
        for (int i = 0; i < 4; i++) {
            nextAccepted();
        }
    }

    @Test
    void connectionsThatNobodyHasAcceptedAreResetWhenTheServerCloses() throws Exception {
        Channel server = TwoHosts.bind(hosts.server(collector()).option(ChannelOption.AUTO_READ, false));
        EventLog clientLog = new EventLog();
        TwoHosts.connect(hosts.client(clientLog), server);

        server.close().sync();

        clientLog.await("unregistered");
        assertThat(clientLog.exception()).isInstanceOf(IOException.class).hasMessageContaining("reset");
        assertThatThrownBy(() -> connect(server)).isInstanceOf(java.net.ConnectException.class);
    }

    @Test
    void anExceptionInTheChildsInitializerClosesTheChildOnly() throws Exception {
        Channel server = TwoHosts.bind(hosts.server(new ChannelInitializer<>() {
            private int count;

            @Override
            protected synchronized void initChannel(Channel channel) {
                if (count++ == 0) {
                    throw new IllegalStateException("not this one");
                }
                channel.pipeline().addLast(collector());
            }
        }));
        EventLog first = new EventLog();
        TwoHosts.connect(hosts.client(first), server);
        first.await("unregistered");

        connect(server);

        nextAccepted();
    }

    @Test
    void anExceptionInTheServersPipelineStopsAcceptingForASecondAndTheBacklogHolds() throws Exception {
        Channel server = TwoHosts.bind(hosts.server(collector()));
        server.pipeline().fireExceptionCaught(new IOException("too many"));
        ConnectedPair.settle(server);
        assertThat(server.config().isAutoRead()).isFalse();

        connect(server);

        // The bootstrap reads again after a second.
        nextAccepted();
    }

    @Test
    void aServerCannotConnectOrWrite() throws Exception {
        Channel server = TwoHosts.bind(hosts.server(collector()));

        assertThatThrownBy(() -> server.connect(server.localAddress()).sync())
                .isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> server.writeAndFlush(Unpooled.EMPTY_BUFFER).sync())
                .isInstanceOf(UnsupportedOperationException.class);
        assertThat(server.isActive()).isTrue();
    }

    @Test
    void connectionsAreSpreadOverTheLoopsAndLiveWhereTheirChannelsAre() throws Exception {
        Channel server = TwoHosts.bind(hosts.server(collector()));
        List<Channel> children = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            connect(server);
            children.add(nextAccepted());
        }

        assertThat(children.stream().map(Channel::eventLoop).distinct()).hasSize(2);
        for (Channel child : children) {
            assertThat(child.eventLoop().parent()).isSameAs(hosts.serverGroup);
            assertThat(HandlerLoop.of(((IslaSocketChannel) child).owner())).isSameAs(child.eventLoop());
        }
    }

    @Test
    void aBossGroupAcceptsForAWorkerGroupOnTheSameHost() throws Exception {
        EventLoopGroup boss = hosts.add(new IslaEventLoopGroup(1, hosts.serverHost));
        Channel server = hosts.server(collector())
                .clone()
                .localAddress(new InetSocketAddress(TwoHosts.SERVER, 0))
                .bind()
                .sync()
                .channel();
        server.close().sync();
        Channel bossServer = new ServerBootstrap()
                .group(boss, hosts.serverGroup)
                .channel(IslaServerSocketChannel.class)
                .childHandler(collector())
                .bind(TwoHosts.SERVER, 0)
                .sync()
                .channel();
        assertThat(bossServer.eventLoop().parent()).isSameAs(boss);

        for (int i = 0; i < 20; i++) {
            EventLog log = new EventLog();
            Channel client = TwoHosts.connect(hosts.client(log), bossServer);
            Channel child = nextAccepted();
            assertThat(child.eventLoop().parent()).isSameAs(hosts.serverGroup);
            client.writeAndFlush(Unpooled.wrappedBuffer(new byte[1000]));
            log.awaitBytes(1000);
            client.close().sync();
        }
    }

    @Test
    void aThousandConnectionsAreHeldAndLeaveNothingBehind() throws Exception {
        Channel server = TwoHosts.bind(hosts.server(collector()));
        List<ChannelFuture> connects = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            connects.add(hosts.client(new EventLog()).connect(server.localAddress()));
        }
        List<Channel> children = new ArrayList<>();
        for (ChannelFuture connect : connects) {
            connect.sync();
            children.add(nextAccepted());
        }

        for (ChannelFuture connect : connects) {
            connect.channel().close();
        }

        for (Channel child : children) {
            child.closeFuture().sync();
        }
    }

    /** Where the handler of an accepted channel throws. */
    enum Where {
        REGISTERED,
        ACTIVE,
        READ
    }

    /** Throws once; otherwise it sends back what it reads. */
    private static final class Thrower extends ChannelInboundHandlerAdapter {
        private final Where where;
        private final List<Throwable> caught;
        private boolean thrown;

        Thrower(Where where, List<Throwable> caught) {
            this.where = where;
            this.caught = caught;
        }

        private void maybeThrow(Where here) {
            if (here == where && !thrown) {
                thrown = true;
                throw new IllegalStateException("thrown when " + here);
            }
        }

        @Override
        public void channelRegistered(ChannelHandlerContext context) {
            maybeThrow(Where.REGISTERED);
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            maybeThrow(Where.ACTIVE);
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
            maybeThrow(Where.READ);
            context.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {1}));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            caught.add(cause);
        }
    }

    @ParameterizedTest
    @EnumSource
    void anExceptionInAChildsHandlerIsThatChildsOwnAndItsConnectionGoesOn(Where where) throws Exception {
        List<Throwable> caught = new CopyOnWriteArrayList<>();
        Channel server = TwoHosts.bind(hosts.server(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new Thrower(where, caught));
            }
        }));
        for (int connection = 0; connection < 3; connection++) {
            EventLog log = new EventLog();
            Channel client = TwoHosts.connect(hosts.client(log), server);
            int asked = 0;
            while (log.bytes().length == 0) {
                client.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {1})).sync();
                hosts.settle();
                assertThat(++asked).isLessThan(1_000);
            }
            client.close().sync();
        }

        assertThat(caught)
                .hasSize(3)
                .allSatisfy(cause -> assertThat(cause).hasStackTraceContaining("thrown when " + where));
        assertThat(server.config().isAutoRead()).isTrue();
    }
}
