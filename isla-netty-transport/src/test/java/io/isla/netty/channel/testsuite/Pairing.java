/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.isla.netty.channel.IslaDatagramChannel;
import io.isla.netty.channel.IslaEventLoopGroup;
import io.isla.netty.channel.IslaServerSocketChannel;
import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.host.IslaHost;
import io.isla.netty.link.Link;
import io.isla.netty.link.MemoryLink;
import io.isla.netty.link.TapLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapComboFactory;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Two transports, and where the server of the one is to be found from the client of the other: what a class of Netty's test suite runs on.
 *
 * <p>The network is 198.51.100.0/24 (RFC 5737), in which the test suite has a host that does not answer.
 */
final class Pairing {
    /** Enough that a client and a child whose handlers wait for each other are not on one loop. */
    private static final int THREADS = 2;

    private static final long DEADLINE_SECONDS = 20;

    private final Transport server;
    private final Transport client;

    private Pairing(Transport server, Transport client) {
        this.server = server;
        this.client = client;
    }

    /** The addresses of a side, one of each family. */
    enum Place {
        FIRST("198.51.100.1", "2001:db8::1"),
        SECOND("198.51.100.2", "2001:db8::2");

        private static final int PREFIX = 24;
        private static final int PREFIX6 = 64;

        private final String address;
        private final String address6;

        Place(String address, String address6) {
            this.address = address;
            this.address6 = address6;
        }

        InetSocketAddress at(SocketProtocolFamily family, int port) {
            return new InetSocketAddress(family == SocketProtocolFamily.INET6 ? address6 : address, port);
        }

        /** A host of ours in this place. */
        IslaHost host(Link link) {
            return IslaHost.builder()
                    .link(link)
                    .address(address + "/" + PREFIX)
                    .address(address6 + "/" + PREFIX6)
                    .build();
        }

        /** A TAP device with the kernel in this place, and several frames in one system call or never. */
        TapLink tap(boolean ioUring) throws IOException {
            return TapLink.builder("suite0")
                    .ioUring(ioUring)
                    .hostAddress(InetAddress.getByName(address), PREFIX)
                    .hostAddress(InetAddress.getByName(address6), PREFIX6)
                    .open();
        }
    }

    /** One side; a host that is given is closed with it. */
    record Transport(
            EventLoopGroup group,
            Class<? extends ServerChannel> serverChannel,
            Class<? extends Channel> channel,
            Function<SocketProtocolFamily, DatagramChannel> datagramChannel,
            Place place,
            IslaHost host) {
        static Transport isla(IslaHost host, Place place) {
            return new Transport(
                    new IslaEventLoopGroup(THREADS, host),
                    IslaServerSocketChannel.class,
                    IslaSocketChannel.class,
                    IslaDatagramChannel::new,
                    place,
                    host);
        }

        static Transport nio(Place place) {
            return new Transport(
                    new MultiThreadIoEventLoopGroup(THREADS, NioIoHandler.newFactory()),
                    NioServerSocketChannel.class,
                    NioSocketChannel.class,
                    NioDatagramChannel::new,
                    place,
                    null);
        }

        InetSocketAddress at(int port) {
            return place.at(SocketProtocolFamily.INET, port);
        }
    }

    /** Within one host, through its loopback; server and client have event loops of their own. */
    static Pairing loopback() {
        IslaHost host = Place.FIRST.host(MemoryLink.pair("host", "nobody").first());
        return new Pairing(Transport.isla(host, Place.FIRST), Transport.isla(host, Place.FIRST));
    }

    /** From one host to another over a link in memory. */
    static Pairing twoHosts() {
        MemoryLink.Pair link = MemoryLink.pair("server", "client");
        return new Pairing(
                Transport.isla(Place.FIRST.host(link.first()), Place.FIRST),
                Transport.isla(Place.SECOND.host(link.second()), Place.SECOND));
    }

    /** From a client of the kernel to a server of ours, over a TAP that is read and written through io_uring. */
    static Pairing kernelClient() throws IOException {
        IslaHost host = Place.FIRST.host(Place.SECOND.tap(true));
        return new Pairing(Transport.isla(host, Place.FIRST), Transport.nio(Place.SECOND));
    }

    /** From a client of ours to a server of the kernel, over a TAP that is read and written without. */
    static Pairing kernelServer() throws IOException {
        IslaHost host = Place.FIRST.host(Place.SECOND.tap(false));
        return new Pairing(Transport.nio(Place.SECOND), Transport.isla(host, Place.FIRST));
    }

