/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.examples.above.Wire.Side;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.Programs;
import io.isla.netty.testing.RequiresProgram;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.proxy.HttpProxyHandler;
import io.netty.handler.proxy.ProxyConnectException;
import io.netty.resolver.NoopAddressResolverGroup;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Through an HTTP proxy: Isla as the proxy between {@code curl} and a server of the kernel, and as the client of a proxy of the kernel. */
@KernelTest
class ProxyTest {

    @RegisterExtension
    static final Wire WIRE = new Wire("proxy0");

    @TempDir
    private Path directory;

    @Test
    @RequiresProgram("curl")
    void relaysBetweenACurlAndAServer() throws Exception {
        Path file = Files.write(directory.resolve("file"), Bytes.random(Site.LARGE));
        Path got = directory.resolve("got");
        InetSocketAddress server = WIRE.serve(Side.KERNEL, site());
        InetSocketAddress proxy = WIRE.serve(Side.ISLA, Tunnel.proxy(Side.ISLA.channel));

        Programs.Result result = Programs.run(
                "curl",
                "--silent",
                "--show-error",
                "--proxytunnel",
                "--proxy",
                Wire.url("http", proxy),
                "--data-binary",
                "@" + file,
                "--output",
                got.toString(),
                Wire.url("http", server) + "/");

        assertThat(result.status()).as(result.errors()).isZero();
        assertThat(Files.mismatch(got, file)).isEqualTo(-1);
    }

    @Test
    void connectsThroughAProxy() throws Exception {
        InetSocketAddress server = WIRE.serve(Side.ISLA, site());
        InetSocketAddress proxy = WIRE.serve(Side.KERNEL, Tunnel.proxy(Side.KERNEL.channel));
        CompletableFuture<Integer> answer = new CompletableFuture<>();

        Channel channel = connectThrough(proxy, server, answer);
        channel.writeAndFlush(new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/" + Site.LARGE))
                .sync();

        assertThat(answer.get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo(Site.LARGE);
        channel.close().sync();
    }

    @Test
    void isToldThatTheProxyCannotConnect() {
        InetSocketAddress nobody = new InetSocketAddress(Side.ISLA.address(), 9);
        InetSocketAddress proxy = WIRE.serve(Side.KERNEL, Tunnel.proxy(Side.KERNEL.channel));

        assertThatThrownBy(() -> connectThrough(proxy, nobody, new CompletableFuture<>()))
                .isInstanceOf(ProxyConnectException.class)
                .hasMessageContaining("502");
    }

    /** Connects from Isla; a proxy's client is active once the proxy has connected. */
    private static Channel connectThrough(
            InetSocketAddress proxy, InetSocketAddress server, CompletableFuture<Integer> answer) throws Exception {
        HttpProxyHandler handler = new HttpProxyHandler(proxy);
        Channel channel = new Bootstrap()
                .group(WIRE.group(Side.ISLA))
                .channel(Side.ISLA.channel)
                .resolver(NoopAddressResolverGroup.INSTANCE)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline()
                                .addLast(
                                        handler,
                                        new HttpClientCodec(),
                                        new HttpObjectAggregator(Site.MAX_REQUEST),
                                        new SimpleChannelInboundHandler<FullHttpResponse>() {
                                            @Override
                                            protected void channelRead0(
                                                    ChannelHandlerContext context, FullHttpResponse response) {
                                                answer.complete(
                                                        response.content().readableBytes());
                                            }

                                            @Override
                                            public void exceptionCaught(
                                                    ChannelHandlerContext context, Throwable cause) {
                                                answer.completeExceptionally(cause);
                                            }
                                        });
                    }
                })
                .connect(server)
                .sync()
                .channel();
        handler.connectFuture().sync();
        return channel;
    }

    private static ChannelHandler site() {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                Site.addHttp1(channel.pipeline());
            }
        };
    }
}
