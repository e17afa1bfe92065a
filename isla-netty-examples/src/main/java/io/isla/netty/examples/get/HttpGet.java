/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.get;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.resolver.AddressResolverGroup;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Gets one resource over HTTP/1.1. */
public final class HttpGet {

    private static final int CONNECT_TIMEOUT_MILLIS = 10_000;
    /** While there are other addresses to try. */
    private static final int CONNECT_TIMEOUT_MILLIS_WITH_OTHERS = 2_000;

    private static final int READ_TIMEOUT_SECONDS = 30;

    private HttpGet() {}

    /**
     * Gets a resource, and returns when all of it has been written.
     *
     * @param group the event loops, which stay the caller's
     * @param channelClass the kind of channel
     * @param resolver what looks names up; of several addresses, the next is tried where one does not let itself be connected to in 2 seconds
     * @param uri an {@code http} URI
     * @param remote the address or name, and port, in it
     * @param out where the content goes; stays open
     * @param verbose where the heads of request and answer are printed; {@code null} if nowhere
     * @throws IOException if there is no complete answer, or it cannot be written
     */
    public static GetResult get(
            EventLoopGroup group,
            Class<? extends Channel> channelClass,
            AddressResolverGroup<InetSocketAddress> resolver,
            URI uri,
            InetSocketAddress remote,
            OutputStream out,
            PrintWriter verbose)
            throws IOException, InterruptedException {
        CompletableFuture<GetResult> result = new CompletableFuture<>();
        try (BodyWriter body = new BodyWriter(out)) {
            Bootstrap bootstrap = new Bootstrap()
                    .group(group)
                    .channel(channelClass)
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            channel.pipeline()
                                    .addLast(new IdleStateHandler(READ_TIMEOUT_SECONDS, 0, 0))
                                    .addLast(new HttpClientCodec())
                                    .addLast(new GetHandler(host(uri), target(uri), body, verbose, result));
                        }
                    });
            Channel channel = connect(bootstrap, resolve(group, resolver, remote));
            try {
                return result.join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof IOException cause) {
                    throw cause;
                }
                throw new IOException("the request failed", e.getCause());
            } finally {
                channel.close().sync();
            }
        }
    }

    private static List<InetSocketAddress> resolve(
            EventLoopGroup group, AddressResolverGroup<InetSocketAddress> resolver, InetSocketAddress remote)
            throws InterruptedException {
        return remote.isUnresolved()
                ? resolver.getResolver(group.next()).resolveAll(remote).sync().getNow()
                : List.of(remote);
    }

    /** Connects to the first that can be connected to, so that one family of addresses makes up for the other. */
    private static Channel connect(Bootstrap bootstrap, List<InetSocketAddress> remotes)
            throws IOException, InterruptedException {
        IOException failure = null;
        for (int i = 0; i < remotes.size(); i++) {
            boolean last = i == remotes.size() - 1;
            bootstrap.option(
                    ChannelOption.CONNECT_TIMEOUT_MILLIS,
                    last ? CONNECT_TIMEOUT_MILLIS : CONNECT_TIMEOUT_MILLIS_WITH_OTHERS);
            ChannelFuture connected = bootstrap.connect(remotes.get(i)).await();
            if (connected.isSuccess()) {
                return connected.channel();
            }
            Throwable cause = connected.cause();
            IOException next = cause instanceof IOException e ? e : new IOException("cannot connect", cause);
            if (failure == null) {
                failure = next;
            } else {
                failure.addSuppressed(next);
            }
        }
        throw failure == null ? new UnknownHostException("the name has no address") : failure;
    }

    /** The authority without the user's name, which is nobody's business (RFC 9110 §4.2.4). */
    private static String host(URI uri) {
        return uri.getPort() < 0 ? uri.getHost() : uri.getHost() + ":" + uri.getPort();
    }

    private static String target(URI uri) {
        String path = uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        return uri.getRawQuery() == null ? path : path + "?" + uri.getRawQuery();
    }
}
