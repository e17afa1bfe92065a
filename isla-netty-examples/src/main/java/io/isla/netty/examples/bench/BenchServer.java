/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The server that is measured: the same on each transport. It listens on a port for HTTP, and on the next one for connections whose pipeline
 * has no handlers.
 */
public final class BenchServer implements AutoCloseable, ControlLoop.Handler {
    private static final int BACKLOG = 16_384;
    private static final int MAX_CHUNK = 64 * 1024;

    /** Warns of each connection without handlers that the client resets; that is how those end. */
    private static final Logger RESETS = Logger.getLogger("io.netty.channel.DefaultChannelPipeline");

    private final LongAdder accepted = new LongAdder();
    private final LongAdder received = new LongAdder();
    private final Channel http;
    private final Channel bare;

    private BenchServer(
            EventLoopGroup group, Class<? extends ServerChannel> channelClass, InetAddress address, int port)
            throws InterruptedException {
        RESETS.setLevel(Level.SEVERE);
        ServerBootstrap bootstrap =
                new ServerBootstrap().group(group).channel(channelClass).option(ChannelOption.SO_BACKLOG, BACKLOG);
        http = bootstrap
                .clone()
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        accepted.increment();
                        channel.pipeline()
                                .addLast(new HttpServerCodec(4096, 8192, MAX_CHUNK))
                                .addLast(new BenchHttpHandler(received));
                    }
                })
                .bind(new InetSocketAddress(address, port))
                .sync()
                .channel();
        bare = bootstrap
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        accepted.increment();
                    }
                })
                .bind(new InetSocketAddress(address, port + 1))
                .sync()
                .channel();
    }

    /**
     * Starts the server.
     *
     * @param group the event loops, which stay the caller's
     * @param port for HTTP; the next one is for connections without handlers
     */
    public static BenchServer start(
            EventLoopGroup group, Class<? extends ServerChannel> channelClass, InetAddress address, int port)
            throws InterruptedException {
        return new BenchServer(group, channelClass, address, port);
    }

    /** Answers {@code stats} and {@code memory}. Any thread. */
    @Override
    public Map<String, ?> handle(List<String> words) throws Exception {
        return switch (words.get(0)) {
            case "stats" ->
                Map.of(
                        "nanos", System.nanoTime(),
                        "allocated", JvmMemory.allocatedBytes(),
                        "accepted", accepted.sum(),
                        "received", received.sum());
            case "memory" -> JvmMemory.afterCollection();
            default -> throw new IllegalArgumentException("what is " + words);
        };
    }

    @Override
    public void close() {
        http.close().awaitUninterruptibly();
        bare.close().awaitUninterruptibly();
    }
}
