/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.isla.netty.examples.echo.EchoHandler;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import java.net.InetSocketAddress;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code isla echo}: a TCP echo server. */
@Command(name = "echo", description = "Sends back what it receives over TCP.", mixinStandardHelpOptions = true)
final class EchoCommand implements Callable<Integer> {

    @Mixin
    private TransportOptions transportOptions;

    @Option(names = "--port", paramLabel = "PORT", description = "The port to listen on. Default: ${DEFAULT-VALUE}.")
    private int port = 7;

    @Override
    public Integer call() throws Exception {
        TransportOptions.port(port);
        Transport transport = transportOptions.open();
        Channel server;
        try {
            server = bootstrap(transport)
                    .bind(new InetSocketAddress(transport.address(), port))
                    .sync()
                    .channel();
        } catch (Exception e) {
            transport.close();
            throw e;
        }
        Server.reportErrors(server);
        InetSocketAddress address = (InetSocketAddress) server.localAddress();
        String url = "telnet://" + Server.authority(transport.shownAddress(), address.getPort(), 23);
        System.out.println("Echoing at " + url + ", over " + transport.description());
        System.out.println("    curl " + url);
        System.out.println("Ctrl-C stops the server.");
        return Server.await(server.closeFuture(), () -> {
            server.close().awaitUninterruptibly();
            transport.close();
        });
    }

    static ServerBootstrap bootstrap(Transport transport) {
        return new ServerBootstrap()
                .group(transport.group())
                .channel(transport.serverChannel())
                .option(ChannelOption.SO_BACKLOG, 1024)
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new EchoHandler());
                    }
                });
    }
}
