/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.examples.above.Wire.Side;
import io.isla.netty.examples.reactor.ReactorServer;
import io.isla.netty.examples.reactor.TransportLoops;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.Programs;
import io.isla.netty.testing.RequiresProgram;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Flux;
import reactor.netty.DisposableServer;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** Reactor Netty's HTTP server and client, with Isla's event loops and channels for its {@code LoopResources}. */
@KernelTest
class ReactorTest {

    private static final Duration DEADLINE = Duration.ofSeconds(Wire.DEADLINE_SECONDS);
    private static final int PIECE = 1 << 16;

    @RegisterExtension
    static final Wire WIRE = new Wire("reactor0");

    @TempDir
    private Path directory;

    private DisposableServer server;

    @AfterEach
    void stop() {
        if (server != null) {
            server.disposeNow(DEADLINE);
        }
    }

    private static TransportLoops loops(Side side) {
        return new TransportLoops(WIRE.group(side), List.of(side.serverChannel, side.channel, side.datagramChannel));
    }

    private InetSocketAddress serve(Side side) {
        server = ReactorServer.start(loops(side), side.anyPort());
        return (InetSocketAddress) server.address();
    }

    @ParameterizedTest
    @CsvSource({"--http1.1, HTTP/1.1", "--http2-prior-knowledge, HTTP/2.0", "--http2, HTTP/2.0"})
    @RequiresProgram({"curl", "nghttp"})
    void servesCurl(String option, String protocol) throws Exception {
        String url = Wire.url("http", serve(Side.ISLA));
        Path file = Files.write(directory.resolve("file"), Bytes.random(Site.LARGE));

        assertThat(curl(option, url + "/").text()).isEqualTo("Hello " + Side.KERNEL.host + ", by " + protocol + ".\n");
        // An upgrade is for requests without much content; with prior knowledge or without HTTP/2, anything goes.
        if (!option.equals("--http2")) {
            String echo = url + "/echo";
            byte[] answer = option.equals("--http1.1")
                    ? curl(option, "--data-binary", "@" + file, echo).output()
                    : Nghttp.post(file, echo);
            assertThat(Bytes.sha256(answer)).isEqualTo(Bytes.sha256(Files.readAllBytes(file)));
        }
    }

    private static Programs.Result curl(String... arguments) throws Exception {
        String[] command = Stream.concat(Stream.of("curl", "--silent", "--show-error"), Stream.of(arguments))
                .toArray(String[]::new);
        Programs.Result result = Programs.run(command);
        assertThat(result.status()).as(result.errors()).isZero();
        return result;
    }

    @Test
    void streamsEventsAsTheyHappen() throws Exception {
        String url = Wire.url("http", serve(Side.ISLA));

        HttpResponse<Stream<String>> response = java.net.http.HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(URI.create(url + "/ticks")).build(), BodyHandlers.ofLines());

        // The stream has no end: what is here has come before it.
        try (Stream<String> lines = response.body()) {
            assertThat(lines.limit(3)).containsExactly("data: 0", "", "data: 1");
        }
        assertThat(response.headers().firstValue("content-type")).hasValue("text/event-stream");
    }

    @ParameterizedTest
    @CsvSource({"ISLA, HTTP11", "ISLA, H2C", "KERNEL, HTTP11", "KERNEL, H2C"})
    void streamsBothWays(Side serverSide, HttpProtocol protocol) {
        InetSocketAddress address = serve(serverSide);
        byte[] large = Bytes.random(Site.LARGE);
        Flux<ByteBuf> pieces = Flux.range(0, (Site.LARGE + PIECE - 1) / PIECE)
                .map(i -> Unpooled.wrappedBuffer(large, i * PIECE, Math.min(PIECE, Site.LARGE - i * PIECE)));
        ConnectionProvider connections = ConnectionProvider.create("streamsBothWays", 2);
        try {
            HttpClient client = HttpClient.create(connections)
                    .runOn(loops(serverSide.other()))
                    .protocol(protocol)
                    .baseUrl(Wire.url("http", address));

            String greeting = client.get()
                    .uri("/")
                    .responseContent()
                    .aggregate()
                    .asString()
                    .block(DEADLINE);
            byte[] echoed = client.post()
                    .uri("/echo")
                    .send(pieces)
                    .responseContent()
                    .aggregate()
                    .map(ByteBufUtil::getBytes)
                    .block(DEADLINE);

            assertThat(greeting)
                    .isEqualTo("Hello " + serverSide.other().host + ", by "
                            + (protocol == HttpProtocol.H2C ? "HTTP/2.0" : "HTTP/1.1") + ".\n");
            assertThat(echoed).isEqualTo(large);
        } finally {
            connections.disposeLater().block(DEADLINE);
        }
    }
}
