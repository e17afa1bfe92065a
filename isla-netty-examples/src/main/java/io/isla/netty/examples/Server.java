/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.NetUtil;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.concurrent.CountDownLatch;

/** What the programs that serve have in common: they run until they are told to stop, and then stop cleanly. */
final class Server {

    private Server() {}

    /**
     * Waits until the server's channel is closed, be it that something failed, or that the process is to end (Ctrl-C).
     *
     * @param closed the future of the server's channel
     * @param stop called once, to stop cleanly
     * @return the exit status; reached only if something failed
     */
    static int await(ChannelFuture closed, Runnable stop) throws InterruptedException {
        CountDownLatch stopped = new CountDownLatch(1);
        Thread hook = new Thread(
                () -> {
                    stop.run();
                    stopped.countDown();
                },
                "stop");
        Runtime.getRuntime().addShutdownHook(hook);
        closed.await();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending: the hook closed the channel, and goes on to stop the rest.
            stopped.await();
            return 0;
        }
        System.err.println("isla: the server's channel was closed; stopping");
        stop.run();
        return 1;
    }

    /** Says on standard error what goes wrong with a server's channel from now on; to be called before anybody is told that it serves. */
    static void reportErrors(Channel server) throws InterruptedException {
        ChannelHandler reporter = new ChannelInboundHandlerAdapter() {
            @Override
            public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                System.err.println("isla: " + (cause.getMessage() == null ? cause : cause.getMessage()));
            }
        };
        // By the loop: it hears of nothing until the loop has added it.
        server.eventLoop().submit(() -> server.pipeline().addLast(reporter)).sync();
    }

    /** An address and port as a URL has them; for a server that listens on all addresses, one that works here. */
    static String authority(InetAddress address, int port, int defaultPort) {
        String host = NetUtil.toAddressString(
                address.isAnyLocalAddress() && address instanceof Inet4Address ? NetUtil.LOCALHOST4 : address);
        if (host.indexOf(':') >= 0) {
            host = "[" + host + "]";
        }
        return port == defaultPort ? host : host + ":" + port;
    }
}
