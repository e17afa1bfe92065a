/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.channel.IslaChannelOption;
import io.isla.netty.examples.above.Wire.Side;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.channel.unix.SegmentedDatagramPacket;
import io.netty.handler.codec.http3.DefaultHttp3DataFrame;
import io.netty.handler.codec.http3.DefaultHttp3HeadersFrame;
import io.netty.handler.codec.http3.Http3;
import io.netty.handler.codec.http3.Http3ClientConnectionHandler;
import io.netty.handler.codec.http3.Http3DataFrame;
import io.netty.handler.codec.http3.Http3HeadersFrame;
import io.netty.handler.codec.http3.Http3RequestStreamInboundHandler;
import io.netty.handler.codec.http3.Http3ServerConnectionHandler;
import io.netty.handler.codec.quic.InsecureQuicTokenHandler;
import io.netty.handler.codec.quic.Quic;
import io.netty.handler.codec.quic.QuicChannel;
import io.netty.handler.codec.quic.QuicChannelOption;
import io.netty.handler.codec.quic.QuicClientCodecBuilder;
import io.netty.handler.codec.quic.QuicCodecBuilder;
import io.netty.handler.codec.quic.QuicCodecDispatcher;
import io.netty.handler.codec.quic.QuicConnectionIdGenerator;
import io.netty.handler.codec.quic.QuicServerCodecBuilder;
import io.netty.handler.codec.quic.QuicSslContext;
import io.netty.handler.codec.quic.QuicSslContextBuilder;
import io.netty.handler.codec.quic.QuicSslEngine;
import io.netty.handler.codec.quic.QuicStreamChannel;
import io.netty.handler.codec.quic.QuicStreamType;
import io.netty.handler.codec.quic.SegmentedDatagramPacketAllocator;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** QUIC and HTTP/3 on a datagram channel of Isla, with a datagram channel of the kernel at the other end. */
@KernelTest
class QuicTest {

    private static final int HTTP3_LENGTH = 2_000_000;
    private static final long MAX_DATA = 20_000_000;
    /** From a port each: that all of their flows are for one of two loops happens once in 2^23 times. */
    private static final int CONNECTIONS = 24;

    private static final int PIECE = 1 << 16;
    private static final String PROTOCOL = "echo";
    private static final ChannelOption<SegmentedDatagramPacketAllocator> SEGMENTED =
            QuicChannelOption.SEGMENTED_DATAGRAM_PACKET_ALLOCATOR;

    @RegisterExtension
    static final Wire WIRE = new Wire("quic0");

    /** How many datagram channel writes were of several datagrams at once. */
    private final AtomicInteger segmentedWrites = new AtomicInteger();

    @ParameterizedTest
    @CsvSource({"ISLA, true, 10000000", "ISLA, false, 1000000", "KERNEL, true, 10000000", "KERNEL, false, 1000000"})
    void sendsALargeStreamBothWays(Side serverSide, boolean segmented, int length) throws Exception {
        QuicClientCodecBuilder client = new QuicClientCodecBuilder().sslEngineProvider(clientTls(serverSide, PROTOCOL));
        QuicChannel connection = connect(
                serverSide,
                echoServer().option(SEGMENTED, segments(serverSide, segmented)).build(),
                configured(client).build(),
                new ChannelInboundHandlerAdapter(),
                segmented);

        echoes(connection, length);

        assertThat(segmentedWrites.get() > 0).isEqualTo(segmented);
        connection.close().sync();
    }

    /** A datagram channel a loop on one port, and a dispatcher that knows by the connection ID which of them has a connection. */
    @Test
    void spreadsConnectionsOverTheLoopsOfAServer() throws Exception {
        Set<Channel> serving = ConcurrentHashMap.newKeySet();
        Bootstrap server = new Bootstrap()
                .group(WIRE.group(Side.ISLA))
                .channel(Side.ISLA.datagramChannel)
                .option(IslaChannelOption.SO_REUSEPORT, true)
                .handler(new QuicCodecDispatcher() {
                    @Override
                    protected void initChannel(Channel channel, int index, QuicConnectionIdGenerator generator) {
                        channel.pipeline()
                                .addLast(echoServer()
                                        .localConnectionIdLength(Quic.MAX_CONN_ID_LEN)
                                        .connectionIdAddressGenerator(generator)
                                        .handler(new Noting(serving))
                                        .build());
                    }
                });
        Channel first = WIRE.open(server.bind(Side.ISLA.anyPort()));
        Channel second = WIRE.open(server.bind(first.localAddress()));
        QuicSslContext tls = QuicSslContextBuilder.forClient()
                .trustManager(Tls.BUNDLE.getCertificate())
                .applicationProtocols(PROTOCOL)
                .build();

        List<ChannelFuture> closing = new ArrayList<>();
        for (int i = 0; i < CONNECTIONS; i++) {
            QuicClientCodecBuilder client = new QuicClientCodecBuilder()
                    .sslEngineProvider(channel -> tls.newEngine(channel.alloc(), Side.ISLA.host, 0));
            QuicChannel connection = QuicChannel.newBootstrap(
                            WIRE.datagrams(Side.KERNEL, configured(client).build()))
                    .handler(new ChannelInboundHandlerAdapter())
                    .streamHandler(new ChannelInboundHandlerAdapter())
                    .remoteAddress(first.localAddress())
                    .connect()
                    .get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS);
            echoes(connection, PIECE);
            // It takes its time: the peer may have to be told again.
            closing.add(connection.close());
        }
        for (ChannelFuture closed : closing) {
            closed.sync();
        }

