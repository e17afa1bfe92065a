/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.ForwardingLink;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.MemoryLink;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An event loop that there is no direct memory for: it lives, and its channels are told. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class ScarceMemoryTest {
    private static final String CAUSE = "no direct memory is left";

    /** A link whose queues take more memory than there is. */
    private static final class GreedyLink extends ForwardingLink {
        GreedyLink(Link link) {
            super(link);
        }

        @Override
        public LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator)
                throws IOException {
            throw new OutOfMemoryError(CAUSE);
        }
    }

    @Test
    void aLoopWithoutMemoryForItsShardLivesAndFailsItsChannels() throws Exception {
        IslaHost host = IslaHost.builder()
                .link(new GreedyLink(MemoryLink.pair("greedy", "nobody").first()))
                .address("10.1.0.1/24")
                .closeWhenUnused(true)
                .build();
        EventLoopGroup group = new IslaEventLoopGroup(1, host);
        try {
            EventLoop loop = group.next();
            ServerBootstrap bootstrap = new ServerBootstrap()
                    .group(loop)
                    .channel(IslaServerSocketChannel.class)
                    .childHandler(new ChannelInboundHandlerAdapter());
            assertThatThrownBy(() -> bootstrap.bind("10.1.0.1", 0).sync())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(CAUSE);
            assertThat(loop.submit(() -> "alive").get()).isEqualTo("alive");
        } finally {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
        assertThat(host.isClosed()).isTrue();
    }
}
