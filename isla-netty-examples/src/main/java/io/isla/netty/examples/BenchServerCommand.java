/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.isla.netty.examples.bench.BenchServer;
import io.isla.netty.examples.bench.ControlLoop;
import io.isla.netty.examples.bench.RawServer;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code isla bench-server}: what {@link BenchCommand} starts, and asks over its standard input. */
@Command(name = "bench-server", description = "A server that isla bench measures.", hidden = true)
final class BenchServerCommand implements Callable<Integer> {

    @Mixin
    private TransportOptions transportOptions;

    @Option(names = "--port", required = true)
    private int port;

    @Option(names = "--raw")
    private boolean raw;

    @Override
    public Integer call() throws Exception {
        TransportOptions.port(port);
        if (raw) {
            try (RawServer server = RawServer.start(
                    Transport.tap(transportOptions),
                    transportOptions.islaAddresses().get(0).address(),
                    transportOptions.eventLoops())) {
                ControlLoop.run(System.in, System.out, server);
            }
            return 0;
        }
        try (Transport transport = transportOptions.open();
                BenchServer server =
                        BenchServer.start(transport.group(), transport.serverChannel(), transport.address(), port)) {
            ControlLoop.run(System.in, System.out, server);
        }
        return 0;
    }
}