        assertThat(serving).containsExactlyInAnyOrder(first, second);
        assertThat(first.eventLoop()).isNotSameAs(second.eventLoop());
    }

    private static QuicServerCodecBuilder echoServer() {
        return configured(new QuicServerCodecBuilder())
                .sslContext(serverTls(PROTOCOL))
                .tokenHandler(InsecureQuicTokenHandler.INSTANCE)
                .handler(new ChannelInboundHandlerAdapter())
                .streamHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel stream) {
                        stream.pipeline().addLast(new Echo());
                    }
                });
    }

    /** Sends so many bytes to the server, and gets them back. */
    private static void echoes(QuicChannel connection, int length) throws Exception {
        CompletableFuture<String> received = new CompletableFuture<>();
        QuicStreamChannel stream = connection
                .createStream(QuicStreamType.BIDIRECTIONAL, new Digesting(received))
                .sync()
                .getNow();
        byte[] large = Bytes.random(length);
        for (int at = 0; at < length; at += PIECE) {
            stream.write(Unpooled.wrappedBuffer(large, at, Math.min(PIECE, length - at)));
        }
        stream.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(QuicStreamChannel.SHUTDOWN_OUTPUT);
        assertThat(received.get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo(Bytes.sha256(large));
    }

    /** Notes on which datagram channel a connection lives. */
    private static final class Noting extends ChannelInboundHandlerAdapter {
        private final Set<Channel> serving;

        Noting(Set<Channel> serving) {
            this.serving = serving;
        }

        @Override
        public boolean isSharable() {
            return true;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            serving.add(context.channel().parent());
            context.fireChannelActive();
        }
    }

    @ParameterizedTest
    @EnumSource(Side.class)
    void exchangesHttp3(Side serverSide) throws Exception {
        QuicServerCodecBuilder server = Http3.newQuicServerCodecBuilder()
                .sslContext(serverTls(Http3.supportedApplicationProtocols()))
                .tokenHandler(InsecureQuicTokenHandler.INSTANCE)
                .handler(new ChannelInitializer<QuicChannel>() {
                    @Override
                    protected void initChannel(QuicChannel channel) {
                        channel.pipeline().addLast(new Http3ServerConnectionHandler(new ChannelInitializer<>() {
                            @Override
                            protected void initChannel(Channel stream) {
                                stream.pipeline().addLast(new Http3Echo());
                            }
                        }));
                    }
                });
        QuicClientCodecBuilder client = Http3.newQuicClientCodecBuilder()
                .sslEngineProvider(clientTls(serverSide, Http3.supportedApplicationProtocols()));
        QuicChannel connection = connect(
                serverSide,
                configured(server).option(SEGMENTED, segments(serverSide, true)).build(),
                configured(client).build(),
                new Http3ClientConnectionHandler(),
                true);
        CompletableFuture<String> received = new CompletableFuture<>();

        QuicStreamChannel stream = Http3.newRequestStream(connection, new Http3Digesting(received))
                .sync()
                .getNow();
        Http3HeadersFrame request = new DefaultHttp3HeadersFrame();
        request.headers().method("POST").path("/").scheme("https").authority(serverSide.host);
        stream.write(request);
        byte[] large = Bytes.random(HTTP3_LENGTH);
        for (int at = 0; at < HTTP3_LENGTH; at += PIECE) {
            stream.write(
                    new DefaultHttp3DataFrame(Unpooled.wrappedBuffer(large, at, Math.min(PIECE, HTTP3_LENGTH - at))));
        }
        stream.writeAndFlush(new DefaultHttp3DataFrame(Unpooled.EMPTY_BUFFER))
                .addListener(QuicStreamChannel.SHUTDOWN_OUTPUT);

        assertThat(received.get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo("200 " + Bytes.sha256(large));
        assertThat(segmentedWrites).hasPositiveValue();
        connection.close().sync();
    }

    private QuicChannel connect(
            Side serverSide,
            ChannelHandler serverCodec,
            ChannelHandler clientCodec,
            ChannelHandler handler,
            boolean segmented)
            throws Exception {
        InetSocketAddress server = (InetSocketAddress)
                WIRE.datagrams(serverSide, observed(serverCodec)).localAddress();
        Channel datagrams = WIRE.datagrams(serverSide.other(), observed(clientCodec));
        return QuicChannel.newBootstrap(datagrams)
                .handler(handler)
                .option(SEGMENTED, segments(serverSide.other(), segmented))
                .streamHandler(new ChannelInboundHandlerAdapter())
                .remoteAddress(server)
                .connect()
                .get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** How several datagrams in a row are written: at once, if that is wanted, to Isla's channel; NIO's does not take them so. */
    private static SegmentedDatagramPacketAllocator segments(Side side, boolean segmented) {
        return segmented && side == Side.ISLA ? SegmentedDatagramPacket::new : SegmentedDatagramPacketAllocator.NONE;
    }

    /** With room for what is sent. */
    private static <B extends QuicCodecBuilder<B>> B configured(B builder) {
        return builder.maxIdleTimeout(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS)
                .initialMaxData(MAX_DATA)
                .initialMaxStreamDataBidirectionalLocal(1_000_000)
                .initialMaxStreamDataBidirectionalRemote(1_000_000)
                .initialMaxStreamDataUnidirectional(100_000)
                .initialMaxStreamsBidirectional(10)
                .initialMaxStreamsUnidirectional(10);
    }

    private ChannelHandler observed(ChannelHandler codec) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new ChannelOutboundHandlerAdapter() {
                    @Override
                    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
                        if (message instanceof SegmentedDatagramPacket) {
                            segmentedWrites.incrementAndGet();
                        }
                        context.write(message, promise);
                    }
                });
                channel.pipeline().addLast(codec);
            }
        };
    }

    private static QuicSslContext serverTls(String... protocols) {
        return QuicSslContextBuilder.forServer(Tls.BUNDLE.getKeyPair().getPrivate(), null, Tls.BUNDLE.getCertificate())
                .applicationProtocols(protocols)
                .build();
    }

    /** The client is to see that the certificate is for the server's address. */
    private static Function<QuicChannel, QuicSslEngine> clientTls(Side serverSide, String... protocols) {
        QuicSslContext tls = QuicSslContextBuilder.forClient()
                .trustManager(Tls.BUNDLE.getCertificate())
                .applicationProtocols(protocols)
                .build();
        return channel -> tls.newEngine(channel.alloc(), serverSide.host, 0);
    }

    /** Sends back what it receives. */
    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.write(message);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.flush();
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event == ChannelInputShutdownReadComplete.INSTANCE) {
                context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(QuicStreamChannel.SHUTDOWN_OUTPUT);
            }
        }
    }

    /** Tells the digest of all that a stream has brought. */
    private static final class Digesting extends ChannelInboundHandlerAdapter {
        private final CompletableFuture<String> received;
        private final MessageDigest digest = Bytes.sha256();

        Digesting(CompletableFuture<String> received) {
            this.received = received;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            digest.update(bytes.nioBuffer());
            bytes.release();
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event == ChannelInputShutdownReadComplete.INSTANCE) {
                received.complete(Bytes.hex(digest.digest()));
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            received.completeExceptionally(cause);
        }
    }

    /** Answers with what is posted. */
    private static final class Http3Echo extends Http3RequestStreamInboundHandler {
        @Override
        protected void channelRead(ChannelHandlerContext context, Http3HeadersFrame frame) {
            Http3HeadersFrame response = new DefaultHttp3HeadersFrame();
            response.headers().status("200");
            context.write(response);
        }

        @Override
        protected void channelRead(ChannelHandlerContext context, Http3DataFrame frame) {
            context.write(frame);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.flush();
        }

        @Override
        protected void channelInputClosed(ChannelHandlerContext context) {
            context.writeAndFlush(new DefaultHttp3DataFrame(Unpooled.EMPTY_BUFFER))
                    .addListener(QuicStreamChannel.SHUTDOWN_OUTPUT);
        }
    }

    /** Tells the status of an answer and the digest of its content. */
    private static final class Http3Digesting extends Http3RequestStreamInboundHandler {
        private final CompletableFuture<String> received;
        private final MessageDigest digest = Bytes.sha256();
        private CharSequence status;

        Http3Digesting(CompletableFuture<String> received) {
            this.received = received;
        }

        @Override
        protected void channelRead(ChannelHandlerContext context, Http3HeadersFrame frame) {
            status = frame.headers().status();
        }

        @Override
        protected void channelRead(ChannelHandlerContext context, Http3DataFrame frame) {
            digest.update(frame.content().nioBuffer());
            ReferenceCountUtil.release(frame);
        }

        @Override
        protected void channelInputClosed(ChannelHandlerContext context) {
            received.complete(status + " " + Bytes.hex(digest.digest()));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            received.completeExceptionally(cause);
        }
    }
}
