/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.echo;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EchoHandlerTest {

    @Test
    void sendsBackWhatItReceives() {
        EmbeddedChannel channel = new EmbeddedChannel(new EchoHandler());
        ByteBuf hello = Unpooled.copiedBuffer(new byte[] {1, 2, 3});

        channel.writeInbound(hello);

        assertThat(channel.<ByteBuf>readOutbound()).isSameAs(hello);
        hello.release();
        assertThat(channel.finish()).isFalse();
    }

    @Test
    void doesNotReadWhileThePeerDoesNot() {
        EmbeddedChannel channel = new EmbeddedChannel(new EchoHandler());
        channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(10, 20));

        // Not flushed until the read is complete.
        channel.pipeline().fireChannelRead(Unpooled.wrappedBuffer(new byte[100]));
        assertThat(channel.config().isAutoRead()).isFalse();

        channel.pipeline().fireChannelReadComplete();
        assertThat(channel.config().isAutoRead()).isTrue();
        assertThat(channel.finishAndReleaseAll()).isTrue();
    }

    @Test
    void endsWhenThePeerHasSentAll() {
        EmbeddedChannel channel = new EmbeddedChannel(new EchoHandler());
        channel.writeInbound(Unpooled.wrappedBuffer(new byte[100]));

        channel.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        channel.runPendingTasks();

        assertThat(channel.isOpen()).isFalse();
        assertThat(channel.<ByteBuf>readOutbound().readableBytes()).isEqualTo(100);
        channel.finishAndReleaseAll();
    }

    @Test
    void losesNothingOfWhatAPeerSendsThatReadsLater() throws Exception {
        byte[] content = new byte[16_000_000];
        new Random(1).nextBytes(content);
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        try {
            Channel server = new ServerBootstrap()
                    .group(group)
                    .channel(NioServerSocketChannel.class)
                    .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                    .childHandler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            channel.pipeline().addLast(new EchoHandler());
                        }
                    })
                    .bind(InetAddress.getLoopbackAddress(), 0)
                    .sync()
                    .channel();
            try (Socket socket = new Socket(
                    InetAddress.getLoopbackAddress(), ((InetSocketAddress) server.localAddress()).getPort())) {
                socket.setSoTimeout(20_000);
                CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> send(socket, content));
                InputStream in = socket.getInputStream();
                assertThat(in.readNBytes(content.length)).isEqualTo(content);
                sent.get(10, TimeUnit.SECONDS);
                assertThat(in.read()).isEqualTo(-1);
            }
        } finally {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
    }

    private static void send(Socket socket, byte[] content) {
        try {
            socket.getOutputStream().write(content);
            socket.shutdownOutput();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
