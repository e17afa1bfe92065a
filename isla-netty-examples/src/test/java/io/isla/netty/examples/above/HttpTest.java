/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.examples.above.Wire.Side;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.Programs;
import io.isla.netty.testing.RequiresProgram;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslProvider;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** HTTP/1.1 and HTTP/2 of Netty's codecs, served to {@code curl} and {@code h2load}. */
@KernelTest
class HttpTest {

    private static final int REQUESTS = 200;

    @RegisterExtension
    static final Wire WIRE = new Wire("http0");

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({"--http1.1, 1.1", "--http2-prior-knowledge, 2"})
    @RequiresProgram({"curl", "nghttp"})
    void servesCurlInTheClear(String option, String version) throws Exception {
        String url = Wire.url("http", WIRE.serve(Side.ISLA, Http2Server.inTheClear()));

        getsAndPosts(url, version, option);
    }

    /** With no more content than curl has room for behind the answer to its wish: 32 KiB. */
    @Test
    @RequiresProgram("curl")
    void upgradesCurlToHttp2() throws Exception {
        String url = Wire.url("http", WIRE.serve(Side.ISLA, Http2Server.inTheClear()));

        assertThat(curl(new String[] {"--http2"}, url + "/").text()).isEqualTo(Site.TEXT + "200 2");
    }

    @ParameterizedTest
    @CsvSource({"--http1.1, JDK, 1.1", "--http1.1, OPENSSL, 1.1", "--http2, JDK, 2", "--http2, OPENSSL, 2"})
    @RequiresProgram({"curl", "nghttp"})
    void servesCurlOverTlsWhatItHasAgreedTo(String option, SslProvider provider, String version) throws Exception {
        String url = Wire.url("https", serveOverTls(provider));

        getsAndPosts(
                url, version, option, "--cacert", Tls.certificate(directory).toString());
        assertThat(curl(new String[] {option, "--insecure"}, url + "/").text()).startsWith(Site.TEXT);
    }

    /** Each request in a connection of its own: curl 7.88 does not use one of HTTP/2 with prior knowledge again. */
    private void getsAndPosts(String url, String version, String... options) throws Exception {
        byte[] large = Bytes.random(Site.LARGE);
        Path file = Files.write(directory.resolve("large"), large);
        Path got = directory.resolve("got");

        assertThat(curl(options, url + "/").text()).isEqualTo(Site.TEXT + "200 " + version);
        assertThat(curl(options, "--output", got.toString(), url + "/" + Site.LARGE)
                        .text())
                .isEqualTo("200 " + version);
        assertThat(Files.mismatch(got, file)).isEqualTo(-1);
        if (version.equals("2")) {
            assertThat(Nghttp.post(file, url + "/")).isEqualTo(large);
            return;
        }
        assertThat(curl(options, "--data-binary", "@" + file, "--output", got.toString(), url + "/")
                        .text())
                .isEqualTo("200 " + version);
        assertThat(Files.mismatch(got, file)).isEqualTo(-1);
    }

    private static Programs.Result curl(String[] options, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(
                List.of("curl", "--silent", "--show-error", "--write-out", "%{http_code} %{http_version}"));
        command.addAll(Arrays.asList(options));
        command.addAll(Arrays.asList(arguments));
        Programs.Result result = Programs.run(command.toArray(String[]::new));
        assertThat(result.status()).as(result.errors()).isZero();
        return result;
    }

    @ParameterizedTest
    @CsvSource({"--h1, http/1.1", "--max-concurrent-streams=16, h2c"})
    @RequiresProgram("h2load")
    void bearsALoadInTheClear(String option, String protocol) throws Exception {
        answersAll(Wire.url("http", WIRE.serve(Side.ISLA, Http2Server.inTheClear())), option, protocol);
    }

    @ParameterizedTest
    @EnumSource(
            value = SslProvider.class,
            names = {"JDK", "OPENSSL"})
    @RequiresProgram("h2load")
    void bearsALoadOverTls(SslProvider provider) throws Exception {
        answersAll(Wire.url("https", serveOverTls(provider)), "--max-concurrent-streams=16", "h2");
    }

    private static void answersAll(String url, String option, String protocol) throws Exception {
        Programs.Result result = Programs.run(
                "h2load",
                "--requests=" + REQUESTS,
                "--clients=8",
                option,
                "--connection-active-timeout=60s",
                url + "/");

        assertThat(result.status()).as(result.errors()).isZero();
        assertThat(result.text())
                .contains("Application protocol: " + protocol + "\n")
                .contains("%d done, %<d succeeded, 0 failed, 0 errored, 0 timeout".formatted(REQUESTS))
                .contains("status codes: %d 2xx, 0 3xx, 0 4xx, 0 5xx".formatted(REQUESTS))
                .containsPattern("traffic: .*\\(" + REQUESTS * Site.TEXT.length() + "\\) data");
    }

    private static InetSocketAddress serveOverTls(SslProvider provider) throws Exception {
        return WIRE.serve(
                Side.ISLA,
                Http2Server.overTls(
                        Tls.server(provider, ApplicationProtocolNames.HTTP_2, ApplicationProtocolNames.HTTP_1_1)));
    }
}
