/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;

/** A running HTTP server. */
public final class HttpServer implements AutoCloseable {

    private static final long FINISH_SECONDS = 5;

    private final Channel channel;
    private final ChannelGroup connections;

    private HttpServer(Channel channel, ChannelGroup connections) {
        this.channel = channel;
        this.connections = connections;
    }

    /**
     * What a server serves.
     *
     * @param root the directory whose files are served; {@code null} for a built-in page
     * @param uploads the directory to which files may be uploaded; {@code null} if none may be
     * @param transport what the built-in page says it came by
     */
    public record Content(Path root, Path uploads, String transport) {

        private RequestRouter router() throws IOException {
            Site site = root == null ? new BuiltInSite(Instant.now(), transport) : new FileSite(root);
            return new RequestRouter(site, uploads == null ? null : new UploadDirectory(uploads));
        }
    }

    /**
     * Starts a server. The group and the channel's class say which transport it runs on; nothing else does.
     *
     * @param group the event loops, which stay the caller's
     * @param channelClass the kind of server channel
     * @param address where to listen
     * @param content what to serve
     * @param log where to log requests; stays the caller's
     * @throws IOException if there is nothing to serve at one of the paths
     */
    public static HttpServer start(
            EventLoopGroup group,
            Class<? extends ServerChannel> channelClass,
            SocketAddress address,
            Content content,
            AccessLog log)
            throws IOException, InterruptedException {
        return start(group, channelClass, address, content, log, Clock.systemUTC());
    }

    static HttpServer start(
            EventLoopGroup group,
            Class<? extends ServerChannel> channelClass,
            SocketAddress address,
            Content content,
            AccessLog log,
            InstantSource clock)
            throws IOException, InterruptedException {
        // Waits for closed connections in close(), on the caller's thread: not to be notified on an event loop.
        ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
        Channel channel = new ServerBootstrap()
                .group(group)
                .channel(channelClass)
                .option(ChannelOption.SO_BACKLOG, 1024)
                // Whoever answers a request says when to read the next.
                .childOption(ChannelOption.AUTO_READ, false)
                // A client may send its request, close its half, and wait for the response.
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childHandler(new HttpServerInitializer(content.router(), log, new HttpDate(clock), connections))
                .bind(address)
                .sync()
                .channel();
        return new HttpServer(channel, connections);
    }

    /** Where the server listens. */
    public InetSocketAddress address() {
        return (InetSocketAddress) channel.localAddress();
    }

    /** Done when the server no longer listens. */
    public ChannelFuture closeFuture() {
        return channel.closeFuture();
    }

    /** Stops listening, lets the answers that have begun end for a few seconds, and closes all connections. */
    @Override
    public void close() {
        channel.close().awaitUninterruptibly();
        connections.forEach(connection -> connection.pipeline().fireUserEventTriggered(HttpExchangeHandler.FINISH));
        if (!connections.newCloseFuture().awaitUninterruptibly(FINISH_SECONDS, TimeUnit.SECONDS)) {
            connections.close().awaitUninterruptibly(FINISH_SECONDS, TimeUnit.SECONDS);
        }
    }
}
