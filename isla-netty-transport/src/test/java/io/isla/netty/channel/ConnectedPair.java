/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** A connection between two hosts, both of whose ends write their events down. */
record ConnectedPair(Channel server, Channel client, Channel child) {
    /** What is to be set before connecting; nothing unless overridden. */
    interface Setup {
        default void client(Bootstrap bootstrap) {}

        default void server(ServerBootstrap bootstrap) {}
    }

    private static final Setup NOTHING = new Setup() {};

    static ConnectedPair open(TwoHosts hosts, EventLog client, EventLog child) throws Exception {
        return open(hosts, client, child, NOTHING);
    }

    static ConnectedPair open(TwoHosts hosts, EventLog client, EventLog child, Setup setup) throws Exception {
        ServerBootstrap serverBootstrap = hosts.server(child);
        setup.server(serverBootstrap);
        Channel server = TwoHosts.bind(serverBootstrap);
        Bootstrap bootstrap = hosts.client(client);
        setup.client(bootstrap);
        Channel connected = TwoHosts.connect(bootstrap, server);
        child.await("active");
        return new ConnectedPair(server, connected, child.channel());
    }

    /** Runs something on a channel's event loop and returns what it returns. */
    static <T> T onLoop(Channel channel, Callable<T> task) throws Exception {
        return channel.eventLoop().submit(task).get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Returns when a channel's event loop has run what it had to do so far. */
    static void settle(Channel channel) throws Exception {
        onLoop(channel, () -> null);
    }
}
