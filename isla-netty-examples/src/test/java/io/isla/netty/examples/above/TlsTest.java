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
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpChunkedInput;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.string.StringDecoder;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.stream.ChunkedNioFile;
import io.netty.handler.stream.ChunkedWriteHandler;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code SslHandler} with both of its engines, the JDK's and Netty's native one, to OpenSSL's programs and {@code curl}. */
@KernelTest
class TlsTest {

    private static final int LARGE = 5_000_000;
    private static final int LARGE_EXTENSION = 20_000;

    /** How OpenSSL's programs are told the version that they are to speak. */
    private static final Map<String, String> VERSION_OPTIONS = Map.of("TLSv1.2", "-tls1_2", "TLSv1.3", "-tls1_3");

    @RegisterExtension
    static final Wire WIRE = new Wire("tls0");

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({"JDK, TLSv1.2", "JDK, TLSv1.3", "OPENSSL, TLSv1.2", "OPENSSL, TLSv1.3"})
    @RequiresProgram("openssl")
    void answersOpenSslsClient(SslProvider provider, String version) throws Exception {
        shoutsAtOpenSslsClient(Tls.server(provider), version);
    }

    /** Of more bytes than a TLS record has, so that the handshake takes several, and a dozen segments. */
    @ParameterizedTest
    @CsvSource({"JDK, TLSv1.2", "JDK, TLSv1.3", "OPENSSL, TLSv1.2", "OPENSSL, TLSv1.3"})
    @RequiresProgram("openssl")
    void takesALargeCertificateFromOpenSslsClient(SslProvider provider, String version) throws Exception {
        X509Bundle client = new CertificateBuilder()
                .ecp256()
                .subject("CN=client")
                .addExtendedKeyUsageClientAuth()
                .addExtensionOctetString("1.2.840.113635.100.6.2.1", false, Bytes.random(LARGE_EXTENSION))
                .buildIssuedBy(Tls.BUNDLE);
        Path certificate = Files.writeString(directory.resolve("client.pem"), client.getCertificatePEM());
        Path key = Files.writeString(directory.resolve("client-key.pem"), client.getPrivateKeyPEM());
        SslContextBuilder tls = SslContextBuilder.forServer(Tls.BUNDLE.toKeyManagerFactory())
                .sslProvider(provider)
                .trustManager(Tls.BUNDLE.getCertificate())
                .clientAuth(ClientAuth.REQUIRE);
        if (provider == SslProvider.OPENSSL) {
            tls.option(OpenSslContextOption.MAX_CERTIFICATE_LIST_BYTES, 2 * LARGE_EXTENSION);
        }

        shoutsAtOpenSslsClient(tls.build(), version, "-cert", certificate.toString(), "-key", key.toString());
    }

