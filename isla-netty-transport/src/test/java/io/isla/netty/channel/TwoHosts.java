/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.MemoryLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutor;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Two hosts on a link in memory, with a group each; everything is closed after the test. */
final class TwoHosts implements AfterEachCallback {
    /** The longest that anything in a test may take, in seconds. */
    static final long DEADLINE_SECONDS = 20;

    static final String CLIENT = "10.0.0.1";
    static final String SERVER = "10.0.0.2";

    final MemoryLink.Pair link = MemoryLink.pair("client", "server");
    final IslaHost clientHost =
            IslaHost.builder().link(link.first()).address(CLIENT + "/24").build();
    final IslaHost serverHost =
            IslaHost.builder().link(link.second()).address(SERVER + "/24").build();
    final EventLoopGroup clientGroup = add(new IslaEventLoopGroup(2, clientHost));
    final EventLoopGroup serverGroup = add(new IslaEventLoopGroup(2, serverHost));
    private List<EventLoopGroup> groups;

    /** Has a group shut down after the test. */
    <G extends EventLoopGroup> G add(G group) {
        if (groups == null) {
            groups = new ArrayList<>();
        }
        groups.add(group);
        return group;
    }

    Bootstrap client(ChannelHandler handler) {
        return new Bootstrap()
                .group(clientGroup)
                .channel(IslaSocketChannel.class)
                .handler(handler);
    }

    ServerBootstrap server(ChannelHandler childHandler) {
        return new ServerBootstrap()
                .group(serverGroup)
                .channel(IslaServerSocketChannel.class)
                .localAddress(new InetSocketAddress(SERVER, 0))
                .childHandler(childHandler);
    }

    /** A loop of the client's group that a channel is not, or was not last, registered with. */
    EventLoop otherLoop(Channel channel) {
        EventLoop other = clientGroup.next();
        while (other == channel.eventLoop()) {
            other = clientGroup.next();
        }
        return other;
    }

    /** Returns when all loops have had turns enough to hear of what the others have done before. */
    void settle() throws Exception {
        for (int turn = 0; turn < 4; turn++) {
            for (EventLoopGroup group : groups) {
                for (EventExecutor loop : group) {
                    loop.submit(() -> {}).get(DEADLINE_SECONDS, TimeUnit.SECONDS);
                }
            }
        }
    }

    static Channel bind(ServerBootstrap bootstrap) throws InterruptedException {
        return bootstrap.bind().sync().channel();
    }

    static Channel connect(Bootstrap bootstrap, Channel server) throws InterruptedException {
        return bootstrap.connect(server.localAddress()).sync().channel();
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        for (EventLoopGroup group : groups) {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS);
        }
        for (EventLoopGroup group : groups) {
            if (!group.awaitTermination(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("a group has not terminated");
            }
        }
        clientHost.close();
        serverHost.close();
    }
}
