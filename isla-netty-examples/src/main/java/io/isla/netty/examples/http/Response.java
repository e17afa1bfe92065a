/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.FileRegion;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A response that is ready to be written. Who holds it owns its body, until the body is written or
 * {@linkplain #release() released}.
 *
 * @param status the status
 * @param headers all headers that describe the content, {@code Content-Length} among them
 * @param body {@link ByteBuf}s and {@link FileRegion}s
 */
record Response(HttpResponseStatus status, HttpHeaders headers, List<Object> body) {

    /** A response without content. */
    static Response empty(HttpResponseStatus status) {
        return new Response(status, new DefaultHttpHeaders(), List.of());
    }

    /** A response whose content is a text. */
    static Response text(HttpResponseStatus status, String contentType, String text) {
        ByteBuf content = Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.UTF_8));
        HttpHeaders headers = new DefaultHttpHeaders()
                .set(HttpHeaderNames.CONTENT_TYPE, contentType)
                .set(HttpHeaderNames.CONTENT_LENGTH, content.readableBytes());
        return new Response(status, headers, List.of(content));
    }

    /** The answer to a request that has a problem. */
    static Response of(HttpProblem problem) {
        String title = problem.status().toString();
        Response response = text(
                problem.status(),
                ContentTypes.HTML,
                Html.page(
                        title,
                        "<h1>" + Html.escape(title) + "</h1>\n<p>" + Html.escape(problem.getMessage()) + "</p>"));
        response.headers().add(problem.headers());
        return response;
    }

    /** How many bytes of content will be written. */
    long bodyLength() {
        long length = 0;
        for (Object part : body) {
            length += part instanceof FileRegion region ? region.count() : ((ByteBuf) part).readableBytes();
        }
        return length;
    }

    /** Gives up what has not been written. */
    void release() {
        body.forEach(ReferenceCountUtil::release);
    }
}
