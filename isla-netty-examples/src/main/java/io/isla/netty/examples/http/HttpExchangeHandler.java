/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.FileRegion;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.lang.System.Logger;

/**
 * One connection's exchanges, one after the other: takes a request, has it answered, writes the answer, and then
 * reads the next. Expects one message for each {@code read()}: see {@link ReadOnDemandHandler}.
 */
final class HttpExchangeHandler extends ChannelInboundHandlerAdapter {

    /** A user event: answer what has begun, then close. */
    static final Object FINISH = new Object();

    private static final Logger LOG = System.getLogger(HttpExchangeHandler.class.getName());
    private static final String SERVER = "Isla-example";

    private final RequestRouter router;
    private final AccessLog log;
    private final HttpDate date;

    /** The request that is being read or answered; {@code null} between two. */
    private HttpRequest request;

    private Upload upload;
    private boolean requestRead;
    private boolean answering;
    private boolean answered;
    private boolean keepAlive;

    /** Whether the client may still be sending when the connection is closed. */
    private boolean lingering;

    private boolean finishing;

    HttpExchangeHandler(RequestRouter router, AccessLog log, HttpDate date) {
        this.router = router;
        this.log = log;
        this.date = date;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        ctx.read();
        ctx.fireChannelActive();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        try {
            if (message instanceof HttpRequest head) {
                begin(ctx, head);
            }
            if (message instanceof HttpContent content) {
                take(ctx, content);
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void begin(ChannelHandlerContext ctx, HttpRequest head) {
        request = head;
        requestRead = false;
        answering = false;
        answered = false;
        lingering = false;
        keepAlive = HttpUtil.isKeepAlive(head) && !finishing;
        try {
            router.check(head);
            if (router.isUpload(head)) {
                upload = router.upload(head);
                if (HttpUtil.is100ContinueExpected(head)) {
                    ctx.writeAndFlush(new DefaultFullHttpResponse(
                            HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
                }
            } else {
                answer(ctx, router.respond(head, ctx.alloc()));
            }
        } catch (HttpProblem e) {
            answer(ctx, e);
        } catch (IOException | RuntimeException e) {
            answer(ctx, failure(e));
        }
        if (!answering || keepAlive) {
            // The rest of the request, if only to get past its end.
            ctx.read();
        }
    }

    private void take(ChannelHandlerContext ctx, HttpContent content) {
        if (request == null || requestRead) {
            return;
        }
        if (content.decoderResult().isFailure()) {
            abortUpload();
            if (!answering) {
                answer(ctx, HttpProblem.fatal(HttpResponseStatus.BAD_REQUEST, "The request's content is malformed."));
            }
            return;
        }
        boolean last = content instanceof LastHttpContent;
        if (last) {
            requestRead = true;
        }
        if (upload != null) {
            try {
                upload.append(content.content());
                if (last) {
                    Upload complete = upload;
                    upload = null;
                    answer(ctx, complete.complete());
                }
            } catch (IOException e) {
                abortUpload();
                answer(ctx, failure(e));
            }
        }
        if (!last && !(answering && !keepAlive)) {
            ctx.read();
        } else {
            next(ctx);
        }
    }

    private static HttpProblem failure(Exception cause) {
        LOG.log(Logger.Level.WARNING, "a request failed", cause);
        return new HttpProblem(HttpResponseStatus.INTERNAL_SERVER_ERROR, "The server failed to do this.");
    }

    private void answer(ChannelHandlerContext ctx, HttpProblem problem) {
        if (problem.isFatal()) {
            keepAlive = false;
            lingering = true;
        }
        answer(ctx, Response.of(problem));
    }

    private void answer(ChannelHandlerContext ctx, Response response) {
        answering = true;
        if (!requestRead && RequestRouter.hasContent(request)) {
            // Nobody wants the content; rather than read it all, say that it need not be sent.
            keepAlive = false;
            lingering = true;
        }
        HttpRequest answeredRequest = request;
        HttpResponseStatus status = response.status();
        HttpHeaders headers = response.headers();
        headers.set(HttpHeaderNames.DATE, date.now());
        headers.set(HttpHeaderNames.SERVER, SERVER);
        HttpUtil.setKeepAlive(headers, request.protocolVersion(), keepAlive);
        if (response.body().isEmpty()
                && !headers.contains(HttpHeaderNames.CONTENT_LENGTH)
                && status.code() != HttpResponseStatus.NO_CONTENT.code()
                && status.code() != HttpResponseStatus.NOT_MODIFIED.code()) {
            headers.set(HttpHeaderNames.CONTENT_LENGTH, 0);
        }
        boolean headOnly = request.method().equals(HttpMethod.HEAD);
        long length = headOnly ? 0 : response.bodyLength();
        write(ctx, response, headOnly).addListener(future -> {
            log.log(ctx.channel().remoteAddress(), answeredRequest, status, future.isSuccess() ? length : -1);
            if (future.isSuccess()) {
                answered = true;
                next(ctx);
            } else {
                // Some of it may have left: what the client has is not a response.
                ctx.close();
            }
        });
    }

    private static ChannelFuture write(ChannelHandlerContext ctx, Response response, boolean headOnly) {
        if (headOnly) {
            response.release();
        }
        if (headOnly || response.body().isEmpty()) {
            return ctx.writeAndFlush(full(response, Unpooled.EMPTY_BUFFER));
        }
        if (response.body().size() == 1 && response.body().get(0) instanceof ByteBuf content) {
            return ctx.writeAndFlush(full(response, content));
        }
        ctx.write(new DefaultHttpResponse(HttpVersion.HTTP_1_1, response.status(), response.headers()));
        for (Object part : response.body()) {
            ctx.write(part instanceof FileRegion ? part : new DefaultHttpContent((ByteBuf) part));
        }
        return ctx.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
    }

    private static DefaultFullHttpResponse full(Response response, ByteBuf content) {
        return new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, response.status(), content, response.headers(), EmptyHttpHeaders.INSTANCE);
    }

    /** Goes on to the next request, or closes, if this exchange is over. */
    private void next(ChannelHandlerContext ctx) {
        if (request == null || !answered) {
            return;
        }
        if (!keepAlive) {
            request = null;
            if (lingering) {
                LingeringClose.begin(ctx.channel());
            } else {
                ctx.close();
            }
        } else if (requestRead) {
            request = null;
            if (finishing) {
                ctx.close();
            } else {
                ctx.read();
            }
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event == FINISH) {
            finishing = true;
            if (request == null) {
                ctx.close();
            }
        } else if (event instanceof ChannelInputShutdownEvent) {
            finishing = true;
            if (!requestRead) {
                // No more of it will come, and no other; an answer that has begun may still go out.
                keepAlive = false;
            }
            if (request == null || (!requestRead && !answering)) {
                ctx.close();
            } else {
                next(ctx);
            }
        } else if (event instanceof IdleStateEvent idle) {
            // The first only begins to watch whether a long answer makes progress; then, it neither sends anything nor
            // takes anything.
            if (!idle.isFirst()) {
                ctx.close();
            }
        } else {
            ctx.fireUserEventTriggered(event);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        abortUpload();
        ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        // A client that goes away is no news.
        if (!(cause instanceof IOException)) {
            LOG.log(Logger.Level.WARNING, "closing a connection after a failure", cause);
        }
        ctx.close();
    }

    private void abortUpload() {
        if (upload != null) {
            upload.abort();
            upload = null;
        }
    }
}
