/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.isla.netty.examples.http.HttpFixture.Reply;
import io.netty.handler.codec.http.HttpMethod;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FileSiteTest {

    private static final String SECRET = "not for everybody";

    @TempDir
    private Path directory;

    private Path root;
    private HttpFixture http;

    @BeforeEach
    void makeFiles() throws IOException {
        root = Files.createDirectory(directory.resolve("root"));
        Files.writeString(directory.resolve("secret.txt"), SECRET);
        Files.createDirectory(directory.resolve("private"));
        Files.writeString(directory.resolve("private/index.html"), SECRET);
        // A sibling whose path begins with the same characters.
        Files.createDirectory(directory.resolve("root-2"));
        Files.writeString(directory.resolve("root-2/secret.txt"), SECRET);

        Files.writeString(root.resolve("a.txt"), "0123456789");
        Files.setLastModifiedTime(root.resolve("a.txt"), FileTime.from(Instant.parse("2026-02-03T04:05:06.789Z")));
        Files.createDirectories(root.resolve("docs/deep"));
        Files.writeString(root.resolve("docs/index.html"), "<p>docs");
        Files.writeString(root.resolve("docs/deep/b & <c>.txt"), "deep");
        http = new HttpFixture(new FileSite(root));
    }

    @AfterEach
    void close() {
        http.close();
    }

    @Test
    void servesAFile() {
        Reply reply = http.get("/a.txt");

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.text()).isEqualTo("0123456789");
        assertThat(reply.header("content-type")).isEqualTo("text/plain; charset=utf-8");
        assertThat(reply.header("last-modified")).isEqualTo("Tue, 03 Feb 2026 04:05:06 GMT");
        assertThat(reply.header("accept-ranges")).isEqualTo("bytes");
        assertThat(reply.header("etag")).matches("\"[0-9a-f.-]+\"");
    }

    @Test
    void servesAnEmptyFile() throws IOException {
        Files.createFile(root.resolve("empty"));

        Reply reply = http.get("/empty");

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.body()).isEmpty();
        assertThat(reply.header("content-length")).isEqualTo("0");
        assertThat(reply.header("content-type")).isEqualTo("application/octet-stream");
        assertThat(http.get("/empty", "Range", "bytes=0-").status()).isEqualTo(416);
    }

    @Test
    void servesAFileOfAnySize() throws IOException {
        Random random = new Random(1);
        for (int size : new int[] {1, 65_535, 65_536, 65_537, 1_000_000}) {
            byte[] content = new byte[size];
            random.nextBytes(content);
            Files.write(root.resolve("file"), content);

            assertThat(http.get("/file").body()).isEqualTo(content);
            assertThat(http.exchange(HttpMethod.HEAD, "/file", "").header("content-length"))
                    .isEqualTo(String.valueOf(size));
        }
    }

    @Test
    void servesTheIndexOfADirectory() {
        assertThat(http.get("/docs/").text()).isEqualTo("<p>docs");
        assertThat(http.get("/docs/").header("content-type")).isEqualTo("text/html; charset=utf-8");
    }

    @Test
    void sendsToTheDirectorysRealName() {
        Reply reply = http.get("/docs?q=1");

        assertThat(reply.status()).isEqualTo(301);
        assertThat(reply.header("location")).isEqualTo("/docs/?q=1");
        // "//docs" would be another host's name in a Location.
        assertThat(http.get("//docs").header("location")).isEqualTo("/docs/");
    }

    @Test
    void listsADirectory() throws IOException {
        Files.createDirectory(root.resolve("z"));
        Reply listing = http.get("/");

        assertThat(listing.status()).isEqualTo(200);
        assertThat(listing.header("content-type")).isEqualTo("text/html; charset=utf-8");
        assertThat(listing.text())
                .containsSubsequence("href=\"./docs/\">docs/<", "href=\"./z/\">z/<", "href=\"./a.txt\">a.txt<", "10 B")
                .contains("2026-02-03 04:05")
                .doesNotContain("../");
        assertThat(http.get("/docs/deep/").text())
                .contains("<a href=\"../\">", "<h1>/docs/deep/</h1>")
                .contains("href=\"./b%20&amp;%20%3Cc%3E.txt\">b &amp; &lt;c&gt;.txt<")
                .doesNotContain("<c>");
        assertThat(http.get("/docs/deep/b%20&%20%3Cc%3E.txt").text()).isEqualTo("deep");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "bytes=0-0; bytes 0-0/10; 0",
                "bytes=2-4; bytes 2-4/10; 234",
                "bytes=7-; bytes 7-9/10; 789",
                "bytes=-3; bytes 7-9/10; 789",
                "bytes=5-100; bytes 5-9/10; 56789",
                "bytes=0-2,3-4; bytes 0-4/10; 01234",
            })
    void servesARange(String range, String contentRange, String content) {
        Reply reply = http.get("/a.txt", "Range", range);

        assertThat(reply.status()).isEqualTo(206);
        assertThat(reply.header("content-range")).isEqualTo(contentRange);
        assertThat(reply.header("content-type")).isEqualTo("text/plain; charset=utf-8");
        assertThat(reply.text()).isEqualTo(content);
    }

    @Test
    void servesSeveralRanges() {
        Reply reply = http.get("/a.txt", "Range", "bytes=0-1,5-6,-1");

        assertThat(reply.status()).isEqualTo(206);
        assertThat(reply.header("content-range")).isNull();
        String type = reply.header("content-type");
        assertThat(type).startsWith("multipart/byteranges; boundary=");
        String boundary = "--" + type.substring(type.indexOf('=') + 1);
        String head = boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ";
        assertThat(reply.text())
                .isEqualTo("\r\n" + head + "0-1/10\r\n\r\n01\r\n" + head + "5-6/10\r\n\r\n56\r\n" + head
                        + "9-9/10\r\n\r\n9\r\n" + boundary + "--\r\n");
    }

    @Test
    void servesLargeRanges() throws IOException {
        byte[] content = new byte[500_000];
        new Random(2).nextBytes(content);
        Files.write(root.resolve("file"), content);

        Reply reply = http.get("/file", "Range", "bytes=100000-299999,400000-");

        assertThat(reply.status()).isEqualTo(206);
        String latin1 = new String(reply.body(), StandardCharsets.ISO_8859_1);
        String whole = new String(content, StandardCharsets.ISO_8859_1);
        assertThat(latin1.contains("\r\n\r\n" + whole.substring(100_000, 300_000) + "\r\n--"))
                .isTrue();
        assertThat(latin1.contains("\r\n\r\n" + whole.substring(400_000) + "\r\n--"))
                .isTrue();
    }

    @Test
    void answers416WhereThereIsNothing() {
        Reply reply = http.get("/a.txt", "Range", "bytes=10-");

        assertThat(reply.status()).isEqualTo(416);
        assertThat(reply.header("content-range")).isEqualTo("bytes */10");
        assertThat(http.closed()).isFalse();
    }

    @Test
    void servesAllWhereTheRangeDoesNotCount() {
        assertThat(http.get("/a.txt", "Range", "bytes=5-2").status()).isEqualTo(200);
        assertThat(http.get("/a.txt", "Range", "bytes=0-0", "If-Range", "\"old\"")
                        .text())
                .isEqualTo("0123456789");
        assertThat(http.exchange(HttpMethod.HEAD, "/a.txt", "", "Range", "bytes=0-0")
                        .status())
                .isEqualTo(200);
        Reply reply = http.get("/a.txt");
        assertThat(http.get("/a.txt", "Range", "bytes=0-0", "If-Range", reply.header("etag"))
                        .text())
                .isEqualTo("0");
        assertThat(http.get("/a.txt", "Range", "bytes=0-0", "If-Range", reply.header("last-modified"))
                        .text())
                .isEqualTo("0");
    }

    @Test
    void aChangedFileHasAnotherEntityTag() throws IOException {
        String before = http.get("/a.txt").header("etag");
        Files.setLastModifiedTime(root.resolve("a.txt"), FileTime.from(Instant.parse("2026-02-03T04:05:06.790Z")));

        assertThat(http.get("/a.txt", "If-None-Match", before).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/none",
                "/a.txt/",
                "/a.txt/x",
                "/docs/none",
                "/docs/none/",
                "/%E2%80%AE",
                "/root-2/secret.txt",
            })
    void answers404(String target) {
        assertThat(http.get(target).status()).isEqualTo(404);
    }

    @Test
    void answers404ForANameThatIsTooLong() {
        assertThat(http.get("/" + "a".repeat(300)).status()).isEqualTo(404);
    }

    @Test
    void followsLinksThatStayInside() throws IOException {
        Files.createSymbolicLink(root.resolve("inside.txt"), Path.of("docs/deep/b & <c>.txt"));
        Files.createSymbolicLink(root.resolve("inside"), Path.of("docs"));

        assertThat(http.get("/inside.txt").text()).isEqualTo("deep");
        assertThat(http.get("/inside/").text()).isEqualTo("<p>docs");
        assertThat(http.get("/").text()).contains(">inside.txt<", ">inside/<");
    }

    @Test
    void doesNotFollowLinksThatLeadOutside() throws IOException {
        Files.createSymbolicLink(root.resolve("link.txt"), Path.of("../secret.txt"));
        Files.createSymbolicLink(root.resolve("absolute.txt"), directory.resolve("secret.txt"));
        Files.createSymbolicLink(root.resolve("sibling"), Path.of("../root-2"));
        Files.createSymbolicLink(root.resolve("up"), Path.of(".."));
        Files.createSymbolicLink(root.resolve("twice"), Path.of("link.txt"));
        Files.createSymbolicLink(root.resolve("loop"), Path.of("loop"));
        Files.createDirectory(root.resolve("index"));
        Files.createSymbolicLink(root.resolve("index/index.html"), Path.of("../../private/index.html"));

        for (String target : new String[] {
            "/link.txt",
            "/absolute.txt",
            "/sibling",
            "/sibling/",
            "/sibling/secret.txt",
            "/up",
            "/up/",
            "/twice",
            "/up/secret.txt",
            "/up/private/",
            "/loop",
            "/loop/",
            "/index/index.html"
        }) {
            assertThat(http.get(target).status()).as(target).isEqualTo(404);
        }
        assertThat(http.get("/up/root/a.txt").text()).as("out and in again").isEqualTo("0123456789");
        assertThat(http.get("/").text()).doesNotContain("link.txt", "absolute.txt", "sibling", "up/", "twice", "loop");
        assertThat(http.get("/index/").text()).contains("<h1>/index/</h1>").doesNotContain("index.html", SECRET);
    }

    @Test
    void servesNothingThatIsNotARegularFile() throws Exception {
        int status = new ProcessBuilder("mkfifo", root.resolve("pipe").toString())
                .start()
                .waitFor();
        assertThat(status).isZero();

        assertThat(http.get("/pipe").status()).isEqualTo(404);
        assertThat(http.get("/").text()).contains("a.txt").doesNotContain("pipe");
    }

    @Test
    void noTargetReachesWhatIsOutside() throws IOException {
        Files.createSymbolicLink(root.resolve("up"), Path.of(".."));
        Files.createSymbolicLink(root.resolve("docs/out"), directory.resolve("private"));
        String[] pieces = {
            "/",
            "/",
            "/",
            "..",
            "%2e%2e",
            ".%2E",
            ".",
            "up",
            "docs",
            "out",
            "deep",
            "secret.txt",
            "private",
            "root",
            "root-2",
            "index.html",
            "a.txt",
            "%2f",
            "%5c",
            "%00",
            "\\",
            "..;",
            "%252e%252e",
            "%c0%ae%c0%ae",
            "?",
            "//"
        };
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        int found = 0;
        for (int i = 0; i < 5_000; i++) {
            StringBuilder target = new StringBuilder("/");
            for (int n = random.nextInt(8); n > 0; n--) {
                target.append(pieces[random.nextInt(pieces.length)]);
            }
            Reply reply = http.get(target.toString());
            assertThat(reply.status()).as("%s, seed %d", target, seed).isIn(200, 301, 400, 404);
            assertThat(reply.text()).as("%s, seed %d", target, seed).doesNotContain(SECRET, "secret.txt");
            found += reply.status() == 200 ? 1 : 0;
        }
        assertThat(found).as("files found, seed %d", seed).isPositive();
    }

    @Test
    void theRootMustBeADirectory() {
        assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> new FileSite(root.resolve("none")));
        assertThatExceptionOfType(NotDirectoryException.class).isThrownBy(() -> new FileSite(root.resolve("a.txt")));
    }
}
