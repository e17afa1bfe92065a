/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.channel.IslaDatagramChannel;
import io.isla.netty.channel.IslaEventLoopGroup;
import io.isla.netty.channel.IslaServerSocketChannel;
import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.host.IslaHost;
import io.isla.netty.link.TapLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** A TAP device with Isla at one end and the kernel at the other, and event loops for both; a server of either lives as long as a test. */
final class Wire implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {

    /** For whatever is to happen: a machine may be slow. */
    static final long DEADLINE_SECONDS = 180;

    /** An end of the wire: what a Netty user says to be there. */
    enum Side {
        ISLA("10.83.0.2", IslaServerSocketChannel.class, IslaSocketChannel.class, IslaDatagramChannel.class),
        KERNEL("10.83.0.1", NioServerSocketChannel.class, NioSocketChannel.class, NioDatagramChannel.class);

        final String host;
        final Class<? extends ServerSocketChannel> serverChannel;
        final Class<? extends SocketChannel> channel;
        final Class<? extends DatagramChannel> datagramChannel;

        Side(
                String host,
                Class<? extends ServerSocketChannel> serverChannel,
                Class<? extends SocketChannel> channel,
                Class<? extends DatagramChannel> datagramChannel) {
            this.host = host;
            this.serverChannel = serverChannel;
            this.channel = channel;
            this.datagramChannel = datagramChannel;
        }

        Side other() {
            return this == ISLA ? KERNEL : ISLA;
        }

        InetAddress address() {
            try {
                return InetAddress.getByName(host);
            } catch (UnknownHostException e) {
                throw new AssertionError("a literal address", e);
            }
        }

        /** Any port of its address. */
        InetSocketAddress anyPort() {
            return new InetSocketAddress(address(), 0);
        }
    }

    private final String device;
    private final Map<Side, EventLoopGroup> groups = new EnumMap<>(Side.class);
    private final List<Channel> opened = new ArrayList<>();

    /** The test class, and of its nested ones the one that runs. */
    private int users;

    Wire(String device) {
        this.device = device;
    }

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        if (users++ > 0) {
            return;
        }
        IslaHost host = IslaHost.builder()
                .link(TapLink.builder(device)
                        .queues(2)
                        .hostAddress(Side.KERNEL.address(), 24)
                        .open())
                .address(Side.ISLA.address(), 24)
                .closeWhenUnused(true)
                .build();
        groups.put(Side.ISLA, new IslaEventLoopGroup(2, host));
        groups.put(Side.KERNEL, new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory()));
    }

    @Override
    public void afterEach(ExtensionContext context) {
        for (Channel channel : opened) {
            channel.close().awaitUninterruptibly();
        }
        opened.clear();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        if (--users > 0) {
            return;
        }
        for (EventLoopGroup group : groups.values()) {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS);
        }
        for (EventLoopGroup group : groups.values()) {
            assertThat(group.terminationFuture().awaitUninterruptibly(DEADLINE_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
        }
    }

    EventLoopGroup group(Side side) {
        return groups.get(side);
    }

    /** Waits until a channel is bound or connected; it is closed when the test ends. */
    Channel open(ChannelFuture future) {
        Channel channel = future.syncUninterruptibly().channel();
        opened.add(channel);
        return channel;
    }

    /** Starts a server on a side, at any port; it is closed when the test ends. */
    InetSocketAddress serve(Side side, ChannelHandler childHandler) {
        Channel server = open(new ServerBootstrap()
                .group(group(side))
                .channel(side.serverChannel)
                .childHandler(childHandler)
                .bind(side.anyPort()));
        return (InetSocketAddress) server.localAddress();
    }

    /** Connects from a side; the channel is closed when the test ends. */
    Channel connect(Side side, InetSocketAddress remote, ChannelHandler handler) {
        return open(new Bootstrap()
                .group(group(side))
                .channel(side.channel)
                .handler(handler)
                .connect(remote));
    }

    /** Binds a datagram channel on a side to any port; it is closed when the test ends. */
    Channel datagrams(Side side, ChannelHandler handler) {
        return open(new Bootstrap()
                .group(group(side))
                .channel(side.datagramChannel)
                .handler(handler)
                .bind(side.anyPort()));
    }

    /** The beginning of a URL of a server. */
    static String url(String scheme, InetSocketAddress server) {
        return scheme + "://" + server.getAddress().getHostAddress() + ":" + server.getPort();
    }
}
