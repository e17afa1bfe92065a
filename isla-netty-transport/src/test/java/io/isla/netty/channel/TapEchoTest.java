/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The kernel's sockets on the other end of a TAP. */
@KernelTest
@Timeout(TwoHosts.DEADLINE_SECONDS)
class TapEchoTest {
    private static final int PORT = 7;

    private IslaHost host;
    private EventLoopGroup group;

    @BeforeEach
    void open() throws Exception {
        host = IslaHost.builder()
                .link(TapLink.builder("echo0")
                        .hostAddress(InetAddress.getByName("10.9.0.1"), 24)
                        .open())
                .address("10.9.0.2/24")
                .closeWhenUnused(true)
                .build();
        group = new IslaEventLoopGroup(2, host);
    }

    @AfterEach
    void close() throws Exception {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        assertThat(host.isClosed()).isTrue();
    }

    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message, context.voidPromise());
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event == ChannelInputShutdownReadComplete.INSTANCE) {
                context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
            }
        }
    }

    @Test
    void aKernelSocketGetsItsBytesBack() throws Exception {
        new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                // Without it the peer's FIN closes the channel, whatever is still to be written.
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new Echo());
                    }
                })
                .bind(PORT)
                .sync();
        byte[] bytes = new byte[4 << 20];
        new Random(2).nextBytes(bytes);

        try (Socket socket = new Socket("10.9.0.2", PORT)) {
            socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
            CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> {
                try {
                    OutputStream out = socket.getOutputStream();
                    out.write(bytes);
                    socket.shutdownOutput();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            InputStream in = socket.getInputStream();
            assertThat(in.readNBytes(bytes.length)).isEqualTo(bytes);
            writing.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
            assertThat(in.read()).isEqualTo(-1);
        }
    }

    @Test
    void aChannelConnectsToAKernelSocket() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getByName("10.9.0.1"))) {
            CompletableFuture<String> received = new CompletableFuture<>();
            Channel channel = new Bootstrap()
                    .group(group)
                    .channel(IslaSocketChannel.class)
                    .handler(new ChannelInboundHandlerAdapter() {
                        @Override
                        public void channelRead(ChannelHandlerContext context, Object message) {
                            ByteBuf buffer = (ByteBuf) message;
                            received.complete(buffer.toString(StandardCharsets.US_ASCII));
                            buffer.release();
                        }
                    })
                    .connect(new InetSocketAddress("10.9.0.1", server.getLocalPort()))
                    .sync()
                    .channel();
            try (Socket accepted = server.accept()) {
                accepted.getOutputStream().write("hello".getBytes(StandardCharsets.US_ASCII));
                assertThat(received.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS))
                        .isEqualTo("hello");
                assertThat(accepted.getRemoteSocketAddress()).isEqualTo(channel.localAddress());
                channel.close().sync();
                assertThat(accepted.getInputStream().read()).isEqualTo(-1);
            }
        }
    }
}
