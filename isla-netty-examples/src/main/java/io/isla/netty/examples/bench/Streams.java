/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;

/** Connections over which bytes flow as fast as they can, from the server or to it. */
final class Streams {
    private static final int CHUNK = 256 * 1024;
    private static final ByteBuf BYTES = Unpooled.unreleasableBuffer(
            Unpooled.directBuffer(CHUNK, CHUNK).writeZero(CHUNK).asReadOnly());

    private final List<Channel> channels = new ArrayList<>();
    private final LongAdder received = new LongAdder();

    /**
     * Starts a flow from the server over each of some connections.
     *
     * @param waterMark the high one of the server's channels, in bytes; 0 for what Netty has by itself
     */
    void download(Bootstrap bootstrap, int count, int waterMark) throws InterruptedException {
        start(bootstrap, () -> new Download(waterMark), count);
    }

    /** Starts a flow to the server over each of some connections. */
    void upload(Bootstrap bootstrap, int count) throws InterruptedException {
        start(bootstrap, Upload::new, count);
    }

    private void start(Bootstrap bootstrap, Supplier<ChannelHandler> handler, int count) throws InterruptedException {
        Bootstrap stream = bootstrap
                .clone()
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(CHUNK))
                .option(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(CHUNK, 4 * CHUNK));
        for (int i = 0; i < count; i++) {
            channels.add(stream.clone().handler(handler.get()).connect().sync().channel());
        }
    }

    /** Bytes that were received. */
    long received() {
        return received.sum();
    }

    /** How many are still open. */
    long count() {
        return channels.stream().filter(Channel::isActive).count();
    }

    /** Ends all flows. */
    void stop() {
        channels.stream().map(Channel::close).toList().forEach(ChannelFuture::awaitUninterruptibly);
        channels.clear();
    }

    private static ByteBuf head(String request) {
        return Unpooled.copiedBuffer(request + "host: isla\r\n\r\n", StandardCharsets.US_ASCII);
    }

    private final class Download extends ChannelInboundHandlerAdapter {
        private final int waterMark;

        private Download(int waterMark) {
            this.waterMark = waterMark;
        }

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            ctx.writeAndFlush(head("GET " + BenchHttpHandler.endless(waterMark) + " HTTP/1.1\r\n"));
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            received.add(bytes.readableBytes());
            bytes.release();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            System.err.println("a download failed: " + cause);
            ctx.close();
        }
    }

    private static final class Upload extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            ctx.write(head("PUT /bytes HTTP/1.1\r\ncontent-length: " + BenchHttpHandler.ENDLESS_LENGTH + "\r\n"));
            write(ctx);
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext ctx) {
            // That there is no more room is told in the middle of a write.
            if (ctx.channel().isWritable()) {
                write(ctx);
            }
        }

        private static void write(ChannelHandlerContext ctx) {
            while (ctx.channel().isWritable()) {
                ctx.write(BYTES.duplicate(), ctx.voidPromise());
            }
            ctx.flush();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            // What is still to be written when it is stopped fails as well.
            if (ctx.channel().isOpen()) {
                System.err.println("an upload failed: " + cause);
                ctx.close();
            }
        }
    }
}
