/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.ChannelLink;
import io.isla.netty.link.ChannelLinkHandler;
import io.isla.netty.link.Link;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.local.LocalAddress;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.local.LocalServerChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.LengthFieldPrepender;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Two hosts on a link that channels carry: in memory, over the kernel's UDP, over the kernel's TCP. */
@Timeout(TwoHosts.DEADLINE_SECONDS * 3)
class ChannelLinkHostsTest {
    private static final int PORT = 7;
    private static final int BYTES = 1 << 20;

    enum Carrier {
        LOCAL {
            @Override
            EventLoopGroup newGroup() {
                return new MultiThreadIoEventLoopGroup(2, LocalIoHandler.newFactory());
            }

            @Override
            List<Channel> connect(EventLoopGroup group, ChannelLink client, ChannelLink server) throws Exception {
                return stream(
                        new ServerBootstrap().channel(LocalServerChannel.class).localAddress(LocalAddress.ANY),
                        new Bootstrap().channel(LocalChannel.class),
                        group,
                        client,
                        server);
            }
        },
        UDP {
            @Override
            EventLoopGroup newGroup() {
                return new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
            }

            @Override
            List<Channel> connect(EventLoopGroup group, ChannelLink client, ChannelLink server) throws Exception {
                InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
                Bootstrap bootstrap = new Bootstrap()
                        .group(group)
                        .channel(NioDatagramChannel.class)
                        .option(ChannelOption.SO_RCVBUF, 1 << 20)
                        .handler(new ChannelInitializer<>() {
                            @Override
                            protected void initChannel(Channel channel) {}
                        });
                Channel first = bootstrap.bind(loopback, 0).sync().channel();
                Channel second = bootstrap.bind(loopback, 0).sync().channel();
                first.connect(second.localAddress()).sync();
                second.connect(first.localAddress()).sync();
                // As after a handshake: the channel is active already.
                first.pipeline().addLast(new ChannelLinkHandler(client));
                second.pipeline().addLast(new ChannelLinkHandler(server));
                return List.of(first, second);
            }
        },
        TCP {
            @Override
            EventLoopGroup newGroup() {
                return new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
            }

            @Override
            List<Channel> connect(EventLoopGroup group, ChannelLink client, ChannelLink server) throws Exception {
                InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
                return stream(
                        new ServerBootstrap()
                                .channel(NioServerSocketChannel.class)
                                .localAddress(loopback, 0),
                        new Bootstrap().channel(NioSocketChannel.class).option(ChannelOption.TCP_NODELAY, true),
                        group,
                        client,
                        server);
            }
        };

        abstract EventLoopGroup newGroup();

        /** Carries the links by a new pair of channels, which is returned. */
        abstract List<Channel> connect(EventLoopGroup group, ChannelLink client, ChannelLink server) throws Exception;

