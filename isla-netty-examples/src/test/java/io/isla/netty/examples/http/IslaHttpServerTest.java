/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.isla.netty.channel.IslaEventLoopGroup;
import io.isla.netty.channel.IslaServerSocketChannel;
import io.isla.netty.host.IslaHost;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;

/** The server on Isla's TCP, over a TAP device of which the kernel has the other end. */
@KernelTest
class IslaHttpServerTest extends HttpServerContract {

    @Override
    EventLoopGroup newGroup() throws IOException {
        return new IslaEventLoopGroup(
                1,
                IslaHost.builder()
                        .link(TapLink.builder("http0")
                                .hostAddress(address("10.80.0.1"), 24)
                                .open())
                        .address(address(), 24)
                        .closeWhenUnused(true)
                        .build());
    }

    @Override
    Class<? extends ServerChannel> serverChannel() {
        return IslaServerSocketChannel.class;
    }

    @Override
    InetAddress address() {
        return address("10.80.0.2");
    }

    private static InetAddress address(String text) {
        try {
            return InetAddress.getByAddress(NetUtil.createByteArrayFromIpAddressString(text));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
