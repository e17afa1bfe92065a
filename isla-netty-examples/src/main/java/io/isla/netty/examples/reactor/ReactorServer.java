/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.reactor;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.resources.LoopResources;

/**
 * A server that streams: what is posted to {@code /echo} comes back while it comes in, and {@code /ticks} tells the seconds. HTTP/1.1, and HTTP/2 in
 * the clear.
 */
public final class ReactorServer {

    private static final Duration TICK = Duration.ofSeconds(1);

    private ReactorServer() {}

    /** Starts the server. */
    public static DisposableServer start(LoopResources loops, InetSocketAddress address) {
        return HttpServer.create()
                .runOn(loops)
                .bindAddress(() -> address)
                .protocol(HttpProtocol.HTTP11, HttpProtocol.H2C)
                .route(routes -> routes.get("/", ReactorServer::greet)
                        .post("/echo", ReactorServer::echo)
                        .get("/ticks", ReactorServer::tick))
                .bindNow();
    }

    private static Publisher<Void> greet(HttpServerRequest request, HttpServerResponse response) {
        String peer = request.remoteAddress().getAddress().getHostAddress();
        return response.header(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8")
                .sendString(Mono.just("Hello " + peer + ", by " + request.protocol() + ".\n"));
    }

    private static Publisher<Void> echo(HttpServerRequest request, HttpServerResponse response) {
        return response.send(request.receive().retain());
    }

    /** Server-sent events, each flushed as it happens. */
    private static Publisher<Void> tick(HttpServerRequest request, HttpServerResponse response) {
        return response.sse()
                .send(
                        Flux.interval(Duration.ZERO, TICK)
                                .map(second ->
                                        Unpooled.copiedBuffer("data: " + second + "\n\n", StandardCharsets.US_ASCII)),
                        event -> true);
    }
}