    private void shoutsAtOpenSslsClient(SslContext tls, String version, String... options) throws Exception {
        InetSocketAddress server = WIRE.serve(Side.ISLA, new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline()
                        .addLast(
                                tls.newHandler(channel.alloc()),
                                new LineBasedFrameDecoder(1000),
                                new StringDecoder(StandardCharsets.US_ASCII),
                                new Shouting());
            }
        });
        List<String> command = new ArrayList<>(List.of(
                "openssl",
                "s_client",
                "-connect",
                server.getAddress().getHostAddress() + ":" + server.getPort(),
                "-CAfile",
                Tls.certificate(directory).toString(),
                "-verify_return_error",
                VERSION_OPTIONS.get(version),
                "-ign_eof"));
        command.addAll(List.of(options));

        Programs.Result result = Programs.runWithInput("hello\nbye\n", command.toArray(String[]::new));

        assertThat(result.status()).as(result.text() + result.errors()).isZero();
        assertThat(result.text())
                .contains("Verify return code: 0 (ok)", "New, " + version + ", Cipher is")
                // In the midst of the tickets, which are large when the certificate is.
                .containsSubsequence("HELLO\n", "BYE\n");
        // A connection that ends without a close_notify is an error to OpenSSL.
        assertThat(result.errors()).doesNotContain("error:");
    }

    /** Says in capital letters what it is told, and hangs up after BYE. */
    private static final class Shouting extends SimpleChannelInboundHandler<String> {
        @Override
        protected void channelRead0(ChannelHandlerContext context, String line) {
            String answer = line.toUpperCase(Locale.ROOT);
            var written = context.writeAndFlush(Unpooled.copiedBuffer(answer + "\n", StandardCharsets.US_ASCII));
            if (answer.equals("BYE")) {
                written.addListener(ChannelFutureListener.CLOSE);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"JDK, TLSv1.2", "JDK, TLSv1.3", "OPENSSL, TLSv1.2", "OPENSSL, TLSv1.3"})
    @RequiresProgram("openssl")
    void talksToOpenSslsServer(SslProvider provider, String version) throws Exception {
        SslContext tls = Tls.client(provider);
        try (Programs.Running program = Programs.start(
                line -> line.startsWith("ACCEPT "),
                "openssl",
                "s_server",
                "-accept",
                Side.KERNEL.host + ":0",
                "-cert",
                Tls.certificate(directory).toString(),
                "-key",
                Tls.key(directory).toString(),
                VERSION_OPTIONS.get(version),
                // It sends back each line, reversed.
                "-rev")) {
            String accepting = program.readyLine();
            int port = Integer.parseInt(accepting.substring(accepting.lastIndexOf(':') + 1));
            CompletableFuture<String> answer = new CompletableFuture<>();
            SslHandler handler = tls.newHandler(ByteBufAllocator.DEFAULT, Side.KERNEL.host, port);
            Channel channel = WIRE.connect(
                    Side.ISLA, new InetSocketAddress(Side.KERNEL.address(), port), new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            channel.pipeline()
                                    .addLast(
                                            handler,
                                            new LineBasedFrameDecoder(100_000),
                                            new StringDecoder(StandardCharsets.US_ASCII),
                                            new SimpleChannelInboundHandler<String>() {
                                                @Override
                                                protected void channelRead0(
                                                        ChannelHandlerContext context, String line) {
                                                    answer.complete(line);
                                                }

                                                @Override
                                                public void exceptionCaught(
                                                        ChannelHandlerContext context, Throwable cause) {
                                                    answer.completeExceptionally(cause);
                                                }
                                            });
                        }
                    });

            channel.writeAndFlush(Unpooled.copiedBuffer("redrum\n", StandardCharsets.US_ASCII));

            assertThat(answer.get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo("murder");
            assertThat(handler.engine().getSession().getProtocol()).isEqualTo(version);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = SslProvider.class,
            names = {"JDK", "OPENSSL"})
    @RequiresProgram("curl")
    void sendsALargeFileInChunks(SslProvider provider) throws Exception {
        Path file = Files.write(directory.resolve("file"), Bytes.random(LARGE));
        Path got = directory.resolve("got");
        SslContext tls = Tls.server(provider);
        InetSocketAddress server = WIRE.serve(Side.ISLA, new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline()
                        .addLast(
                                tls.newHandler(channel.alloc()),
                                new HttpServerCodec(),
                                new ChunkedWriteHandler(),
                                new FileHandler(file));
            }
        });

        Programs.Result result = Programs.run(
                "curl",
                "--silent",
                "--show-error",
                "--insecure",
                "--output",
                got.toString(),
                Wire.url("https", server) + "/");

        assertThat(result.status()).as(result.errors()).isZero();
        assertThat(Files.mismatch(got, file)).isEqualTo(-1);
    }

    /** Answers with a file, of which only what can be written is read. */
    private static final class FileHandler extends SimpleChannelInboundHandler<HttpObject> {
        private final Path file;

        FileHandler(Path file) {
            this.file = file;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, HttpObject part) throws IOException {
            if (part instanceof LastHttpContent) {
                var response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
                response.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
                context.write(response);
                context.writeAndFlush(new HttpChunkedInput(new ChunkedNioFile(file.toFile())));
            }
        }
    }
}
