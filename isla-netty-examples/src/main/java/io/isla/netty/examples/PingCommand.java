/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.isla.netty.channel.IslaEventLoopGroup;
import io.isla.netty.examples.ping.PingStatistics;
import io.isla.netty.examples.ping.Pinger;
import io.isla.netty.host.EchoOptions;
import io.isla.netty.host.IslaHost;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code isla ping}: is somebody there? */
@Command(
        name = "ping",
        description = "Sends ICMP or ICMPv6 echo requests from Isla, and says what comes back, as ping(8) does.",
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {"0:there was a reply", "1:there was none", "2:wrong usage, or another error"})
final class PingCommand implements Callable<Integer> {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final int NO_REPLY = 1;
    private static final int ERROR = 2;

    @Spec
    private CommandSpec spec;

    @Mixin
    private TransportOptions transportOptions;

    @Parameters(paramLabel = "ADDRESS", description = "An IPv4 or IPv6 address.")
    private String address;

    @Option(
            names = "-c",
            paramLabel = "COUNT",
            description = "Stop after so many requests. Default: go on until Ctrl-C.")
    private int count;

    @Option(
            names = "-i",
            paramLabel = "SECONDS",
            description = "The time from one request to the next, fractions allowed. Default: ${DEFAULT-VALUE}.")
    private double interval = 1;

    @Option(names = "-s", paramLabel = "BYTES", description = "Bytes of data in a request. Default: ${DEFAULT-VALUE}.")
    private int size = 56;

    @Option(names = "-t", paramLabel = "TTL", description = "The TTL or hop limit. Default: ${DEFAULT-VALUE}.")
    private int ttl = 64;

    @Option(
            names = "-W",
            paramLabel = "SECONDS",
            description = "How long to wait for replies after the last request, fractions allowed. Default: twice the "
                    + "longest round trip, or 10 seconds if there was none.")
    private double timeout;

    @Override
    public Integer call() throws Exception {
        InetAddress to = TransportOptions.address("ADDRESS", address);
        check(count >= 0, "-c: the count cannot be negative: " + count);
        check(interval >= 0.001 && interval <= 86_400, "-i: the interval is not in 0.001 to 86400: " + interval);
        check(timeout >= 0 && timeout <= 86_400, "-W: the time is not in 0 to 86400: " + timeout);
        check(
                transportOptions.kind == Transport.Kind.ISLA,
                "--transport: only Isla can be had to ping; for the kernel there is ping(8)");
        EchoOptions options = EchoOptions.DEFAULT
                .withSize(size)
                .withHopLimit(ttl)
                .withTimeout(timeout > 0 ? Duration.ofNanos(nanos(timeout)) : Duration.ofSeconds(10));
        try (IslaHost host = Transport.host(transportOptions)) {
            EventLoopGroup group = new IslaEventLoopGroup(1, host);
            try {
                return ping(host, group.next(), to, options);
            } finally {
                group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
            }
        } catch (IOException e) {
            spec.commandLine().getErr().println("isla: " + e.getMessage());
            return ERROR;
        }
    }

    private int ping(IslaHost host, EventLoop loop, InetAddress to, EchoOptions options) throws InterruptedException {
        // The host lives once its loop runs.
        if (!Transport.awaitAddresses(transportOptions, host, loop)) {
            spec.commandLine().getErr().println("isla: nobody has told of an address yet; pinging without one");
        }
        PrintWriter out = spec.commandLine().getOut();
        Pinger pinger = new Pinger(
                loop,
                promise -> host.echo(to, options, promise),
                to,
                new Pinger.Plan(count, nanos(interval), nanos(timeout), size),
                out);
        Future<PingStatistics> finished = pinger.start();
        Thread hook = new Thread(
                () -> {
                    pinger.stop();
                    // With the status of what was seen, not of the signal.
                    Runtime.getRuntime().halt(status(finished.awaitUninterruptibly()));
                },
                "stop");
        Runtime.getRuntime().addShutdownHook(hook);
        finished.await();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // It runs, and is about to end the process.
            Thread.currentThread().join();
        }
        return status(finished);
    }

    private static int status(Future<PingStatistics> finished) {
        return finished.getNow().received() > 0 ? 0 : NO_REPLY;
    }

    private static long nanos(double seconds) {
        return (long) (seconds * NANOS_PER_SECOND);
    }

    private static void check(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
