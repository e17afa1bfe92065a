/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.FileRegion;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;

/** One connection to the server's pipeline, with Netty's HTTP client codec at the other end, and no network. */
final class HttpFixture implements AutoCloseable {

    static final Instant NOW = Instant.parse("2026-03-01T10:20:30Z");

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    final AccessLog log = new AccessLog(
            new PrintStream(logged, true, StandardCharsets.UTF_8), InstantSource.fixed(NOW), ZoneOffset.UTC);
    final EmbeddedChannel server;
    private final EmbeddedChannel client =
            new EmbeddedChannel(new HttpClientCodec(), new HttpObjectAggregator(1 << 26));

    /** What the client has got. */
    record Reply(int status, HttpHeaders headers, byte[] body) {
        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        String header(CharSequence name) {
            return headers.get(name);
        }
    }

    HttpFixture(Site site) {
        this(site, null);
    }

    HttpFixture(Site site, UploadDirectory uploads) {
        server = new EmbeddedChannel(new HttpServerInitializer(
                new RequestRouter(site, uploads),
                log,
                new HttpDate(InstantSource.fixed(NOW)),
                new DefaultChannelGroup(ImmediateEventExecutor.INSTANCE)));
        server.config().setAutoRead(false);
    }

    /** Headers are given as name, value, name, value... */
    Reply get(String target, String... headers) {
        return exchange(HttpMethod.GET, target, "", headers);
    }

    Reply exchange(HttpMethod method, String target, String content, String... headers) {
        request(method, target, content, headers);
        List<Reply> replies = replies();
        if (replies.size() != 1) {
            throw new AssertionError("one reply was expected: " + replies);
        }
        return replies.get(0);
    }

    /** Sends a request; its answer is one of the next {@link #replies()}. */
    void request(HttpMethod method, String target, String content, String... headers) {
        var request = new DefaultFullHttpRequest(
                HttpVersion.HTTP_1_1, method, target, Unpooled.copiedBuffer(content, StandardCharsets.UTF_8));
        request.headers().set(HttpHeaderNames.HOST, "example");
        if (!content.isEmpty()) {
            request.headers()
                    .set(HttpHeaderNames.CONTENT_LENGTH, request.content().readableBytes());
        }
        for (int i = 0; i < headers.length; i += 2) {
            request.headers().set(headers[i], headers[i + 1]);
        }
        client.writeOutbound(request);
        for (ByteBuf bytes = client.readOutbound(); bytes != null; bytes = client.readOutbound()) {
            server.writeInbound(bytes);
        }
    }

    /** Sends bytes as they are. */
    void send(String bytes) {
        server.writeInbound(Unpooled.copiedBuffer(bytes, StandardCharsets.ISO_8859_1));
    }

    Reply exchangeRaw(String bytes) {
        send(bytes);
        List<Reply> replies = replies();
        if (replies.size() != 1) {
            throw new AssertionError("one reply was expected: " + replies);
        }
        return replies.get(0);
    }

    /** All that has been answered since the last call. */
    List<Reply> replies() {
        for (Object part = server.readOutbound(); part != null; part = server.readOutbound()) {
            client.writeInbound(bytes(part));
        }
        List<Reply> replies = new ArrayList<>();
        for (FullHttpResponse response = client.readInbound(); response != null; response = client.readInbound()) {
            replies.add(new Reply(
                    response.status().code(), response.headers().copy(), ByteBufUtil.getBytes(response.content())));
            response.release();
        }
        return replies;
    }

    /** Whether the server has closed the connection. */
    boolean closed() {
        return !server.isOpen();
    }

    /** What the access log has got; ends it. */
    String logged() {
        log.close();
        return logged.toString(StandardCharsets.UTF_8);
    }

    private static ByteBuf bytes(Object part) {
        if (part instanceof ByteBuf buffer) {
            return buffer;
        }
        FileRegion region = (FileRegion) part;
        try {
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            while (region.transferred() < region.count()) {
                region.transferTo(Channels.newChannel(content), region.transferred());
            }
            return Unpooled.wrappedBuffer(content.toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            ReferenceCountUtil.release(region);
        }
    }

    @Override
    public void close() {
        server.finishAndReleaseAll();
        client.finishAndReleaseAll();
        log.close();
    }
}
