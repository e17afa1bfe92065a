/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.io.IOException;
import java.util.List;
import java.util.Set;

/** Decides what a request is, and who answers it. */
final class RequestRouter {

    private static final Set<HttpMethod> KNOWN_METHODS = Set.of(
            HttpMethod.GET,
            HttpMethod.HEAD,
            HttpMethod.POST,
            HttpMethod.PUT,
            HttpMethod.DELETE,
            HttpMethod.PATCH,
            HttpMethod.OPTIONS,
            HttpMethod.TRACE,
            HttpMethod.CONNECT);

    private static final String READ = "GET, HEAD, OPTIONS";
    private static final String READ_AND_UPLOAD = "GET, HEAD, PUT, OPTIONS";

    private final Site site;
    private final UploadDirectory uploads;

    /**
     * @param site answers GET and HEAD
     * @param uploads takes PUT below {@code /upload/}; {@code null} if nothing may be uploaded
     */
    RequestRouter(Site site, UploadDirectory uploads) {
        this.site = site;
        this.uploads = uploads;
    }

    /** Refuses a request that is not one that can be answered (RFC 9110, RFC 9112). */
    void check(HttpRequest request) throws HttpProblem {
        if (request.decoderResult().isFailure()) {
            throw malformed(request.decoderResult().cause());
        }
        HttpVersion version = request.protocolVersion();
        if (!version.protocolName().equals("HTTP") || version.majorVersion() != 1) {
            throw HttpProblem.fatal(HttpResponseStatus.HTTP_VERSION_NOT_SUPPORTED, "This server speaks HTTP/1.1.");
        }
        List<String> hosts = request.headers().getAll(HttpHeaderNames.HOST);
        if (hosts.size() > 1 || (hosts.isEmpty() && version.minorVersion() > 0)) {
            // RFC 9112 §3.2.
            throw HttpProblem.fatal(HttpResponseStatus.BAD_REQUEST, "There must be exactly one Host header.");
        }
        String expectation = request.headers().get(HttpHeaderNames.EXPECT);
        if (expectation != null && !HttpHeaderValues.CONTINUE.contentEqualsIgnoreCase(expectation)) {
            throw new HttpProblem(HttpResponseStatus.EXPECTATION_FAILED, "The expectation is not known.");
        }
    }

    private static HttpProblem malformed(Throwable cause) {
        if (cause instanceof TooLongHttpLineException) {
            return HttpProblem.fatal(HttpResponseStatus.REQUEST_URI_TOO_LONG, "The request line is too long.");
        }
        if (cause instanceof TooLongHttpHeaderException) {
            return HttpProblem.fatal(
                    HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's headers are too long.");
        }
        if (cause instanceof TooLongFrameException) {
            return HttpProblem.fatal(HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too long.");
        }
        return HttpProblem.fatal(HttpResponseStatus.BAD_REQUEST, "This is not an HTTP request.");
    }

    /** Whether the content of the request is to be stored, so that {@link #upload} answers it. */
    boolean isUpload(HttpRequest request) {
        return request.method().equals(HttpMethod.PUT) && takesUploads(request);
    }

    private boolean takesUploads(HttpRequest request) {
        if (uploads == null) {
            return false;
        }
        if (request.uri().equals("*")) {
            // The server as a whole (RFC 9110 §9.3.7).
            return true;
        }
        try {
            return UploadDirectory.covers(RequestPath.parse(request.uri()));
        } catch (HttpProblem e) {
            return false;
        }
    }

    /** Answers a request that has no content, or whose content does not matter. The caller owns the answer. */
    Response respond(HttpRequest request, ByteBufAllocator allocator) throws HttpProblem, IOException {
        HttpMethod method = request.method();
        if (method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD)) {
            return site.respond(request, RequestPath.parse(request.uri()), allocator);
        }
        if (method.equals(HttpMethod.OPTIONS)) {
            Response response = Response.empty(HttpResponseStatus.NO_CONTENT);
            response.headers().set(HttpHeaderNames.ALLOW, allowed(request));
            return response;
        }
        if (KNOWN_METHODS.contains(method)) {
            throw new HttpProblem(HttpResponseStatus.METHOD_NOT_ALLOWED, "This does not answer " + method + ".")
                    .with(HttpHeaderNames.ALLOW, allowed(request));
        }
        throw new HttpProblem(HttpResponseStatus.NOT_IMPLEMENTED, "The method is not known.");
    }

    private String allowed(HttpRequest request) {
        return takesUploads(request) ? READ_AND_UPLOAD : READ;
    }

    /** Begins to store what the request carries. */
    Upload upload(HttpRequest request) throws HttpProblem, IOException {
        if (request.headers().contains(HttpHeaderNames.CONTENT_RANGE)) {
            // Only a whole file is stored (RFC 9110 §14.4).
            throw new HttpProblem(HttpResponseStatus.BAD_REQUEST, "A part of a file cannot be uploaded.");
        }
        return uploads.begin(RequestPath.parse(request.uri()), request.headers());
    }

    /** Whether content follows the request's head, as far as can be told. */
    static boolean hasContent(HttpRequest request) {
        return request.decoderResult().isFailure()
                || HttpUtil.isTransferEncodingChunked(request)
                || HttpUtil.getContentLength(request, 0L) > 0;
    }
}
