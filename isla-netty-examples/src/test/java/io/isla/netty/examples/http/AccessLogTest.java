/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class AccessLogTest {

    private static final InetSocketAddress CLIENT = new InetSocketAddress("10.0.0.1", 12345);
    private static final InstantSource CLOCK = InstantSource.fixed(Instant.parse("2026-03-01T10:20:30Z"));

    @Test
    void writesTheCommonLogFormat() {
        assertThat(log("/a?b", 42))
                .isEqualTo("10.0.0.1 - - [01/Mar/2026:12:20:30 +0200] \"GET /a?b HTTP/1.1\" 200 42\n");
    }

    @Test
    void writesADashWhereTheAnswerWasCutOff() {
        assertThat(log("/", -1)).endsWith("\" 200 -\n");
    }

    @Test
    void nothingThatAClientSendsEndsALineOrAQuote() {
        assertThat(log("/\"\\\u001b[2Jé", 0)).contains("\"GET /\\\"\\\\\\x1b[2J\\xe9 HTTP/1.1\"");
        assertThat(AccessLog.escape("a\r\nb\u0000\u2028")).isEqualTo("a\\x0d\\x0ab\\x00\\u2028");
    }

    @Test
    void countsWithoutWriting() {
        try (AccessLog log = new AccessLog(null, CLOCK, ZoneOffset.UTC)) {
            log.log(CLIENT, request("/"), HttpResponseStatus.OK, 1);
            log.log(CLIENT, request("/"), HttpResponseStatus.OK, 1);

            assertThat(log.requests()).isEqualTo(2);
        }
    }

    private static String log(String target, long bytes) {
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(written, false, StandardCharsets.UTF_8);
        try (AccessLog log = new AccessLog(out, CLOCK, ZoneOffset.ofHours(2))) {
            log.log(CLIENT, request(target), HttpResponseStatus.OK, bytes);
        }
        return written.toString(StandardCharsets.UTF_8);
    }

    private static DefaultHttpRequest request(String target) {
        return new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, target);
    }
}
