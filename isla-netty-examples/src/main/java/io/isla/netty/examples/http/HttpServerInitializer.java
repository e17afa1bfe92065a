/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.group.ChannelGroup;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.timeout.IdleStateHandler;
import java.util.concurrent.TimeUnit;

/** The pipeline of a connection. */
final class HttpServerInitializer extends ChannelInitializer<Channel> {

    /** Twice that, and a connection is closed. */
    private static final long IDLE_SECONDS = 30;

    private final RequestRouter router;
    private final AccessLog log;
    private final HttpDate date;
    private final ChannelGroup connections;

    /** @param connections where each new one is added */
    HttpServerInitializer(RequestRouter router, AccessLog log, HttpDate date, ChannelGroup connections) {
        this.router = router;
        this.log = log;
        this.date = date;
        this.connections = connections;
    }

    @Override
    protected void initChannel(Channel channel) {
        connections.add(channel);
        // The last argument but one counts output that makes progress as life, so that a long download is not idle.
        channel.pipeline()
                .addLast(new IdleStateHandler(true, 0, 0, IDLE_SECONDS, TimeUnit.SECONDS))
                .addLast(new RequestDecoder())
                .addLast(new HttpResponseEncoder())
                .addLast(new ReadOnDemandHandler())
                .addLast(new HttpExchangeHandler(router, log, date));
    }
}