        private static List<Channel> stream(
                ServerBootstrap serverBootstrap,
                Bootstrap clientBootstrap,
                EventLoopGroup group,
                ChannelLink client,
                ChannelLink server)
                throws Exception {
            CompletableFuture<Channel> accepted = new CompletableFuture<>();
            Channel listening = serverBootstrap
                    .group(group)
                    .childHandler(new ChannelInitializer<Channel>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            addLast(channel, server);
                            accepted.complete(channel);
                        }
                    })
                    .bind()
                    .sync()
                    .channel();
            Channel connected = clientBootstrap
                    .group(group)
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            addLast(channel, client);
                        }
                    })
                    .connect(listening.localAddress())
                    .sync()
                    .channel();
            Channel second = accepted.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
            listening.close().sync();
            return List.of(connected, second);
        }

        private static void addLast(Channel channel, ChannelLink link) {
            channel.pipeline()
                    .addLast(
                            new LengthFieldBasedFrameDecoder(0xffff, 0, 2, 0, 2),
                            new LengthFieldPrepender(2),
                            new ChannelLinkHandler(link));
        }
    }

    private EventLoopGroup carriers;
    private EventLoopGroup clients;
    private EventLoopGroup servers;
    private ChannelLink clientLink;
    private ChannelLink serverLink;
    private List<Channel> pair;

    private void open(Carrier carrier, Link.Medium medium) throws Exception {
        clientLink =
                ChannelLink.builder("client", medium).mtu(1400).receiveQueues(2).build();
        serverLink =
                ChannelLink.builder("server", medium).mtu(1400).receiveQueues(2).build();
        clients = new IslaEventLoopGroup(2, host(clientLink, 1));
        servers = new IslaEventLoopGroup(2, host(serverLink, 2));
        carriers = carrier.newGroup();
        carry(carrier);
    }

    private void carry(Carrier carrier) throws Exception {
        pair = carrier.connect(carriers, clientLink, serverLink);
        // Their handlers may be told later than we are that the channels are active.
        for (ChannelLink link : List.of(clientLink, serverLink)) {
            link.whenUp().get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
        }
    }

    private static IslaHost host(ChannelLink link, int number) {
        return IslaHost.builder()
                .link(link)
                .address("10.8.0." + number + "/24")
                .address("fd08::" + number + "/64")
                .closeWhenUnused(true)
                .build();
    }

    @AfterEach
    void close() throws Exception {
        for (Channel end : pair) {
            end.close().sync();
        }
        for (EventLoopGroup group : List.of(clients, servers, carriers)) {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
    }

    /** Sends everything back. */
    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public boolean isSharable() {
            return true;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            assertThat(cause).isInstanceOf(IOException.class);
            context.close();
        }
    }

    /** Collects what comes back. */
    private static final class Collect extends SimpleChannelInboundHandler<ByteBuf> {
        private final ByteBuf bytes = Unpooled.buffer();
        private final CompletableFuture<byte[]> all = new CompletableFuture<>();
        private final CompletableFuture<Throwable> failure = new CompletableFuture<>();

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf message) {
            bytes.writeBytes(message);
            if (bytes.readableBytes() == BYTES) {
                all.complete(ByteBufUtil.getBytes(bytes));
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            failure.complete(cause);
        }
    }

    private SocketAddress serve(String address) throws Exception {
        return new ServerBootstrap()
                .group(servers)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new Echo())
                .bind(address, PORT)
                .sync()
                .channel()
                .localAddress();
    }

    private Channel connect(SocketAddress server, Collect collect) throws Exception {
        return new Bootstrap()
                .group(clients)
                .channel(IslaSocketChannel.class)
                .handler(collect)
                .connect(server)
                .sync()
                .channel();
    }

    @ParameterizedTest(name = "{0}, {1}, {2}")
    @CsvSource({
        "LOCAL, IP, 10.8.0.2",
        "LOCAL, ETHERNET, fd08::2",
        "UDP, IP, fd08::2",
        "UDP, ETHERNET, 10.8.0.2",
        "TCP, IP, 10.8.0.2",
        "TCP, ETHERNET, fd08::2"
    })
    void bytesAndDatagramsComeBack(Carrier carrier, Link.Medium medium, String address) throws Exception {
        open(carrier, medium);
        SocketAddress server = serve(address);
        byte[] bytes = new byte[BYTES];
        new Random(1).nextBytes(bytes);
        Collect collect = new Collect();
        Channel channel = connect(server, collect);
        channel.writeAndFlush(Unpooled.wrappedBuffer(bytes));
        assertThat(collect.all.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo(bytes);

        Bootstrap datagrams = new Bootstrap().channel(IslaDatagramChannel.class);
        datagrams
                .clone()
                .group(servers)
                .handler(new SimpleChannelInboundHandler<DatagramPacket>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
                        context.writeAndFlush(
                                new DatagramPacket(packet.content().retain(), packet.sender()));
                    }
                })
                .bind(address, PORT)
                .sync();
        BlockingQueue<byte[]> answers = new LinkedBlockingQueue<>();
        Channel asking = datagrams
                .clone()
                .group(clients)
                .handler(new SimpleChannelInboundHandler<DatagramPacket>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
                        answers.add(ByteBufUtil.getBytes(packet.content()));
                    }
                })
                .bind(0)
                .sync()
                .channel();
        // Of more than one fragment.
        byte[] datagram = new byte[1800];
        new Random(2).nextBytes(datagram);
        asking.writeAndFlush(new DatagramPacket(Unpooled.wrappedBuffer(datagram), new InetSocketAddress(address, PORT)))
                .sync();
        assertThat(answers.poll(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo(datagram);
    }

    @ParameterizedTest
    @EnumSource(Carrier.class)
    void connectionsFailWithTheirCarrierAndNewOnesWorkOnTheNext(Carrier carrier) throws Exception {
        open(carrier, Link.Medium.IP);
        SocketAddress server = serve("10.8.0.2");
        Collect collect = new Collect();
        Channel channel = connect(server, collect);

        for (Channel end : pair) {
            end.close().sync();
        }
        assertThat(collect.failure.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("link client is down");
        channel.closeFuture().await(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
        assertThat(channel.isOpen()).isFalse();
        assertThatThrownBy(() -> connect(server, new Collect()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("link client is down");

        carry(carrier);
        Collect second = new Collect();
        byte[] bytes = new byte[BYTES];
        connect(server, second).writeAndFlush(Unpooled.wrappedBuffer(bytes));
        assertThat(second.all.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo(bytes);
    }
}
