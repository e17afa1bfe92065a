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
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http3.Http3;
import io.netty.handler.codec.http3.Http3ClientConnectionHandler;
import io.netty.handler.codec.http3.Http3FrameToHttpObjectCodec;
import io.netty.handler.codec.http3.Http3RequestStreamInitializer;
import io.netty.handler.codec.http3.Http3ServerConnectionHandler;
import io.netty.handler.codec.quic.InsecureQuicTokenHandler;
import io.netty.handler.codec.quic.QuicChannel;
import io.netty.handler.codec.quic.QuicCodecBuilder;
import io.netty.handler.codec.quic.QuicSslContext;
import io.netty.handler.codec.quic.QuicSslContextBuilder;
import io.netty.handler.codec.quic.QuicStreamChannel;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** HTTP/3 of Netty's codec on a datagram channel of Isla, to the client and the server of ngtcp2, a QUIC of its own. */
@KernelTest
class Http3Test {

    private static final int PORT = 4433;

    @RegisterExtension
    static final Wire WIRE = new Wire("http3");

    @TempDir
    private Path directory;

    @Test
    @RequiresProgram("gtlsclient")
    void servesNgtcp2sClient() throws Exception {
        InetSocketAddress server =
                (InetSocketAddress) WIRE.datagrams(Side.ISLA, site()).localAddress();
        Path large = Files.write(directory.resolve("large"), Bytes.random(Site.LARGE));
        Path got = Files.createDirectory(directory.resolve("got"));

        request(server, "/text", "--download=" + got);
        request(server, "/" + Site.LARGE, "--download=" + got);
        request(server, "/echo", "--http-method=POST", "--data=" + large, "--download=" + got);

        assertThat(got.resolve("text")).hasContent(Site.TEXT);
        assertThat(Files.mismatch(got.resolve(Integer.toString(Site.LARGE)), large))
                .isEqualTo(-1);
        assertThat(Files.mismatch(got.resolve("echo"), large)).isEqualTo(-1);
    }

    private static void request(InetSocketAddress server, String path, String... options) throws Exception {
        String host = server.getAddress().getHostAddress();
        String port = Integer.toString(server.getPort());
        String[] command = new String[options.length + 6];
        command[0] = "gtlsclient";
        command[1] = "--quiet";
        command[2] = "--exit-on-all-streams-close";
        System.arraycopy(options, 0, command, 3, options.length);
        command[command.length - 3] = host;
        command[command.length - 2] = port;
        command[command.length - 1] = Wire.url("https", server) + path;
        Programs.Result result = Programs.run(command);
        assertThat(result.status()).as(result.text() + result.errors()).isZero();
    }

    private static ChannelHandler site() throws Exception {
        QuicSslContext tls = QuicSslContextBuilder.forServer(
                        Tls.BUNDLE.getKeyPair().getPrivate(), null, Tls.BUNDLE.getCertificate())
                .applicationProtocols(Http3.supportedApplicationProtocols())
                .build();
        return withRoom(Http3.newQuicServerCodecBuilder()
                        .sslContext(tls)
                        .tokenHandler(InsecureQuicTokenHandler.INSTANCE))
                .handler(new ChannelInitializer<QuicChannel>() {
                    @Override
                    protected void initChannel(QuicChannel connection) {
                        connection.pipeline().addLast(new Http3ServerConnectionHandler(new ChannelInitializer<>() {
                            @Override
                            protected void initChannel(Channel stream) {
                                stream.pipeline().addLast(new Http3FrameToHttpObjectCodec(true));
                                Site.addObjects(stream.pipeline());
                            }
                        }));
                    }
                })
                .build();
    }

    @Test
    @RequiresProgram({"gtlsserver", "openssl"})
    void getsFromNgtcp2sServer() throws Exception {
        byte[] large = Bytes.random(Site.LARGE);
        Path site = Files.createDirectory(directory.resolve("site"));
        Files.write(site.resolve("large"), large);
        // GnuTLS reads no key of PKCS #8 that is without its public half.
        Path key = directory.resolve("ec.pem");
        Programs.Result converted =
                Programs.run("openssl", "ec", "-in", Tls.key(directory).toString(), "-out", key.toString());
        assertThat(converted.status()).as(converted.errors()).isZero();
        InetSocketAddress server = new InetSocketAddress(Side.KERNEL.address(), PORT);
        QuicSslContext tls = QuicSslContextBuilder.forClient()
                .trustManager(Tls.BUNDLE.getCertificate())
                .applicationProtocols(Http3.supportedApplicationProtocols())
                .build();

        Programs.Running program = Programs.start(
                line -> line.startsWith("Using document root"),
                "gtlsserver",
                "--quiet",
                "--htdocs=" + site,
                Side.KERNEL.host,
                Integer.toString(PORT),
                key.toString(),
                Tls.certificate(directory).toString());
        try {
            QuicChannel connection = QuicChannel.newBootstrap(WIRE.datagrams(
                            Side.ISLA,
                            withRoom(Http3.newQuicClientCodecBuilder()
                                            .sslEngineProvider(
                                                    channel -> tls.newEngine(channel.alloc(), Side.KERNEL.host, PORT)))
                                    .build()))
                    .handler(new Http3ClientConnectionHandler())
                    .remoteAddress(server)
                    .connect()
                    .get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS);

            assertThat(get(connection, "/large")).isEqualTo("200 OK " + Bytes.sha256(large));
            assertThat(get(connection, "/none")).startsWith("404 ");
            connection.close().sync();
        } finally {
            program.close();
        }
    }

    /** The status of an answer, and the digest of its content. */
    private static String get(QuicChannel connection, String path) throws Exception {
        CompletableFuture<String> answer = new CompletableFuture<>();
        QuicStreamChannel stream = Http3.newRequestStream(connection, new Http3RequestStreamInitializer() {
                    @Override
                    protected void initRequestStream(QuicStreamChannel stream) {
                        stream.pipeline()
                                .addLast(
                                        new Http3FrameToHttpObjectCodec(false),
                                        new HttpObjectAggregator(Site.MAX_REQUEST),
                                        new Answer(answer));
                    }
                })
                .sync()
                .getNow();
        FullHttpRequest request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, path);
        request.headers().set(HttpHeaderNames.HOST, Side.KERNEL.host);
        stream.writeAndFlush(request);
        return answer.get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    private static final class Answer extends SimpleChannelInboundHandler<FullHttpResponse> {
        private final CompletableFuture<String> answer;

        Answer(CompletableFuture<String> answer) {
            this.answer = answer;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, FullHttpResponse response) {
            var digest = Bytes.sha256();
            digest.update(response.content().nioBuffer());
            answer.complete(response.status() + " " + Bytes.hex(digest.digest()));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            answer.completeExceptionally(cause);
        }
    }

    private static <B extends QuicCodecBuilder<B>> B withRoom(B builder) {
        return builder.maxIdleTimeout(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS)
                .initialMaxData(Site.MAX_REQUEST)
                .initialMaxStreamDataBidirectionalLocal(1_000_000)
                .initialMaxStreamDataBidirectionalRemote(1_000_000)
                .initialMaxStreamDataUnidirectional(100_000)
                .initialMaxStreamsBidirectional(10)
                .initialMaxStreamsUnidirectional(10);
    }
}
