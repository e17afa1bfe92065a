/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;

/** A request that is answered with an error status. */
final class HttpProblem extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient HttpResponseStatus status;
    private final transient HttpHeaders headers = new DefaultHttpHeaders();
    private final boolean fatal;

    /**
     * @param status the answer's status
     * @param message what is wrong, for the person who sent the request; must not tell what only the server should know
     */
    HttpProblem(HttpResponseStatus status, String message) {
        this(status, message, false);
    }

    private HttpProblem(HttpResponseStatus status, String message, boolean fatal) {
        // An answer, not a failure of the program: no stack trace.
        super(message, null, false, false);
        this.status = status;
        this.fatal = fatal;
    }

    /** A problem after which nothing more can be read from the connection. */
    static HttpProblem fatal(HttpResponseStatus status, String message) {
        return new HttpProblem(status, message, true);
    }

    /** Adds a header to the answer. */
    HttpProblem with(CharSequence name, Object value) {
        headers.set(name, value);
        return this;
    }

    HttpResponseStatus status() {
        return status;
    }

    HttpHeaders headers() {
        return headers;
    }

    /** Whether the connection cannot be used after the answer. */
    boolean isFatal() {
        return fatal;
    }
}
