/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpServerUpgradeHandler;
import io.netty.handler.codec.http.HttpServerUpgradeHandler.UpgradeCodecFactory;
import io.netty.handler.codec.http2.CleartextHttp2ServerUpgradeHandler;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2ServerUpgradeCodec;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.ApplicationProtocolNegotiationHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.util.AsciiString;

/** {@link Site} over HTTP/1.1 and HTTP/2, a channel a stream. */
final class Http2Server {

    private static final int WINDOW = 1_000_000;

    private Http2Server() {}

    /** In the clear: HTTP/2 with prior knowledge or by an upgrade, or HTTP/1.1. */
    static ChannelHandler inTheClear() {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                UpgradeCodecFactory upgrade =
                        protocol -> AsciiString.contentEquals(Http2CodecUtil.HTTP_UPGRADE_PROTOCOL_NAME, protocol)
                                ? new Http2ServerUpgradeCodec(frames(), multiplexer())
                                : null;
                HttpServerCodec http1 = new HttpServerCodec();
                channel.pipeline()
                        .addLast(new CleartextHttp2ServerUpgradeHandler(
                                http1,
                                new HttpServerUpgradeHandler(http1, upgrade, Site.MAX_REQUEST),
                                new ChannelInitializer<>() {
                                    @Override
                                    protected void initChannel(Channel http2) {
                                        http2.pipeline().addLast(frames(), multiplexer());
                                    }
                                }));
                Site.addObjects(channel.pipeline());
            }
        };
    }

    /** Over TLS: whichever of the two the client has agreed to. */
    static ChannelHandler overTls(SslContext tls) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline()
                        .addLast(
                                tls.newHandler(channel.alloc()),
                                new ApplicationProtocolNegotiationHandler(ApplicationProtocolNames.HTTP_1_1) {
                                    @Override
                                    protected void configurePipeline(ChannelHandlerContext context, String protocol) {
                                        ChannelPipeline pipeline = context.pipeline();
                                        if (protocol.equals(ApplicationProtocolNames.HTTP_2)) {
                                            pipeline.addLast(frames(), multiplexer());
                                        } else {
                                            Site.addHttp1(pipeline);
                                        }
                                    }
                                });
            }
        };
    }

    private static Http2FrameCodec frames() {
        return Http2FrameCodecBuilder.forServer()
                .initialSettings(Http2Settings.defaultSettings().initialWindowSize(WINDOW))
                .build();
    }

    private static Http2MultiplexHandler multiplexer() {
        return new Http2MultiplexHandler(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel stream) {
                stream.pipeline().addLast(new Http2StreamFrameToHttpObjectCodec(true));
                Site.addObjects(stream.pipeline());
            }
        });
    }
}
