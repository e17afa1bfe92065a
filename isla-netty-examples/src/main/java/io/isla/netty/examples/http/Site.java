/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http.HttpRequest;
import java.io.IOException;

/** Where pages come from. */
interface Site {

    /**
     * Answers a GET or HEAD request; for HEAD as for GET, the content is dropped later.
     *
     * @param request the request
     * @param path its path
     * @param allocator for the content
     * @return the answer, which the caller owns
     * @throws HttpProblem for an answer that tells of an error
     * @throws IOException if what was found cannot be read
     */
    Response respond(HttpRequest request, RequestPath path, ByteBufAllocator allocator) throws HttpProblem, IOException;
}
