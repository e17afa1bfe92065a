/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.isla.netty.examples.bench.BenchClient;
import io.isla.netty.examples.bench.ControlLoop;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code isla bench-client}: what {@link BenchCommand} starts, and asks over its standard input. */
@Command(name = "bench-client", description = "A client that isla bench measures with.", hidden = true)
final class BenchClientCommand implements Callable<Integer> {

    @Override
    public Integer call() throws Exception {
        TransportOptions options = new TransportOptions();
        options.kind = Transport.Kind.EPOLL;
        try (Transport transport = options.open();
                BenchClient client = new BenchClient(transport.group(), transport.clientChannel())) {
            ControlLoop.run(System.in, System.out, client);
        }
        return 0;
    }
}
