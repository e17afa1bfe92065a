/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequestDecoder;

/** Netty's decoder, a little stricter. */
final class RequestDecoder extends HttpRequestDecoder {

    /** Content is handed on in pieces as large as they come in, not larger than this. */
    private static final int MAX_CHUNK_SIZE = 64 * 1024;

    RequestDecoder() {
        super(new HttpDecoderConfig().setMaxChunkSize(MAX_CHUNK_SIZE));
    }

    /**
     * A message that states its length twice may be read differently by whoever forwarded it, and so hide another
     * request (RFC 9112 §6.1, §11.2).
     */
    @Override
    protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
        throw new IllegalArgumentException("a request cannot have both Transfer-Encoding and Content-Length");
    }
}
