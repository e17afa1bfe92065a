/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.get;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Sends one GET request, and hands on what comes back. */
final class GetHandler extends SimpleChannelInboundHandler<HttpObject> {

    private final FullHttpRequest request;
    private final BodyWriter body;
    private final PrintWriter verbose;
    private final CompletableFuture<GetResult> result;

    private int status;
    private long bytes;
    private long sent;
    private long firstByte;

    /**
     * @param authority for the {@code Host} header
     * @param target path and query
     * @param body where the content goes; stays the caller's
     * @param verbose where both heads are printed; {@code null} if nowhere
     * @param result completed in the end
     */
    GetHandler(
            String authority,
            String target,
            BodyWriter body,
            PrintWriter verbose,
            CompletableFuture<GetResult> result) {
        this.body = body;
        this.verbose = verbose;
        this.result = result;
        request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, target, Unpooled.EMPTY_BUFFER);
        request.headers()
                .set(HttpHeaderNames.HOST, authority)
                .set(HttpHeaderNames.USER_AGENT, "isla-get")
                .set(HttpHeaderNames.ACCEPT, "*/*")
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        print('>', request.method() + " " + request.uri() + " " + request.protocolVersion(), request.headers());
        sent = System.nanoTime();
        body.failure().whenComplete((nothing, cause) -> fail(ctx, cause));
        ctx.writeAndFlush(request);
        ctx.fireChannelActive();
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, HttpObject message) {
        if (result.isDone()) {
            // It failed; what the decoder still had is of no use.
            return;
        }
        if (message.decoderResult().isFailure()) {
            fail(
                    ctx,
                    new IOException(
                            "the answer is not HTTP", message.decoderResult().cause()));
            return;
        }
        if (message instanceof HttpResponse response) {
            print('<', response.protocolVersion() + " " + response.status(), response.headers());
            if (firstByte == 0) {
                firstByte = System.nanoTime();
            }
            status = response.status().code();
        }
        if (message instanceof HttpContent content && content.content().isReadable()) {
            bytes += content.content().readableBytes();
            // As a task of the event loop, going on comes after stopping, whatever the writer's thread does meanwhile.
            boolean room =
                    body.write(content.content().retain(), () -> ctx.executor().execute(() -> goOn(ctx)));
            if (!room) {
                ctx.channel().config().setAutoRead(false);
            }
        }
        // An interim response is not the answer (RFC 9110 §15.2).
        if (message instanceof LastHttpContent && HttpStatusClass.valueOf(status) != HttpStatusClass.INFORMATIONAL) {
            result.complete(new GetResult(status, bytes, sent, firstByte, System.nanoTime()));
            ctx.close();
        }
    }

    private static void goOn(ChannelHandlerContext ctx) {
        if (ctx.isRemoved()) {
            return;
        }
        // That nothing came while nothing was read is not the server's fault.
        ctx.pipeline().get(IdleStateHandler.class).resetReadTimeout();
        ctx.channel().config().setAutoRead(true);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof IdleStateEvent) {
            if (ctx.channel().config().isAutoRead()) {
                fail(ctx, new IOException("the server sent nothing for too long"));
            }
        } else {
            ctx.fireUserEventTriggered(event);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        fail(
                ctx,
                new EOFException("the connection was closed after " + bytes + " bytes, before the end of the answer"));
        ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        fail(ctx, cause);
    }

    private void fail(ChannelHandlerContext ctx, Throwable cause) {
        result.completeExceptionally(cause);
        ctx.close();
    }

    private void print(char direction, String startLine, Iterable<Map.Entry<String, String>> headers) {
        if (verbose != null) {
            verbose.println(direction + " " + startLine);
            headers.forEach(header -> verbose.println(direction + " " + header.getKey() + ": " + header.getValue()));
            verbose.println(direction);
            verbose.flush();
        }
    }
}
