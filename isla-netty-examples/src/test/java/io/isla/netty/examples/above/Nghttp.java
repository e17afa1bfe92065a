/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.Programs;
import java.nio.file.Path;

/**
 * {@code nghttp}, for content that is posted over HTTP/2: where its socket has no room, curl 7.88 at times sends 64 KiB of it twice, and so more than it has announced,
 * which Netty answers with PROTOCOL_ERROR.
 */
final class Nghttp {

    private Nghttp() {}

    /** Posts a file, over TLS whatever the certificate, and returns the content of the response. */
    static byte[] post(Path content, String url) throws Exception {
        Programs.Result result = Programs.run("nghttp", "--no-verify-peer", "--data=" + content, url);
        assertThat(result.status()).as(result.errors()).isZero();
        return result.output();
    }
}