    /** Where to bind a server. */
    InetSocketAddress serverAddress() {
        return server.at(0);
    }

    /** Where to bind a client. */
    InetSocketAddress clientAddress() {
        return client.at(0);
    }

    List<BootstrapFactory<ServerBootstrap>> serverSocket() {
        return List.of(this::newServer);
    }

    List<BootstrapFactory<Bootstrap>> clientSocket() {
        return List.of(this::newClient);
    }

    List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> socket() {
        return List.of(new BootstrapComboFactory<>() {
            @Override
            public ServerBootstrap newServerInstance() {
                return newServer();
            }

            @Override
            public Bootstrap newClientInstance() {
                return newClient();
            }
        });
    }

    private ServerBootstrap newServer() {
        return new ServerBootstrap() {
            @Override
            public ChannelFuture bind(SocketAddress address) {
                return super.bind(here(address));
            }

            @Override
            public ChannelFuture bind(InetAddress address, int port) {
                return bind(new InetSocketAddress(address, port));
            }
        }.group(server.group()).channel(server.serverChannel());
    }

    private Bootstrap newClient() {
        return new Bootstrap() {
            @Override
            public ChannelFuture connect(SocketAddress remote) {
                return super.connect(here(remote));
            }

            @Override
            public ChannelFuture connect(InetAddress remote, int port) {
                return connect(new InetSocketAddress(remote, port));
            }
        }.group(client.group()).channel(client.channel());
    }

    /** Where the server is, for a client that has only its port. */
    InetSocketAddress serverAt(SocketProtocolFamily family, int port) {
        return server.place().at(family, port);
    }

    /** Where to bind a client. */
    InetSocketAddress clientAddress(SocketProtocolFamily family) {
        return client.place().at(family, 0);
    }

    List<BootstrapComboFactory<Bootstrap, Bootstrap>> datagram(SocketProtocolFamily family) {
        return List.of(new BootstrapComboFactory<>() {
            @Override
            public Bootstrap newServerInstance() {
                return new DatagramBootstrap(server, family);
            }

            @Override
            public Bootstrap newClientInstance() {
                return newDatagramClient(family);
            }
        });
    }

    /** For channels on the client's side. A clone is for channels on the side of the server: the one test that makes a clone has its server from it. */
    Bootstrap newDatagramClient(SocketProtocolFamily family) {
        return new DatagramBootstrap(client, family) {
            @Override
            public Bootstrap clone() {
                Bootstrap clone = new DatagramBootstrap(server, family);
                config().options().forEach((option, value) -> set(clone, option, value));
                return clone;
            }
        };
    }

    @SuppressWarnings("unchecked")
    private static <T> void set(Bootstrap bootstrap, ChannelOption<T> option, Object value) {
        bootstrap.option(option, (T) value);
    }

    /** Binds its channels to their own side, whatever address a test names, unless to all. */
    private class DatagramBootstrap extends Bootstrap {
        private final Transport side;
        private final SocketProtocolFamily family;

        DatagramBootstrap(Transport side, SocketProtocolFamily family) {
            this.side = side;
            this.family = family;
            group(side.group()).channelFactory(() -> side.datagramChannel().apply(family));
        }

        @Override
        public ChannelFuture bind(SocketAddress address) {
            InetSocketAddress inet = (InetSocketAddress) address;
            return super.bind(
                    inet.getAddress().isAnyLocalAddress() ? inet : side.place().at(family, inet.getPort()));
        }

        @Override
        public ChannelFuture connect(InetAddress remote, int port) {
            return connect(remote.isLoopbackAddress() ? serverAt(family, port) : new InetSocketAddress(remote, port));
        }
    }

    /** Some tests name the local host themselves, or a server by the wildcard address: they mean the side with the server. */
    private SocketAddress here(SocketAddress address) {
        return address instanceof InetSocketAddress inet
                        && !inet.isUnresolved()
                        && (inet.getAddress().isLoopbackAddress()
                                || inet.getAddress().isAnyLocalAddress())
                ? server.at(inet.getPort())
                : address;
    }

    void close() throws InterruptedException {
        server.group().shutdownGracefully(0, 5, TimeUnit.SECONDS);
        client.group().shutdownGracefully(0, 5, TimeUnit.SECONDS);
        for (Transport side : List.of(server, client)) {
            if (!side.group().awaitTermination(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("a group has not terminated");
            }
        }
        for (Transport side : List.of(server, client)) {
            if (side.host() != null) {
                side.host().close();
            }
        }
    }
}
