/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerAdapter;
import io.netty.channel.ChannelOption;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Connections that do nothing. */
final class IdleConnections {
    private static final int AT_A_TIME = 128;
    private static final int CONNECT_SECONDS = 30;

    private final List<Channel> channels = new ArrayList<>();

    /**
     * Opens more.
     *
     * @param bootstrap without a handler and addresses so far
     * @param from addresses to connect from, in turns
     * @throws IOException if one cannot be opened
     */
    void open(Bootstrap bootstrap, InetSocketAddress to, List<InetSocketAddress> from, int count)
            throws IOException, InterruptedException {
        Bootstrap idle = bootstrap.clone().handler(new ChannelHandlerAdapter() {
            @Override
            public boolean isSharable() {
                return true;
            }
        });
        // Ended at once, without a wait on either side, when they are no longer needed.
        idle.option(ChannelOption.SO_LINGER, 0);
        Semaphore places = new Semaphore(AT_A_TIME);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int i = 0; i < count && failure.get() == null; i++) {
            if (!places.tryAcquire(CONNECT_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("no connection for " + CONNECT_SECONDS + " s, after " + i);
            }
            ChannelFuture connecting = idle.connect(to, from.get(i % from.size()));
            channels.add(connecting.channel());
            connecting.addListener(done -> {
                if (!done.isSuccess()) {
                    failure.set(done.cause());
                }
                places.release();
            });
        }
        if (!places.tryAcquire(AT_A_TIME, CONNECT_SECONDS, TimeUnit.SECONDS)) {
            throw new IOException("the last connections are not there after " + CONNECT_SECONDS + " s");
        }
        if (failure.get() != null) {
            throw new IOException("cannot hold " + count + " connections", failure.get());
        }
    }

    /** How many are still open. */
    long count() {
        return channels.stream().filter(Channel::isActive).count();
    }

    /** Closes all. */
    void close() {
        List<ChannelFuture> closing = channels.stream().map(Channel::close).toList();
        closing.forEach(ChannelFuture::awaitUninterruptibly);
        channels.clear();
    }
}
