/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;

/**
 * The files below a directory. A symbolic link counts as what it points to, if that is below the directory too;
 * otherwise it is as if it were not there.
 */
final class FileSite implements Site {

    private static final String INDEX = "index.html";

    private final Path root;

    /**
     * @param root the directory
     * @throws IOException if it is none, or cannot be read
     */
    FileSite(Path root) throws IOException {
        this.root = root.toRealPath();
        if (!Files.isDirectory(this.root)) {
            throw new NotDirectoryException(root.toString());
        }
    }

    @Override
    public Response respond(HttpRequest request, RequestPath path, ByteBufAllocator allocator)
            throws HttpProblem, IOException {
        try {
            Path file = resolve(path);
            BasicFileAttributes attributes = attributes(file);
            if (attributes.isDirectory()) {
                if (!path.directory()) {
                    throw new HttpProblem(HttpResponseStatus.MOVED_PERMANENTLY, "This is a directory.")
                            .with(HttpHeaderNames.LOCATION, path.encoded() + "/" + query(request.uri()));
                }
                Path index = index(file);
                if (index == null) {
                    return DirectoryListing.of(file, path, this::isBelowRoot);
                }
                file = index;
                attributes = attributes(file);
            } else if (path.directory()) {
                throw notFound();
            }
            if (!attributes.isRegularFile()) {
                // A device or a pipe could block for ever.
                throw notFound();
            }
            return open(file, attributes.lastModifiedTime().toInstant()).respond(request, allocator);
        } catch (AccessDeniedException e) {
            throw new HttpProblem(HttpResponseStatus.FORBIDDEN, "The server may not read this.");
        } catch (FileSystemException e) {
            // No such file; or a name too long, a loop of links, a file used as a directory: no such thing either.
            throw notFound();
        }
    }

    /** Returns the real path, in which no link is left, of what is asked for; it is below the root. */
    private Path resolve(RequestPath path) throws IOException {
        Path file = root;
        for (String name : path.names()) {
            file = file.resolve(name);
        }
        Path real = file.toRealPath();
        if (!isBelowRoot(real)) {
            throw new NoSuchFileException(path.encoded());
        }
        return real;
    }

    private boolean isBelowRoot(Path real) {
        return real.startsWith(root);
    }

    /** Returns the real path of the directory's page; {@code null} if there is none, or none below the root. */
    private Path index(Path directory) throws IOException {
        Path index = directory.resolve(INDEX);
        if (!Files.isRegularFile(index)) {
            return null;
        }
        Path real = index.toRealPath();
        return isBelowRoot(real) ? real : null;
    }

    private static BasicFileAttributes attributes(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    }

    private static Representation open(Path file, Instant lastModified) throws IOException {
        FileContent content = new FileContent(file);
        // Nanoseconds tell two versions apart where Last-Modified, in seconds, cannot.
        String entityTag =
                "\"%x-%x.%x\"".formatted(content.length(), lastModified.getEpochSecond(), lastModified.getNano());
        return new Representation(content, ContentTypes.of(file.getFileName().toString()), entityTag, lastModified);
    }

    private static String query(String target) {
        int query = target.indexOf('?');
        return query < 0 ? "" : target.substring(query);
    }

    private static HttpProblem notFound() {
        return new HttpProblem(HttpResponseStatus.NOT_FOUND, "There is nothing of this name.");
    }
}
