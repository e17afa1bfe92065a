/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.isla.netty.channel.IslaEventLoopGroup;
import io.isla.netty.channel.IslaServerSocketChannel;
import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.host.IslaHost;
import io.isla.netty.link.MemoryLink;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.testsuite.transport.AbstractSingleThreadEventLoopTest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Netty's test suite for event loops. */
class IslaEventLoopTest extends AbstractSingleThreadEventLoopTest {
    private static IslaHost host;

    @BeforeAll
    static void open() {
        host = IslaHost.builder()
                .link(MemoryLink.pair("host", "nobody").first())
                .address("198.51.100.1/24")
                .build();
    }

    @AfterAll
    static void close() {
        host.close();
    }

    @Override
    protected EventLoopGroup newEventLoopGroup() {
        return new IslaEventLoopGroup(host);
    }

    @Override
    protected boolean supportsChannelIteration() {
        return true;
    }

    @Override
    protected EventLoopGroup newAutoScalingEventLoopGroup() {
        return new IslaEventLoopGroup(SCALING_MAX_THREADS, null, AUTO_SCALING_CHOOSER_FACTORY, host);
    }

    @Override
    protected Channel newChannel() {
        return new IslaSocketChannel();
    }

    @Override
    protected Class<? extends ServerChannel> serverChannelClass() {
        return IslaServerSocketChannel.class;
    }
}
