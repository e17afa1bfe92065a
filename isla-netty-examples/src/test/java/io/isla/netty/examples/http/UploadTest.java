/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.isla.netty.examples.http.HttpFixture.Reply;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.http.HttpMethod;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UploadTest {

    @TempDir
    private Path directory;

    private Path uploads;
    private HttpFixture http;

    @BeforeEach
    void connect() throws IOException {
        uploads = Files.createDirectory(directory.resolve("uploads"));
        http = new HttpFixture(new BuiltInSite(HttpFixture.NOW, "nothing"), new UploadDirectory(uploads));
    }

    @AfterEach
    void disconnect() {
        http.close();
    }

    @Test
    void storesAFileAndTellsItsHash() throws Exception {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest("content".getBytes(StandardCharsets.UTF_8));
        String hex = HexFormat.of().formatHex(hash);

        Reply reply = http.exchange(HttpMethod.PUT, "/upload/a%20b.txt", "content");

        assertThat(reply.status()).isEqualTo(201);
        assertThat(reply.text()).isEqualTo(hex + "  a b.txt\n");
        assertThat(reply.header("x-content-sha256")).isEqualTo(hex);
        assertThat(reply.header("repr-digest"))
                .isEqualTo("sha-256=:" + Base64.getEncoder().encodeToString(hash) + ":");
        assertThat(uploads.resolve("a b.txt")).hasContent("content");
        assertThat(names()).containsExactly("a b.txt");
        assertThat(http.closed()).isFalse();
    }

    @Test
    void replacesAFile() throws IOException {
        Files.writeString(uploads.resolve("a"), "an older one");

        assertThat(http.exchange(HttpMethod.PUT, "/upload/a", "new").status()).isEqualTo(200);

        assertThat(uploads.resolve("a")).hasContent("new");
        assertThat(names()).containsExactly("a");
    }

    @Test
    void replacesALinkAndNotWhatItPointsTo() throws IOException {
        Path outside = Files.writeString(directory.resolve("outside"), "untouched");
        Files.createSymbolicLink(uploads.resolve("a"), outside);

        assertThat(http.exchange(HttpMethod.PUT, "/upload/a", "new").status()).isEqualTo(200);

        assertThat(outside).hasContent("untouched");
        assertThat(uploads.resolve("a")).isRegularFile().hasContent("new");
    }

    @Test
    void storesWhatComesInChunks() throws IOException {
        http.send("PUT /upload/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        http.send("5\r\nhello\r\n");
        assertThat(http.replies()).isEmpty();
        assertThat(names()).as("no half file under the name").hasSize(1).allMatch(name -> name.startsWith("."));
        http.send("1\r\n!\r\n");
        http.send("0\r\n\r\n");

        assertThat(http.replies()).extracting(Reply::status).containsExactly(201);
        assertThat(uploads.resolve("a")).hasContent("hello!");
    }

    @Test
    void storesAnEmptyFile() {
        assertThat(http.exchange(HttpMethod.PUT, "/upload/a", "").status()).isEqualTo(201);
        assertThat(uploads.resolve("a")).isEmptyFile();
    }

    @Test
    void asksForTheContentOfAClientThatWaits() {
        http.send("PUT /upload/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
        assertThat(http.replies()).extracting(Reply::status).containsExactly(100);

        http.send("hi");
        assertThat(http.replies()).extracting(Reply::status).containsExactly(201);
    }

    @Test
    void doesNotAskForContentThatItWillNotTake() {
        http.send("PUT /upload/.a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");

        assertThat(http.replies()).extracting(Reply::status).containsExactly(403);
        assertThat(http.closed()).isTrue();
    }

    @Test
    void storesSeveralFilesOnOneConnection() throws IOException {
        http.request(HttpMethod.PUT, "/upload/a", "1");
        http.request(HttpMethod.PUT, "/upload/b", "2");
        http.request(HttpMethod.GET, "/", "");

        assertThat(http.replies()).extracting(Reply::status).containsExactly(201, 201, 200);
        assertThat(names()).containsExactlyInAnyOrder("a", "b");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/upload/.hidden",
                "/upload/a/b",
                "/upload/a/",
                "/upload/-rf",
                "/upload/a%5Cb",
                "/upload/a:b",
                "/upload/a%3Bb",
                "/upload/a%E2%80%AEb",
                "/upload/$HOME",
                "/upload/~root",
                "/upload/%20a",
            })
    void refusesAName(String target) throws IOException {
        assertThat(http.exchange(HttpMethod.PUT, target, "x").status()).isEqualTo(403);
        assertThat(names()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/upload/../../evil", "/upload/%2e%2e/%2e%2e/evil", "/upload/..%2f..%2fevil", "/upload/a%00"})
    void noPathLeadsOut(String target) throws IOException {
        int status = http.exchange(HttpMethod.PUT, target, "x").status();

        assertThat(status).isIn(400, 405);
        assertThat(names()).isEmpty();
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).containsExactly(uploads);
        }
    }

    @Test
    void refusesANameThatIsTooLong() throws IOException {
        assertThat(http.exchange(HttpMethod.PUT, "/upload/" + "a".repeat(255), "x")
                        .status())
                .isEqualTo(201);
        assertThat(http.exchange(HttpMethod.PUT, "/upload/" + "a".repeat(256), "x")
                        .status())
                .isEqualTo(403);
        assertThat(names()).hasSize(1);
    }

    @Test
    void refusesTheNameOfADirectory() throws IOException {
        Files.createDirectory(uploads.resolve("d"));

        assertThat(http.exchange(HttpMethod.PUT, "/upload/d", "x").status()).isEqualTo(409);
    }

    @Test
    void refusesAPartOfAFile() throws IOException {
        assertThat(http.exchange(HttpMethod.PUT, "/upload/a", "x", "Content-Range", "bytes 0-0/2")
                        .status())
                .isEqualTo(400);
        assertThat(names()).isEmpty();
    }

    @Test
    void keepsToPreconditions() throws IOException {
        assertThat(put("If-Match", "*")).isEqualTo(412);
        assertThat(put("If-None-Match", "*")).isEqualTo(201);
        assertThat(put("If-None-Match", "*")).isEqualTo(412);
        assertThat(put("If-None-Match", "\"x\"")).isEqualTo(200);
        assertThat(put("If-Match", "\"x\"")).isEqualTo(412);
        assertThat(put("If-Match", "*")).isEqualTo(200);
    }

    /** A new connection each time: one on which content was refused is closed. */
    private int put(String... headers) throws IOException {
        http.close();
        http = new HttpFixture(new BuiltInSite(HttpFixture.NOW, "nothing"), new UploadDirectory(uploads));
        return http.exchange(HttpMethod.PUT, "/upload/a", "x", headers).status();
    }

    @Test
    void takesUploadsInOnePlaceOnly() {
        Reply elsewhere = http.exchange(HttpMethod.PUT, "/a", "");
        assertThat(elsewhere.status()).isEqualTo(405);
        assertThat(elsewhere.header("allow")).isEqualTo("GET, HEAD, OPTIONS");
        assertThat(http.exchange(HttpMethod.PUT, "/upload/", "").status()).isEqualTo(405);
        assertThat(http.exchange(HttpMethod.OPTIONS, "/upload/a", "").header("allow"))
                .isEqualTo("GET, HEAD, PUT, OPTIONS");
        assertThat(http.exchange(HttpMethod.OPTIONS, "*", "").header("allow")).isEqualTo("GET, HEAD, PUT, OPTIONS");
    }

    @Test
    void doesNotGiveBackWhatWasUploaded() {
        http.exchange(HttpMethod.PUT, "/upload/a", "x");

        assertThat(http.get("/upload/a").status()).isEqualTo(404);
    }

    @Test
    void removesWhatWasNotCompleted() throws IOException {
        http.send("PUT /upload/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome");
        assertThat(names()).hasSize(1);

        http.server.close();

        assertThat(names()).isEmpty();
    }

    @Test
    void removesWhatTheClientBrokeOff() throws IOException {
        http.send("PUT /upload/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome");
        http.server.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);

        assertThat(http.closed()).isTrue();
        assertThat(names()).isEmpty();
    }

    @Test
    void removesWhatIsMalformed() throws IOException {
        http.send("PUT /upload/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
        http.send("zz\r\n");

        assertThat(http.replies()).extracting(Reply::status).containsExactly(400);
        assertThat(http.closed()).isTrue();
        assertThat(names()).isEmpty();
    }

    @Test
    void finishesAnUploadThatHasBegun() {
        http.send("PUT /upload/a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nso");
        http.server.pipeline().fireUserEventTriggered(HttpExchangeHandler.FINISH);
        assertThat(http.closed()).isFalse();

        http.send("me");

        assertThat(http.replies()).extracting(Reply::status).containsExactly(201);
        assertThat(http.closed()).isTrue();
    }

    @Test
    void theDirectoryMustBeOne() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatExceptionOfType(NotDirectoryException.class).isThrownBy(() -> new UploadDirectory(file));
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(() -> new UploadDirectory(directory.resolve("none")));
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(uploads)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
