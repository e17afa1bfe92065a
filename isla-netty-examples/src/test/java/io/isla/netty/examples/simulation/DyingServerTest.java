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
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.timeout.ReadTimeoutException;
import io.netty.handler.timeout.ReadTimeoutHandler;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * A server dies in the middle of a response. Its client gets half of it, and then silence: no FIN, no RST, and TCP has nothing to send that could fail. Only a
 * timeout of its own ends that.
 */
class DyingServerTest {
    private static final int LENGTH = 100_000;

    /** Sends 10,000 bytes of the response every 100 ms. */
    private static void respondSlowly(ChannelHandlerContext context, HttpObject request) {
        if (!(request instanceof HttpRequest)) {
            return;
        }
        HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, LENGTH);
        context.writeAndFlush(response);
        context.executor()
                .scheduleAtFixedRate(
                        () -> context.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(new byte[10_000]))),
                        100,
                        100,
                        TimeUnit.MILLISECONDS);
    }

    private static final class Client extends SimpleChannelInboundHandler<HttpObject> {
        private int received;
        private Throwable cause;
        private boolean closed;

        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.writeAndFlush(
                    new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/", Unpooled.EMPTY_BUFFER));
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, HttpObject message) {
            if (message instanceof HttpContent content) {
                ByteBuf bytes = content.content();
                received += bytes.readableBytes();
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            closed = true;
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable thrown) {
            cause = thrown;
            context.close();
        }
    }

    private static Client request(VirtualNetwork network, int timeoutSeconds) {
        VirtualHost server = network.host("10.0.0.1");
        VirtualHost host = network.host("10.0.0.2");
        network.link(host, server).latency(Duration.ofMillis(10));
        network.await(Peers.serve(
                server,
                80,
                channel -> channel.pipeline()
                        .addLast(new HttpServerCodec(), Peers.on(HttpObject.class, DyingServerTest::respondSlowly))));
        Client client = new Client();
        network.await(Peers.connect(host, server, 80, channel -> {
            channel.pipeline().addLast(new HttpClientCodec());
            if (timeoutSeconds > 0) {
                channel.pipeline().addLast(new ReadTimeoutHandler(timeoutSeconds));
            }
            channel.pipeline().addLast(client);
        }));
        network.after(Duration.ofMillis(555), server::crash);
        return client;
    }

    @VirtualNetworkTest
    void withoutATimeoutTheClientWaitsForEver(VirtualNetwork network) {
        Client client = request(network, 0);

        network.runFor(Duration.ofDays(1));

        assertThat(client.received).isBetween(1, LENGTH - 1);
        assertThat(client.closed).isFalse();
    }

    @VirtualNetworkTest
    void aReadTimeoutEndsItInTime(VirtualNetwork network) {
        Client client = request(network, 5);

        network.runFor(Duration.ofMillis(5500));
        assertThat(client.closed).as("too early").isFalse();
        network.runFor(Duration.ofMillis(500));

        assertThat(client.received).isBetween(1, LENGTH - 1);
        assertThat(client.cause).isInstanceOf(ReadTimeoutException.class);
        assertThat(client.closed).isTrue();
    }

    @VirtualNetworkTest
    void aServerThatPausesIsNotGivenUp(VirtualNetwork network) {
        Client client = request(network, 5);
        // The server stands still for a while, as in a long garbage collection: no reason to give up.
        VirtualHost server = network.hosts().get(0);
        network.after(Duration.ofMillis(300), () -> server.pause(Duration.ofMillis(200)));

        network.runFor(Duration.ofSeconds(1));

        assertThat(client.closed).isFalse();
        assertThat(client.received).isPositive();
    }
}
