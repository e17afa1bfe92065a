/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.Link;
import io.isla.netty.link.MemoryLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ManualIoEventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Two hosts on one thread: the test turns their loops, on a clock that it sets, so that the same happens each time; it sees every packet between them, as
 * on a wire, and may lose some. Not thread-safe.
 */
final class WatchedHosts implements BeforeEachCallback, AfterEachCallback {
    /** The longest that a test may take, in seconds: its minutes pass as fast as the machine turns the loops. */
    static final long DEADLINE_SECONDS = 60;

    static final String CLIENT = "10.0.0.1";
    static final String SERVER = "10.0.0.2";

    final MockTicker ticker = Ticker.newMockTicker();
    final PacketLog packets = new PacketLog(ticker);
    private final MemoryLink.Pair link =
            MemoryLink.builder().medium(Link.Medium.IP).offload(false).pair("client", "server");
    final IslaHost clientHost = host(packets.watch(link.first(), SERVER), CLIENT);
    final IslaHost serverHost = host(packets.watch(link.second(), CLIENT), SERVER);
    final ManualIoEventLoop client = loop(clientHost);
    final ManualIoEventLoop server = loop(serverHost);

    private static IslaHost host(Link link, String address) {
        return IslaHost.builder()
                .link(link)
                .address(address + "/24")
                .seed(1)
                .closeWhenUnused(true)
                .build();
    }

    private ManualIoEventLoop loop(IslaHost host) {
        return new ManualIoEventLoop(null, Thread.currentThread(), IslaIoHandler.newFactory(host), ticker);
    }

    Bootstrap clientBootstrap(ChannelHandler handler) {
        return new Bootstrap().group(client).channel(IslaSocketChannel.class).handler(handler);
    }

    ServerBootstrap serverBootstrap(ChannelHandler childHandler) {
        return new ServerBootstrap()
                .group(server)
                .channel(IslaServerSocketChannel.class)
                .localAddress(new InetSocketAddress(SERVER, 80))
                .childHandler(childHandler);
    }

    Bootstrap datagramBootstrap(ManualIoEventLoop loop, ChannelHandler handler) {
        return new Bootstrap().group(loop).channel(IslaDatagramChannel.class).handler(handler);
    }

    /** Connects a client to a server, and turns the loops until both are active. */
    ConnectedPair connect(ServerBootstrap serverBootstrap, EventLog child, Bootstrap clientBootstrap) throws Exception {
        Channel bound = await(serverBootstrap.bind()).channel();
        return connect(bound, child, clientBootstrap);
    }

    ConnectedPair connect(Channel bound, EventLog child, Bootstrap clientBootstrap) throws Exception {
        Channel connected = await(clientBootstrap.connect(bound.localAddress())).channel();
        until(() -> child.events().contains("active"));
        return new ConnectedPair(bound, connected, child.channel());
    }

    /** Turns the loops until something has succeeded. */
    <F extends Future<?>> F await(F future) {
        until(future::isDone);
        if (future.cause() != null) {
            throw new AssertionError(future.cause());
        }
        return future;
    }

    /** Turns the loops until something is so; at most a minute of their time. */
    void until(BooleanSupplier condition) {
        for (int millis = 0; millis < 60_000 && !condition.getAsBoolean(); millis++) {
            turn();
            if (!condition.getAsBoolean()) {
                ticker.advanceMillis(1);
            }
        }
        assertThat(condition.getAsBoolean())
                .as("came to be so within a minute; packets: %s", packets.all())
                .isTrue();
    }

    /** Turns the loops until they have nothing to do; no time passes. */
    void turn() {
        int idle = 0;
        for (int turns = 0; turns < 10_000 && idle < 3; turns++) {
            idle = client.runNow() + server.runNow() == 0 ? idle + 1 : 0;
        }
    }

    /** Lets time pass. */
    void pass(long millis) {
        for (long left = millis; left > 0; left--) {
            turn();
            ticker.advanceMillis(1);
        }
        turn();
    }

    /** Loses what packets are chosen from now on. */
    void lose(Predicate<PacketLog.Packet> choice) {
        packets.lose(choice);
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        // Both hear from now on.
        turn();
        packets.clear();
    }

    @Override
    public void afterEach(ExtensionContext context) {
        packets.lose(packet -> false);
        for (ManualIoEventLoop loop : List.of(client, server)) {
            loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
        }
        for (int i = 0; i < 10_000 && !(client.isTerminated() && server.isTerminated()); i++) {
            client.runNow();
            server.runNow();
            ticker.advanceMillis(1);
        }
        assertThat(client.isTerminated() && server.isTerminated()).isTrue();
        clientHost.close();
        serverHost.close();
    }
}
