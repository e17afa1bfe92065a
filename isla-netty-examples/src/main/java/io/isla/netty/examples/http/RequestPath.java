/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The path of a request, decoded once and safe to look up: a list of names none of which is empty, {@code .} or
 * {@code ..}, or contains a slash or a control character.
 *
 * @param names the decoded segments, without empty ones
 * @param directory whether the path ended with a slash
 */
record RequestPath(List<String> names, boolean directory) {

    private static final String UNRESERVED = "-._~!$&'()*+,;=:@";

    /**
     * Takes the path from a request target (RFC 9112 §3.2) in origin or absolute form. Dot segments are removed as
     * RFC 3986 §5.2.4 says, after decoding, so that no spelling of them is left; the query is not looked at.
     *
     * @throws HttpProblem 400 if the target is malformed, or its path leads out of the root
     */
    static RequestPath parse(String target) throws HttpProblem {
        String path = pathOf(target);
        List<String> names = new ArrayList<>();
        int end = path.length();
        boolean directory = false;
        for (int start = 1; start <= end; ) {
            int slash = path.indexOf('/', start);
            int segmentEnd = slash < 0 ? end : slash;
            String name = decode(path, start, segmentEnd);
            directory = name.isEmpty() || name.equals(".") || name.equals("..");
            if (name.equals("..")) {
                if (names.isEmpty()) {
                    throw bad("The path leads out of the root.");
                }
                names.remove(names.size() - 1);
            } else if (!directory) {
                names.add(name);
            }
            start = segmentEnd + 1;
        }
        return new RequestPath(List.copyOf(names), directory || names.isEmpty());
    }

    private static String pathOf(String target) throws HttpProblem {
        int start = 0;
        if (!target.startsWith("/")) {
            // absolute-form; the authority is not looked at, for there is one site only.
            if (!target.regionMatches(true, 0, "http://", 0, 7)) {
                throw bad("The request target is neither a path nor an http URI.");
            }
            start = target.indexOf('/', 7);
            int query = target.indexOf('?', 7);
            if (start < 0 || (query >= 0 && query < start)) {
                return "/";
            }
        }
        int end = start;
        while (end < target.length() && target.charAt(end) != '?' && target.charAt(end) != '#') {
            end++;
        }
        return target.substring(start, end);
    }

    /** Percent-decodes one segment, strictly: what is not UTF-8, or not printable, is refused. */
    private static String decode(String path, int start, int end) throws HttpProblem {
        byte[] bytes = new byte[end - start];
        int length = 0;
        for (int i = start; i < end; i++) {
            char c = path.charAt(i);
            if (c > 0x7e || c <= ' ') {
                throw bad("The path contains a character that must be percent-encoded.");
            }
            int octet = c;
            if (c == '%') {
                if (i + 2 >= end) {
                    throw bad("The path contains an incomplete percent-encoding.");
                }
                int high = Character.digit(path.charAt(i + 1), 16);
                int low = Character.digit(path.charAt(i + 2), 16);
                if (high < 0 || low < 0) {
                    throw bad("The path contains a malformed percent-encoding.");
                }
                octet = high << 4 | low;
                i += 2;
                if (octet == '/') {
                    throw bad("A name in the path contains an encoded slash.");
                }
            }
            if (octet < ' ' || octet == 0x7f) {
                throw bad("The path contains a control character.");
            }
            bytes[length++] = (byte) octet;
        }
        try {
            // A new decoder reports malformed input, where String's constructor would replace it.
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes, 0, length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw bad("The path is not UTF-8.");
        }
    }

    private static HttpProblem bad(String message) {
        return new HttpProblem(HttpResponseStatus.BAD_REQUEST, message);
    }

    /** The path as it is written in a URI: absolute, percent-encoded, with a slash at the end if it names a directory. */
    String encoded() {
        StringBuilder encoded = new StringBuilder();
        for (String name : names) {
            encoded.append('/').append(encode(name));
        }
        if (directory) {
            encoded.append('/');
        }
        return encoded.toString();
    }

    /** Percent-encodes one name for use in a URI's path. */
    static String encode(String name) {
        StringBuilder encoded = new StringBuilder();
        for (byte octet : name.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (octet & 0xff);
            if (c < 0x80 && (Character.isLetterOrDigit(c) || UNRESERVED.indexOf(c) >= 0)) {
                encoded.append(c);
            } else {
                encoded.append('%').append(Character.toUpperCase(Character.forDigit(c >> 4, 16)));
                encoded.append(Character.toUpperCase(Character.forDigit(c & 0xf, 16)));
            }
        }
        return encoded.toString();
    }
}
