/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;

/** The page that is served where no directory is given, and its image. */
final class BuiltInSite implements Site {

    private final Map<String, Representation> pages;

    /**
     * @param started counts as the date of the pages
     * @param transport what the page says it came by; plain text
     */
    BuiltInSite(Instant started, String transport) throws IOException {
        String html = new String(resource("index.html"), StandardCharsets.UTF_8)
                .replace("{{transport}}", Html.escape(transport));
        Representation page = of(html.getBytes(StandardCharsets.UTF_8), ContentTypes.HTML, started);
        Representation image = of(resource("isla.svg"), ContentTypes.SVG, started);
        pages = Map.of("", page, "index.html", page, "isla.svg", image);
    }

    @Override
    public Response respond(HttpRequest request, RequestPath path, ByteBufAllocator allocator)
            throws HttpProblem, IOException {
        Representation page = pages.get(String.join("/", path.names()));
        if (page == null || (path.directory() && !path.names().isEmpty())) {
            throw new HttpProblem(HttpResponseStatus.NOT_FOUND, "There is nothing of this name.");
        }
        return page.respond(request, allocator);
    }

    private static Representation of(byte[] bytes, String contentType, Instant date) {
        String entityTag = '"' + HexFormat.of().formatHex(sha256(bytes), 0, 8) + '"';
        return new Representation(new BufferContent(bytes), contentType, entityTag, date);
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream resource = BuiltInSite.class.getResourceAsStream(name)) {
            if (resource == null) {
                throw new FileNotFoundException(name + " is not on the class path");
            }
            return resource.readAllBytes();
        }
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
