/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.sim.VirtualHost;
import io.isla.netty.sim.VirtualNetwork;
import io.isla.netty.sim.junit.VirtualNetworkTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpScheme;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.handler.codec.http2.Http2StreamFrame;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.ApplicationProtocolNegotiationHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.netty.handler.ssl.SslProvider;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** TLS and HTTP/2 over a bad network: what they do with time, and what a stream that is slow does to others. */
class SecureTransportTest {
    private static final X509Bundle BUNDLE = bundle();
    private static final int BODY = 30_000;

    private static X509Bundle bundle() {
        try {
            return new CertificateBuilder()
                    .ecp256()
                    .subject("CN=server")
                    .addSanIpAddress("10.0.0.1")
                    .setIsCertificateAuthority(true)
                    .buildSelfSigned();
        } catch (Exception e) {
            throw new AssertionError("a certificate can be made", e);
        }
    }

    private static SslContext server(String... protocols) throws Exception {
        return with(SslContextBuilder.forServer(BUNDLE.toKeyManagerFactory()), protocols);
    }

    private static SslContext client(String... protocols) throws Exception {
        return with(SslContextBuilder.forClient().trustManager(BUNDLE.getCertificate()), protocols);
    }

    /** With the JDK's TLS: no native library. */
    private static SslContext with(SslContextBuilder builder, String... protocols) throws Exception {
        if (protocols.length > 0) {
            builder.applicationProtocolConfig(new ApplicationProtocolConfig(
                    ApplicationProtocolConfig.Protocol.ALPN,
                    ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                    ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                    protocols));
        }
        return builder.sslProvider(SslProvider.JDK).build();
    }

    private static SslHandler handler(SslContext context, Channel channel) {
        return context.newHandler(channel.alloc(), "10.0.0.1", 443);
    }

    @VirtualNetworkTest(seeds = 2)
    void tlsGetsThroughALossyNetwork(VirtualNetwork network) throws Exception {
        VirtualHost server = network.host("10.0.0.1");
        VirtualHost host = network.host("10.0.0.2");
        network.link(host, server).latency(Duration.ofMillis(20)).loss(0.03).duplicate(0.01);
        SslContext serverTls = server();
        SslContext clientTls = client();
        int[] received = new int[1];
        network.await(Peers.serve(
                server,
                443,
                channel -> channel.pipeline()
                        .addLast(handler(serverTls, channel))
                        .addLast(Peers.on(ByteBuf.class, (context, bytes) -> context.writeAndFlush(bytes.retain())))));
        Channel channel = network.await(Peers.connect(
                        host,
                        server,
                        443,
                        c -> c.pipeline()
                                .addLast(handler(clientTls, c))
                                .addLast(Peers.on(
                                        ByteBuf.class, (context, bytes) -> received[0] += bytes.readableBytes()))))
                .channel();

        network.await(channel.pipeline().get(SslHandler.class).handshakeFuture(), Duration.ofSeconds(30));
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[200_000]));

        assertThat(network.runUntil(() -> received[0] == 200_000, Duration.ofMinutes(5)))
                .as(network::report)
                .isTrue();
    }

    @VirtualNetworkTest
    void theHandshakesTimeoutIsInVirtualTime(VirtualNetwork network) throws Exception {
        VirtualHost server = network.host("10.0.0.1");
        VirtualHost host = network.host("10.0.0.2");
        network.link(host, server).latency(Duration.ofMillis(20));
        SslContext clientTls = client();
        // Accepts, and says nothing.
        network.await(Peers.serve(server, 443, channel -> {}));
        Channel channel = network.await(
                        Peers.connect(host, server, 443, c -> c.pipeline().addLast(handler(clientTls, c))))
                .channel();
        Duration start = network.elapsed();
        Future<Channel> handshake = channel.pipeline().get(SslHandler.class).handshakeFuture();

        network.runUntil(handshake::isDone, Duration.ofMinutes(1));

        assertThat(handshake.cause()).isInstanceOf(SslHandshakeTimeoutException.class);
        assertThat(network.elapsed().minus(start)).isBetween(Duration.ofMillis(9_900), Duration.ofMillis(10_000));
    }

    /** Answers each request with a body. */
    private static void serveHttp2(ChannelHandlerContext context, Http2HeadersFrame request) {
        context.write(new DefaultHttp2HeadersFrame(new DefaultHttp2Headers().status("200")));
        context.writeAndFlush(new DefaultHttp2DataFrame(Unpooled.wrappedBuffer(new byte[BODY]), true));
    }

    @VirtualNetworkTest(seeds = 2)
    void manyStreamsOfHttp2OverTlsShareALossyConnection(VirtualNetwork network) throws Exception {
        VirtualHost server = network.host("10.0.0.1");
        VirtualHost host = network.host("10.0.0.2");
        network.link(host, server).latency(Duration.ofMillis(20)).loss(0.02).rate(50_000_000, 100_000);
        SslContext serverTls = server(ApplicationProtocolNames.HTTP_2);
        SslContext clientTls = client(ApplicationProtocolNames.HTTP_2);
        network.await(Peers.serve(
                server,
                443,
                channel -> channel.pipeline()
                        .addLast(handler(serverTls, channel))
                        .addLast(new ApplicationProtocolNegotiationHandler(ApplicationProtocolNames.HTTP_1_1) {
                            @Override
                            protected void configurePipeline(ChannelHandlerContext context, String protocol) {
                                assertThat(protocol).isEqualTo(ApplicationProtocolNames.HTTP_2);
                                context.pipeline()
                                        .addLast(Http2FrameCodecBuilder.forServer()
                                                .build())
                                        .addLast(new Http2MultiplexHandler(Peers.initializer(stream -> stream.pipeline()
                                                .addLast(Peers.on(
                                                        Http2HeadersFrame.class, SecureTransportTest::serveHttp2)))));
                            }
                        })));
        Channel channel = network.await(Peers.connect(
                        host,
                        server,
                        443,
                        c -> c.pipeline()
                                .addLast(handler(clientTls, c))
                                .addLast(Http2FrameCodecBuilder.forClient().build())
                                .addLast(new Http2MultiplexHandler(Peers.initializer(stream -> {})))))
                .channel();
        network.await(channel.pipeline().get(SslHandler.class).handshakeFuture(), Duration.ofSeconds(30));

        List<Integer> finished = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            request(network, channel, i, finished);
        }

        assertThat(network.runUntil(() -> finished.size() == 20, Duration.ofMinutes(5)))
                .as(network::report)
                .isTrue();
    }

    private static void request(VirtualNetwork network, Channel channel, int number, List<Integer> finished) {
        int[] received = new int[1];
        Channel stream = network.await(new Http2StreamChannelBootstrap(channel)
                        .handler(Peers.on(Http2StreamFrame.class, (context, frame) -> {
                            if (frame instanceof Http2DataFrame data) {
                                received[0] += data.content().readableBytes();
                                if (data.isEndStream() && received[0] == BODY) {
                                    finished.add(number);
                                }
                            }
                        }))
                        .open())
                .getNow();
        stream.writeAndFlush(new DefaultHttp2HeadersFrame(
                new DefaultHttp2Headers()
                        .method(HttpMethod.GET.asciiName())
                        .path("/" + number)
                        .scheme(HttpScheme.HTTPS.name()),
                true));
    }
}
