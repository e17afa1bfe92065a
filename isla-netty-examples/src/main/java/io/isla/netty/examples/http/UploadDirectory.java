/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Where uploaded files go: one directory, which can be written to and not read. */
final class UploadDirectory {

    /** The first segment of the paths that name an uploaded file. */
    static final String PREFIX = "upload";

    /** What no file system or shell takes for more than a name: not hidden, no separator, nothing that expands. */
    private static final Pattern SAFE_NAME = Pattern.compile("[\\p{L}\\p{N}_][\\p{L}\\p{M}\\p{N} ._+@=,()-]*");

    /** As long as a name may be on Linux, in bytes. */
    private static final int MAX_NAME_LENGTH = 255;

    private final Path directory;

    /**
     * @param directory must exist
     * @throws IOException if it does not, or is no directory
     */
    UploadDirectory(Path directory) throws IOException {
        this.directory = directory.toRealPath();
        if (!Files.isDirectory(this.directory)) {
            throw new NotDirectoryException(directory.toString());
        }
    }

    /** Whether a path is among those that files may be uploaded to. */
    static boolean covers(RequestPath path) {
        return path.names().size() > 1 && path.names().get(0).equals(PREFIX);
    }

    /**
     * Begins to store a file.
     *
     * @param path {@code /upload/NAME}
     * @param headers the request's
     * @throws HttpProblem if the name is not for a file here, or a precondition of the request does not hold
     * @throws IOException if the file cannot be created
     */
    Upload begin(RequestPath path, HttpHeaders headers) throws HttpProblem, IOException {
        if (path.names().size() != 2 || path.directory()) {
            throw forbidden("A file is uploaded to /" + PREFIX + "/NAME.");
        }
        String name = path.names().get(1);
        if (!SAFE_NAME.matcher(name).matches() || name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME_LENGTH) {
            throw forbidden("The name of an uploaded file has at most " + MAX_NAME_LENGTH
                    + " bytes, begins with a letter or a digit, and has nothing else but these, blanks, and ._+@=,()-");
        }
        Path target = directory.resolve(name);
        if (Files.isDirectory(target)) {
            throw new HttpProblem(HttpResponseStatus.CONFLICT, "There is a directory of this name.");
        }
        boolean exists = Files.exists(target, LinkOption.NOFOLLOW_LINKS);
        if (!preconditionsHold(headers, exists)) {
            throw new HttpProblem(
                    HttpResponseStatus.PRECONDITION_FAILED, "A precondition of the request does not hold.");
        }
        return new Upload(target, exists);
    }

    /** RFC 9110 §13.1.1 and §13.1.2, for files without an entity tag: only {@code *} can match one. */
    private static boolean preconditionsHold(HttpHeaders headers, boolean exists) {
        String ifMatch = headers.get(HttpHeaderNames.IF_MATCH);
        if (ifMatch != null && !(exists && ifMatch.strip().equals("*"))) {
            return false;
        }
        String ifNoneMatch = headers.get(HttpHeaderNames.IF_NONE_MATCH);
        return ifNoneMatch == null || !exists || !ifNoneMatch.strip().equals("*");
    }

    private static HttpProblem forbidden(String message) {
        return new HttpProblem(HttpResponseStatus.FORBIDDEN, message);
    }
}
