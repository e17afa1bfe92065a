/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.isla.netty.examples.http.ByteRanges.ByteRange;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * What a resource is at the moment: its bytes, and what the client may ask about them. Answers GET and HEAD with all
 * that RFC 9110 says of conditional and range requests.
 */
final class Representation {

    private final Content content;
    private final String contentType;
    private final String entityTag;
    private final long lastModified;
    private final String lastModifiedDate;

    /**
     * @param content the bytes; {@link #respond} closes it
     * @param contentType the value of {@code Content-Type}
     * @param entityTag a strong entity tag, with its quotes
     * @param lastModified when it was last modified
     */
    Representation(Content content, String contentType, String entityTag, Instant lastModified) {
        this.content = content;
        this.contentType = contentType;
        this.entityTag = entityTag;
        this.lastModified = lastModified.getEpochSecond();
        lastModifiedDate = HttpDate.format(lastModified);
    }

    /**
     * Answers a GET or HEAD request. The content of a HEAD response is there too; it is left to be released, so that
     * both have the same headers.
     */
    Response respond(HttpRequest request, ByteBufAllocator allocator) throws HttpProblem, IOException {
        try (content) {
            HttpHeaders headers = new DefaultHttpHeaders()
                    .set(HttpHeaderNames.ETAG, entityTag)
                    .set(HttpHeaderNames.LAST_MODIFIED, lastModifiedDate)
                    .set(HttpHeaderNames.ACCEPT_RANGES, HttpHeaderValues.BYTES)
                    // Asked for again each time, and answered with 304 where nothing has changed.
                    .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_CACHE);
            switch (Preconditions.evaluate(request.headers(), entityTag, lastModified)) {
                case NOT_MODIFIED -> {
                    return new Response(HttpResponseStatus.NOT_MODIFIED, headers, List.of());
                }
                case FAILED ->
                    throw new HttpProblem(
                            HttpResponseStatus.PRECONDITION_FAILED, "A precondition of the request does not hold.");
                case PASS -> {
                    // Go on.
                }
            }
            Optional<List<ByteRange>> ranges = ranges(request);
            if (ranges.isEmpty()) {
                headers.set(HttpHeaderNames.CONTENT_TYPE, contentType);
                return whole(HttpResponseStatus.OK, headers, allocator, new ByteRange(0, content.length() - 1));
            }
            List<ByteRange> parts = ranges.get();
            if (parts.isEmpty()) {
                throw new HttpProblem(
                                HttpResponseStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                                "There are " + content.length() + " bytes.")
                        .with(HttpHeaderNames.CONTENT_RANGE, "bytes */" + content.length());
            }
            if (parts.size() == 1) {
                headers.set(HttpHeaderNames.CONTENT_TYPE, contentType);
                headers.set(HttpHeaderNames.CONTENT_RANGE, contentRange(parts.get(0)));
                return whole(HttpResponseStatus.PARTIAL_CONTENT, headers, allocator, parts.get(0));
            }
            return multipart(headers, allocator, parts);
        }
    }

    private Optional<List<ByteRange>> ranges(HttpRequest request) {
        String header = request.headers().get(HttpHeaderNames.RANGE);
        // Range handling is defined for GET alone (RFC 9110 §14.2).
        if (header == null
                || !request.method().equals(HttpMethod.GET)
                || !Preconditions.rangeApplies(request.headers(), entityTag, lastModified)) {
            return Optional.empty();
        }
        return ByteRanges.parse(header, content.length());
    }

    private Response whole(HttpResponseStatus status, HttpHeaders headers, ByteBufAllocator allocator, ByteRange range)
            throws IOException {
        headers.set(HttpHeaderNames.CONTENT_LENGTH, range.length());
        List<Object> body =
                range.length() == 0 ? List.of() : List.of(content.part(allocator, range.first(), range.length()));
        return new Response(status, headers, body);
    }

    /** The multipart/byteranges format (RFC 9110 §14.6). */
    private Response multipart(HttpHeaders headers, ByteBufAllocator allocator, List<ByteRange> ranges)
            throws IOException {
        String boundary = "isla-%016x%016x"
                .formatted(
                        ThreadLocalRandom.current().nextLong(),
                        ThreadLocalRandom.current().nextLong());
        List<Object> body = new ArrayList<>(2 * ranges.size() + 1);
        try {
            for (ByteRange range : ranges) {
                body.add(ascii(
                        allocator,
                        "\r\n--" + boundary + "\r\nContent-Type: " + contentType + "\r\nContent-Range: "
                                + contentRange(range) + "\r\n\r\n"));
                body.add(content.part(allocator, range.first(), range.length()));
            }
            body.add(ascii(allocator, "\r\n--" + boundary + "--\r\n"));
        } catch (IOException e) {
            body.forEach(ReferenceCountUtil::release);
            throw e;
        }
        Response response = new Response(HttpResponseStatus.PARTIAL_CONTENT, headers, body);
        headers.set(HttpHeaderNames.CONTENT_TYPE, "multipart/byteranges; boundary=" + boundary);
        headers.set(HttpHeaderNames.CONTENT_LENGTH, response.bodyLength());
        return response;
    }

    private String contentRange(ByteRange range) {
        return "bytes " + range.first() + "-" + range.last() + "/" + content.length();
    }

    private static ByteBuf ascii(ByteBufAllocator allocator, String text) {
        return ByteBufUtil.writeAscii(allocator, text);
    }
}
