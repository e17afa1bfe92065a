/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The client's requests to the server that is measured; over the loopback interface here. */
class BenchClientTest {
    private static final long MANY_BYTES = 10_000_000;
    private static final int DEADLINE_SECONDS = 30;
    private static final int QUIET_MILLIS = 200;
    private static final String HOST = "127.0.0.1";

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final EventLoopGroup clients = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final BenchClient client = new BenchClient(clients, NioSocketChannel.class);
    private BenchServer server;
    private int port;

    @BeforeEach
    void start() throws Exception {
        while (server == null) {
            // The next port must be free as well.
            try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
                port = free.getLocalPort();
            }
            try {
                server = BenchServer.start(group, NioServerSocketChannel.class, InetAddress.getByName(HOST), port);
            } catch (Exception e) {
                if (!(e instanceof BindException)) {
                    throw e;
                }
            }
        }
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
        // A loop of Netty's own that is told to end between its look at that and the end of its turn ends without
        // closing
        // its channels, unless it has to be quiet for a while: what a stream has still to send would be lost.
        clients.shutdownGracefully(QUIET_MILLIS, 5_000, TimeUnit.MILLISECONDS);
        group.shutdownGracefully(QUIET_MILLIS, 5_000, TimeUnit.MILLISECONDS);
        clients.terminationFuture().syncUninterruptibly();
        group.terminationFuture().syncUninterruptibly();
    }

    private Map<String, ?> ask(Object... words) throws Exception {
        return client.handle(Arrays.stream(words).map(String::valueOf).toList());
    }

    /** Counters are to be asked, and tell nobody. */
    private static void await(Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
        while (!condition.call()) {
            assertThat(System.nanoTime() - deadline).as("in time").isNegative();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    private long serverStat(String name) throws Exception {
        return ((Number) server.handle(List.of("stats")).get(name)).longValue();
    }

    @Test
    void noticesThatTheServerAnswers() throws Exception {
        assertThat(ask("probe", HOST, port)).isEmpty();
        assertThat(serverStat("accepted")).isEqualTo(1);
    }

    @Test
    void sendsAtARate() throws Exception {
        Map<String, ?> said = ask("rate", HOST, port, 2, 200, 0, 0.25);

        assertThat(said.get("answered")).isEqualTo(50L);
        assertThat(said.get("errors")).isEqualTo(0L);
        assertThat((Long) said.get("p50")).isPositive();
        assertThat((Long) said.get("max")).isGreaterThanOrEqualTo((Long) said.get("p999"));
    }

    @Test
    void holdsConnectionsAndLetsThemGo() throws Exception {
        assertThat(ask("hold", HOST, port + 1, 20, "127.0.0.1,127.0.0.2")).isEqualTo(Map.of("connections", 20L));
        assertThat(ask("hold", HOST, port, 5, "127.0.0.1")).isEqualTo(Map.of("connections", 25L));
        await(() -> serverStat("accepted") == 25);

        ask("let-go");

        assertThat(ask("holding")).isEqualTo(Map.of("connections", 0L));
    }

    @Test
    void saysThatItCannotHoldConnections() {
        server.close();

        assertThatThrownBy(() -> ask("hold", HOST, port, 1, "127.0.0.1"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot hold 1 connections");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1 << 20})
    void hasBytesFlowFromTheServer(int waterMark) throws Exception {
        ask("download", HOST, port, 2, waterMark);
        await(() -> (Long) ask("stats").get("received") > MANY_BYTES);
        assertThat(ask("stats").get("streams")).isEqualTo(2L);

        ask("stop");

        assertThat(ask("stats").get("streams")).isEqualTo(0L);
    }

    @Test
    void hasBytesFlowToTheServer() throws Exception {
        ask("upload", HOST, port, 2);
        await(() -> serverStat("received") > MANY_BYTES);
        ask("stop");
        assertThat(ask("stats").get("streams")).isEqualTo(0L);
    }

    @Test
    void serverTellsItsMemory() throws Exception {
        Map<String, ?> memory = server.handle(List.of("memory"));

        assertThat((Long) memory.get("heap")).isPositive();
        assertThat((Long) memory.get("direct")).isNotNegative();
        assertThat((Long) memory.get("rss")).isGreaterThan((Long) memory.get("heap") / 2);
        assertThat(serverStat("allocated")).isPositive();
    }

    @Test
    void neitherKnowsAnythingElse() {
        assertThatThrownBy(() -> ask("dance")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> server.handle(List.of("dance"))).isInstanceOf(IllegalArgumentException.class);
    }
}
