/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Channels of several kinds, hosts and groups beside each other, and channels that go from loop to loop. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class SharedLoopTest {
    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    /** Sends back what it reads. */
    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message);
        }
    }

    /** One end of a relay: reads only when the other end has taken what was read. */
    private static final class Relay extends ChannelInboundHandlerAdapter {
        private final Channel other;

        Relay(Channel other) {
            this.other = other;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.read();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            other.writeAndFlush(message)
                    .addListener(written -> context.channel().read());
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(flushed -> other.close());
        }
    }

    /** Accepts, connects onward on the very loop of the accepted channel, and relays. */
    private static final class Proxy extends ChannelInitializer<Channel> {
        private final Class<? extends Channel> onward;
        private final SocketAddress origin;
        final List<Boolean> sameLoop = new CopyOnWriteArrayList<>();

        Proxy(Class<? extends Channel> onward, SocketAddress origin) {
            this.onward = onward;
            this.origin = origin;
        }

        @Override
        protected void initChannel(Channel accepted) {
            accepted.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                @Override
                public void channelActive(ChannelHandlerContext context) {
                    ChannelFuture connect = new Bootstrap()
                            .group(accepted.eventLoop())
                            .channel(onward)
                            .option(ChannelOption.AUTO_READ, false)
                            .handler(new Relay(accepted))
                            .connect(origin);
                    connect.addListener(connected -> {
                        sameLoop.add(connect.channel().eventLoop() == accepted.eventLoop());
                        accepted.pipeline().replace(context.handler(), "relay", new Relay(connect.channel()));
                        accepted.read();
                    });
                }
            });
        }
    }

    @Test
    void aProxyConnectsOnwardOnTheLoopOfWhatItHasAccepted() throws Exception {
        Channel origin = new ServerBootstrap()
                .group(hosts.clientGroup)
                .channel(IslaServerSocketChannel.class)
                .childHandler(echoes())
                .bind(TwoHosts.CLIENT, 0)
                .sync()
                .channel();
        Proxy proxy = new Proxy(IslaSocketChannel.class, origin.localAddress());
        Channel server = TwoHosts.bind(hosts.server(proxy).childOption(ChannelOption.AUTO_READ, false));
        byte[] sent = random(1_000_000);
        for (int i = 0; i < 4; i++) {
            EventLog log = new EventLog();
            Channel client = TwoHosts.connect(hosts.client(log), server);
            client.writeAndFlush(Unpooled.wrappedBuffer(sent));
            assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
            client.close().sync();
        }

        assertThat(proxy.sameLoop).hasSize(4).containsOnly(true);
    }

    private static ChannelInitializer<Channel> echoes() {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new Echo());
            }
        };
    }

    @Test
    void aProxyStandsBetweenTheKernelAndUsOnOneLoop() throws Exception {
        assumeTrue(Epoll.isAvailable());
        EventLoop loop = hosts.serverGroup.next();
        Channel origin = new ServerBootstrap()
                .group(loop)
                .channel(EpollServerSocketChannel.class)
                .childHandler(echoes())
                .bind("127.0.0.1", 0)
                .sync()
                .channel();
        Proxy proxy = new Proxy(EpollSocketChannel.class, origin.localAddress());
        Channel server = new ServerBootstrap()
                .group(loop)
                .channel(IslaServerSocketChannel.class)
                .childOption(ChannelOption.AUTO_READ, false)
                .childHandler(proxy)
                .bind(TwoHosts.SERVER, 0)
                .sync()
                .channel();
        EventLog log = new EventLog();
        Channel client = TwoHosts.connect(hosts.client(log), server);
        byte[] sent = random(2_000_000);

        client.writeAndFlush(Unpooled.wrappedBuffer(sent));

        assertThat(log.awaitBytes(sent.length)).isEqualTo(sent);
        assertThat(proxy.sameLoop).containsExactly(true);
        client.close().sync();
    }

    // ------------------------------------------------------------------------------------------------ from loop to
    // loop

    @Test
    void aChannelGoesFromLoopToLoopWhileDataComesAndGoes() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog childLog = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, childLog);
        byte[] sent = random(3_000_000);
        pair.child().writeAndFlush(Unpooled.wrappedBuffer(sent));
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent));

        for (int i = 0; i < 20; i++) {
            EventLoop next = hosts.otherLoop(pair.client());
            pair.client().deregister().sync();
            next.register(pair.client()).sync();
        }

        assertThat(clientLog.awaitBytes(sent.length)).isEqualTo(sent);
        assertThat(childLog.awaitBytes(sent.length)).isEqualTo(sent);
        assertThat(clientLog.count("active")).isEqualTo(1);
        assertThat(clientLog.count("inactive")).isZero();
    }

    /** Both ends of several connections at once, so that segments and events meet channels that are between two loops. */
    @Test
    void bothEndsOfBusyConnectionsGoFromLoopToLoop() throws Exception {
        int connections = 3;
        byte[] sent = random(1_000_000);
        List<EventLog> logs = new ArrayList<>();
        List<Channel> channels = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            EventLog clientLog = new EventLog();
            EventLog childLog = new EventLog();
            ConnectedPair pair = ConnectedPair.open(hosts, clientLog, childLog);
            logs.addAll(List.of(clientLog, childLog));
            channels.addAll(List.of(pair.client(), pair.child()));
        }
        List<ChannelFuture> writes = new ArrayList<>();
        for (int move = 0; move < 20; move++) {
            if (move % 5 == 0) {
                channels.forEach(channel -> writes.add(channel.writeAndFlush(Unpooled.wrappedBuffer(sent))));
            }
            List<ChannelFuture> deregistered = new ArrayList<>();
            List<EventLoop> next = new ArrayList<>();
            for (Channel channel : channels) {
                next.add(other(channel.eventLoop()));
                deregistered.add(channel.deregister());
            }
            for (int i = 0; i < channels.size(); i++) {
                deregistered.get(i).sync();
                next.get(i).register(channels.get(i)).sync();
                assertThat(channels.get(i).eventLoop()).isSameAs(next.get(i));
            }
        }

        for (ChannelFuture write : writes) {
            write.sync();
        }
        for (EventLog log : logs) {
            byte[] received = log.awaitBytes(4 * sent.length);
            for (int i = 0; i < 4; i++) {
                assertThat(Arrays.copyOfRange(received, i * sent.length, (i + 1) * sent.length))
                        .isEqualTo(sent);
            }
            assertThat(log.exception()).isNull();
            assertThat(log.count("active")).isEqualTo(1);
            assertThat(log.count("inactive")).isZero();
        }
        assertThat(hosts.clientHost.counters().get("OutRsts")).isZero();
        assertThat(hosts.serverHost.counters().get("OutRsts")).isZero();
    }

    /** Another loop of the same group. */
    private static EventLoop other(EventLoop loop) {
        EventLoop other = loop.parent().next();
        while (other == loop) {
            other = loop.parent().next();
        }
        return other;
    }

    @Test
    void anAcceptedChannelMayGoToAnyGroupOfItsHostAndBack() throws Exception {
        EventLoopGroup other = hosts.add(new IslaEventLoopGroup(2, hosts.serverHost));
        byte[] sent = random(50_000);
        for (int connection = 0; connection < 6; connection++) {
            EventLog clientLog = new EventLog();
            EventLog childLog = new EventLog();
            ConnectedPair pair = ConnectedPair.open(hosts, clientLog, childLog);
            EventLoop home = pair.child().eventLoop();
            int expected = 0;
            for (EventLoop loop : List.of(other.next(), other.next(), home, hosts.serverGroup.next())) {
                pair.child().deregister().sync();
                loop.register(pair.child()).sync();
                pair.client().writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();
                pair.child().writeAndFlush(Unpooled.wrappedBuffer(sent)).sync();
                expected += sent.length;
                childLog.awaitBytes(expected);
                clientLog.awaitBytes(expected);
            }
            pair.client().close().sync();
            childLog.await("unregistered");
            pair.server().close().sync();
        }
    }

    // ------------------------------------------------------------------------------------------------ servers that
    // share

    @Test
    void serversThatShareAPortHaveEachTheirShareAndTakeOverWhenOneCloses() throws Exception {
        List<Channel> accepted = new CopyOnWriteArrayList<>();
        ServerBootstrap bootstrap = hosts.server(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        accepted.add(channel);
                        channel.pipeline().addLast(new Echo());
                    }
                })
                .option(IslaChannelOption.SO_REUSEPORT, true);
        Channel first = TwoHosts.bind(bootstrap);
        Channel second = bootstrap.bind(first.localAddress()).sync().channel();
        Channel third = bootstrap.bind(first.localAddress()).sync().channel();
        assertThatThrownBy(() ->
                        hosts.server(new EventLog()).bind(first.localAddress()).sync())
                .hasMessageContaining("in use");

        exchange(first.localAddress(), 60);
        for (Channel server : List.of(first, second, third)) {
            assertThat(accepted.stream()
                            .filter(child -> child.parent() == server)
                            .count())
                    .isGreaterThan(5);
        }

        first.close().sync();
        accepted.clear();
        exchange(second.localAddress(), 30);
        for (Channel server : List.of(second, third)) {
            assertThat(accepted.stream()
                            .filter(child -> child.parent() == server)
                            .count())
                    .isGreaterThan(3);
        }
    }

    private void exchange(SocketAddress server, int connections) throws Exception {
        for (int i = 0; i < connections; i++) {
            EventLog log = new EventLog();
            Channel client =
                    hosts.client(log).connect((InetSocketAddress) server).sync().channel();
            client.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {1, 2, 3}));
            log.awaitBytes(3);
            client.close().sync();
        }
    }

    // ------------------------------------------------------------------------------------------------ no loop yet

    @Test
    void aChannelWithoutALoopTakesNoWritesAndIsClosedAllTheSame() {
        for (Channel channel :
                List.of(new IslaSocketChannel(), new IslaServerSocketChannel(), new IslaDatagramChannel())) {
            ByteBuf buffer = Unpooled.buffer();
            assertThatThrownBy(() -> channel.writeAndFlush(buffer)).isInstanceOf(IllegalStateException.class);
            buffer.release();

            channel.unsafe().closeForcibly();

            assertThat(channel.isOpen()).isFalse();
            assertThat(channel.isRegistered()).isFalse();
        }
    }
}
