/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the server does for clients that use the kernel's sockets, whatever transport it runs on itself. */
abstract class HttpServerContract {

    private static final int LARGE = 20_000_000;

    @TempDir
    private Path directory;

    private Path root;
    private Path uploads;
    private EventLoopGroup group;
    private final AccessLog log = new AccessLog(null, Clock.systemUTC(), ZoneOffset.UTC);
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private HttpServer server;

    /** Makes the event loops; this class shuts them down. */
    abstract EventLoopGroup newGroup() throws IOException;

    abstract Class<? extends ServerChannel> serverChannel();

    /** Where the server listens. */
    abstract InetAddress address();

    @BeforeEach
    void start() throws Exception {
        group = newGroup();
        root = Files.createDirectory(directory.resolve("root"));
        uploads = Files.createDirectory(directory.resolve("uploads"));
        Files.writeString(root.resolve("a.txt"), "a");
        Files.write(root.resolve("large"), random(LARGE));
        server = HttpServer.start(
                group,
                serverChannel(),
                new InetSocketAddress(address(), 0),
                new HttpServer.Content(root, uploads, "a wire"),
                log);
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
        log.close();
        assertThat(group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly(10, TimeUnit.SECONDS))
                .isTrue();
    }

    @Test
    void servesALargeFile() throws Exception {
        Path file = directory.resolve("got");
        HttpResponse<Path> response = client.send(get("/large"), BodyHandlers.ofFile(file));

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(Files.mismatch(file, root.resolve("large"))).isEqualTo(-1);

        HttpResponse<byte[]> range = client.send(
                request("/large").header("Range", "bytes=1000000-9999999").build(), BodyHandlers.ofByteArray());
        assertThat(range.statusCode()).isEqualTo(206);
        assertThat(range.body()).hasSize(9_000_000);
        assertThat(sha256(range.body()))
                .isEqualTo(sha256(Arrays.copyOfRange(Files.readAllBytes(file), 1_000_000, 10_000_000)));
    }

    @Test
    void takesALargeUpload() throws Exception {
        HttpResponse<String> response = client.send(
                request("/upload/large")
                        .PUT(HttpRequest.BodyPublishers.ofFile(root.resolve("large")))
                        .build(),
                BodyHandlers.ofString());

        assertThat(response.statusCode()).isEqualTo(201);
        String hash = sha256(Files.readAllBytes(root.resolve("large")));
        assertThat(response.headers().firstValue("x-content-sha256")).hasValue(hash);
        assertThat(response.body()).isEqualTo(hash + "  large\n");
        assertThat(Files.mismatch(uploads.resolve("large"), root.resolve("large")))
                .isEqualTo(-1);
        assertThat(uploads.toFile().list()).containsExactly("large");
    }

    @Test
    void answersPipelinedRequestsInOrder() throws Exception {
        StringBuilder requests = new StringBuilder();
        StringBuilder expected = new StringBuilder();
        Random random = new Random(3);
        for (int i = 0; i < 500; i++) {
            String name = "f" + random.nextInt(20);
            requests.append("GET /").append(name).append(" HTTP/1.1\r\nHost: x\r\n\r\n");
            expected.append(name.repeat(1 + name.hashCode() % 5_000)).append('\n');
            Files.writeString(root.resolve(name), name.repeat(1 + name.hashCode() % 5_000) + '\n');
        }
        requests.append("GET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        expected.append('a');

        try (Socket socket = connect()) {
            CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> send(socket, requests.toString()));
            String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            sent.get(10, TimeUnit.SECONDS);

            StringBuilder contents = new StringBuilder();
            for (int at = 0; at < all.length(); ) {
                int end = all.indexOf("\r\n\r\n", at) + 4;
                String head = all.substring(at, end);
                int length = Integer.parseInt(head.replaceAll("(?s).*\r\ncontent-length: (\\d+)\r\n.*", "$1"));
                contents.append(all, end, end + length);
                at = end + length;
            }
            assertThat(contents.toString().equals(expected.toString())).isTrue();
        }
    }

    @Test
    void answersAClientThatHasClosedItsHalf() throws Exception {
        try (Socket socket = connect()) {
            send(socket, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
            socket.shutdownOutput();

            byte[] all = socket.getInputStream().readAllBytes();

            assertThat(all.length).isGreaterThan(LARGE).isLessThan(LARGE + 1_000);
        }
    }

    @Test
    void aClientThatSendsWhatNobodyWantsGetsItsAnswer() throws Exception {
        try (Socket socket = connect()) {
            CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
                send(socket, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n");
                send(socket, "x".repeat(5_000_000));
            });

            sent.get(10, TimeUnit.SECONDS);
            socket.shutdownOutput();
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);

            assertThat(answer)
                    .startsWith("HTTP/1.1 405 ")
                    .contains("connection: close")
                    .endsWith("</html>\n");
        }
    }

    @Test
    void aClientThatDoesNotReadDoesNotHinderOthers() throws Exception {
        try (Socket socket = connect()) {
            send(socket, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100));

            assertThat(client.send(get("/a.txt"), BodyHandlers.ofString()).body())
                    .isEqualTo("a");
        }
    }

    @Test
    void stopsWhenTheAnswersThatHaveBegunHaveEnded() throws Exception {
        try (Socket busy = connect();
                Socket idle = connect()) {
            send(idle, "GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n");
            assertThat(new String(idle.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
                    .isEqualTo("HTTP/1.1 200");
            send(busy, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
            InputStream in = busy.getInputStream();
            assertThat(in.read()).isEqualTo('H');

            CompletableFuture<Void> closed = CompletableFuture.runAsync(server::close);
            awaitRefusal();
            idle.getInputStream().readAllBytes();
            assertThat(closed).isNotDone();

            assertThat(in.readAllBytes().length).isGreaterThan(LARGE);
            closed.get(10, TimeUnit.SECONDS);
            assertThat(log.requests()).isEqualTo(2);
        }
    }

    /**
     * The JDK closes a listening socket for good some time after its channel. A connection that is
     * in the accept queue at that moment is reset, as the kernel does it.
     */
    private void awaitRefusal() throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (System.nanoTime() - deadline < 0) {
            try {
                connect().close();
            } catch (ConnectException e) {
                return;
            } catch (SocketException e) {
                assertThat(e).hasMessage("Connection reset by peer");
            }
        }
        throw new AssertionError("the server still accepts connections");
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket();
        try {
            socket.setReceiveBufferSize(100_000);
            socket.setSoTimeout(20_000);
            socket.connect(server.address());
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private static void send(Socket socket, String text) {
        try {
            OutputStream out = socket.getOutputStream();
            out.write(text.getBytes(StandardCharsets.US_ASCII));
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private HttpRequest get(String path) {
        return request(path).build();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(
                "http://" + address().getHostAddress() + ":" + server.address().getPort() + path));
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
