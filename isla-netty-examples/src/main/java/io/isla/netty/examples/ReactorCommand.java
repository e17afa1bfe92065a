/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.isla.netty.examples.reactor.ReactorServer;
import io.isla.netty.examples.reactor.TransportLoops;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import reactor.netty.ChannelBindException;
import reactor.netty.DisposableServer;

/** {@code isla reactor}: a server of Reactor Netty, on the transport. */
@Command(
        name = "reactor",
        description = "Serves HTTP/1.1 and HTTP/2 with Reactor Netty: /, /echo and /ticks.",
        mixinStandardHelpOptions = true)
final class ReactorCommand implements Callable<Integer> {

    private static final Duration PATIENCE = Duration.ofSeconds(3);

    @Mixin
    private TransportOptions transportOptions;

    @Option(names = "--port", paramLabel = "PORT", description = "The port to listen on. Default: ${DEFAULT-VALUE}.")
    private int port = 80;

    @Override
    public Integer call() throws Exception {
        TransportOptions.port(port);
        Transport transport = transportOptions.open();
        DisposableServer server;
        try {
            server = ReactorServer.start(
                    new TransportLoops(
                            transport.group(), List.of(transport.serverChannel(), transport.clientChannel())),
                    new InetSocketAddress(transport.address(), port));
        } catch (ChannelBindException e) {
            transport.close();
            throw new IOException(e.getMessage(), e);
        } catch (Exception e) {
            transport.close();
            throw e;
        }
        Server.reportErrors(server.channel());
        String url = "http://" + Server.authority(transport.shownAddress(), server.port(), 80) + "/";
        System.out.println("Serving at " + url + ", over " + transport.description());
        System.out.println("    curl --http2-prior-knowledge " + url);
        System.out.println("    curl --data-binary @FILE " + url + "echo");
        System.out.println("    curl --no-buffer " + url + "ticks");
        System.out.println("Ctrl-C stops the server.");
        return Server.await(server.channel().closeFuture(), () -> {
            server.disposeNow(PATIENCE);
            transport.close();
        });
    }
}
