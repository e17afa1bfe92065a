/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * The client that is not {@code wrk}: sends requests at a constant rate, holds idle connections, has bytes flow, and notices when a
 * server begins to answer. Always on the kernel's TCP.
 */
public final class BenchClient implements AutoCloseable, ControlLoop.Handler {
    private static final long PROBE_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final int PROBE_MILLIS = 1000;
    private static final int PROBE_PAUSE_MILLIS = 2;

    private final Bootstrap bootstrap;
    private final IdleConnections idle = new IdleConnections();
    private final Streams streams = new Streams();

    /**
     * @param group one event loop, which stays the caller's
     * @param channelClass the kernel's kind of TCP channel
     */
    public BenchClient(EventLoopGroup group, Class<? extends Channel> channelClass) {
        bootstrap = new Bootstrap().group(group).channel(channelClass);
    }

    /**
     * Answers these; HOST is an address:
     *
     * <ul>
     *   <li>{@code probe HOST PORT}: waits until a GET is answered
     *   <li>{@code rate HOST PORT CONNECTIONS REQUESTS_PER_SECOND WARM_UP_SECONDS SECONDS}
     *   <li>{@code hold HOST PORT CONNECTIONS FROM,FROM...}: opens idle connections, from these addresses
     *   <li>{@code holding}: how many of them are open
     *   <li>{@code let-go}: closes them
     *   <li>{@code download HOST PORT STREAMS HIGH_WATER_MARK}: has bytes flow; the server's channels take so many before they say that they are not writable, or
     *       what Netty has by itself if 0
     *   <li>{@code upload HOST PORT STREAMS}: the other way
     *   <li>{@code stats}: how many have been received
     *   <li>{@code stop}: ends the flows
     * </ul>
     */
    @Override
    public Map<String, ?> handle(List<String> words) throws Exception {
        return switch (words.get(0)) {
            case "probe" -> probe(address(words));
            case "rate" -> rate(words);
            case "hold" -> hold(words);
            case "holding" -> Map.of("connections", idle.count());
            case "let-go" -> {
                idle.close();
                yield Map.of();
            }
            case "download" -> {
                streams.download(
                        bootstrap.clone().remoteAddress(address(words)),
                        Integer.parseInt(words.get(3)),
                        Integer.parseInt(words.get(4)));
                yield Map.of();
            }
            case "upload" -> {
                streams.upload(bootstrap.clone().remoteAddress(address(words)), Integer.parseInt(words.get(3)));
                yield Map.of();
            }
            case "stats" ->
                Map.of("nanos", System.nanoTime(), "received", streams.received(), "streams", streams.count());
            case "stop" -> {
                streams.stop();
                yield Map.of();
            }
            default -> throw new IllegalArgumentException("what is " + words);
        };
    }

    private static InetSocketAddress address(List<String> words) {
        return new InetSocketAddress(words.get(1), Integer.parseInt(words.get(2)));
    }

    private static Map<String, ?> probe(InetSocketAddress server) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + PROBE_NANOS;
        while (true) {
            try (Socket socket = new Socket()) {
                socket.setSoTimeout(PROBE_MILLIS);
                socket.connect(server, PROBE_MILLIS);
                socket.getOutputStream()
                        .write("GET / HTTP/1.1\r\nhost: isla\r\nconnection: close\r\n\r\n"
                                .getBytes(StandardCharsets.US_ASCII));
                if (socket.getInputStream().read() >= 0) {
                    return Map.of();
                }
            } catch (IOException e) {
                if (System.nanoTime() - deadline > 0) {
                    throw e;
                }
            }
            Thread.sleep(PROBE_PAUSE_MILLIS);
        }
    }

    private Map<String, ?> rate(List<String> words) throws Exception {
        RateRun.Result result = RateRun.run(
                bootstrap.clone().remoteAddress(address(words)),
                Integer.parseInt(words.get(3)),
                Double.parseDouble(words.get(4)),
                Double.parseDouble(words.get(5)),
                Double.parseDouble(words.get(6)));
        Histogram latencies = result.latencies();
        return Map.of(
                "rate", result.rate(),
                "answered", result.answered(),
                "errors", result.errors() + result.unanswered(),
                "p50", latencies.getValueAtPercentile(50),
                "p99", latencies.getValueAtPercentile(99),
                "p999", latencies.getValueAtPercentile(99.9),
                "max", latencies.getMaxValue());
    }

    private Map<String, ?> hold(List<String> words) throws Exception {
        List<InetSocketAddress> from = new ArrayList<>();
        for (String address : words.get(4).split(",")) {
            from.add(new InetSocketAddress(InetAddress.getByName(address), 0));
        }
        idle.open(bootstrap, address(words), from, Integer.parseInt(words.get(3)));
        return Map.of("connections", idle.count());
    }

    @Override
    public void close() {
        streams.stop();
        idle.close();
    }
}
