/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that is being received. It appears under its name when it is complete; until then it is a hidden file beside
 * it, which is removed if the rest never comes.
 */
final class Upload {

    private final Path target;
    private final Path partial;
    private final boolean replaces;
    private final FileChannel file;
    private final MessageDigest digest = sha256();

    /**
     * @param target what the file is to be called; an older one of the name is replaced in the end
     * @param replaces whether there is one
     */
    Upload(Path target, boolean replaces) throws IOException {
        this.target = target;
        this.replaces = replaces;
        String random = Long.toHexString(ThreadLocalRandom.current().nextLong());
        partial = target.resolveSibling(".isla-" + random + ".part");
        file = FileChannel.open(partial, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
    }

    /** Appends bytes; the buffer stays the caller's. */
    void append(ByteBuf bytes) throws IOException {
        for (ByteBuffer buffer : bytes.nioBuffers()) {
            digest.update(buffer.duplicate());
            while (buffer.hasRemaining()) {
                file.write(buffer);
            }
        }
    }

    /**
     * Puts the file in its place.
     *
     * @return the answer: 201, or 200 if there was an older file. It tells the SHA-256 of what was received, as base64
     *     in {@code Repr-Digest} (RFC 9530), and in hexadecimal digits in {@code X-Content-SHA256} and in the content,
     *     which is a line as {@code sha256sum} prints it
     */
    Response complete() throws IOException {
        file.close();
        // At no time is there half a file under the name.
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        byte[] hash = digest.digest();
        String hex = HexFormat.of().formatHex(hash);
        String name = target.getFileName().toString();
        Response response = Response.text(
                replaces ? HttpResponseStatus.OK : HttpResponseStatus.CREATED,
                ContentTypes.TEXT,
                hex + "  " + name + "\n");
        response.headers()
                .set("repr-digest", "sha-256=:" + Base64.getEncoder().encodeToString(hash) + ":")
                .set("x-content-sha256", hex);
        return response;
    }

    /** Forgets what was received. */
    void abort() {
        try {
            file.close();
        } catch (IOException e) {
            // The file goes away all the same.
        }
        try {
            Files.deleteIfExists(partial);
        } catch (IOException e) {
            System.err.println("cannot remove " + partial + ": " + e);
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
