/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.examples.http.HttpFixture.Reply;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a connection does with requests, whatever they ask for. */
class HttpExchangeTest {

    private HttpFixture http;

    @BeforeEach
    void connect() throws IOException {
        http = new HttpFixture(new BuiltInSite(HttpFixture.NOW, "a <wire>"));
    }

    @AfterEach
    void disconnect() {
        http.close();
    }

    @Test
    void servesTheBuiltInPageAndItsImage() {
        Reply page = http.get("/");
        assertThat(page.status()).isEqualTo(200);
        assertThat(page.header("content-type")).isEqualTo("text/html; charset=utf-8");
        assertThat(page.header("date")).isEqualTo("Sun, 01 Mar 2026 10:20:30 GMT");
        assertThat(page.text()).contains("<h1>It works.</h1>", "over a &lt;wire&gt;.", "src=\"isla.svg\"");
        assertThat(http.get("/index.html").body()).isEqualTo(page.body());

        Reply image = http.get("/isla.svg");
        assertThat(image.status()).isEqualTo(200);
        assertThat(image.header("content-type")).isEqualTo("image/svg+xml");
        assertThat(image.text()).startsWith("<svg ").contains("</svg>");

        assertThat(http.closed()).isFalse();
    }

    @Test
    void answersHeadAsGetWithoutTheContent() {
        Reply get = http.get("/");
        Reply head = http.exchange(HttpMethod.HEAD, "/", "");

        assertThat(head.status()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(head.headers()).isEqualTo(get.headers());
        assertThat(http.exchange(HttpMethod.HEAD, "/none", "").status()).isEqualTo(404);
        assertThat(http.closed()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/none", "/isla.svg/", "/index.html/x", "/ISLA.SVG", "/%20"})
    void answers404(String target) {
        Reply reply = http.get(target);

        assertThat(reply.status()).isEqualTo(404);
        assertThat(reply.header("content-type")).isEqualTo("text/html; charset=utf-8");
        assertThat(reply.text()).contains("<title>404 Not Found</title>");
        assertThat(http.closed()).isFalse();
    }

    @Test
    void answersWhatAResourceCannotDo() {
        for (HttpMethod method : List.of(HttpMethod.POST, HttpMethod.PUT, HttpMethod.DELETE, HttpMethod.TRACE)) {
            Reply reply = http.exchange(method, "/", "");
            assertThat(reply.status()).isEqualTo(405);
            assertThat(reply.header("allow")).isEqualTo("GET, HEAD, OPTIONS");
        }
        assertThat(http.exchange(HttpMethod.valueOf("BREW"), "/", "").status()).isEqualTo(501);
        for (String target : List.of("/", "*")) {
            Reply options = http.exchange(HttpMethod.OPTIONS, target, "");
            assertThat(options.status()).isEqualTo(204);
            assertThat(options.header("allow")).isEqualTo("GET, HEAD, OPTIONS");
        }
        assertThat(http.closed()).isFalse();
    }

    @Test
    void answersPipelinedRequestsInOrder() {
        http.send("GET /isla.svg HTTP/1.1\r\nHost: x\r\n\r\n"
                + "POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
                + "GET /two HTTP/1.1\r\nHost: x\r\n\r\n"
                + "GET / HTTP/1.1\r\nHost: x\r\n\r\n");

        assertThat(http.replies()).extracting(Reply::status).containsExactly(200, 405, 404, 200);
        assertThat(http.closed()).isFalse();
    }

    @Test
    void answersARequestThatComesByteByByte() {
        for (char c : "GET / HTTP/1.1\r\nHost: x\r\n\r\n".toCharArray()) {
            assertThat(http.replies()).isEmpty();
            http.send(String.valueOf(c));
        }
        assertThat(http.replies()).extracting(Reply::status).containsExactly(200);
    }

    @Test
    void closesWhenTheClientWants() {
        Reply reply = http.get("/", "Connection", "close");

        assertThat(reply.header("connection")).isEqualTo("close");
        assertThat(http.closed()).isTrue();
    }

    @Test
    void http10ClosesUnlessItIsToStay() {
        Reply stays = http.exchangeRaw("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assertThat(stays.status()).isEqualTo(200);
        assertThat(stays.header("connection")).isEqualTo("keep-alive");
        assertThat(http.closed()).isFalse();

        assertThat(http.exchangeRaw("GET / HTTP/1.0\r\n\r\n").status()).isEqualTo(200);
        assertThat(http.closed()).isTrue();
    }

    @Test
    void answersNothingAfterTheRequestThatCloses() {
        http.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");

        assertThat(http.replies()).hasSize(1);
        assertThat(http.closed()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "\u0016\u0003\u0001 TLS, maybe\r\n\r\n",
            })
    void answers400AndCloses(String request) {
        assertThat(http.exchangeRaw(request).status()).isEqualTo(400);
        assertThat(http.closed()).isTrue();
    }

    @Test
    void answersWhatIsTooLong() {
        assertThat(http.exchangeRaw("GET /" + "a".repeat(5_000) + " HTTP/1.1\r\nHost: x\r\n\r\n")
                        .status())
                .isEqualTo(414);
        assertThat(http.closed()).isTrue();
    }

    @Test
    void answersHeadersThatAreTooLong() {
        assertThat(http.exchangeRaw("GET / HTTP/1.1\r\nHost: x\r\nA: " + "a".repeat(10_000) + "\r\n\r\n")
                        .status())
                .isEqualTo(431);
        assertThat(http.closed()).isTrue();
    }

    @Test
    void answersAnotherVersion() {
        assertThat(http.exchangeRaw("GET / HTTP/2.0\r\nHost: x\r\n\r\n").status())
                .isEqualTo(505);
        assertThat(http.closed()).isTrue();
    }

    @Test
    void answersAnExpectationThatIsNotKnown() {
        assertThat(http.get("/", "Expect", "a miracle").status()).isEqualTo(417);
    }

    @Test
    void doesNotWaitForContentThatNobodyWants() {
        http.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");

        List<Reply> replies = http.replies();
        assertThat(replies).extracting(Reply::status).containsExactly(405);
        assertThat(replies.get(0).header("connection")).isEqualTo("close");
        assertThat(http.closed()).isTrue();
    }

    @Test
    void answersConditionalRequests() {
        Reply page = http.get("/");

        Reply same = http.get("/", "If-None-Match", page.header("etag"));
        assertThat(same.status()).isEqualTo(304);
        assertThat(same.body()).isEmpty();
        assertThat(same.header("etag")).isEqualTo(page.header("etag"));
        assertThat(http.get("/", "If-Modified-Since", page.header("last-modified"))
                        .status())
                .isEqualTo(304);
        assertThat(http.get("/", "If-Match", "\"other\"").status()).isEqualTo(412);
        assertThat(http.get("/", "If-None-Match", "\"other\"").status()).isEqualTo(200);
        assertThat(http.closed()).isFalse();
    }

    @Test
    void logsEachRequest() {
        int length = http.get("/isla.svg").body().length;
        http.exchange(HttpMethod.HEAD, "/\"", "");
        http.exchangeRaw("nonsense\r\n\r\n");

        assertThat(http.logged().lines())
                .containsExactly(
                        "- - - [01/Mar/2026:10:20:30 +0000] \"GET /isla.svg HTTP/1.1\" 200 " + length,
                        "- - - [01/Mar/2026:10:20:30 +0000] \"HEAD /\\\" HTTP/1.1\" 404 0",
                        "- - - [01/Mar/2026:10:20:30 +0000] \"-\" 400 "
                                + Response.of(HttpProblem.fatal(
                                                HttpResponseStatus.BAD_REQUEST, "This is not an HTTP request."))
                                        .bodyLength());
    }

    @Test
    void finishesWhatHasBegun() {
        http.send("GET / HTTP/1.1\r\nHost: x\r\n");
        http.server.pipeline().fireUserEventTriggered(HttpExchangeHandler.FINISH);
        assertThat(http.closed())
                .as("a connection on which no request has begun")
                .isTrue();
    }

    @Test
    void closesAConnectionThatIsIdle() throws Exception {
        http.get("/");
        http.server.advanceTimeBy(31, TimeUnit.SECONDS);
        http.server.runScheduledPendingTasks();
        // The first time, nobody has watched yet whether an answer makes progress.
        assertThat(http.closed()).isFalse();
        http.server.advanceTimeBy(31, TimeUnit.SECONDS);
        http.server.runScheduledPendingTasks();

        assertThat(http.closed()).isTrue();
    }
}
