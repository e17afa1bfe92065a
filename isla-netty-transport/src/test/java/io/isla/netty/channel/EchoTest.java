/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.net.InetSocketAddress;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Bytes go out and come back. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class EchoTest {
    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    @Sharable
    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.write(message, context.voidPromise());
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.flush();
        }
    }

    private static final class Collect extends ChannelInboundHandlerAdapter {
        final CompletableFuture<byte[]> received = new CompletableFuture<>();
        private final byte[] bytes;
        private int count;

        Collect(int expected) {
            bytes = new byte[expected];
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf buffer = (ByteBuf) message;
            int n = buffer.readableBytes();
            buffer.readBytes(bytes, count, n).release();
            count += n;
            if (count == bytes.length) {
                received.complete(bytes);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            received.completeExceptionally(cause);
        }
    }

    @Test
    void aMegabyteComesBackAsItWas() throws Exception {
        byte[] bytes = new byte[1 << 20];
        new Random(1).nextBytes(bytes);
        Channel server = TwoHosts.bind(hosts.server(new Echo()));
        Collect collect = new Collect(bytes.length);
        Channel client = TwoHosts.connect(hosts.client(collect), server);

        client.writeAndFlush(Unpooled.wrappedBuffer(bytes)).sync();

        assertThat(collect.received.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS))
                .isEqualTo(bytes);
        client.close().sync();
        server.close().sync();
    }

    @Test
    void bothEndsKnowTheirAddressesAlsoAfterwards() throws Exception {
        CompletableFuture<Channel> accepted = new CompletableFuture<>();
        Channel server = TwoHosts.bind(hosts.server(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelActive(ChannelHandlerContext context) {
                accepted.complete(context.channel());
            }
        }));
        Channel client = TwoHosts.connect(hosts.client(new ChannelInboundHandlerAdapter()), server);
        Channel child = accepted.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);

        assertThat(((InetSocketAddress) client.localAddress()).getHostString()).isEqualTo(TwoHosts.CLIENT);
        client.close().sync();
        child.closeFuture().sync();

        assertThat(client.remoteAddress()).isEqualTo(server.localAddress());
        assertThat(child.localAddress()).isEqualTo(server.localAddress());
        assertThat(child.remoteAddress()).isEqualTo(client.localAddress());
    }
}
