/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.examples.above.Wire.Side;
import io.isla.netty.testing.KernelTest;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolConfig;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolHandler;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrameAggregator;
import io.netty.handler.codec.http.websocketx.WebSocketServerProtocolConfig;
import io.netty.handler.codec.http.websocketx.WebSocketServerProtocolHandler;
import io.netty.handler.codec.http.websocketx.extensions.compression.WebSocketClientCompressionHandler;
import io.netty.handler.codec.http.websocketx.extensions.compression.WebSocketServerCompressionHandler;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** WebSocket: a server on Isla to the JDK's client, and Netty's client and server with compression, each on either side. */
@KernelTest
class WebSocketTest {

    private static final int LARGE = 1_000_000;
    private static final int FRAME = 1 << 16;

    @RegisterExtension
    static final Wire WIRE = new Wire("ws0");

    @Test
    void answersTheJdksClient() throws Exception {
        InetSocketAddress server = WIRE.serve(Side.ISLA, server());
        byte[] large = Bytes.random(LARGE);
        Conversation conversation = new Conversation();
        WebSocket socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(URI.create(Wire.url("ws", server) + "/echo"), conversation)
                .get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS);

        await(socket.sendText("half of it, ", false));
        await(socket.sendText("and the rest", true));
        assertThat(conversation.next()).isEqualTo("half of it, and the rest");

        for (int at = 0; at < LARGE; at += FRAME) {
            int length = Math.min(FRAME, LARGE - at);
            await(socket.sendBinary(ByteBuffer.wrap(large, at, length), at + length == LARGE));
        }
        assertThat(conversation.next()).isEqualTo(large);

        await(socket.sendPing(ByteBuffer.wrap(new byte[] {1, 2, 3})));
        assertThat(conversation.next()).isEqualTo(ByteBuffer.wrap(new byte[] {1, 2, 3}));

        await(socket.sendClose(WebSocket.NORMAL_CLOSURE, "bye"));
        assertThat(conversation.next()).isEqualTo(WebSocket.NORMAL_CLOSURE);
    }

    private static void await(CompletableFuture<?> future) throws Exception {
        future.get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Whole messages, pongs and the status of the close, as the JDK's client hears them. */
    private static final class Conversation implements WebSocket.Listener {
        private final BlockingQueue<Object> heard = new LinkedBlockingQueue<>();
        private final StringBuilder text = new StringBuilder();
        private final ByteArrayOutputStream binary = new ByteArrayOutputStream();

        Object next() throws InterruptedException {
            Object next = heard.poll(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS);
            if (next instanceof Throwable failure) {
                throw new AssertionError("the client failed", failure);
            }
            return next;
        }

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            text.append(data);
            if (last) {
                heard.add(text.toString());
                text.setLength(0);
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            binary.writeBytes(bytes);
            if (last) {
                heard.add(binary.toByteArray());
                binary.reset();
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onPong(WebSocket socket, ByteBuffer data) {
            heard.add(ByteBuffer.allocate(data.remaining()).put(data).flip());
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
            heard.add(status);
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            heard.add(error);
        }
    }

    @ParameterizedTest
    @EnumSource(Side.class)
    void exchangesCompressedMessages(Side serverSide) throws Exception {
        InetSocketAddress server = WIRE.serve(serverSide, server());
        BlockingQueue<Object> heard = new LinkedBlockingQueue<>();
        Channel client = WIRE.connect(serverSide.other(), server, client(server, heard));
        byte[] large = Bytes.random(LARGE);

        assertThat(heard.poll(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo("handshake with permessage-deflate");

        client.writeAndFlush(new TextWebSocketFrame("Hello. ".repeat(10_000)));
        assertThat(heard.poll(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo("Hello. ".repeat(10_000));

        client.writeAndFlush(new BinaryWebSocketFrame(Unpooled.wrappedBuffer(large)));
        assertThat(heard.poll(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo(large);

        client.writeAndFlush(new CloseWebSocketFrame(WebSocketCloseStatus.NORMAL_CLOSURE));
        assertThat(client.closeFuture().await(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS))
                .isTrue();
    }

    private static ChannelHandler server() {
        WebSocketServerProtocolConfig config = WebSocketServerProtocolConfig.newBuilder()
                .websocketPath("/echo")
                .allowExtensions(true)
                .maxFramePayloadLength(2 * LARGE)
                .build();
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline()
                        .addLast(
                                new HttpServerCodec(),
                                new HttpObjectAggregator(FRAME),
                                new WebSocketServerCompressionHandler(2 * LARGE),
                                new WebSocketServerProtocolHandler(config),
                                new WebSocketFrameAggregator(2 * LARGE),
                                new SimpleChannelInboundHandler<WebSocketFrame>() {
                                    @Override
                                    protected void channelRead0(ChannelHandlerContext context, WebSocketFrame frame) {
                                        context.writeAndFlush(frame.retain());
                                    }
                                });
            }
        };
    }

    private static ChannelHandler client(InetSocketAddress server, BlockingQueue<Object> heard) {
        WebSocketClientProtocolConfig config = WebSocketClientProtocolConfig.newBuilder()
                .webSocketUri(Wire.url("ws", server) + "/echo")
                .allowExtensions(true)
                .maxFramePayloadLength(2 * LARGE)
                .build();
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline()
                        .addLast(
                                new HttpClientCodec(),
                                new HttpObjectAggregator(FRAME),
                                new WebSocketClientCompressionHandler(2 * LARGE),
                                new WebSocketClientProtocolHandler(config),
                                new WebSocketFrameAggregator(2 * LARGE),
                                new Listening(heard));
            }
        };
    }

    /** Hears the handshake, whole messages, and what goes wrong. */
    private static final class Listening extends SimpleChannelInboundHandler<WebSocketFrame> {
        private final BlockingQueue<Object> heard;

        Listening(BlockingQueue<Object> heard) {
            this.heard = heard;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, WebSocketFrame frame) {
            heard.add(frame instanceof TextWebSocketFrame text ? text.text() : ByteBufUtil.getBytes(frame.content()));
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event == WebSocketClientProtocolHandler.ClientHandshakeStateEvent.HANDSHAKE_COMPLETE) {
                // The handler of the extension has put its decoder into the pipeline if the server has agreed to it.
                boolean compressed = context.pipeline().names().stream().anyMatch(name -> name.contains("Deflate"));
                heard.add("handshake " + (compressed ? "with" : "without") + " permessage-deflate");
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            heard.add(cause);
        }
    }
}
